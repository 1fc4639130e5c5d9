// Reading a block: its layout, checked once, and a cursor over its entries.
//
// The grammar stands at the head of block-builder.ts.
//
// Invariants:
//   A Block's restart points ascend from 0 and lie inside its entries.
//   Every entry is checked when the cursor decodes it, by subtraction from what is left, so that no
//   sum of lengths can wrap; a cursor never reads outside the entries.
//   Damage is LEVEL_CORRUPTION naming the file and the offset of the block: contents may have been
//   compressed, so a place inside them means nothing in the file.

import { copyRange } from '../format/batch.ts'
import { fixed32At, varint32At, varint32End } from '../format/coding.ts'
import { corruption } from '../format/error.ts'
import type { SluiceError } from '../format/error.ts'
import { TAG_SIZE, compareInternal } from '../format/internal-key.ts'

const INITIAL_KEY_BYTES = 64

export class Block {
  readonly bytes: Buffer
  /** Where the entries end and the restart points begin. */
  readonly entriesEnd: number
  readonly restartCount: number
  readonly file: string
  /** Where the block is stored in the file. */
  readonly offset: number

  /**
   * The block in contents[0, size), which it keeps and does not change.
   * Throws LEVEL_CORRUPTION when the layout is damaged.
   */
  constructor(contents: Buffer, file: string, offset: number, size: number = contents.length) {
    this.bytes = contents
    this.file = file
    this.offset = offset
    if (size < 4) throw this.damage('block too short for a restart count')
    this.restartCount = fixed32At(contents, size - 4)
    if (this.restartCount > Math.floor(size / 4) - 1) {
      throw this.damage(`${this.restartCount} restart points do not fit`)
    }
    this.entriesEnd = size - 4 - 4 * this.restartCount
    this.#checkRestarts()
  }

  /** Of the contents: entries, restart points and their count. */
  get sizeBytes(): number {
    return this.entriesEnd + 4 * this.restartCount + 4
  }

  /** Where the entry of restart point `index` begins. Requires: 0 <= index < restartCount. */
  restartAt(index: number): number {
    return fixed32At(this.bytes, this.entriesEnd + 4 * index)
  }

  damage(what: string): SluiceError {
    return corruption(what, this.file, this.offset)
  }

  #checkRestarts(): void {
    // A block without entries has one restart point, or, from other writers, none.
    if (this.entriesEnd === 0) {
      if (this.restartCount === 0 || (this.restartCount === 1 && this.restartAt(0) === 0)) return
      throw this.damage('restart points without entries')
    }
    if (this.restartCount === 0 || this.restartAt(0) !== 0) {
      throw this.damage('the first entry is no restart point')
    }
    for (let i = 1, last = 0; i < this.restartCount; i++) {
      const restart = this.restartAt(i)
      if (restart <= last || restart >= this.entriesEnd) {
        throw this.damage(`restart point ${i} is out of place`)
      }
      last = restart
    }
  }
}

/**
 * Walks the entries of one block at a time, forwards. It can be used for block after block, keeping
 * its key buffer. Every move returns whether there is an entry, and throws LEVEL_CORRUPTION, which
 * leaves the cursor without one.
 */
export class BlockCursor {
  #block: Block | undefined
  #nextAt = 0
  #isValid = false
  #key: Buffer = Buffer.allocUnsafeSlow(INITIAL_KEY_BYTES)
  #keyLength = 0
  #valueStart = 0
  #valueEnd = 0

  /** True while the cursor is at an entry; the getters below speak of it. */
  get isValid(): boolean {
    return this.#isValid
  }

  /** Holds the key in [0, keyLength). A view: the next move overwrites or replaces it. */
  get key(): Buffer {
    return this.#key
  }

  get keyLength(): number {
    return this.#keyLength
  }

  /** Holds the value in [valueStart, valueEnd): the block's own bytes, not to be changed. */
  get valueBytes(): Buffer {
    return this.#openBlock().bytes
  }

  get valueStart(): number {
    return this.#valueStart
  }

  get valueEnd(): number {
    return this.#valueEnd
  }

  /** Leaves the cursor before the first entry of `block`, or, with undefined, without a block. */
  open(block: Block | undefined): void {
    this.#block = block
    this.#goTo(0)
  }

  seekToFirst(): boolean {
    this.#goTo(0)
    return this.next()
  }

  /** Where the entry of the next move begins. */
  get position(): number {
    return this.#nextAt
  }

  /** The next move goes to the entry of a restart point. Requires: 0 <= index < restartCount. */
  goToRestart(index: number): void {
    this.#goTo(this.#openBlock().restartAt(index))
  }

  /**
   * Goes to the first entry whose key is not below target[start, end), in the order of internal
   * keys. Requires: the target is an internal key; the block holds internal keys.
   */
  seek(target: Uint8Array, start: number, end: number): boolean {
    const block = this.#openBlock()
    this.#goTo(
      block.restartCount === 0 ? 0 : block.restartAt(lastRestartBelow(block, target, start, end)),
    )
    while (this.next()) {
      if (this.#keyLength < TAG_SIZE) throw this.damage('internal key too short')
      if (compareInternal(this.#key, 0, this.#keyLength, target, start, end) >= 0) return true
    }
    return false
  }

  next(): boolean {
    const block = this.#openBlock()
    const limit = block.entriesEnd
    const at = this.#nextAt
    this.#isValid = false
    if (at >= limit) return false
    const bytes = block.bytes
    let position = at + 3
    let shared = 0
    let nonShared = 0
    let valueLength = 0
    // Lengths below 128, the usual case, take a byte each.
    if (position <= limit && (bytes[at]! | bytes[at + 1]! | bytes[at + 2]!) < 0x80) {
      shared = bytes[at]!
      nonShared = bytes[at + 1]!
      valueLength = bytes[at + 2]!
    } else {
      const sharedEnd = varint32End(bytes, at, limit)
      const nonSharedEnd = sharedEnd === -1 ? -1 : varint32End(bytes, sharedEnd, limit)
      position = nonSharedEnd === -1 ? -1 : varint32End(bytes, nonSharedEnd, limit)
      if (position === -1) throw this.damage('entry lengths cut or malformed')
      shared = varint32At(bytes, at)
      nonShared = varint32At(bytes, sharedEnd)
      valueLength = varint32At(bytes, nonSharedEnd)
    }
    if (shared > this.#keyLength) throw this.damage('entry shares more than the key before it')
    const left = limit - position
    if (nonShared > left || valueLength > left - nonShared) {
      throw this.damage('entry runs past the end of its block')
    }
    const keyLength = shared + nonShared
    if (keyLength > this.#key.length) this.#growKey(keyLength, shared)
    copyRange(bytes, position, position + nonShared, this.#key, shared)
    this.#keyLength = keyLength
    this.#valueStart = position + nonShared
    this.#valueEnd = this.#valueStart + valueLength
    this.#nextAt = this.#valueEnd
    this.#isValid = true
    return true
  }

  /** The next entry is the one at `position`, which shares nothing. */
  #goTo(position: number): void {
    this.#nextAt = position
    this.#keyLength = 0
    this.#isValid = false
  }

  #openBlock(): Block {
    if (this.#block === undefined) throw new Error('the cursor has no block')
    return this.#block
  }

  /** The error for damage in the block, after which there is no entry. */
  damage(what: string): SluiceError {
    this.#isValid = false
    return this.#openBlock().damage(what)
  }

  #growKey(neededBytes: number, keepBytes: number): void {
    const key = Buffer.allocUnsafeSlow(Math.max(neededBytes, 2 * this.#key.length))
    this.#key.copy(key, 0, 0, keepBytes)
    this.#key = key
  }
}

/**
 * The last restart point whose entry is below the internal key target[start, end); 0 when none is.
 * Throws LEVEL_CORRUPTION. Requires: the block has a restart point and holds internal keys.
 */
export function lastRestartBelow(
  block: Block,
  target: Uint8Array,
  start: number,
  end: number,
): number {
  let low = 0
  let high = block.restartCount - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (compareRestart(block, block.restartAt(middle), target, start, end) < 0) low = middle
    else high = middle - 1
  }
  return low
}

/** Order of the restart entry at `at` and the target; its key is whole, so it is compared in place. */
function compareRestart(
  block: Block,
  at: number,
  target: Uint8Array,
  start: number,
  end: number,
): number {
  const { bytes, entriesEnd: limit } = block
  if (bytes[at] !== 0) throw block.damage('a restart entry shares bytes with the entry before it')
  let keyStart = at + 3
  let keyLength = 0
  // As in BlockCursor.next: both lengths take a byte each.
  if (keyStart <= limit && (bytes[at + 1]! | bytes[at + 2]!) < 0x80) {
    keyLength = bytes[at + 1]!
  } else {
    const nonSharedEnd = varint32End(bytes, at + 1, limit)
    keyStart = nonSharedEnd === -1 ? -1 : varint32End(bytes, nonSharedEnd, limit)
    if (keyStart === -1) throw block.damage('entry lengths cut or malformed')
    keyLength = varint32At(bytes, at + 1)
  }
  if (keyLength > limit - keyStart) throw block.damage('entry runs past the end of its block')
  if (keyLength < TAG_SIZE) throw block.damage('internal key too short')
  return compareInternal(bytes, keyStart, keyStart + keyLength, target, start, end)
}
