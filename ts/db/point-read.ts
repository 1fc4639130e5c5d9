// Reading one key from the tables of a version, newest data first; in place, from what is in memory,
// or with the reads on the pool.
//
// Invariant: the version is the one of the moment of the call, retained while a read waits. What a
// flush or a compaction adds meanwhile is newer than the read, or the same data.

import type { FileMetadata } from '../version/file-metadata.ts'
import type { LookupKey } from '../table/lookup-key.ts'
import type { NOT_AT_HAND } from '../table/table.ts'
import type { TableCache } from '../table/table-cache.ts'
import type { RetainedVersion } from '../version/version-set.ts'
import type { Version } from '../version/version.ts'
import { inLanes } from './lanes.ts'

/** Reads of getMany under way at a time: enough to keep a pool of four threads busy. */
const LANES = 16

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
  fillCache: boolean,
): Buffer | undefined | typeof NOT_AT_HAND {
  const count = version.filesFor(key.bytes, key.length, candidates)
  for (let i = 0; i < count; i++) {
    const value = tables.getAtHand(candidates[i]!.number, key, fillCache)
    if (value !== undefined) return value ?? undefined
  }
  return undefined
}

/**
 * The same with the reads on the pool; releases the version. Requires: the key does not change before
 * it settles.
 */
export async function getFromTables(
  retained: RetainedVersion,
  tables: TableCache,
  key: LookupKey,
  fillCache: boolean,
): Promise<Buffer | undefined> {
  try {
    return await readTables(retained.version, tables, key, fillCache)
  } finally {
    retained.release()
  }
}

/** A value that has to be read, and its place among those that were asked for. */
export interface MissingValue {
  readonly at: number
  readonly key: LookupKey
}

/**
 * Reads what is missing of `values` on the pool, some at a time, and releases the version.
 * Rejects with the first error, when no read is under way any more. Requires: as getFromTables.
 */
export async function fillMissing(
  retained: RetainedVersion,
  tables: TableCache,
  values: (Buffer | undefined)[],
  missing: readonly MissingValue[],
  fillCache: boolean,
): Promise<(Buffer | undefined)[]> {
  try {
    await inLanes(missing, LANES, async ({ at, key }) => {
      values[at] = await readTables(retained.version, tables, key, fillCache)
    })
  } finally {
    retained.release()
  }
  return values
}

async function readTables(
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
