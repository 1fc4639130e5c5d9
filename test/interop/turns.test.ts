// In turns on one directory: rounds of random calls by us and by C++ LevelDB, each of which has to
// find everything that the other left, and nothing else.
//
// LevelDB's answers are compared without a snapshot of it: while one is open, its 1.20 may merge away
// what an iterator still needs. SLUICE_SEED chooses another run; SLUICE_TURNS makes it longer.

import { statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { LevelLimits } from '../../ts/version/level-rules.ts'
import { mixSeed, Random } from '../crash/random.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { type Call, type Change, Contents } from './contents.ts'
import {
  filesOf,
  FIRST_KEY,
  type Implementation,
  LAST_KEY,
  openStore,
  OurStore,
  type Store,
  type StoreOptions,
} from './stores.ts'

const SEED = Number(process.env['SLUICE_SEED'] ?? 1)
// Once more with the other binding: its part of it, the log and the reads, shows in fewer.
const DEFAULT_ROUNDS = process.env['SLUICEDB_BINDING'] === 'js' ? 60 : 200
const ROUNDS = Number(process.env['SLUICE_TURNS'] ?? DEFAULT_ROUNDS)
const KEYS = 250

/** Of ours only: deep trees for LevelDB to go on with. */
const SMALL_LEVELS: LevelLimits = {
  level0Files: 2,
  level1Bytes: 30_000,
  growth: 2,
  maxFileSizeBytes: 10_000,
}

test(`${ROUNDS} rounds in turns, each side finds what the other wrote`, async (t) => {
  t.timeout(60_000 + ROUNDS * 1000)
  const directory = scratchDirectory(t, FAST_ROOT)
  const contents = new Contents()
  const keys = someKeys(new Random(SEED))
  const rounds: Record<Implementation, number> = { ours: 0, classic: 0 }
  let last: Implementation = 'ours'
  for (let round = 0; round < ROUNDS; round++) {
    const random = new Random(mixSeed(SEED, round))
    const implementation = random.pick(['ours', 'classic'] as const)
    rounds[implementation]++
    const wrong = await playRound(implementation, directory, keys, contents, random, last)
    last = implementation
    if (wrong !== undefined) {
      t.fail(`SLUICE_SEED=${SEED}, round ${round} by ${implementation}: ${wrong}`)
      return
    }
  }
  t.true(rounds.ours > 0 && rounds.classic > 0)
})

/** Opens, checks, writes, checks, closes. Returns what is wrong. */
async function playRound(
  implementation: Implementation,
  directory: string,
  keys: readonly Buffer[],
  contents: Contents,
  random: Random,
  last: Implementation,
): Promise<string | undefined> {
  const store = await openStore(implementation, directory, someOptions(random))
  try {
    if (store instanceof OurStore) {
      if (store.complaints.length > 0) return store.complaints.join()
      // LevelDB, closed in the middle of a compaction, leaves the table that it was writing.
      const strays = last === 'classic' ? store.strays.filter(isNoTable) : store.strays
      if (strays.length > 0) return `moved to lost/: ${strays.join()}`
    }
    const found = await store.difference(contents)
    if (found !== undefined) return `on opening: ${found}`
    const pending: Promise<void>[] = []
    for (let i = random.below(60); i > 0; i--) {
      const call = someCall(keys, random)
      contents.apply(call)
      pending.push(store.write(call, random.percent(10)))
      // LevelDB orders what is called at once as its threads happen to run.
      if (implementation === 'classic' || random.percent(30)) await Promise.all(pending)
      if (random.percent(3)) {
        await Promise.all(pending)
        await store.rewrite(...someRange(keys, random))
        const size = await sizeDifference(store, directory, random.pick(keys))
        if (size !== undefined) return `sizes: ${size}`
      }
    }
    await Promise.all(pending)
    const written = await store.difference(contents)
    return written === undefined ? undefined : `after writing: ${written}`
  } finally {
    await store.close()
  }
}

/** The whole, or the keys from one to another. */
function someRange(keys: readonly Buffer[], random: Random): Buffer[] {
  if (random.percent(40)) return []
  return [random.pick(keys), random.pick(keys)].toSorted((a, b) => Buffer.compare(a, b))
}

/** The sizes of both parts are that of the whole, which is no more than the tables. */
async function sizeDifference(
  store: Store,
  directory: string,
  middle: Buffer,
): Promise<string | undefined> {
  const before = tableSizes(directory)
  const whole = await store.approximateSize(FIRST_KEY, LAST_KEY)
  const low = await store.approximateSize(FIRST_KEY, middle)
  const high = await store.approximateSize(middle, LAST_KEY)
  // Where a compaction went on meanwhile, each is of another tree.
  if (tableSizes(directory).join() !== before.join()) return undefined
  const total = before.reduce((sum, size) => sum + size, 0)
  const fits = low >= 0 && high >= 0 && low + high === whole && whole <= total
  return fits ? undefined : `${low} and ${high} of ${whole}, tables of ${total}`
}

/** In the order of their names; 0 for one that is being removed. */
function tableSizes(directory: string): number[] {
  return filesOf(directory, '.ldb').map(
    (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0,
  )
}

function isNoTable(name: string): boolean {
  return !name.endsWith('.ldb')
}

function someOptions(random: Random): StoreOptions {
  return {
    writeBufferSize: random.pick([1024, 16 * 1024, 64 * 1024, 4 * 2 ** 20]),
    blockSize: random.pick([64, 1024, 4096, 2 ** 16]),
    blockRestartInterval: random.pick([1, 2, 16, 1000]),
    compress: random.percent(50),
    filterBitsPerKey: random.pick([0, 1, 10, 20]),
    ...(random.percent(60) ? { levelLimits: SMALL_LEVELS } : {}),
    ...(random.percent(40) ? { manifestLimits: { sizeBytes: 300, growth: 2 } } : {}),
  }
}

/** Of all lengths and bytes, many of them prefixes of others, the empty one among them. */
function someKeys(random: Random): Buffer[] {
  const keys = [Buffer.alloc(0)]
  while (keys.length < KEYS) {
    const prefix = random.percent(50) ? random.pick(keys) : Buffer.alloc(0)
    const length = random.percent(90) ? random.between(1, 12) : random.between(100, 3000)
    const tail = random.percent(20) ? Buffer.alloc(length, 0xff) : random.bytes(length)
    keys.push(Buffer.concat([prefix.subarray(0, 3000), tail]))
  }
  return keys
}

function someCall(keys: readonly Buffer[], random: Random): Call {
  const length = random.percent(70) ? 1 : random.below(20)
  return Array.from({ length }, () => someChange(keys, random))
}

function someChange(keys: readonly Buffer[], random: Random): Change {
  const key = random.pick(keys)
  return random.percent(30) ? { key } : { key, value: someValue(random) }
}

function someValue(random: Random): Buffer {
  const percent = random.below(100)
  const length =
    percent < 80 ? random.below(200) : percent < 98 ? random.below(8000) : random.below(200_000)
  return random.percent(50) ? Buffer.alloc(length, random.bytes(3)) : random.bytes(length)
}
