// A version: which table files hold the database at one moment. Never changed once made.
//
// Invariants:
//   Level 0: files may overlap; newest (highest number) first.
//   Levels 1 to 6: in order of internal keys, no two files overlap. Two neighbours may share a user
//   key, the newer entries in the first: C++ LevelDB makes such files while snapshots are open. So a
//   search goes by internal key, never by user key alone.

import { corruption } from '../format/error.ts'
import { compareBytes, compareInternal, TAG_SIZE } from '../format/internal-key.ts'
import type { FileMetadata } from './file-metadata.ts'
import { LEVEL_COUNT, type VersionEdit } from './version-edit.ts'

export class Version {
  readonly levels: readonly (readonly FileMetadata[])[]

  private constructor(levels: readonly (readonly FileMetadata[])[]) {
    this.levels = levels
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
    const levels = this.levels.map((files) => new Map(files.map((file) => [file.number, file])))
    for (const edit of edits) {
      for (const { level, number } of edit.deletedFiles) {
        if (!levels[level]!.delete(number)) {
          throw corruption(`version edit: file ${number} is not at level ${level}`)
        }
      }
      for (const { level, file } of edit.newFiles) {
        if (levels[level]!.has(file.number)) {
          throw corruption(`version edit: file ${file.number} is at level ${level} already`)
        }
        levels[level]!.set(file.number, file)
      }
    }
    return new Version(levels.map((files, level) => ordered([...files.values()], level)))
  }

  get fileCount(): number {
    return this.levels.reduce((count, files) => count + files.length, 0)
  }

  /**
   * The files that may hold the newest entry at or after the internal key `target` of its user key,
   * newest data first: of level 0 every one whose range covers it, of each deeper level at most one.
   */
  *filesFor(target: Buffer): Generator<FileMetadata, void> {
    for (const file of this.levels[0]!) {
      if (coversUserKey(file, target)) yield file
    }
    for (let level = 1; level < LEVEL_COUNT; level++) {
      const file = findFile(this.levels[level]!, target)
      if (file !== undefined) yield file
    }
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

// The only file of a sorted level that can hold the key, by binary search on the largest keys.
function findFile(files: readonly FileMetadata[], target: Buffer): FileMetadata | undefined {
  let low = 0
  let high = files.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(files[middle]!.largest, target) < 0) low = middle + 1
    else high = middle
  }
  const file = files[low]
  return file !== undefined && coversUserKey(file, target) ? file : undefined
}

function coversUserKey(file: FileMetadata, target: Buffer): boolean {
  return compareUserKeys(file.smallest, target) <= 0 && compareUserKeys(file.largest, target) >= 0
}

function compareKeys(a: Buffer, b: Buffer): number {
  return compareInternal(a, 0, a.length, b, 0, b.length)
}

function compareUserKeys(a: Buffer, b: Buffer): number {
  return compareBytes(a, 0, a.length - TAG_SIZE, b, 0, b.length - TAG_SIZE)
}
