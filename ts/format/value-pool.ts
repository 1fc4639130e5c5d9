// Values for callers: each a Buffer of its own bytes, the short ones cut from blocks of memory that
// they share.
//
// Buffer.allocUnsafe cuts from such blocks too. But then the value is copied by Buffer.copy, which
// makes a view of the source first; here the words are copied by a DataView of the block. For 20, 100
// and 160 bytes out of 4 MiB of memory, 72, 109 and 128 ns of processor time beside 121, 128 and 136;
// 157 beside 143 for 200 (Node 20.20, 2026-11-21, `node dist/scripts/bench-pieces.js values`).
//
// Invariant: bytes that were given out are never written again here, nor given out twice.

import { Bytes, copyWords } from './copy-words.ts'

/** As Buffer's own: so much a value may hold alive. */
const POOL_BYTES = 8 * 1024
/** Longer values are copied by Buffer. */
const WORDS_LIMIT = 160

let pool = Bytes.allocate(POOL_BYTES)
let used = 0

/** source[start, end) in a Buffer that is the caller's. Requires: the range is inside the source. */
export function copyOut(source: Bytes, start: number, end: number): Buffer {
  const size = end - start
  if (size > WORDS_LIMIT) {
    const value = Buffer.allocUnsafe(size)
    source.buffer.copy(value, 0, start, end)
    return value
  }
  if (used + size > POOL_BYTES) {
    pool = Bytes.allocate(POOL_BYTES)
    used = 0
  }
  const at = used
  used = (at + size + 7) & ~7
  copyWords(source.view, start, end, pool.view, at)
  return pool.buffer.subarray(at, at + size)
}
