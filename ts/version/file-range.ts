// Ranges of user keys, and which files of a level overlap one.
//
// Ranges go by user key and include both ends, so that what overlaps a file's range includes every
// file that holds another version of its first or last user key.

import { compareBytes, compareInternal, TAG_SIZE } from '../format/internal-key.ts'
import type { FileMetadata } from './file-metadata.ts'
import type { Version } from './version.ts'

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

/** The files of the level that may hold a key of the range, in the level's order. */
export function overlapping(
  version: Version,
  level: number,
  range: UserKeyRange,
): readonly FileMetadata[] {
  const files = version.levels[level]!
  if (level === 0) return files.filter((file) => overlaps(file, range))
  // In order, without overlap: what is asked for is one piece of the level.
  const start = firstEndingFrom(files, range.smallest)
  let end = start
  while (end < files.length && overlaps(files[end]!, range)) end++
  return files.slice(start, end)
}

/**
 * The files that overlap the range, and those that overlap these, and so on: no other file of the
 * level holds a user key that one of them holds, so they can leave the level together. On level 0
 * that takes in every older and newer version; on the others, neighbours that share a user key.
 */
export function closure(
  version: Version,
  level: number,
  range: UserKeyRange,
): readonly FileMetadata[] {
  let found = overlapping(version, level, range)
  for (;;) {
    if (found.length === 0) return found
    const wider = overlapping(version, level, rangeOf(found))
    if (wider.length === found.length) return found
    found = wider
  }
}

/** The files as few runs: those of each are in order and have no user key in common. */
export function sortedRuns(files: readonly FileMetadata[]): FileMetadata[][] {
  const runs: FileMetadata[][] = []
  for (const file of files.toSorted((a, b) => compareKeys(a.smallest, b.smallest))) {
    const start = userKeyOf(file.smallest)
    const run = runs.find((found) => compareUserKey(found.at(-1)!.largest, start) < 0)
    if (run === undefined) runs.push([file])
    else run.push(file)
  }
  return runs
}

/**
 * The place of the first file that does not end below the user key. Requires: files in order, of a
 * level from 1 on, or one alone.
 */
export function firstEndingFrom(
  files: readonly FileMetadata[],
  userKey: Uint8Array | undefined,
): number {
  if (userKey === undefined) return 0
  let low = 0
  let high = files.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareUserKey(files[middle]!.largest, userKey) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** The place of the last file that begins below the user key, or -1. Requires: as firstEndingFrom. */
export function lastBeginningBelow(
  files: readonly FileMetadata[],
  userKey: Uint8Array | undefined,
): number {
  if (userKey === undefined) return files.length - 1
  let low = 0
  let high = files.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareUserKey(files[middle]!.smallest, userKey) < 0) low = middle + 1
    else high = middle
  }
  return low - 1
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
