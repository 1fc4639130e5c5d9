// CRC-32C in JavaScript: the `crc-32` package under the signatures of this project.
//
// crc-32 works on whole arrays, so a range costs a view: some 30 ns, against copying.

import castagnoli from 'crc-32/crc32c.js'

/** CRC-32C of bytes[start, end), unsigned. Requires: 0 <= start <= end <= bytes.length. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  return extendCrc32c(0, bytes, start, end)
}

/** The CRC-32C of what `crc` covers followed by bytes[start, end). */
export function extendCrc32c(crc: number, bytes: Uint8Array, start: number, end: number): number {
  const range = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
  return castagnoli.buf(range, crc) >>> 0
}
