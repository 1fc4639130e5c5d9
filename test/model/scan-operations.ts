// Operations on iterators and snapshots. Some stay open while others go on, and are used later.

import type {
  DBIterator,
  Entry as KnownEntry,
  DBIteratorOptions,
  DBSnapshot,
} from '../../ts/index.ts'
import type { Random } from '../crash/random.ts'
import { expectCode } from './directory-operations.ts'
import { describeKey } from './key-space.ts'
import type { OperationKind } from './operations.ts'
import { type View, type ViewCursor, Violation } from './view.ts'
import type { World } from './world.ts'

const MOST_OPEN = 12

type Half = Buffer | undefined
type Entry = KnownEntry<Half, Half>

export interface OpenSnapshot {
  readonly snapshot: DBSnapshot
  readonly view: View
}

export interface OpenIterator {
  readonly iterator: DBIterator<Half, Half>
  readonly cursor: ViewCursor
  readonly view: View
  readonly range: DBIteratorOptions
  readonly description: string
}

export const SCAN_OPERATIONS: readonly OperationKind[] = [
  { name: 'get many', weight: 10, run: getMany },
  { name: 'snapshot', weight: 12, run: (world) => openSnapshot(world) },
  { name: 'snapshots', weight: 2, run: manySnapshots },
  { name: 'close a snapshot', weight: 8, run: closeSnapshot },
  { name: 'closed snapshot', weight: 2, run: useClosedSnapshot },
  { name: 'get at a snapshot', weight: 40, run: getAtSnapshot },
  { name: 'get sync at a snapshot', weight: 40, run: getSyncAtSnapshot },
  { name: 'get many at a snapshot', weight: 6, run: getManyAtSnapshot },
  { name: 'get every key at a snapshot', weight: 2, run: getEveryKeyAtSnapshot },
  {
    name: 'iterator',
    weight: 20,

    run: (world, random) => void openIterator(world, random),
  },
  { name: 'iterator next', weight: 60, run: iteratorNext },
  { name: 'iterator next sync', weight: 60, run: iteratorNextSync },
  { name: 'iterator nextv', weight: 15, run: iteratorNextv },
  { name: 'iterator nextv sync', weight: 15, run: iteratorNextvSync },
  { name: 'iterator seek', weight: 40, run: iteratorSeek },
  { name: 'iterator drain', weight: 8, run: iteratorDrain },
  { name: 'iterator close', weight: 8, run: iteratorClose },
  { name: 'closed iterator', weight: 2, run: useClosedIterator },
  { name: 'busy iterator', weight: 3, run: busyIterator },
  {
    name: 'iterator closed in the middle of a call',
    weight: 3,

    run: closeInTheMiddle,
  },
  { name: 'scan', weight: 8, run: scan },
  { name: 'scan sync', weight: 6, run: scanSync },
  { name: 'scan with for await', weight: 3, run: scanForAwait },
  { name: 'scan everything', weight: 2, run: scanEverything },
  { name: 'scans at once', weight: 1, run: scansAtOnce },
]

// ---- Snapshots ----

function openSnapshot(world: World): OpenSnapshot {
  const view = world.view()
  const open = { snapshot: world.db.snapshot(), view }
  world.snapshots.push(open)
  if (world.snapshots.length > MOST_OPEN) world.snapshots.shift()!.snapshot.close()
  return open
}

function someSnapshot(world: World, random: Random): OpenSnapshot {
  return world.snapshots.length === 0 ? openSnapshot(world) : random.pick(world.snapshots)
}

/** Any number is cheap, and in any order they are closed. */
async function manySnapshots(world: World, random: Random): Promise<void> {
  const opened: DBSnapshot[] = []
  for (let i = random.between(10, 100); i > 0; i--) {
    opened.splice(random.below(opened.length + 1), 0, world.db.snapshot())
    if (random.percent(10)) {
      const key = random.below(world.keys.size)
      const value = world.value(random)
      world.write([{ key, value }], () => world.db.put(world.keys.keys[key]!, value))
    }
  }
  for (const snapshot of opened) snapshot.close()
  await world.settle()
}

function closeSnapshot(world: World, random: Random): void {
  if (world.snapshots.length === 0) return
  const [open] = world.snapshots.splice(random.below(world.snapshots.length), 1)
  open!.snapshot.close()
  if (random.percent(20)) open!.snapshot.close()
}

async function useClosedSnapshot(world: World, random: Random): Promise<void> {
  const snapshot = world.db.snapshot()
  snapshot.close()
  const key = random.pick(world.keys.keys)
  await expectCode('LEVEL_SNAPSHOT_NOT_OPEN', world.db.get(key, { snapshot }))
  await expectCode('LEVEL_SNAPSHOT_NOT_OPEN', (async () => world.db.iterator({ snapshot }))())
}

// ---- Reads of keys ----

/** One view for all of them: a getMany is of one moment. */
async function getMany(world: World, random: Random): Promise<void> {
  const keys = Array.from({ length: random.below(30) }, () => world.keys.probe(random))
  const view = world.view()
  const values = await world.db.getMany(keys, { fillCache: random.percent(50) })
  expectValues(view, keys, values)
  world.saw(view)
}

async function getManyAtSnapshot(world: World, random: Random): Promise<void> {
  const { snapshot, view } = someSnapshot(world, random)
  const keys = Array.from({ length: random.below(30) }, () => world.keys.probe(random))
  expectValues(view, keys, await world.db.getMany(keys, { snapshot }))
}

function expectValues(
  view: View,
  keys: readonly Buffer[],
  values: readonly (Buffer | undefined)[],
): void {
  if (values.length !== keys.length) throw new Violation(`${values.length} for ${keys.length} keys`)
  for (const [i, key] of keys.entries()) view.expectValue(key, values[i])
}

async function getAtSnapshot(world: World, random: Random): Promise<void> {
  const { snapshot, view } = someSnapshot(world, random)
  const key = world.keys.probe(random)
  world.note = describeKey(key)
  const fillCache = random.percent(50)
  view.expectValue(key, await world.db.get(key, { snapshot, fillCache }))
}

function getSyncAtSnapshot(world: World, random: Random): void {
  const { snapshot, view } = someSnapshot(world, random)
  const key = world.keys.probe(random)
  world.note = describeKey(key)
  const fillCache = random.percent(50)
  view.expectValue(key, world.db.getSync(key, { snapshot, fillCache }))
}

function getEveryKeyAtSnapshot(world: World, random: Random): void {
  const { snapshot, view } = someSnapshot(world, random)
  for (const key of world.keys.keys) {
    view.expectValue(key, world.db.getSync(key, { snapshot }))
  }
}

// ---- Iterators ----

/** Every combination of bounds, in and out of order. */
function someRange(world: World, random: Random): DBIteratorOptions {
  const range: Record<string, unknown> = {}
  const lower = random.pick(['gt', 'gte', undefined] as const)
  const upper = random.pick(['lt', 'lte', undefined] as const)
  if (lower !== undefined) range[lower] = world.keys.probe(random)
  if (upper !== undefined) range[upper] = world.keys.probe(random)
  const bounds = [lower, upper] as const
  // Seldom an empty range: two bounds in the wrong order are put right most times.
  if (lower !== undefined && upper !== undefined && random.percent(90)) {
    const values = bounds.map((name) => range[name!] as Buffer)
    values.sort((a, b) => Buffer.compare(a, b))
    range[lower] = values[0]
    range[upper] = values[1]
  }
  if (random.percent(50)) range['reverse'] = random.percent(80)
  if (random.percent(30)) range['limit'] = random.pick([0, 1, 2, 10, 50, Infinity])
  if (random.percent(15)) range[random.pick(['keys', 'values'])] = false
  if (random.percent(30)) range['highWaterMarkBytes'] = random.pick([1, 100, 4096])
  if (random.percent(30)) range['fillCache'] = random.percent(50)
  return range
}

function openIterator(
  world: World,
  random: Random,
  range = someRange(world, random),
): OpenIterator {
  const at = random.percent(40) ? someSnapshot(world, random) : undefined
  const view = at?.view ?? world.view()
  const all: DBIteratorOptions = at === undefined ? range : { ...range, snapshot: at.snapshot }
  const { gt, gte, lt, lte, reverse = false, limit = Infinity } = range
  const { keys } = world
  const low =
    gt === undefined ? (gte === undefined ? 0 : keys.lowerBound(gte)) : keys.upperBound(gt)
  const high =
    lt === undefined ? (lte === undefined ? keys.size : keys.upperBound(lte)) : keys.lowerBound(lt)
  const cursor = view.cursor({ low, high }, reverse, limit)
  const description = describeRange(range)
  world.note = description
  const open = { iterator: world.db.iterator(all), cursor, view, range, description }
  world.iterators.push(open)
  if (world.iterators.length > MOST_OPEN) world.beside(world.iterators.shift()!.iterator.close())
  return open
}

function isInRange({ gt, gte, lt, lte }: DBIteratorOptions, target: Uint8Array): boolean {
  return (
    (gt === undefined || Buffer.compare(target, gt) > 0) &&
    (gte === undefined || Buffer.compare(target, gte) >= 0) &&
    (lt === undefined || Buffer.compare(target, lt) < 0) &&
    (lte === undefined || Buffer.compare(target, lte) <= 0)
  )
}

function describeRange(range: DBIteratorOptions): string {
  return Object.entries(range)
    .map(([name, value]) =>
      value instanceof Uint8Array ? `${name} ${describeKey(value)}` : `${name} ${String(value)}`,
    )
    .join(', ')
}

function someIterator(world: World, random: Random): OpenIterator {
  if (world.iterators.length === 0 || random.percent(10)) openIterator(world, random)
  const open = random.pick(world.iterators)
  world.note = open.description
  return open
}

function expectEntry({ cursor }: OpenIterator, entry: Entry | undefined): void {
  cursor.expectNext(entry && { key: entry[0], value: entry[1] })
}

async function iteratorNext(world: World, random: Random): Promise<void> {
  const open = someIterator(world, random)
  for (let i = random.between(1, 4); i > 0; i--) expectEntry(open, await open.iterator.next())
}

function iteratorNextSync(world: World, random: Random): void {
  const open = someIterator(world, random)
  for (let i = random.between(1, 4); i > 0; i--) expectEntry(open, open.iterator.nextSync())
}

async function iteratorNextv(world: World, random: Random): Promise<void> {
  const open = someIterator(world, random)
  const count = random.between(1, 30)
  expectChunk(open, await open.iterator.nextv(count), count)
}

function iteratorNextvSync(world: World, random: Random): void {
  const open = someIterator(world, random)
  const count = random.between(1, 30)
  expectChunk(open, open.iterator.nextvSync(count), count)
}

/** A chunk may be shorter than asked for, and is empty only at the end. */
function expectChunk(open: OpenIterator, entries: readonly Entry[], count: number): void {
  if (entries.length > count) throw new Violation(`${entries.length} entries of ${count}`)
  for (const entry of entries) expectEntry(open, entry)
  if (entries.length === 0) expectEntry(open, undefined)
}

function iteratorSeek(world: World, random: Random): void {
  const open = someIterator(world, random)
  const target = world.keys.probe(random)
  world.note = `to ${describeKey(target)} of ${open.description}`
  open.iterator.seek(target)
  if (isInRange(open.range, target)) open.cursor.seek(target)
  else open.cursor.seekNowhere()
  if (random.percent(70)) expectEntry(open, open.iterator.nextSync())
}

async function iteratorDrain(world: World, random: Random): Promise<void> {
  const open = someIterator(world, random)
  for (;;) {
    const entries = random.percent(50) ? await open.iterator.nextv(50) : open.iterator.nextvSync(50)
    expectChunk(open, entries, 50)
    if (entries.length === 0) break
  }
  expectEntry(open, await open.iterator.next())
}

async function iteratorClose(world: World, random: Random): Promise<void> {
  if (world.iterators.length === 0) return
  const [open] = world.iterators.splice(random.below(world.iterators.length), 1)
  await open!.iterator.close()
  if (random.percent(20)) await open!.iterator.close()
}

async function useClosedIterator(world: World): Promise<void> {
  const iterator = world.db.iterator()
  await iterator.close()
  await expectCode('LEVEL_ITERATOR_NOT_OPEN', iterator.next())
  await expectCode('LEVEL_ITERATOR_NOT_OPEN', (async () => iterator.nextSync())())
}

async function busyIterator(world: World, random: Random): Promise<void> {
  const open = someIterator(world, random)
  const first = open.iterator.next()
  // The first may have been answered from what was read ahead: then it is not busy.
  const outcome = await Promise.allSettled([open.iterator.next()])
  expectEntry(open, await first)
  const [second] = outcome
  if (second.status === 'fulfilled') expectEntry(open, second.value)
  else if ((second.reason as { code?: unknown }).code !== 'LEVEL_ITERATOR_BUSY') throw second.reason
}

/** A call that is under way is answered, or says that the iterator is closed. */
async function closeInTheMiddle(world: World, random: Random): Promise<void> {
  const open = openIterator(world, random)
  world.iterators.splice(world.iterators.indexOf(open), 1)
  const [call] = await Promise.allSettled([open.iterator.nextv(20), open.iterator.close()])
  if (call.status === 'fulfilled') expectChunk(open, call.value, 20)
  else if ((call.reason as { code?: unknown }).code !== 'LEVEL_ITERATOR_NOT_OPEN') throw call.reason
}

// ---- Scans ----

async function scan(world: World, random: Random): Promise<void> {
  const open = openIterator(world, random)
  world.iterators.splice(world.iterators.indexOf(open), 1)
  const entries = await open.iterator.all()
  for (const entry of entries) expectEntry(open, entry)
  expectEntry(open, undefined)
  await open.iterator.close()
}

async function scanSync(world: World, random: Random): Promise<void> {
  const open = openIterator(world, random)
  world.iterators.splice(world.iterators.indexOf(open), 1)
  for (const entry of open.iterator) expectEntry(open, entry)
  expectEntry(open, undefined)
  await open.iterator.close()
}

async function scanForAwait(world: World, random: Random): Promise<void> {
  const open = openIterator(world, random)
  world.iterators.splice(world.iterators.indexOf(open), 1)
  let left = random.below(20)
  let isWhole = true
  for await (const entry of open.iterator) {
    expectEntry(open, entry)
    if (left-- > 0) continue
    isWhole = false
    break
  }
  if (isWhole) expectEntry(open, undefined)
  await open.iterator.close()
}

async function scanEverything(world: World, random: Random): Promise<void> {
  const open = openIterator(world, random, { reverse: random.percent(50) })
  world.iterators.splice(world.iterators.indexOf(open), 1)
  const entries = await open.iterator.all()
  for (const entry of entries) expectEntry(open, entry)
  expectEntry(open, undefined)
}

async function scansAtOnce(world: World, random: Random): Promise<void> {
  await Promise.all(Array.from({ length: random.between(2, 5) }, () => scan(world, random)))
}
