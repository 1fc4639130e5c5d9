// One life of a soak: a child that works on the database until it is killed. Made of a seed, so that
// the parent knows every call without being told.
//
//   value := write: u32  key: u32  bytes of a fixed pool, from a place that the write chooses
//
// A value's rest is random in its first part, and repeats it from then on, so Snappy halves it.

import { mixSeed, Random } from '../../test/crash/random.ts'
import type { CallPlan } from '../../test/kill/calls.ts'
import type { DBOptions } from '../../ts/index.ts'

export interface Life extends CallPlan {
  readonly options: DBOptions
  readonly writers: number
  /** Calls between two moments at which no write is under way. */
  readonly callsPerEpoch: number
}

const STAMP_SIZE = 8
const POOL_SIZE = 2 ** 16

const pool = new Random(0x50a4).bytes(POOL_SIZE)

export function lifeOf(seed: number, keyCount: number): Life {
  const random = new Random(seed)
  return {
    seed,
    keyCount,
    syncPercent: random.pick([0, 1, 20, 100]),
    options: {
      createIfMissing: true,
      writeBufferSize: random.pick([64 * 1024, 2 ** 20, 4 * 2 ** 20]),
      blockSize: random.pick([1024, 4096, 4096]),
      compression: random.pick(['none', 'snappy', 'snappy']),
      filterBitsPerKey: random.pick([0, 10, 10]),
      cacheSize: random.pick([0, 64 * 1024, 8 * 2 ** 20, 64 * 2 ** 20]),
      maxOpenFiles: random.pick([4, 100, 1000]),
    },
    writers: random.pick([1, 16, 64, 256]),
    callsPerEpoch: random.pick([200, 2000, 10_000]),
  }
}

export function keyOf(key: number): Buffer {
  return Buffer.from(`key-${String(key).padStart(9, '0')}`)
}

/** The number in a key of ours, or NaN. */
export function numberOfKey(key: Uint8Array): number {
  const text = Buffer.from(key).toString('latin1')
  return /^key-\d{9}$/.test(text) ? Number(text.slice(4)) : Number.NaN
}

/** Requires: sizeBytes >= 8. */
export function valueOf(key: number, write: number, sizeBytes: number): Buffer {
  const value = Buffer.allocUnsafeSlow(sizeBytes)
  value.writeUInt32LE(write, 0)
  value.writeUInt32LE(key, 4)
  const part = Math.min((sizeBytes - STAMP_SIZE + 1) >> 1, POOL_SIZE / 2)
  const start = mixSeed(write) % (POOL_SIZE - part)
  for (let at = STAMP_SIZE; at < sizeBytes; at += part) {
    pool.copy(value, at, start, start + Math.min(part, sizeBytes - at))
  }
  return value
}

/** The write that the value says it is of. Throws where no write of `key` makes these bytes. */
export function writeOf(key: number, value: Uint8Array): number {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const write = bytes.length < STAMP_SIZE ? 0 : bytes.readUInt32LE(0)
  if (write > 0 && valueOf(key, write, bytes.length).equals(bytes)) return write
  const start = bytes.toString('hex', 0, 32)
  throw new Error(`key ${key} has ${bytes.length} bytes that nobody wrote: ${start}`)
}
