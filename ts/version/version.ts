// A version: which table files hold the database at one moment. Never changed once made.
//
// Invariants:
//   Level 0: files may overlap; newest (highest number) first.
//   Levels 1 to 6: in order of internal keys, no two files overlap. Two neighbours may share a user
//   key, the newer entries in the first: C++ LevelDB makes such files while snapshots are open. So a
//   search goes by internal key, never by user key alone.

import { corruption } from '../format/error.ts'
import { compareBytes, compareInternal, TAG_SIZE } from '../format/internal-key.ts'
import { SortedKeys } from '../table/sorted-keys.ts'
import type { FileMetadata } from './file-metadata.ts'
import { LEVEL_COUNT, type VersionEdit } from './version-edit.ts'

export class Version {
  readonly levels: readonly (readonly FileMetadata[])[]
  /** By level, made at the first search: the largest keys of its files. */
  readonly #largestKeys: (SortedKeys | undefined)[]

  private constructor(
    levels: readonly (readonly FileMetadata[])[],
    largestKeys: (SortedKeys | undefined)[] = [],
  ) {
    this.levels = levels
    this.#largestKeys = largestKeys
  }

  static empty(): Version {
    return new Version(Array.from({ length: LEVEL_COUNT }, () => []))
  }

  /**
   * The version after `edits`, applied in order. This one stays as it is.
   * Throws LEVEL_CORRUPTION where an edit deletes what is not there, adds a number twice, or leaves
   * a level out of order.
   */
  apply(edits: readonly VersionEdit[]): Version {
    // Only of the levels that change: of the others, thousands of files may be left as they are.
    const changed: (Map<number, FileMetadata> | undefined)[] = []
    const filesOf = (level: number): Map<number, FileMetadata> =>
      (changed[level] ??= new Map(this.levels[level]!.map((file) => [file.number, file])))
    for (const edit of edits) {
      for (const { level, number } of edit.deletedFiles) {
        if (!filesOf(level).delete(number)) {
          throw corruption(`version edit: file ${number} is not at level ${level}`)
        }
      }
      for (const { level, file } of edit.newFiles) {
        if (filesOf(level).has(file.number)) {
          throw corruption(`version edit: file ${file.number} is at level ${level} already`)
        }
        filesOf(level).set(file.number, file)
      }
    }
    const levels = this.levels.map((files, level) => {
      const map = changed[level]
      return map === undefined ? files : ordered([...map.values()], level)
    })
    const largestKeys = this.#largestKeys.map((keys, level) =>
      changed[level] === undefined ? keys : undefined,
    )
    return new Version(levels, largestKeys)
  }

  get fileCount(): number {
    return this.levels.reduce((count, files) => count + files.length, 0)
  }

  /**
   * Puts into `found` the files that may hold the newest entry at or after the internal key
   * target[0, length) of its user key, newest data first: of level 0 every one whose range covers it,
   * of each deeper level at most one. Returns how many; what stands behind them in `found` is from
   * before. An array that is used again rather than a generator, which is garbage for every read.
   */
  filesFor(target: Uint8Array, length: number, found: FileMetadata[]): number {
    let count = 0
    for (const file of this.levels[0]!) {
      if (coversUserKey(file, target, length)) found[count++] = file
    }
    for (let level = 1; level < LEVEL_COUNT; level++) {
      const files = this.levels[level]!
      if (files.length === 0) continue
      const largestKeys = (this.#largestKeys[level] ??= SortedKeys.of(
        files.map(({ largest }) => largest),
      ))
      const file = files[largestKeys.lowerBound(target, length)]
      if (file !== undefined && coversUserKey(file, target, length)) found[count++] = file
    }
    return count
  }
}

function ordered(unordered: readonly FileMetadata[], level: number): FileMetadata[] {
  for (const file of unordered) {
    if (compareKeys(file.smallest, file.largest) > 0) {
      throw corruption(`version edit: file ${file.number} ends before it begins`)
    }
  }
  if (level === 0) return unordered.toSorted((a, b) => b.number - a.number)
  const files = unordered.toSorted((a, b) => compareKeys(a.smallest, b.smallest))
  for (let i = 1; i < files.length; i++) {
    if (compareKeys(files[i - 1]!.largest, files[i]!.smallest) >= 0) {
      throw corruption(
        `version edit: files ${files[i - 1]!.number} and ${files[i]!.number} overlap at level ${level}`,
      )
    }
  }
  return files
}

function coversUserKey(file: FileMetadata, target: Uint8Array, length: number): boolean {
  return (
    compareUserKeys(file.smallest, target, length) <= 0 &&
    compareUserKeys(file.largest, target, length) >= 0
  )
}

function compareKeys(a: Buffer, b: Buffer): number {
  return compareInternal(a, 0, a.length, b, 0, b.length)
}

function compareUserKeys(key: Buffer, target: Uint8Array, length: number): number {
  return compareBytes(key, 0, key.length - TAG_SIZE, target, 0, length - TAG_SIZE)
}
