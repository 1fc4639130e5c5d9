// Memory that blocks are read into which nobody keeps: a block of its own for each read would cost
// more than the read.
//
// Invariant: what it holds is good until the next read in this thread. Whoever keeps it copies it.

import { Bytes } from '../format/copy-words.ts'
import type { FindTarget } from '../platform/block-finds.ts'

/** A block of the default size several times over. */
const INITIAL_BYTES = 64 * 1024
/** Blocks above this are rare, and no reason to hold so much for ever. */
const LARGEST_BYTES = 8 * 1024 * 1024

export class BlockScratch implements FindTarget {
  /** Of the last search in place: the size of the contents, and where in them the value stands. */
  size = 0
  valueStart = 0
  valueEnd = 0
  #memory: Bytes = Bytes.allocate(INITIAL_BYTES)

  get memory(): Bytes {
    return this.#memory
  }

  get bytes(): Buffer {
    return this.#memory.buffer
  }

  /** The first `size` bytes in memory of their own. */
  copy(size: number): Buffer {
    const copy = Buffer.allocUnsafeSlow(size)
    this.bytes.copy(copy, 0, 0, size)
    return copy
  }

  /** Makes room for blocks of this size, since there are such. */
  growTo(size: number): void {
    if (size <= this.bytes.length || size > LARGEST_BYTES) return
    this.#memory = Bytes.allocate(Math.min(LARGEST_BYTES, 2 * size))
  }
}
