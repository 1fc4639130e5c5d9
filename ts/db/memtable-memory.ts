// Memory for memtables: one spare piece is kept, since a database has at most two in use.
//
// Rejected: to let each flush drop its memory. A new one of 4 MiB costs a page fault per 4 KiB on the
// first fill, and nothing tells the collector how much shared memory is behind a dead object.

import { Memtable, memtableSize } from '../memtable/memtable.ts'

export class MemtableMemory {
  readonly #sizeBytes: number
  #spare: SharedArrayBuffer | undefined

  /** `sizeBytes` is the size of an ordinary memtable. */
  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes
  }

  /**
   * An empty memtable that takes at least `count` entries with keys and values of `payloadBytes`: of
   * the ordinary size where that is enough, else of its own. Throws RangeError when there is not
   * that much memory.
   */
  create(payloadBytes: number, count: number): Memtable {
    const neededBytes = memtableSize(payloadBytes, count)
    if (neededBytes > this.#sizeBytes) {
      // Views count 32-bit words.
      return Memtable.create(new SharedArrayBuffer(Math.ceil(neededBytes / 4) * 4))
    }
    const memory = this.#spare ?? new SharedArrayBuffer(this.#sizeBytes & ~3)
    this.#spare = undefined
    return Memtable.create(memory)
  }

  /** Takes the memory back. Requires: nothing reads the memtable any more. */
  recycle(memtable: Memtable): void {
    if (memtable.memory.byteLength === (this.#sizeBytes & ~3)) this.#spare = memtable.memory
  }
}
