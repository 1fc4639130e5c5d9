// Which entries a compaction leaves out. They are LevelDB's two rules:
//
//   A  an entry is hidden when a newer one of its user key is visible at every snapshot, that is, has
//      a sequence not above the smallest
//   B  a deletion not above the smallest snapshot says nothing when no deeper level may hold its user
//      key; whatever it hides within the inputs goes by rule A
//
// and one of ours: of two entries with the same user key and sequence the second is left out. They are
// copies, of which C++ LevelDB's repair makes some: it keeps a table and the log it came from.
//
// The rules see every entry, in order. Keys ascend, so each level is walked once.

import { MAX_SEQUENCE, TAG_SIZE, TYPE_DELETION, compareBytes } from '../format/internal-key.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { MergeRun } from './merge-run.ts'

export class DropRules {
  readonly #smallestSnapshot: number
  readonly #deeper: readonly (readonly FileMetadata[])[]
  /** For each deeper level, the first file that does not end below the last key asked for. */
  readonly #positions: number[]
  /** Of the entry before, of the same user key; above every snapshot at a new one. */
  #sequenceBefore = MAX_SEQUENCE

  constructor(smallestSnapshot: number, deeper: readonly (readonly FileMetadata[])[]) {
    this.#smallestSnapshot = smallestSnapshot
    this.#deeper = deeper
    this.#positions = deeper.map(() => 0)
  }

  /**
   * Whether the entry that the run is at is left out. Requires: every entry is shown once, in
   * ascending order, and isNewUserKey is true for the first of each user key.
   */
  drops(run: MergeRun, isNewUserKey: boolean): boolean {
    const { sequence } = run
    const before = isNewUserKey ? MAX_SEQUENCE : this.#sequenceBefore
    this.#sequenceBefore = sequence
    if (before <= this.#smallestSnapshot || (sequence === before && !isNewUserKey)) return true
    return (
      run.type === TYPE_DELETION &&
      sequence <= this.#smallestSnapshot &&
      !this.#deeperMayHold(run.key.buffer, run.userEnd)
    )
  }

  #deeperMayHold(key: Buffer, userEnd: number): boolean {
    for (let level = 0; level < this.#deeper.length; level++) {
      const files = this.#deeper[level]!
      let position = this.#positions[level]!
      while (position < files.length && compareUser(key, userEnd, files[position]!.largest) > 0) {
        position++
      }
      this.#positions[level] = position
      if (position < files.length && compareUser(key, userEnd, files[position]!.smallest) >= 0) {
        return true
      }
    }
    return false
  }
}

/** Order of the user key key[0, userEnd) and that of an internal key. */
function compareUser(key: Buffer, userEnd: number, internalKey: Buffer): number {
  return compareBytes(key, 0, userEnd, internalKey, 0, internalKey.length - TAG_SIZE)
}
