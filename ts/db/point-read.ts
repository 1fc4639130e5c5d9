// Reading one key from the tables of a version, newest data first, in steps; in place, or with the reads
// on the pool.
//
// Invariant: the version is the one of the moment of the call, held while a read waits. What a
// flush or a compaction adds meanwhile is newer than the read, or the same data.

import type { FileMetadata } from '../version/file-metadata.ts'
import type { LookupKey } from '../table/lookup-key.ts'
import type { TableCache } from '../table/table-cache.ts'
import type { Version } from '../version/version.ts'
import type { VersionHold } from './version-holds.ts'

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

/**
 * The same with the reads on the pool; releases the version. Requires: the key does not change before
 * it settles.
 */
export async function getFromTables(
  hold: VersionHold,
  tables: TableCache,
  key: LookupKey,
  fillCache: boolean,
): Promise<Buffer | undefined> {
  try {
    return await readTables(hold.version, tables, key, fillCache, 0)
  } finally {
    hold.release()
  }
}

/** The same from the candidate `from` on, of a version that somebody else holds. */
export async function readTables(
  version: Version,
  tables: TableCache,
  key: LookupKey,
  fillCache: boolean,
  from: number,
): Promise<Buffer | undefined> {
  const files: FileMetadata[] = []
  const count = version.filesFor(key.bytes, key.length, files)
  for (let i = from; i < count; i++) {
    const value = await tables.get(files[i]!.number, key, fillCache)
    if (value !== undefined) return value ?? undefined
  }
  return undefined
}
