// The entries that one call of an iterator hands out.
//
// Keys and values are copied one behind the other into a slab, and what is handed out are views of it.
// A view that its owner keeps, keeps its slab: so slabs are small, and what is large gets memory of its
// own.

const FIRST_SLAB_BYTES: number = 1024
const LARGEST_SLAB_BYTES: number = 16 * 1024

/** What an iterator hands out: key and value, or undefined for the half that was not asked for. */
export type Entry = [key: Buffer | undefined, value: Buffer | undefined]

export class EntryChunk {
  readonly entries: Entry[] = []
  /** Bytes of keys and values in `entries`. */
  sizeBytes = 0
  readonly #keys: boolean
  readonly #values: boolean
  #slab: Buffer = NO_SLAB
  #used = 0

  constructor(keys: boolean, values: boolean) {
    this.#keys = keys
    this.#values = values
  }

  /** Copies the entry with the user key key[keyStart, keyEnd). */
  add(
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    value: Buffer,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.entries.push([
      this.#keys ? this.#copy(key, keyStart, keyEnd) : undefined,
      this.#values ? this.#copy(value, valueStart, valueEnd) : undefined,
    ])
  }

  #copy(source: Buffer, start: number, end: number): Buffer {
    const length = end - start
    this.sizeBytes += length
    if (length > LARGEST_SLAB_BYTES / 4) {
      const own = Buffer.allocUnsafeSlow(length)
      source.copy(own, 0, start, end)
      return own
    }
    if (this.#used + length > this.#slab.length) this.#nextSlab(length)
    const position = this.#used
    this.#used += length
    source.copy(this.#slab, position, start, end)
    return this.#slab.subarray(position, position + length)
  }

  #nextSlab(neededBytes: number): void {
    const size = Math.max(FIRST_SLAB_BYTES, 2 * this.#slab.length, neededBytes)
    this.#slab = Buffer.allocUnsafeSlow(Math.min(size, LARGEST_SLAB_BYTES))
    this.#used = 0
  }
}

const NO_SLAB = Buffer.allocUnsafeSlow(0)
