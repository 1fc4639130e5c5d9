// Which entries a compaction leaves out. They are LevelDB's two rules:
//
//   A  an entry is hidden when a newer one of its user key is visible at every snapshot, that is, has
//      a sequence not above the smallest
//   B  a deletion not above the smallest snapshot says nothing when no deeper level may hold its user
//      key; whatever it hides within the inputs goes by rule A
//
// The rules see every entry, in order. Keys ascend, so each level is walked once.

import { corruption } from '../format/error.ts'
import {
  MAX_SEQUENCE,
  TAG_SIZE,
  TYPE_DELETION,
  TYPE_VALUE,
  compareBytes,
  sequenceOfKey,
  typeOfKey,
} from '../format/internal-key.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { MergeRun } from './merge-run.ts'

const INITIAL_KEY_BYTES = 64

export class DropRules {
  readonly #smallestSnapshot: number
  readonly #deeper: readonly (readonly FileMetadata[])[]
  /** For each deeper level, the first file that does not end below the last key asked for. */
  readonly #positions: number[]
  #userKey: Buffer = Buffer.allocUnsafeSlow(INITIAL_KEY_BYTES)
  /** -1 before the first entry. */
  #userKeyLength = -1
  /** Sequence of the entry before, of the same user key; above every snapshot at a new one. */
  #sequenceBefore = MAX_SEQUENCE

  /** Whether the last entry seen was the first of its user key. */
  isNewUserKey = false

  constructor(smallestSnapshot: number, deeper: readonly (readonly FileMetadata[])[]) {
    this.#smallestSnapshot = smallestSnapshot
    this.#deeper = deeper
    this.#positions = deeper.map(() => 0)
  }

  /**
   * Whether the entry that the run is at is left out. Throws LEVEL_CORRUPTION for a key that is no
   * internal key. Requires: every entry is shown once, in ascending order.
   */
  drops(run: MergeRun): boolean {
    const { key, keyLength } = run.entry
    const userEnd = keyLength - TAG_SIZE
    const sequence = sequenceOfKey(key, keyLength)
    const type = typeOfKey(key, keyLength)
    if (sequence === -1 || type > TYPE_VALUE) throw malformed(run, sequence, type)
    this.isNewUserKey = !this.#isSameUserKey(key, userEnd)
    if (this.isNewUserKey) this.#keepUserKey(key, userEnd)
    const before = this.isNewUserKey ? MAX_SEQUENCE : this.#sequenceBefore
    this.#sequenceBefore = sequence
    if (before <= this.#smallestSnapshot) return true
    return (
      type === TYPE_DELETION &&
      sequence <= this.#smallestSnapshot &&
      !this.#deeperMayHold(key, userEnd)
    )
  }

  #isSameUserKey(key: Buffer, userEnd: number): boolean {
    if (userEnd !== this.#userKeyLength) return false
    return compareBytes(key, 0, userEnd, this.#userKey, 0, userEnd) === 0
  }

  #keepUserKey(key: Buffer, userEnd: number): void {
    if (userEnd > this.#userKey.length) this.#userKey = Buffer.allocUnsafeSlow(2 * userEnd)
    for (let i = 0; i < userEnd; i++) this.#userKey[i] = key[i]!
    this.#userKeyLength = userEnd
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

function malformed(run: MergeRun, sequence: number, type: number): Error {
  const what = sequence === -1 ? 'sequence of an entry is too large' : `entry of type ${type}`
  return corruption(what, run.path, run.blockOffset)
}
