// Snappy on a block of 4 KiB: the native binding, its twin, and the `snappy` package.

import snappy from 'snappy'
import { expandSnappy } from '../../ts/format/snappy-decoder.ts'
import { compressSnappy, snappyBound } from '../../ts/format/snappy-encoder.ts'
import { binding } from '../../ts/platform/load-binding.ts'

const COPY = { copyOutputData: true }
const CALLS = 5000
const ROUNDS = 7
const SIZE = 4096

export function benchSnappy(): void {
  for (const [name, block] of [
    ['of entries that half compress', halfBlock()],
    ['of JSON', jsonBlock()],
  ] as const) {
    const target = Buffer.allocUnsafeSlow(snappyBound(SIZE))
    const end = compressSnappy(block, 0, SIZE, target, 0)
    const data = Buffer.from(target.subarray(0, end))
    const times = {
      [`compress, ${binding.kind} binding`]: () =>
        binding.compressSnappy(block, 0, SIZE, target, 0),
      'compress, twin': () => compressSnappy(block, 0, SIZE, target, 0),
      'compress, package': () => snappy.compressSync(block, COPY),
      // The length takes two bytes.
      [`expand, ${binding.kind} binding`]: () =>
        binding.expandSnappy(data, 2, end, target, 0, SIZE),
      'expand, twin': () => expandSnappy(data, 2, end, target, 0, SIZE),
      'expand, package': () => snappy.uncompressSync(data, COPY),
    }
    const columns = Object.entries(times).map(([what, call]) => `${what} ${best(call)} us`)
    console.log(`Snappy, 4 KiB ${name}, ${end} bytes: ${columns.join('; ')}`)
  }
}

function best(call: () => unknown): string {
  let bestMs = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now()
    for (let i = 0; i < CALLS; i++) call()
    bestMs = Math.min(bestMs, performance.now() - startMs)
  }
  return ((bestMs * 1000) / CALLS).toFixed(2)
}

/** Entries as in a data block, with values of which one half is the same byte. */
function halfBlock(): Buffer {
  const block = Buffer.alloc(SIZE, 7)
  for (let at = 0; at < SIZE; at += 125) {
    for (let i = at; i < Math.min(at + 75, SIZE); i++) block[i] = Math.random() * 256
  }
  return block
}

function jsonBlock(): Buffer {
  const users = Array.from({ length: 100 }, (_, id) => ({
    id: id * 7919,
    name: `user ${(id * 31) % 97}`,
    email: `u${id}@example.com`,
    active: id % 3 === 0,
  }))
  return Buffer.from(JSON.stringify(users)).subarray(0, SIZE)
}
