// Operations on the tree below the memtables: compactions by hand, sizes, properties.

import type { Random } from '../crash/random.ts'
import { expectCode } from './directory-operations.ts'
import type { OperationKind } from './operations.ts'
import { Violation } from './view.ts'
import type { World } from './world.ts'

export const TREE_OPERATIONS: readonly OperationKind[] = [
  {
    name: 'compact',
    weight: 1,

    run: (world) => world.db.compactRange(),
  },
  { name: 'compact a part', weight: 3, run: compactPart },
  { name: 'compact, aborted', weight: 2, run: compactAborted },
  { name: 'compact beside the next', weight: 4, run: compactBeside },
  { name: 'gets beside a compaction', weight: 1, run: getsBesideCompaction },
  { name: 'sizes', weight: 6, run: sizes },
  { name: 'properties', weight: 5, run: properties },
]

function somePart(
  world: World,
  random: Random,
): [start: Buffer | undefined, end: Buffer | undefined] {
  const ends = [world.keys.probe(random), world.keys.probe(random)]
  const [start, end] = random.percent(95) ? ends.toSorted((a, b) => Buffer.compare(a, b)) : ends
  if (random.percent(20)) return [start!, undefined]
  return random.percent(20) ? [undefined, end!] : [start!, end!]
}

function compactPart(world: World, random: Random): Promise<void> {
  return world.db.compactRange(...somePart(world, random))
}

/** Before it begins, or while it goes on: then it may be done already. */
async function compactAborted(world: World, random: Random): Promise<void> {
  const { db } = world
  const [start, end] = somePart(world, random)
  if (random.percent(30)) {
    const signal = AbortSignal.abort()
    await expectCode('LEVEL_ABORTED', db.compactRange(start, end, { signal }))
    return
  }
  const controller = new AbortController()
  const compaction = db.compactRange(start, end, {
    signal: controller.signal,
    onProgress: () => {
      controller.abort()
    },
  })
  if (random.percent(50)) setImmediate(() => controller.abort())
  await compaction.catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'LEVEL_ABORTED') throw error
  })
}

/** Goes on beside the operations that follow; the end of the database may cut it short. */
function compactBeside(world: World, random: Random): void {
  world.beside(world.db.compactRange(...somePart(world, random)))
}

async function getsBesideCompaction(world: World, random: Random): Promise<void> {
  const compaction = world.db.compactRange()
  const state = { isDone: false }
  const ended = compaction.finally(() => {
    state.isDone = true
  })
  await Promise.all([ended, getUntil(world, random, state)])
}

async function getUntil(
  world: World,
  random: Random,
  state: { readonly isDone: boolean },
): Promise<void> {
  for (let i = 0; !state.isDone && i < 200; i++) {
    const key = world.keys.probe(random)
    const view = world.view()
    view.expectValue(key, await world.db.get(key))
    world.saw(view)
  }
}

/** Of tables alone: what memtables hold counts nothing. */
async function sizes(world: World, random: Random): Promise<void> {
  const beyond = Buffer.alloc(1000, 0xff)
  const middle = world.keys.probe(random)
  const tables = (): string => JSON.stringify(world.db.stats().levels)
  const before = tables()
  const [all, low, high, none, reversed] = await world.db.approximateSizes([
    [Buffer.alloc(0), beyond],
    [Buffer.alloc(0), middle],
    [middle, beyond],
    [middle, middle],
    [beyond, Buffer.alloc(0)],
  ])
  const found = [all, low, high, none, reversed]
  if (found.some((size) => !Number.isSafeInteger(size) || size! < 0)) {
    throw new Violation(`sizes ${found.join()}`)
  }
  if (none !== 0 || reversed !== 0) throw new Violation('an empty range has a size')
  // What happens meanwhile changes it all.
  if (tables() !== before) return
  const total = world.db.stats().levels.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (all !== total) throw new Violation(`${all} bytes in all, and tables of ${total}`)
  if (low! + high! !== all) throw new Violation(`${low} and ${high} bytes are not ${all}`)
}

function properties(world: World): void {
  const { db } = world
  for (const [level, { files }] of world.db.stats().levels.entries()) {
    const property = db.property(`leveldb.num-files-at-level${level}`)
    if (property !== String(files)) throw new Violation(`${property} files for ${files}`)
  }
  if (!/^\d+$/.test(db.property('leveldb.approximate-memory-usage') ?? '')) {
    throw new Violation('no memory usage')
  }
  for (const name of ['leveldb.stats', 'leveldb.sstables']) {
    if (db.property(name) === undefined) throw new Violation(`no ${name}`)
  }
  for (const name of ['leveldb.', 'leveldb.num-files-at-level7', 'other', '']) {
    if (db.property(name) !== undefined) throw new Violation(`a property ${name}`)
  }
}
