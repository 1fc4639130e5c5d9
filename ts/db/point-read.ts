// Reading one key from the tables of a version, newest data first; in place, from what is in memory,
// or with the reads on the pool.
//
// Invariant: the version is the one of the moment of the call. What a flush or a compaction adds
// meanwhile is newer than the read, or the same data.

import type { FileMetadata } from '../version/file-metadata.ts'
import type { LookupKey } from '../table/lookup-key.ts'
import type { NOT_AT_HAND } from '../table/table.ts'
import type { TableCache } from '../table/table-cache.ts'
import type { Version } from '../version/version.ts'

/** Serves the searches that are over before anyone else can run. */
const candidates: FileMetadata[] = []

/** The value, a new Buffer, or undefined. Throws LEVEL_IO_ERROR or LEVEL_CORRUPTION. */
export function getFromTablesSync(
  version: Version,
  tables: TableCache,
  key: LookupKey,
  fillCache: boolean,
): Buffer | undefined {
  const count = version.filesFor(key.bytes, key.length, candidates)
  for (let i = 0; i < count; i++) {
    const value = tables.getSync(candidates[i]!.number, key, fillCache)
    if (value !== undefined) return value ?? undefined
  }
  return undefined
}

/** The same where nothing has to be read from the disk for it. */
export function getFromTablesAtHand(
  version: Version,
  tables: TableCache,
  key: LookupKey,
): Buffer | undefined | typeof NOT_AT_HAND {
  const count = version.filesFor(key.bytes, key.length, candidates)
  for (let i = 0; i < count; i++) {
    const value = tables.getAtHand(candidates[i]!.number, key)
    if (value !== undefined) return value ?? undefined
  }
  return undefined
}

/** The same with the reads on the pool. Requires: the key does not change before it settles. */
export async function getFromTables(
  version: Version,
  tables: TableCache,
  key: LookupKey,
  fillCache: boolean,
): Promise<Buffer | undefined> {
  const files: FileMetadata[] = []
  const count = version.filesFor(key.bytes, key.length, files)
  for (let i = 0; i < count; i++) {
    const value = await tables.get(files[i]!.number, key, fillCache)
    if (value !== undefined) return value ?? undefined
  }
  return undefined
}
