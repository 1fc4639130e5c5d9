// Memory for memtables: one spare piece is kept, since a database has at most two in use.
//
// Rejected: to let each flush drop its memory. A new one of 4 MiB costs a page fault per 4 KiB on the
// first fill, and nothing tells the collector how much shared memory is behind a dead object.

import { SluiceError } from '../format/error.ts'
import { Memtable, memtableSize } from '../memtable/memtable.ts'

// Offsets in a memtable are 32 bits, and so is the size of the largest Buffer of Node 20.
const MAX_MEMTABLE_BYTES = 2 ** 32 - 4

export class MemtableMemory {
  readonly #sizeBytes: number
  #spare: SharedArrayBuffer | undefined

  /** `sizeBytes` is the size of an ordinary memtable. */
  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes
  }

  /**
   * An empty memtable that takes at least `count` entries with keys and values of `payloadBytes`: of
   * the ordinary size where that is enough, else of its own. Throws LEVEL_INVALID_VALUE for more than
   * a memtable can hold, and LEVEL_IO_ERROR when there is not that much memory.
   */
  create(payloadBytes: number, count: number): Memtable {
    const neededBytes = memtableSize(payloadBytes, count)
    if (neededBytes > this.#sizeBytes) return Memtable.create(allocate(neededBytes))
    const memory = this.#spare ?? allocate(this.#sizeBytes)
    this.#spare = undefined
    return Memtable.create(memory)
  }

  /** Takes the memory back. Requires: nothing reads the memtable any more. */
  recycle(memtable: Memtable): void {
    if (memtable.memory.byteLength === wholeWords(this.#sizeBytes)) this.#spare = memtable.memory
  }
}

function allocate(sizeBytes: number): SharedArrayBuffer {
  if (sizeBytes > MAX_MEMTABLE_BYTES) {
    throw new SluiceError(
      'LEVEL_INVALID_VALUE',
      `The batch needs a memtable of ${sizeBytes} bytes, above ${MAX_MEMTABLE_BYTES}`,
    )
  }
  try {
    return new SharedArrayBuffer(wholeWords(sizeBytes))
  } catch (cause) {
    throw new SluiceError('LEVEL_IO_ERROR', `No memory for a memtable of ${sizeBytes} bytes`, {
      cause,
    })
  }
}

// Views of a memtable count 32-bit words.
function wholeWords(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 4) * 4
}
