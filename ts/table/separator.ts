// The keys of the index: short keys that separate one data block from the next.
//
// An index key k for block i satisfies  last key of block i <= k < first key of block i + 1.
// It may be any such key; the exact choice is LevelDB's, so that the index has LevelDB's bytes:
//   separator   the last key's user part cut after the first byte that differs from the next key's,
//               that byte plus one, when this stays below the next key; else the last key whole
//   successor   (after the last block) the user part cut after the first byte that is not 0xff,
//               that byte plus one; else the last key whole
// A shortened user key gets the largest tag there is, so that it sorts before its equals.
//
// Both shorten a key in place and return its new end, `end` itself when it stays as it is.

import { TAG_SIZE, TYPE_FOR_SEEK } from '../format/internal-key.ts'

/**
 * Shortens the internal key bytes[0, end) so that it still sorts below limit[limitStart, limitEnd).
 * Requires: the first sorts below the second.
 */
export function shortenToSeparator(
  bytes: Uint8Array,
  end: number,
  limit: Uint8Array,
  limitStart: number,
  limitEnd: number,
): number {
  const userEnd = end - TAG_SIZE
  const commonEnd = Math.min(userEnd, limitEnd - limitStart - TAG_SIZE)
  let at = 0
  while (at < commonEnd && bytes[at] === limit[limitStart + at]) at++
  // One is a prefix of the other: there is nothing between that is shorter.
  if (at >= commonEnd) return end
  const next = bytes[at]! + 1
  // No shorter than before means no use, even when the byte could grow.
  if (next >= limit[limitStart + at]! || at + 1 >= userEnd) return end
  bytes[at] = next
  return putLargestTag(bytes, at + 1)
}

/** Shortens the internal key bytes[0, end) to one that is not below it. */
export function shortenToSuccessor(bytes: Uint8Array, end: number): number {
  const userEnd = end - TAG_SIZE
  let at = 0
  while (at < userEnd && bytes[at] === 0xff) at++
  if (at + 1 >= userEnd) return end
  bytes[at] = bytes[at]! + 1
  return putLargestTag(bytes, at + 1)
}

/** Whether the internal key that ends at `end` has the tag of a shortened one. */
export function hasLargestTag(bytes: Uint8Array, end: number): boolean {
  if (bytes[end - TAG_SIZE] !== TYPE_FOR_SEEK) return false
  for (let i = 1; i < TAG_SIZE; i++) if (bytes[end - i] !== 0xff) return false
  return true
}

/** A new internal key that sorts before every entry of `userKey`, and behind those of lower keys. */
export function makeLowestKey(userKey: Uint8Array): Buffer {
  const key = Buffer.allocUnsafeSlow(userKey.length + TAG_SIZE)
  key.set(userKey)
  putLargestTag(key, userKey.length)
  return key
}

/** 2^56 - 1 and the type for seeking: beyond what putTag takes, so written byte by byte. */
function putLargestTag(bytes: Uint8Array, position: number): number {
  bytes[position] = TYPE_FOR_SEEK
  bytes.fill(0xff, position + 1, position + TAG_SIZE)
  return position + TAG_SIZE
}
