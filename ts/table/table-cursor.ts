// A cursor over all entries of a table: one over the index, one over the block it points to.
//
// Invariant: while it is valid, the data cursor is at an entry of the block of the index entry.

import { handleEnd } from './format.ts'
import { BlockCursor } from './block.ts'
import type { Block } from './block.ts'

/**
 * Moves return whether there is an entry. They throw LEVEL_CORRUPTION or LEVEL_IO_ERROR where a
 * block cannot be had; `skipBlock` goes on behind it.
 */
export class TableCursor {
  readonly #index: Block
  readonly #blockOf: (handleAt: number) => Block
  readonly #indexCursor = new BlockCursor()
  /** The entry: `key`, `keyLength`, `valueBytes`, `valueStart`, `valueEnd`, while `isValid`. */
  readonly entry: BlockCursor = new BlockCursor()

  constructor(index: Block, blockOf: (handleAt: number) => Block) {
    this.#index = index
    this.#blockOf = blockOf
    this.#indexCursor.open(index)
  }

  seekToFirst(): boolean {
    this.#indexCursor.open(this.#index)
    return this.skipBlock()
  }

  /** Goes to the first entry not below the internal key target[start, end). */
  seek(target: Uint8Array, start: number, end: number): boolean {
    this.entry.open(undefined)
    if (!this.#indexCursor.seek(target, start, end)) return false
    this.#openBlock()
    return this.entry.seek(target, start, end) || this.skipBlock()
  }

  /** Requires: at an entry. */
  next(): boolean {
    return this.entry.next() || this.skipBlock()
  }

  /** Goes to the first entry behind the block of the last move. */
  skipBlock(): boolean {
    this.entry.open(undefined)
    while (this.#indexCursor.next()) {
      this.#openBlock()
      if (this.entry.next()) return true
    }
    this.entry.open(undefined)
    return false
  }

  #openBlock(): void {
    const { valueStart, valueEnd } = this.#indexCursor
    if (handleEnd(this.#index.bytes, valueStart, valueEnd) === -1) {
      throw this.#index.damage('malformed handle')
    }
    this.entry.open(this.#blockOf(valueStart))
  }
}
