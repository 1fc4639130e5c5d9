// What a writer that is to be killed calls: made of a seed, so that the parent knows every call
// without being told.
//
//   life   options of the database, how large its levels get, how many writers, what share of the
//          calls is synced
//   call   number i of a life: a put, a deletion or a batch, the same for whoever asks
//   value  the number of the write that made it, over and over, so that no two look alike

import type { DBOptions } from '../../ts/index.ts'
import { LEVELDB_LIMITS, type LevelLimits } from '../../ts/version/level-rules.ts'
import type { KeyWrite } from '../crash/history.ts'
import { mixSeed, Random } from '../crash/random.ts'

export const KEY_COUNT = 200

/** What calls are made of. */
export interface CallPlan {
  readonly seed: number
  readonly keyCount: number
  readonly syncPercent: number
}

/** Room for any number of a write. */
const LEAST_VALUE_BYTES = 12

export interface Life extends CallPlan {
  readonly options: DBOptions
  /** LevelDB's, or such that what is written fills several levels. */
  readonly levelLimits: LevelLimits
  readonly writers: number
  /** A forced switch of memtable and log every so many calls. */
  readonly callsPerSwitch: number
  /** The database is closed and opened again every so many calls. */
  readonly callsPerOpening: number
}

export interface PlannedCall {
  readonly writes: readonly KeyWrite[]
  readonly sync: boolean
}

const SMALL_LEVELS: LevelLimits = {
  level0Files: 3,
  level1Bytes: 32 * 1024,
  growth: 3,
  maxFileSizeBytes: 8 * 1024,
}

export function lifeOf(seed: number): Life {
  const random = new Random(seed)
  return {
    seed,
    keyCount: KEY_COUNT,
    options: {
      createIfMissing: true,
      writeBufferSize: random.pick([1024, 4096, 16 * 1024, 64 * 1024, 2 ** 20]),
      compression: random.pick(['none', 'snappy']),
      filterBitsPerKey: random.pick([0, 10]),
    },
    levelLimits: random.percent(75) ? SMALL_LEVELS : LEVELDB_LIMITS,
    writers: random.pick([1, 4, 16, 64]),
    syncPercent: random.pick([0, 5, 50, 100]),
    callsPerSwitch: random.pick([50, 1000, 100_000]),
    callsPerOpening: random.pick([100, 2000, 1_000_000]),
  }
}

export function callOf({ seed, keyCount, syncPercent }: CallPlan, index: number): PlannedCall {
  const random = new Random(mixSeed(seed, index))
  const sync = random.percent(syncPercent)
  const length = random.percent(80) ? 1 : random.between(2, 12)
  return { sync, writes: Array.from({ length }, () => someWrite(random, keyCount)) }
}

function someWrite(random: Random, keyCount: number): KeyWrite {
  const key = random.below(keyCount)
  return { key, sizeBytes: random.percent(25) ? undefined : someSize(random) }
}

function someSize(random: Random): number {
  const percent = random.below(100)
  if (percent < 85) return random.between(LEAST_VALUE_BYTES, 200)
  if (percent < 98) return random.between(200, 4000)
  return random.between(10_000, 80_000)
}

const KEYS = Array.from({ length: KEY_COUNT }, (_, key) => Buffer.from(`key-${key}`))

export function keyOf(key: number): Buffer {
  return KEYS[key]!
}

/** Requires: sizeBytes is at least that of the least value. */
export function valueOf(write: number, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, `${write}.`)
}

/** The number of the write that made the value, if one did. */
export function writeOf(value: Buffer): number {
  return Number.parseInt(value.toString('latin1', 0, LEAST_VALUE_BYTES), 10)
}
