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
// For the 8 entries that a search passes on average this takes 70 ns, the cursor 190 (16-byte keys,
// Node 20.20, 2026-11-21, `node dist/scripts/bench-pieces.js search`).
//
// Invariants:
//   Every entry is checked as BlockCursor checks it, with the same errors.
//   Matching is over the bytes of the whole internal key: a shared part may reach into the tag of the
//   entry before. Where the tag itself is partly shared, which only neighbours of one user key can do,
//   the cursor decides.

import { fixed32At, varint32At, varint32End } from '../format/coding.ts'
import { TAG_SIZE } from '../format/internal-key.ts'
import { BlockCursor, lastRestartBelow } from './block.ts'
import type { Block } from './block.ts'

export class BlockSearch {
  /** Of what was found: the type of its entry, and where in the block's bytes the value stands. */
  type = 0
  valueStart = 0
  valueEnd = 0
  readonly #cursor = new BlockCursor()

  /**
   * Whether the block's first entry at or after the internal key target[0, length) is of the same
   * user key. Throws LEVEL_CORRUPTION. Requires: the block holds internal keys.
   */
  find(block: Block, target: Uint8Array, length: number): boolean {
    const { bytes, entriesEnd: limit } = block
    const targetEnd = length - TAG_SIZE
    let at =
      block.restartCount === 0 ? 0 : block.restartAt(lastRestartBelow(block, target, 0, length))
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
          order = bytes[keyStart + matched]! - target[matched]!
          if (order !== 0) break
        }
      }
      const userEnd = keyLength - TAG_SIZE
      if (matched < userEnd && matched < targetEnd) {
        if (order > 0) return false
      } else if (userEnd > targetEnd) {
        return false
      } else if (userEnd === targetEnd) {
        if (shared > userEnd) return this.#findByCursor(block, target, length)
        const keyEnd = keyAt + nonShared
        if (!isNewer(bytes, keyEnd - TAG_SIZE, target, targetEnd)) {
          this.type = bytes[keyEnd - TAG_SIZE]!
          this.valueStart = keyEnd
          this.valueEnd = keyEnd + valueLength
          return true
        }
      }
      lastLength = keyLength
      at = keyAt + nonShared + valueLength
    }
    return false
  }

  #findByCursor(block: Block, target: Uint8Array, length: number): boolean {
    const cursor = this.#cursor
    cursor.open(block)
    try {
      if (!cursor.seek(target, 0, length)) return false
      const { key, keyLength } = cursor
      if (keyLength !== length) return false
      for (let i = 0; i < length - TAG_SIZE; i++) if (key[i] !== target[i]) return false
      this.type = key[keyLength - TAG_SIZE]!
      this.valueStart = cursor.valueStart
      this.valueEnd = cursor.valueEnd
      return true
    } finally {
      // So that the cursor does not keep the block alive.
      cursor.open(undefined)
    }
  }
}

// Whether the tag at `position` is above the target's: its entry was written after what is sought.
function isNewer(
  bytes: Uint8Array,
  position: number,
  target: Uint8Array,
  targetPosition: number,
): boolean {
  const high = fixed32At(bytes, position + 4)
  const targetHigh = fixed32At(target, targetPosition + 4)
  if (high !== targetHigh) return high > targetHigh
  return fixed32At(bytes, position) > fixed32At(target, targetPosition)
}
