// Operations that write. Most leave their promise open as often as not, so that groups form.

import { WriteBatch } from '../../ts/index.ts'
import type { Random } from '../crash/random.ts'
import { describeKey } from './key-space.ts'
import type { OperationKind } from './operations.ts'
import type { Change } from './versioned-map.ts'
import type { World } from './world.ts'

const MOST_PENDING = 40

export const WRITE_OPERATIONS: readonly OperationKind[] = [
  {
    name: 'put',
    weight: 140,
    run: (world, random) => write(world, random, [somePut(world, random)]),
  },
  {
    name: 'put sync',
    weight: 5,
    run: (world, random) => write(world, random, [somePut(world, random)], true),
  },
  { name: 'put large', weight: 3, run: putLarge },
  { name: 'put empty', weight: 4, run: (world, random) => putOfSize(world, random, 0) },
  { name: 'overwrite', weight: 6, run: overwrite },
  { name: 'put a run', weight: 10, run: putRun },
  {
    name: 'delete',
    weight: 50,
    run: (world, random) => write(world, random, [someDelete(world, random)]),
  },
  {
    name: 'delete sync',
    weight: 2,
    run: (world, random) => write(world, random, [someDelete(world, random)], true),
  },
  { name: 'delete missing', weight: 6, run: deleteMissing },
  { name: 'delete a run', weight: 6, run: deleteRun },
  { name: 'batch', weight: 30, run: (world, random) => writeSome(world, random, 2, 10) },
  { name: 'batch large', weight: 3, run: (world, random) => writeSome(world, random, 50, 200) },
  { name: 'batch with repeats', weight: 6, run: batchWithRepeats },
  { name: 'batch empty', weight: 2, run: (world, random) => write(world, random, []) },
  { name: 'batch larger than a memtable', weight: 2, run: hugeBatch },
  { name: 'batch used again', weight: 3, run: batchUsedAgain },
  { name: 'burst', weight: 6, run: burst },
  { name: 'settle', weight: 30, run: (world) => world.settle() },
  { name: 'switch', weight: 4, run: switchMemtable },
  { name: 'flush', weight: 8, run: flush },
]

function somePut(
  world: World,
  random: Random,
  key: number = random.below(world.keys.size),
): Change {
  return { key, value: world.value(random) }
}

function someDelete(world: World, random: Random): Change {
  return { key: random.below(world.keys.size), value: undefined }
}

function someChange(world: World, random: Random): Change {
  return random.percent(70) ? somePut(world, random) : someDelete(world, random)
}

/** One call: a put or a deletion where there is one change, else a batch. */
function write(
  world: World,
  random: Random,
  changes: readonly Change[],
  sync = random.percent(3),
): Promise<void> | void {
  const [first] = changes
  world.note =
    changes.length === 1 ? describeKey(world.keys.keys[first!.key]!) : `${changes.length} changes`
  world.write(changes, () => {
    if (changes.length !== 1) return world.db.write(batchOf(world, changes), { sync })
    const key = world.keys.keys[first!.key]!
    const { value } = first!
    return value === undefined ? world.db.delete(key, { sync }) : world.db.put(key, value, { sync })
  })
  if (sync || world.pendingCount > MOST_PENDING || random.percent(50)) return world.settle()
}

function batchOf(world: World, changes: readonly Change[]): WriteBatch {
  const batch = new WriteBatch()
  for (const { key, value } of changes) {
    if (value === undefined) batch.delete(world.keys.keys[key]!)
    else batch.put(world.keys.keys[key]!, value)
  }
  return batch
}

function memtableSize(world: World): number {
  // With the defaults a memtable holds 4 MiB, which is too much to fill often.
  return Math.min(world.set.options.writeBufferSize ?? 0, 64 * 1024)
}

function putOfSize(world: World, random: Random, sizeBytes: number): Promise<void> | void {
  const key = random.below(world.keys.size)
  const value = sizeBytes === 0 ? Buffer.alloc(0) : world.value(random, sizeBytes)
  return write(world, random, [{ key, value }])
}

function putLarge(world: World, random: Random): Promise<void> | void {
  return putOfSize(world, random, random.between(1, 2 * memtableSize(world)))
}

/** The same key many times: hidden values, of which a compaction keeps one. */
async function overwrite(world: World, random: Random): Promise<void> {
  const key = random.below(world.keys.size)
  for (let i = random.between(2, 12); i > 0; i--) {
    await write(world, random, [somePut(world, random, key)])
  }
}

/** Neighbours, so that tables with disjoint ranges come to be. */
async function putRun(world: World, random: Random): Promise<void> {
  const start = random.below(world.keys.size)
  const end = Math.min(world.keys.size, start + random.between(2, 20))
  for (let key = start; key < end; key++) await write(world, random, [somePut(world, random, key)])
}

async function deleteRun(world: World, random: Random): Promise<void> {
  const start = random.below(world.keys.size)
  const end = Math.min(world.keys.size, start + random.between(2, 30))
  for (let key = start; key < end; key++) await write(world, random, [{ key, value: undefined }])
}

/** A key that has no value, where one is found. */
function deleteMissing(world: World, random: Random): Promise<void> | void {
  let key = random.below(world.keys.size)
  for (let i = 0; i < 10 && world.map.get(key, world.map.last) !== undefined; i++) {
    key = random.below(world.keys.size)
  }
  return write(world, random, [{ key, value: undefined }])
}

function writeSome(
  world: World,
  random: Random,
  least: number,
  most: number,
): Promise<void> | void {
  const length = random.between(least, most)
  return write(
    world,
    random,
    Array.from({ length }, () => someChange(world, random)),
  )
}

/** Of one to three keys: the last change of each counts. */
function batchWithRepeats(world: World, random: Random): Promise<void> | void {
  const keys = Array.from({ length: random.between(1, 3) }, () => random.below(world.keys.size))
  const changes = Array.from({ length: random.between(2, 12) }, () => ({
    key: random.pick(keys),
    value: random.percent(60) ? world.value(random) : undefined,
  }))
  return write(world, random, changes)
}

function hugeBatch(world: World, random: Random): Promise<void> | void {
  const length = random.between(10, 60)
  const sizeBytes = Math.ceil((1.5 * memtableSize(world)) / length)
  return write(
    world,
    random,
    Array.from({ length }, () => ({
      key: random.below(world.keys.size),
      value: world.value(random, sizeBytes),
    })),
  )
}

/** The batch is copied by the call: what is added to it later is of the next call only. */
function batchUsedAgain(world: World, random: Random): Promise<void> | void {
  const first = [someChange(world, random), someChange(world, random)]
  const second = [...first, somePut(world, random)]
  const batch = batchOf(world, first)
  world.write(first, () => world.db.write(batch))
  world.write(second, () => {
    const added = second.at(-1)!
    batch.put(world.keys.keys[added.key]!, added.value!)
    return world.db.write(batch)
  })
  if (random.percent(50)) return world.settle()
}

/** Many calls of one turn, among them some with sync. */
async function burst(world: World, random: Random): Promise<void> {
  await world.settle()
  for (let i = random.between(5, 60); i > 0; i--) {
    const { key, value } = someChange(world, random)
    const sync = random.percent(5)
    const name = world.keys.keys[key]!
    world.write([{ key, value }], () =>
      value === undefined ? world.db.delete(name, { sync }) : world.db.put(name, value, { sync }),
    )
  }
  if (random.percent(50)) await world.settle()
}

function switchMemtable(world: World, random: Random): Promise<void> | void {
  // It changes nothing that can be seen, and so is a version of its own like any other.
  world.write([], () => world.db.write(null))
  if (random.percent(50)) return world.settle()
}

async function flush(world: World): Promise<void> {
  await world.db.flushMemtable()
  await world.settle()
  world.check()
}
