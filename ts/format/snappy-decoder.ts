// Expands Snappy data, trusting none of it.
//
//   data    := length: varint32  element*             length: of the expanded bytes
//   element := tag: u8, low two bits its kind, the other six n
//     00 literal  n < 60: n + 1 bytes follow; n = 60..63: length - 1 in n - 59 bytes, then the bytes
//     01 copy     length 4 + (n & 7), offset (n >> 3) * 256 + u8
//     10 copy     length n + 1, offset: u16      11 copy  length n + 1, offset: u32
//   a copy repeats bytes from `offset` behind the end of what is expanded; it may overlap itself
//
// native/core/snappy.cc does the same, ten times as fast: a block of 4 KiB takes some 0.5 us there.

import { copyRange } from './batch.ts'

/**
 * Expands the elements source[start, end) to exactly target[targetStart, targetEnd); false when they
 * are malformed or of another length. What is there then is undefined.
 * Requires: the two ranges do not overlap.
 */
export function expandSnappy(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  targetStart: number,
  targetEnd: number,
): boolean {
  let from = start
  let to = targetStart
  while (from < end) {
    const tag = source[from++]!
    let length = (tag >>> 2) + 1
    let offset: number
    switch (tag & 3) {
      case 0:
        if (length > 60) {
          const lengthBytes = length - 60
          if (lengthBytes > end - from) return false
          length = littleEndian(source, from, lengthBytes) + 1
          from += lengthBytes
        }
        if (length > end - from || length > targetEnd - to) return false
        copyRange(source, from, from + length, target, to)
        from += length
        to += length
        continue
      case 1:
        if (from >= end) return false
        length = 4 + ((tag >>> 2) & 7)
        offset = ((tag >>> 5) << 8) | source[from]!
        from += 1
        break
      case 2:
        if (from + 2 > end) return false
        offset = source[from]! | (source[from + 1]! << 8)
        from += 2
        break
      default:
        if (from + 4 > end) return false
        offset = littleEndian(source, from, 4)
        from += 4
    }
    if (offset === 0 || offset > to - targetStart || length > targetEnd - to) return false
    // A byte at a time: a copy may read what it has just written.
    for (const stop = to + length; to < stop; to++) target[to] = target[to - offset]!
  }
  return to === targetEnd
}

/** An unsigned integer of 1 to 4 bytes. */
function littleEndian(bytes: Buffer, position: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[position + i]!
  return value
}
