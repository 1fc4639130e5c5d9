// What to compact next: a pure function of the version.
//
//   the level that asks most ── a file of it, round robin ── every file of the level that shares user
//   keys with it ── every file of the level below that overlaps ── more of the level, where that
//   takes in no more of the level below
//
// Files that are taken together leave no version of a user key behind on their level: an older one
// that stayed while a newer one went below it would be found first (google/leveldb#320). So sets are
// closed under overlap of user keys, on both levels.
//
// Rejected: compactions because of reads that looked in vain (LevelDB's seek compaction). They rewrite
// data that nobody changed, and a bloom filter makes their reason rare.

import { compareInternal } from '../format/internal-key.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import { closure, type UserKeyRange, overlapping, rangeOf } from '../version/file-range.ts'
import {
  expandedLimitBytes,
  grandparentLimitBytes,
  type LevelLimits,
  levelScore,
  totalBytes,
} from '../version/level-rules.ts'
import type { Version } from '../version/version.ts'
import { LEVEL_COUNT } from '../version/version-edit.ts'

/** Files of `level` that go to the level below it, merged with those of it that they overlap. */
export interface Compaction {
  readonly level: number
  /** Of the level, then of the level below. */
  readonly inputs: readonly [readonly FileMetadata[], readonly FileMetadata[]]
  /** The files two levels below that overlap. */
  readonly grandparents: readonly FileMetadata[]
  /** All files below the output's level that overlap, by level. */
  readonly deeper: readonly (readonly FileMetadata[])[]
  /** The internal key behind which the next compaction of the level goes on. */
  readonly pointer: Buffer
  /** One file that can go down as it is. */
  readonly isMove: boolean
}

/**
 * The compaction that the version needs most, or undefined when it needs none. `pointers` is by level;
 * `isRefused` keeps a file out, such as a damaged one, and with it every compaction that needs it.
 */
export function pickCompaction(
  version: Version,
  pointers: ReadonlyMap<number, Buffer>,
  limits: LevelLimits,
  isRefused: (file: FileMetadata) => boolean,
): Compaction | undefined {
  const levels = version.levels
    .map((_, level) => ({ level, score: levelScore(version, level, limits) }))
    .filter(({ score }) => score >= 1)
    .toSorted((a, b) => b.score - a.score)
  for (const { level } of levels) {
    const compaction = pickFromLevel(version, level, pointers, limits, isRefused)
    if (compaction !== undefined) return compaction
  }
  return undefined
}

/** The compaction of this level whose turn it is, whether the level needs one or not. */
export function pickFromLevel(
  version: Version,
  level: number,
  pointers: ReadonlyMap<number, Buffer>,
  limits: LevelLimits,
  isRefused: (file: FileMetadata) => boolean,
): Compaction | undefined {
  for (const file of candidates(version, level, pointers.get(level))) {
    const compaction = around(version, level, [file], limits)
    if (!compaction.inputs.some((files) => files.some(isRefused))) return compaction
  }
  return undefined
}

/**
 * The next step of compacting a range of one level, or undefined when the level has nothing in it.
 * Below level 0, a step takes about `stepBytes` of the level, from its first file on.
 */
export function pickRange(
  version: Version,
  level: number,
  range: UserKeyRange,
  limits: LevelLimits,
  stepBytes: number,
): Compaction | undefined {
  const files = overlapping(version, level, range)
  if (files.length === 0) return undefined
  return around(version, level, level === 0 ? files : firstBytes(files, stepBytes), limits)
}

/** The deepest level with files that overlap the range, or -1. */
export function deepestLevel(version: Version, range: UserKeyRange): number {
  for (let level = LEVEL_COUNT - 1; level >= 0; level--) {
    if (overlapping(version, level, range).length > 0) return level
  }
  return -1
}

/** The files of a level in the order in which it is their turn: on level 0 the oldest first. */
function* candidates(
  version: Version,
  level: number,
  pointer: Buffer | undefined,
): Generator<FileMetadata, void> {
  const files = version.levels[level]!
  if (level === 0) {
    yield* files.toReversed()
    return
  }
  const isBehind = ({ largest }: FileMetadata): boolean =>
    pointer === undefined || compareKeys(largest, pointer) > 0
  const start = Math.max(files.findIndex(isBehind), 0)
  for (let i = 0; i < files.length; i++) yield files[(start + i) % files.length]!
}

/** The whole compaction that the files of the level belong to. Requires: at least one file. */
function around(
  version: Version,
  level: number,
  files: readonly FileMetadata[],
  limits: LevelLimits,
): Compaction {
  let upper = closure(version, level, rangeOf(files))
  let lower = closure(version, level + 1, rangeOf(upper))
  const wider = closure(version, level, rangeOf([...upper, ...lower]))
  if (
    wider.length > upper.length &&
    totalBytes(wider) + totalBytes(lower) < expandedLimitBytes(limits)
  ) {
    const widerLower = closure(version, level + 1, rangeOf(wider))
    if (widerLower.length === lower.length) {
      upper = wider
      lower = widerLower
    }
  }
  const range = rangeOf([...upper, ...lower])
  const deeper: (readonly FileMetadata[])[] = []
  for (let deep = level + 2; deep < LEVEL_COUNT; deep++) {
    deeper.push(overlapping(version, deep, range))
  }
  const grandparents = deeper[0] ?? []
  return {
    level,
    inputs: [upper, lower],
    grandparents,
    deeper,
    pointer: lastKey(upper),
    isMove:
      upper.length === 1 &&
      lower.length === 0 &&
      totalBytes(grandparents) <= grandparentLimitBytes(limits),
  }
}

function firstBytes(files: readonly FileMetadata[], stepBytes: number): readonly FileMetadata[] {
  let sum = 0
  const count = files.findIndex(({ sizeBytes }) => (sum += sizeBytes) >= stepBytes) + 1
  return count === 0 ? files : files.slice(0, count)
}

function lastKey(files: readonly FileMetadata[]): Buffer {
  return files.reduce(
    (last, { largest }) => (compareKeys(largest, last) > 0 ? largest : last),
    files[0]!.largest,
  )
}

function compareKeys(a: Buffer, b: Buffer): number {
  return compareInternal(a, 0, a.length, b, 0, b.length)
}
