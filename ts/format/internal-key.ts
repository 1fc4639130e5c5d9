// An internal key: a user key with the sequence number and the type of its entry.
//
//   internal key := user key  tag: fixed64
//   tag          := sequence * 256 + type         sequence < 2^56
//   type         := 0 deletion | 1 value
//
// Order: user keys ascending, bytewise; for equal user keys the tag descending, so that the newest
// entry comes first and a search for (key, sequence) lands on the newest entry not above it.

import { fixed32At, putFixed32 } from './coding.ts'

// On disk: never change these values.
export const TYPE_DELETION = 0
export const TYPE_VALUE = 1
/** LevelDB's type for a search key: the largest, so that it sorts before its equals. */
export const TYPE_FOR_SEEK: number = TYPE_VALUE
export const TAG_SIZE = 8
export const COMPARATOR_NAME = 'leveldb.BytewiseComparator'

/** Sequences have 56 bits on disk; here they are exact JavaScript integers, and what is beyond is refused. */
export const MAX_SEQUENCE: number = Number.MAX_SAFE_INTEGER

/** Writes the tag of (sequence, type). Requires: 0 <= sequence <= MAX_SEQUENCE; 8 bytes of room. */
export function putTag(bytes: Uint8Array, position: number, sequence: number, type: number): void {
  putFixed32(bytes, position, (((sequence % 0x100_0000) << 8) | type) >>> 0)
  putFixed32(bytes, position + 4, Math.floor(sequence / 0x100_0000))
}

/** The type of the internal key that ends at `end`. */
export function typeOfKey(bytes: Uint8Array, end: number): number {
  return bytes[end - TAG_SIZE]!
}

/** The sequence of the internal key that ends at `end`, or -1 when it is above MAX_SEQUENCE. */
export function sequenceOfKey(bytes: Uint8Array, end: number): number {
  const high = fixed32At(bytes, end - 4)
  if (high > 0x1fff_ffff) return -1
  return high * 0x100_0000 + (fixed32At(bytes, end - TAG_SIZE) >>> 8)
}

/** A new internal key. */
export function makeInternalKey(userKey: Uint8Array, sequence: number, type: number): Buffer {
  const key = Buffer.allocUnsafeSlow(userKey.length + TAG_SIZE)
  key.set(userKey)
  putTag(key, userKey.length, sequence, type)
  return key
}

/**
 * Whether bytes[start, end) can be the key of an entry: a tag of a known type and of a sequence that
 * is exact here.
 */
export function isEntryKey(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= TAG_SIZE && bytes[end - TAG_SIZE]! <= TYPE_VALUE && bytes[end - 1]! <= 0x1f
}

/** Bytewise order of a[aStart, aEnd) and b[bStart, bEnd): negative, zero or positive. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart)
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!
    if (difference !== 0) return difference
  }
  return aEnd - aStart - (bEnd - bStart)
}

/** Order of two internal keys. Requires: both at least TAG_SIZE long. */
export function compareInternal(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const order = compareBytes(a, aStart, aEnd - TAG_SIZE, b, bStart, bEnd - TAG_SIZE)
  if (order !== 0) return order
  return compareTags(a, aEnd - TAG_SIZE, b, bEnd - TAG_SIZE)
}

/** Order of two keys of one user key, by their tags: the larger tag first. */
export function compareTags(
  a: Uint8Array,
  aPosition: number,
  b: Uint8Array,
  bPosition: number,
): number {
  const high = fixed32At(b, bPosition + 4) - fixed32At(a, aPosition + 4)
  return high === 0 ? fixed32At(b, bPosition) - fixed32At(a, aPosition) : high
}
