// The keys and values of the benchmark: 16 random bytes, and 100 bytes that Snappy halves.
//
// Made beforehand, so that the time measured is the store's. A key is a view of one arena: a Buffer
// of its own for each of a million keys would weigh more than the stores that are measured.

import { randomFillSync } from 'node:crypto'

export const KEY_SIZE = 16
export const VALUE_SIZE = 100
const KEY_COUNT = 2 ** 20
const VALUE_COUNT = 1024

const keys = randomFillSync(Buffer.allocUnsafeSlow(KEY_COUNT * KEY_SIZE))
const values = Array.from({ length: VALUE_COUNT }, makeValue)

function makeValue(): Buffer {
  const value = Buffer.allocUnsafeSlow(VALUE_SIZE)
  randomFillSync(value, 0, VALUE_SIZE / 2)
  value.copy(value, VALUE_SIZE / 2, 0, VALUE_SIZE / 2)
  return value
}

/** The position-th key, a view. Distinct for 2^20 positions in a row, then they come again. */
export function keyAt(position: number): Buffer {
  const start = (position % KEY_COUNT) * KEY_SIZE
  return keys.subarray(start, start + KEY_SIZE)
}

export function valueAt(position: number): Buffer {
  return values[position % VALUE_COUNT]!
}
