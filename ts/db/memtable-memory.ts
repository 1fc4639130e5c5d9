// Memory for memtables: one spare piece is kept, since a database has at most two in use.
//
// Invariant: memory is used again only when nobody reads it. A reader that outlives its memtable's flush
// pins it; the memory of one that is given back while it is pinned waits for the last unpin.
//
// Rejected: to let each flush drop its memory. A new one of 4 MiB costs a page fault per 4 KiB on the
// first fill, and nothing tells the collector how much shared memory is behind a dead object.

import { SluiceError } from '../format/error.ts'
import { Memtable, memtableSize } from '../memtable/memtable.ts'

/** How far a memtable may grow for writes that cannot wait for a flush, in ordinary ones. */
const GROWTH_LIMIT = 16

// Offsets in a memtable are 32 bits, and so is the size of the largest Buffer of Node 20.
const MAX_MEMTABLE_BYTES = 2 ** 32 - 4

export class MemtableMemory {
  readonly #sizeBytes: number
  #spare: SharedArrayBuffer | undefined
  /** How often each memtable is pinned. */
  readonly #pins = new Map<Memtable, number>()
  /** Given back while they were pinned. */
  readonly #waiting = new Set<Memtable>()

  /** `sizeBytes` is the size of an ordinary memtable. */
  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes
  }

  /** The size of an ordinary memtable. */
  get usualBytes(): number {
    return this.#sizeBytes
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

  /**
   * A copy of the memtable with room for `count` more entries of `payloadBytes`, twice its size or more;
   * undefined where that is above GROWTH_LIMIT ordinary ones. Throws LEVEL_IO_ERROR when there is not that
   * much memory.
   */
  grown(memtable: Memtable, payloadBytes: number, count: number): Memtable | undefined {
    const { memory, usedBytes } = memtable
    const mostBytes = GROWTH_LIMIT * this.#sizeBytes
    const neededBytes = usedBytes + memtableSize(payloadBytes, count)
    if (neededBytes > mostBytes) return undefined
    const larger = allocate(Math.max(neededBytes, Math.min(2 * memory.byteLength, mostBytes)))
    new Uint8Array(larger).set(new Uint8Array(memory, 0, usedBytes))
    return Memtable.attach(larger)
  }

  /** Bytes of memtables that are given back and still read. */
  get pinnedBytes(): number {
    let bytes = 0
    for (const { memory } of this.#waiting) bytes += memory.byteLength
    return bytes
  }

  /** Keeps the memtable's entries where they are until it is unpinned as often as it was pinned. */
  pin(memtable: Memtable): void {
    this.#pins.set(memtable, (this.#pins.get(memtable) ?? 0) + 1)
  }

  unpin(memtable: Memtable): void {
    const pins = this.#pins.get(memtable)! - 1
    if (pins > 0) {
      this.#pins.set(memtable, pins)
      return
    }
    this.#pins.delete(memtable)
    if (this.#waiting.delete(memtable)) this.#reuse(memtable)
  }

  /** Takes the memory back. Requires: whoever still reads the memtable has pinned it. */
  recycle(memtable: Memtable): void {
    if (this.#pins.has(memtable)) this.#waiting.add(memtable)
    else this.#reuse(memtable)
  }

  #reuse(memtable: Memtable): void {
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
