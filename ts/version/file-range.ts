// Ranges of user keys, and which files of a level overlap one.
//
// Ranges go by user key and include both ends, so that what overlaps a file's range includes every
// file that holds another version of its first or last user key.

import { compareBytes, compareInternal, TAG_SIZE } from '../format/internal-key.ts'
import type { FileMetadata } from './file-metadata.ts'

/** From `smallest` to `largest`, both user keys; undefined leaves an end open. */
export interface UserKeyRange {
  readonly smallest: Uint8Array | undefined
  readonly largest: Uint8Array | undefined
}

/** The user keys from the first to the last of the files. Requires: at least one file. */
export function rangeOf(files: readonly FileMetadata[]): UserKeyRange {
  let { smallest, largest } = files[0]!
  for (const file of files) {
    if (compareKeys(file.smallest, smallest) < 0) smallest = file.smallest
    if (compareKeys(file.largest, largest) > 0) largest = file.largest
  }
  return { smallest: userKeyOf(smallest), largest: userKeyOf(largest) }
}

/** The files that may hold a key of the range, in the order in which they are given. */
export function overlapping(files: readonly FileMetadata[], range: UserKeyRange): FileMetadata[] {
  return files.filter((file) => overlaps(file, range))
}

/**
 * The files that overlap the range, and those that overlap these, and so on: no other file of the
 * level holds a user key that one of them holds, so they can leave the level together. On level 0
 * that takes in every older and newer version; on the others, neighbours that share a user key.
 */
export function closure(files: readonly FileMetadata[], range: UserKeyRange): FileMetadata[] {
  let found = overlapping(files, range)
  for (;;) {
    if (found.length === 0) return found
    const wider = overlapping(files, rangeOf(found))
    if (wider.length === found.length) return found
    found = wider
  }
}

function overlaps(file: FileMetadata, { smallest, largest }: UserKeyRange): boolean {
  return (
    (largest === undefined || compareUserKey(file.smallest, largest) <= 0) &&
    (smallest === undefined || compareUserKey(file.largest, smallest) >= 0)
  )
}

/** Order of the user key of an internal key and a user key. */
function compareUserKey(internalKey: Uint8Array, userKey: Uint8Array): number {
  return compareBytes(internalKey, 0, internalKey.length - TAG_SIZE, userKey, 0, userKey.length)
}

function userKeyOf(internalKey: Buffer): Buffer {
  return internalKey.subarray(0, internalKey.length - TAG_SIZE)
}

function compareKeys(a: Buffer, b: Buffer): number {
  return compareInternal(a, 0, a.length, b, 0, b.length)
}
