// The filter block: one bloom filter for every 2 KiB of table.
//
//   contents := filter*  offset: fixed32 [filter count]  array offset: fixed32  base lg: u8 (11)
//   filter i covers the data blocks that begin in [i * 2^11, (i + 1) * 2^11); it may be empty
//   offset i is where filter i begins; it ends where the next begins, the last at the array
//
// Invariant of the reader: whatever does not add up is a possible match, as in LevelDB; a filter can
// save a read and never hide a key.

import { fixed32At, putFixed32 } from '../format/coding.ts'
import { bloomHash, bloomMayContain, bloomSize, putBloom } from './bloom.ts'

// On disk: never change this value.
const BASE_LG = 11

/** Collects the hashes of the keys of a table and lays out its filters. */
export class FilterBlockBuilder {
  readonly #bitsPerKey: number
  #hashes = new Uint32Array(256)
  #count = 0
  #offsets = new Uint32Array(1024)
  #filterCount = 0
  #bytes: Buffer = Buffer.allocUnsafeSlow(4096)
  #end = 0

  /** Requires: bitsPerKey >= 1. */
  constructor(bitsPerKey: number) {
    this.#bitsPerKey = bitsPerKey
  }

  /** Holds the contents after `finish`. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Adds the user key bytes[start, end) to the block that was started last. */
  addKey(bytes: Uint8Array, start: number, end: number): void {
    if (this.#count === this.#hashes.length) this.#hashes = doubled(this.#hashes)
    this.#hashes[this.#count++] = bloomHash(bytes, start, end)
  }

  /** The next data block begins at this file offset: the keys so far belong to earlier filters. */
  startBlock(offset: number): void {
    const index = Math.floor(offset / 2 ** BASE_LG)
    while (this.#filterCount < index) this.#generate()
  }

  /** Returns the size of the contents: they are in bytes[0, size). */
  finish(): number {
    if (this.#count > 0) this.#generate()
    const size = this.#end + 4 * this.#filterCount + 4 + 1
    this.#reserve(size)
    for (let i = 0; i < this.#filterCount; i++) {
      putFixed32(this.#bytes, this.#end + 4 * i, this.#offsets[i]!)
    }
    putFixed32(this.#bytes, size - 5, this.#end)
    this.#bytes[size - 1] = BASE_LG
    return size
  }

  #generate(): void {
    if (this.#filterCount === this.#offsets.length) this.#offsets = doubled(this.#offsets)
    this.#offsets[this.#filterCount++] = this.#end
    if (this.#count === 0) return
    const size = bloomSize(this.#count, this.#bitsPerKey)
    this.#reserve(this.#end + size)
    putBloom(this.#bytes, this.#end, this.#hashes, this.#count, this.#bitsPerKey)
    this.#end += size
    this.#count = 0
  }

  #reserve(neededBytes: number): void {
    if (neededBytes <= this.#bytes.length) return
    const bytes = Buffer.allocUnsafeSlow(Math.max(neededBytes, 2 * this.#bytes.length))
    this.#bytes.copy(bytes, 0, 0, this.#end)
    this.#bytes = bytes
  }
}

/** Answers from the contents of a filter block, which it keeps and does not change. */
export class FilterBlock {
  readonly #bytes: Uint8Array
  readonly #arrayOffset: number
  readonly #filterCount: number
  readonly #spanBytes: number

  constructor(bytes: Uint8Array) {
    const sizeBytes = bytes.length
    this.#bytes = bytes
    const arrayOffset = sizeBytes < 5 ? -1 : fixed32At(bytes, sizeBytes - 5)
    const fits = arrayOffset !== -1 && arrayOffset <= sizeBytes - 5
    this.#arrayOffset = fits ? arrayOffset : 0
    this.#filterCount = fits ? Math.floor((sizeBytes - 5 - arrayOffset) / 4) : 0
    this.#spanBytes = fits ? 2 ** bytes[sizeBytes - 1]! : 1
  }

  /** False when the data block at this file offset cannot hold a user key with this bloomHash. */
  hashMayMatch(blockOffset: number, hash: number): boolean {
    const index = Math.floor(blockOffset / this.#spanBytes)
    if (index >= this.#filterCount) return true
    const filterStart = fixed32At(this.#bytes, this.#arrayOffset + 4 * index)
    // For the last filter this reads the array offset, which stands behind the array: its end.
    const filterEnd = fixed32At(this.#bytes, this.#arrayOffset + 4 * index + 4)
    if (filterStart > filterEnd || filterEnd > this.#arrayOffset) return true
    if (filterStart === filterEnd) return false
    return bloomMayContain(this.#bytes, filterStart, filterEnd, hash)
  }
}

function doubled(numbers: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * numbers.length)
  larger.set(numbers)
  return larger
}
