// What the cases that LevelDB's own tests taught need: a database over the simulated disk, its shape,
// and every entry that it keeps of a key, hidden ones and deletions too.

import { compareInternal } from '../../../ts/format/internal-key.ts'
import { tableFileName } from '../../../ts/format/file-name.ts'
import type { DB } from '../../../ts/index.ts'
import { LEVELDB_LIMITS, type LevelLimits } from '../../../ts/version/level-rules.ts'
import { SimulatedDisk } from '../../crash/simulated-disk.ts'
import { entriesIn } from '../../damage/table-layout.ts'
import { SEED } from '../../format/seed.ts'
import { CompactionWorld, DIRECTORY } from '../compaction-world.ts'

export const b = (text: string): Buffer => Buffer.from(text)

/** An open database; level sizes are LevelDB's unless told. */
export async function newWorld(limits: LevelLimits = LEVELDB_LIMITS): Promise<CompactionWorld> {
  const world = new CompactionWorld(new SimulatedDisk(SEED), limits)
  await world.open()
  return world
}

export async function reopen(world: CompactionWorld): Promise<void> {
  await world.db.close()
  await world.open()
}

export function getText(db: DB, key: string): string | undefined {
  return db.getSync(b(key))?.toString()
}

/** 'key=value' of every entry, in the order of the scan. */
export async function scan(db: DB, reverse = false): Promise<string[]> {
  const entries = await db.iterator({ reverse }).all()
  return entries.map(([key, value]) => `${key.toString()}=${value.toString()}`)
}

/** What the tables keep of the key, newest first: values, and DEL for deletions. */
export function entriesFor({ disk, engine }: CompactionWorld, key: string): string[] {
  const found: { readonly internalKey: Buffer; readonly text: string }[] = []
  for (const { number } of engine.versions.current.levels.flat()) {
    const file = disk.contents(DIRECTORY).get(`${DIRECTORY}/${tableFileName(number)}`)!
    for (const { key: internalKey, value } of entriesIn(file)) {
      if (internalKey.toString('latin1', 0, internalKey.length - 8) !== key) continue
      const isDeletion = internalKey[internalKey.length - 8] === 0
      found.push({ internalKey, text: isDeletion ? 'DEL' : value.toString() })
    }
  }
  found.sort((x, y) => order(x.internalKey, y.internalKey))
  return found.map(({ text }) => text)
}

function order(a: Buffer, c: Buffer): number {
  return compareInternal(a, 0, a.length, c, 0, c.length)
}

/** Limits with which everything goes down by itself until it lies on the level. */
const SINKING: Readonly<Record<1 | 2 | 6, LevelLimits>> = {
  1: { ...LEVELDB_LIMITS, level0Files: 1, level1Bytes: 2 ** 40 },
  2: { ...LEVELDB_LIMITS, level0Files: 1, level1Bytes: 1, growth: 2 ** 40 },
  6: { ...LEVELDB_LIMITS, level0Files: 1, level1Bytes: 1, growth: 1 },
}

/** Another opening of the database, in which every table above the level has gone down to it. */
export async function sunk(world: CompactionWorld, level: 1 | 2 | 6): Promise<CompactionWorld> {
  await world.db.close()
  const sinking = new CompactionWorld(world.disk, SINKING[level])
  await sinking.open()
  await sinking.idle()
  await sinking.db.close()
  const next = new CompactionWorld(world.disk, LEVELDB_LIMITS)
  await next.open()
  return next
}
