// Operations of readers beside the writer: read-only openings, of which some stay open while the
// writer goes on, and tools that work on a closed directory.

import { DB } from '../../ts/index.ts'
import type { Random } from '../crash/random.ts'
import { expectCode } from './directory-operations.ts'
import { describeKey } from './key-space.ts'
import type { OperationKind } from './operations.ts'
import { View, Violation } from './view.ts'
import type { World } from './world.ts'

const MOST_READERS = 3

export interface OpenReader {
  readonly db: DB
  readonly view: View
}

export const READER_OPERATIONS: readonly OperationKind[] = [
  { name: 'reader', weight: 3, run: async (world) => void (await openReader(world)) },
  { name: 'reader get', weight: 10, run: readerGet },
  { name: 'reader scan', weight: 3, run: readerScan },
  { name: 'reader write', weight: 1, run: readerWrite },
  { name: 'reader close', weight: 2, run: closeReader },
  { name: 'repair', weight: 1, run: (world) => repair(world, false) },
  { name: 'repair, dry run', weight: 1, run: (world) => repair(world, true) },
]

/** It sees what was acknowledged when its opening began, or some of what was called by its end. */
async function openReader(world: World): Promise<OpenReader> {
  const oldest = world.view().oldest
  const db = await DB.open(world.directory, { readOnly: true })
  const view = new View(world.map, world.keys, oldest, world.map.last)
  const reader = { db, view }
  world.readers.push(reader)
  if (world.readers.length > MOST_READERS) await world.readers.shift()!.db.close()
  return reader
}

async function someReader(world: World, random: Random): Promise<OpenReader> {
  return world.readers.length === 0 ? openReader(world) : random.pick(world.readers)
}

async function readerGet(world: World, random: Random): Promise<void> {
  const { db, view } = await someReader(world, random)
  for (let i = 0; i < 5; i++) {
    const key = world.keys.probe(random)
    world.note = describeKey(key)
    view.expectValue(key, random.percent(50) ? await db.get(key) : db.getSync(key))
  }
}

async function readerScan(world: World, random: Random): Promise<void> {
  const { db, view } = await someReader(world, random)
  const reverse = random.percent(50)
  const cursor = view.cursor({ low: 0, high: world.keys.size }, reverse, Infinity)
  const entries = await db.iterator({ reverse }).all()
  for (const [key, value] of entries) cursor.expectNext({ key, value })
  cursor.expectNext(undefined)
}

async function readerWrite(world: World, random: Random): Promise<void> {
  const { db } = await someReader(world, random)
  const key = random.pick(world.keys.keys)
  await expectCode('LEVEL_NOT_SUPPORTED', random.percent(50) ? db.put(key, key) : db.delete(key))
}

async function closeReader(world: World, random: Random): Promise<void> {
  if (world.readers.length === 0) return
  const [reader] = world.readers.splice(random.below(world.readers.length), 1)
  await reader!.db.close()
}

/** What is whole needs no repair, and is as it was. */
async function repair(world: World, dryRun: boolean): Promise<void> {
  await world.close()
  const before = world.fileNames()
  const { isNeeded, losses } = await DB.repair(world.directory, { dryRun })
  if (isNeeded || losses.length > 0) throw new Violation('a repair of what is whole')
  if (world.fileNames().join() !== before.join()) {
    throw new Violation(`${before.join()} became ${world.fileNames().join()}`)
  }
  await world.open()
}
