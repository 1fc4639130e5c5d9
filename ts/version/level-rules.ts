// How large levels and files may grow: LevelDB's rules and constants.
//
//   level 0       compacted from 4 files on: each may have to be looked at by a read
//   level 1       10 MiB; every level after it ten times the one before
//   output file   ends at maxFileSizeBytes, and where it overlaps ten times that of the level below
//   inputs        may grow to 25 files' bytes where that takes in no more of the level below
//
// Only the proportions are the format's, so that C++ LevelDB finds a tree that it would have built;
// the bytes can be made smaller, which the tests do to fill every level with little.

import type { FileMetadata } from './file-metadata.ts'
import type { Version } from './version.ts'
import { LEVEL_COUNT } from './version-edit.ts'

export interface LevelLimits {
  /** Files of level 0 from which it is compacted. */
  readonly level0Files: number
  /** Bytes of level 1. */
  readonly level1Bytes: number
  /** How many times larger a level may be than the one before it. */
  readonly growth: number
  /** Bytes at which an output file ends. */
  readonly maxFileSizeBytes: number
}

export const LEVELDB_LIMITS: LevelLimits = {
  level0Files: 4,
  level1Bytes: 10 * 2 ** 20,
  growth: 10,
  maxFileSizeBytes: 2 * 2 ** 20,
}

/** Bytes of the level below that one output file may overlap. */
export function grandparentLimitBytes({ maxFileSizeBytes }: LevelLimits): number {
  return 10 * maxFileSizeBytes
}

/** Bytes of both levels to which the inputs of one compaction may be expanded. */
export function expandedLimitBytes({ maxFileSizeBytes }: LevelLimits): number {
  return 25 * maxFileSizeBytes
}

/** How much a level asks for a compaction: from 1 on it needs one. The last level never does. */
export function levelScore(version: Version, level: number, limits: LevelLimits): number {
  if (level >= LEVEL_COUNT - 1) return 0
  const files = version.levels[level]!
  if (level === 0) return files.length / limits.level0Files
  return totalBytes(files) / (limits.level1Bytes * limits.growth ** (level - 1))
}

export function totalBytes(files: readonly FileMetadata[]): number {
  let sum = 0
  for (const { sizeBytes } of files) sum += sizeBytes
  return sum
}
