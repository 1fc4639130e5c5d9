// Searching one key in a block, without a copy of any key.
//
//   1. the last restart point below the target, by binary search
//   2. from there entry by entry. Of each, only what it does not share with the one before is looked
//      at, and only where that can matter: with `matched`, the number of bytes that the entry before
//      and the target begin with in common, an entry that shares
//        more than that   is ordered as the one before: skipped
//        as much or less  is compared from there on
//
// BlockCursor can do the same and is what iterators use; it builds the key of every entry it passes.
//
// Invariants:
//   Every entry is checked as BlockCursor checks it, with the same errors.
//   Matching is over the bytes of the whole internal key: a shared part may reach into the tag of the
//   entry before. Where the tag itself is partly shared, which only neighbours of one user key can do,
//   the cursor decides.

import { varint32At, varint32End } from '../format/coding.ts'
import { TAG_SIZE, compareBytes, compareInternal, compareTags } from '../format/internal-key.ts'
import { BlockCursor, lastRestartBelow } from './block.ts'
import type { Block } from './block.ts'

/** What a search came to: no entry at or after the target, or one, of this or of another user key. */
const NOTHING = 0
const SAME_USER_KEY = 1
const ANOTHER_USER_KEY = 2
type Found = typeof NOTHING | typeof SAME_USER_KEY | typeof ANOTHER_USER_KEY

export class BlockSearch {
  /** Of what was found: the type of its entry, and where in the block's bytes the value stands. */
  type = 0
  valueStart = 0
  valueEnd = 0
  /** Where the entry begins that the last #seek went to. */
  #entryAt = 0
  /** Whether its whole key is the target; for SAME_USER_KEY. */
  #isSameTag = false
  readonly #cursor = new BlockCursor()

  /**
   * Whether the block's first entry at or after the internal key target[0, length) is of the same
   * user key. Throws LEVEL_CORRUPTION. Requires: the block holds internal keys.
   */
  find(block: Block, target: Uint8Array, length: number): boolean {
    if (block.restartCount === 0) return false
    const restart = lastRestartBelow(block, target, 0, length)
    return this.#seek(block, restart, target, 0, length) === SAME_USER_KEY
  }

  /**
   * Whether every key of the block is above the internal key in keys[floorStart, start) and none above
   * that in keys[start, end): what an index says of it. With an empty floor there is none.
   * Throws LEVEL_CORRUPTION.
   */
  isBetween(
    block: Block,
    keys: Uint8Array,
    floorStart: number,
    start: number,
    end: number,
  ): boolean {
    const { restartCount, entriesEnd } = block
    if (restartCount === 0) return true
    // The first key is not below or at the floor exactly when a search for that ends at once.
    if (floorStart < start) {
      const found = this.#seek(block, 0, keys, floorStart, start)
      const isFirst = found === NOTHING ? entriesEnd === 0 : this.#entryAt === 0
      if (!isFirst) return false
      if (found === SAME_USER_KEY && this.#isSameTag) return false
    }
    const found = this.#seek(block, restartCount - 1, keys, start, end)
    if (found === NOTHING) return true
    return found === SAME_USER_KEY && this.#isSameTag && this.valueEnd === entriesEnd
  }

  /**
   * Goes to the first entry, from the restart point on, that is not below the internal key
   * target[start, end), and says what its user key is to the target's.
   */
  #seek(block: Block, restart: number, target: Uint8Array, start: number, end: number): Found {
    const { bytes, entriesEnd: limit } = block
    const targetEnd = end - start - TAG_SIZE
    let at = block.restartAt(restart)
    let lastLength = 0
    // How much of the entry's key and of the target is the same, and the order of what follows.
    let matched = 0
    let order = 0
    while (at < limit) {
      let keyAt = at + 3
      let shared = 0
      let nonShared = 0
      let valueLength = 0
      // Lengths below 128, the usual case, take a byte each.
      if (keyAt <= limit && (bytes[at]! | bytes[at + 1]! | bytes[at + 2]!) < 0x80) {
        shared = bytes[at]!
        nonShared = bytes[at + 1]!
        valueLength = bytes[at + 2]!
      } else {
        const sharedEnd = varint32End(bytes, at, limit)
        const nonSharedEnd = sharedEnd === -1 ? -1 : varint32End(bytes, sharedEnd, limit)
        keyAt = nonSharedEnd === -1 ? -1 : varint32End(bytes, nonSharedEnd, limit)
        if (keyAt === -1) throw block.damage('entry lengths cut or malformed')
        shared = varint32At(bytes, at)
        nonShared = varint32At(bytes, sharedEnd)
        valueLength = varint32At(bytes, nonSharedEnd)
      }
      if (shared > lastLength) throw block.damage('entry shares more than the key before it')
      const left = limit - keyAt
      if (nonShared > left || valueLength > left - nonShared) {
        throw block.damage('entry runs past the end of its block')
      }
      const keyLength = shared + nonShared
      if (keyLength < TAG_SIZE) throw block.damage('internal key too short')
      if (shared <= matched) {
        matched = shared
        order = 0
        const common = keyLength < targetEnd ? keyLength : targetEnd
        const keyStart = keyAt - shared
        for (; matched < common; matched++) {
          order = bytes[keyStart + matched]! - target[start + matched]!
          if (order !== 0) break
        }
      }
      const userEnd = keyLength - TAG_SIZE
      if (matched < userEnd && matched < targetEnd ? order > 0 : userEnd > targetEnd) {
        this.#entryAt = at
        return ANOTHER_USER_KEY
      }
      if (userEnd === targetEnd && matched === targetEnd) {
        if (shared > userEnd) return this.#seekByCursor(block, restart, target, start, end)
        const tagAt = keyAt + nonShared - TAG_SIZE
        const tagOrder = compareTags(bytes, tagAt, target, end - TAG_SIZE)
        if (tagOrder >= 0) {
          this.#entryAt = at
          this.#isSameTag = tagOrder === 0
          this.type = bytes[tagAt]!
          this.valueStart = tagAt + TAG_SIZE
          this.valueEnd = this.valueStart + valueLength
          return SAME_USER_KEY
        }
      }
      lastLength = keyLength
      at = keyAt + nonShared + valueLength
    }
    return NOTHING
  }

  #seekByCursor(
    block: Block,
    restart: number,
    target: Uint8Array,
    start: number,
    end: number,
  ): Found {
    const cursor = this.#cursor
    cursor.open(block)
    try {
      cursor.goToRestart(restart)
      for (;;) {
        this.#entryAt = cursor.position
        if (!cursor.next()) return NOTHING
        const { key, keyLength } = cursor
        if (keyLength < TAG_SIZE) throw block.damage('internal key too short')
        const order = compareInternal(key, 0, keyLength, target, start, end)
        if (order < 0) continue
        const userEnd = keyLength - TAG_SIZE
        if (compareBytes(key, 0, userEnd, target, start, end - TAG_SIZE) !== 0) {
          return ANOTHER_USER_KEY
        }
        this.#isSameTag = order === 0
        this.type = key[userEnd]!
        this.valueStart = cursor.valueStart
        this.valueEnd = cursor.valueEnd
        return SAME_USER_KEY
      }
    } finally {
      // So that the cursor does not keep the block alive.
      cursor.open(undefined)
    }
  }
}
