// The entries that one call of an iterator hands out.
//
// What is handed out are views. Values out of tables are views of the block that they stand in, which
// belongs to the iterator alone; keys, which no block holds whole, and values out of memtables are
// copied one behind the other into a slab. A view that its owner keeps, keeps its block or slab: so
// slabs are small, large values have memory of their own, and large blocks are not handed out.
//
// A Buffer of its own for each value was rejected: 106 ns and more against 21 to 50 for a view of 100
// bytes, and 77 to 96 for one by subarray() (Node 20.20, 2026-11-21,
// `node dist/scripts/bench-pieces.js views`).

import { copyWords, WORD_COPY_LIMIT } from '../../format/copy-words.ts'

const FIRST_SLAB_BYTES: number = 1024
const LARGEST_SLAB_BYTES: number = 16 * 1024
/** What is larger gets memory of its own. */
const LARGEST_PART_BYTES: number = LARGEST_SLAB_BYTES / 4
/** Up to here a loop over bytes is the fastest copy. */
const BYTE_LOOP_LIMIT = 32

/** What an iterator hands out: key and value, or undefined for the half that was not asked for. */
export type Entry = [key: Buffer | undefined, value: Buffer | undefined]

type ViewClass = new (memory: ArrayBufferLike, offset: number, length: number) => Buffer

/** Buffer's own class for views: new Buffer() is deprecated, and Buffer.from() checks its arguments. */
const BufferView: ViewClass = (Buffer as unknown as { [Symbol.species]: ViewClass })[Symbol.species]

/** Memory that is handed out in pieces; used for chunk after chunk of one iterator. */
export class Slab {
  #bytes: Buffer = Buffer.allocUnsafeSlow(0)
  #view: DataView = new DataView(this.#bytes.buffer)
  #used = 0
  /** Copied from last, often the next time too: a view is made once for each. */
  #source: Buffer = this.#bytes
  #sourceView: DataView = this.#view

  /** A copy of source[start, end). */
  copy(source: Buffer, start: number, end: number): Buffer {
    const length = end - start
    if (length > LARGEST_PART_BYTES) {
      const own = Buffer.allocUnsafeSlow(length)
      source.copy(own, 0, start, end)
      return own
    }
    if (this.#used + length > this.#bytes.length) this.#replace(length)
    const position = this.#used
    this.#used += length
    if (length <= BYTE_LOOP_LIMIT) {
      const bytes = this.#bytes
      for (let i = 0; i < length; i++) bytes[position + i] = source[start + i]!
    } else if (length <= WORD_COPY_LIMIT) {
      copyWords(this.#viewOf(source), start, end, this.#view, position)
    } else {
      source.copy(this.#bytes, position, start, end)
    }
    return new BufferView(this.#bytes.buffer, position, length)
  }

  #viewOf(source: Buffer): DataView {
    if (this.#source !== source) {
      this.#source = source
      this.#sourceView = new DataView(source.buffer, source.byteOffset, source.length)
    }
    return this.#sourceView
  }

  // Twice as large as the last one: a short scan needs no large one.
  #replace(neededBytes: number): void {
    const size = Math.max(FIRST_SLAB_BYTES, 2 * this.#bytes.length, neededBytes)
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(size, LARGEST_SLAB_BYTES))
    this.#view = new DataView(this.#bytes.buffer)
    this.#used = 0
  }
}

export class EntryChunk {
  readonly entries: Entry[] = []
  /** Bytes of keys and values in `entries`. */
  sizeBytes = 0
  readonly #slab: Slab
  readonly #keys: boolean
  readonly #values: boolean

  constructor(slab: Slab, keys: boolean, values: boolean) {
    this.#slab = slab
    this.#keys = keys
    this.#values = values
  }

  /**
   * Adds the entry with the user key key[keyStart, keyEnd), which is copied. So is the value, unless
   * its memory is the iterator's own.
   */
  add(
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    value: Buffer,
    valueStart: number,
    valueEnd: number,
    ownsValue: boolean,
  ): void {
    let outKey: Buffer | undefined
    let outValue: Buffer | undefined
    if (this.#keys) {
      outKey = this.#slab.copy(key, keyStart, keyEnd)
      this.sizeBytes += keyEnd - keyStart
    }
    if (this.#values) {
      outValue = ownsValue
        ? new BufferView(value.buffer, value.byteOffset + valueStart, valueEnd - valueStart)
        : this.#slab.copy(value, valueStart, valueEnd)
      this.sizeBytes += valueEnd - valueStart
    }
    this.entries.push([outKey, outValue])
  }
}
