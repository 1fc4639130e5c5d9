// The keys and values of the benchmark: 16 bytes in random order, and 100 bytes that Snappy halves.
//
//   key    := the position, mixed in four ways, a word each; one mix is a bijection of 32 bits, so
//             no two positions have the same key
//   value  := (position: u32  46 random bytes) twice
//
// Each process makes the same ones from the position alone, so that one can check what another
// wrote, and a hundred million need no memory. The random bytes are one of 1024 patterns.

import { Random } from '../../test/crash/random.ts'

export const KEY_SIZE = 16
export const VALUE_SIZE = 100
/** The highest position is below it. */
export const MAX_ENTRIES: number = 2 ** 32
const HALF = VALUE_SIZE / 2
const PATTERN_COUNT = 1024
const ARENA_KEYS = 2 ** 20

const random = new Random(1)
const patterns = Array.from({ length: PATTERN_COUNT }, () => {
  const half = random.bytes(HALF)
  const value = Buffer.allocUnsafeSlow(VALUE_SIZE)
  half.copy(value, 0)
  half.copy(value, HALF)
  return value
})

// The finalizer of MurmurHash3: every step of it can be undone.
function mix(position: number): number {
  let word = position
  word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35)
  return word ^ (word >>> 16)
}

function putWord(target: Buffer, at: number, word: number): void {
  target[at] = word
  target[at + 1] = word >>> 8
  target[at + 2] = word >>> 16
  target[at + 3] = word >>> 24
}

function wordOf(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** Writes the key of `position` to target[at ..]. */
export function putKey(target: Buffer, at: number, position: number): void {
  putWord(target, at, mix(position))
  putWord(target, at + 4, mix(position ^ 0x2545_f491))
  putWord(target, at + 8, mix(position ^ 0x6a09_e667))
  putWord(target, at + 12, mix(position ^ 0x3c6e_f372))
}

/** Writes the value of `position` over the whole of `target`. Requires: it has VALUE_SIZE bytes. */
export function putValue(target: Buffer, position: number): void {
  target.set(patterns[position % PATTERN_COUNT]!)
  putWord(target, 0, position)
  putWord(target, HALF, position)
}

/** Throws unless `value` is of the length and has the two stamps of `position`; takes some 20 ns. */
export function checkStamps(value: Uint8Array | undefined, position: number): void {
  if (value === undefined) throw new Error(`entry ${position} is missing`)
  const isSame = wordOf(value, 0) === (position | 0) && wordOf(value, HALF) === (position | 0)
  if (value.length === VALUE_SIZE && isSame) return
  const found = Buffer.from(value.subarray(0, VALUE_SIZE)).toString('hex')
  throw new Error(`entry ${position} has ${value.length} bytes of another value: ${found}`)
}

const expected = Buffer.allocUnsafeSlow(VALUE_SIZE)

/** Throws unless `value` is that of `position` in every byte. */
export function checkValue(value: Uint8Array | undefined, position: number): void {
  checkStamps(value, position)
  putValue(expected, position)
  if (!expected.equals(value!)) throw new Error(`entry ${position} has a damaged value`)
}

/**
 * Throws unless `key` and `value` belong together, by the first word of the key; returns their
 * position. Cheap: in a scan the check must not weigh more than the reading.
 */
export function checkEntry(key: Uint8Array, value: Uint8Array): number {
  const position = wordOf(value, 0) >>> 0
  checkStamps(value, position)
  if (key.length === KEY_SIZE && wordOf(key, 0) === mix(position)) return position
  throw new Error(`a scan gives entry ${position} under ${Buffer.from(key).toString('hex')}`)
}

// Made beforehand, so that the time measured is the store's. A key is a view of one arena: a Buffer
// of its own for each of a million keys would weigh more than the stores that are measured.
let arena: Buffer | undefined

function filledArena(): Buffer {
  const keys = Buffer.allocUnsafeSlow(ARENA_KEYS * KEY_SIZE)
  for (let position = 0; position < ARENA_KEYS; position++) {
    putKey(keys, position * KEY_SIZE, position)
  }
  return keys
}

/** The key of `position`, a view that may be kept. They come again after 2^20. */
export function keyAt(position: number): Buffer {
  arena ??= filledArena()
  const start = (position % ARENA_KEYS) * KEY_SIZE
  return arena.subarray(start, start + KEY_SIZE)
}

/** A value for writes that nobody reads: the pattern alone. */
export function valueAt(position: number): Buffer {
  return patterns[position % PATTERN_COUNT]!
}
