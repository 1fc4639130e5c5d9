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

/** Where in the table the block begins that may hold the key, in bytes. */
export type OffsetInTable = (fileNumber: number, userKey: Uint8Array) => Promise<number>

export type SizeRange = readonly [start: Uint8Array, end: Uint8Array]

/**
 * A size for each range, 0 where it ends before it begins. Rejects with the errors of opening a
 * table. Requires: the version's files stay until it settles.
 */
export function approximateSizes(
  version: Version,
  ranges: readonly SizeRange[],
  offsetInTable: OffsetInTable,
): Promise<number[]> {
  const offset = (key: Uint8Array): Promise<number> => offsetOf(version, key, offsetInTable)
  return Promise.all(
    ranges.map(async ([start, end]) => {
      const [before, after] = await Promise.all([offset(start), offset(end)])
      return Math.max(0, after - before)
    }),
  )
}

async function offsetOf(
  version: Version,
  userKey: Uint8Array,
  offsetInTable: OffsetInTable,
): Promise<number> {
  let sum = 0
  const straddling: Promise<number>[] = []
  for (const files of version.levels) {
    for (const file of files) {
      if (compareUserKey(file.largest, userKey) < 0) sum += file.sizeBytes
      else if (compareUserKey(file.smallest, userKey) < 0) {
        straddling.push(offsetInTable(file.number, userKey))
      }
    }
  }
  for (const offset of await Promise.all(straddling)) sum += offset
  return sum
}

function compareUserKey(internalKey: FileMetadata['smallest'], userKey: Uint8Array): number {
  const end = internalKey.length - TAG_SIZE
  return compareBytes(internalKey, 0, end, userKey, 0, userKey.length)
}
