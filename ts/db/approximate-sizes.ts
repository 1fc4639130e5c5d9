// How many bytes of tables a range of keys takes, by the indexes of the tables alone.
//
//   size(start, end) = offset(end) - offset(start)
//   offset(key)      = all of each table that ends before the key, and of each table that holds it
//                      between its ends, what stands before the block that may hold it
//
// Compressed bytes, overwritten entries included, memtables not: as LevelDB counts.

import { compareBytes, TAG_SIZE } from '../format/internal-key.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { Version } from '../version/version.ts'
import { inLanes } from './lanes.ts'

/** Where in the table the block begins that may hold the key, in bytes. */
export type OffsetInTable = (fileNumber: number, userKey: Uint8Array) => Promise<number>

export type SizeRange = readonly [start: Uint8Array, end: Uint8Array]

/** Ranges that are looked at together. A table is open while it is asked, so their number is bounded. */
const LANES = 16

/**
 * A size for each range, 0 where it ends before it begins. Rejects with the errors of opening a
 * table. Requires: the version's files stay until it settles.
 */
export async function approximateSizes(
  version: Version,
  ranges: readonly SizeRange[],
  offsetInTable: OffsetInTable,
): Promise<number[]> {
  const sizes = ranges.map(() => 0)
  await inLanes([...ranges.entries()], LANES, async ([at, [start, end]]) => {
    const before = await offsetOf(version, start, offsetInTable)
    const after = await offsetOf(version, end, offsetInTable)
    sizes[at] = Math.max(0, after - before)
  })
  return sizes
}

async function offsetOf(
  version: Version,
  userKey: Uint8Array,
  offsetInTable: OffsetInTable,
): Promise<number> {
  let sum = 0
  for (const files of version.levels) {
    for (const file of files) {
      if (compareUserKey(file.largest, userKey) < 0) sum += file.sizeBytes
      else if (compareUserKey(file.smallest, userKey) < 0) {
        sum += await offsetInTable(file.number, userKey)
      }
    }
  }
  return sum
}

function compareUserKey(internalKey: FileMetadata['smallest'], userKey: Uint8Array): number {
  const end = internalKey.length - TAG_SIZE
  return compareBytes(internalKey, 0, end, userKey, 0, userKey.length)
}
