// Builds a table file front to back from sorted entries. Synchronous: it runs in a worker.
//
//   add     order check, filter hash, entry into the data block; the block is written at blockSize
//   finish  last data block, filter block, metaindex block, index block, footer
//
// A block's index entry waits for the first key of the next block, because only then the shortest
// separator is known. Invariant: an index entry is pending only while the data block is empty.
//
// Every block is one checksum call and at most one compression call. Stored blocks are gathered and
// appended together. Nothing is allocated per entry.

import { putFixed32 } from '../format/coding.ts'
import { Bytes } from '../format/copy-words.ts'
import { maskCrc } from '../format/crc-mask.ts'
import { ioError } from '../format/error.ts'
import { TAG_SIZE, compareInternal } from '../format/internal-key.ts'
import type { WritableFile } from '../platform/file-system.ts'
import { binding } from '../platform/load-binding.ts'
import { BlockBuilder } from './block-builder.ts'
import { snappyBound } from './compression.ts'
import { FilterBlockBuilder } from './filter-block.ts'
import {
  BLOCK_TRAILER_SIZE,
  FILTER_KEY,
  FOOTER_SIZE,
  MAX_HANDLE_LENGTH,
  TYPE_NONE,
  TYPE_SNAPPY,
  putFooter,
  putHandle,
} from './format.ts'
import { shortenToSeparator, shortenToSuccessor } from './separator.ts'
import type { TableOptions } from './table-options.ts'

/** CRC-32C of bytes[start, end), not masked, as the binding computes it. */
export type Crc32c = (bytes: Uint8Array, start: number, end: number) => number

const NOTHING = Bytes.allocate(0)
const INDEX_RESTART_INTERVAL = 1
const INDEX_CAPACITY_BYTES = 64 * 1024
/** Stored blocks are appended when this many bytes are gathered. */
const GATHERED_BYTES = 64 * 1024

export class TableBuilder {
  readonly #file: WritableFile
  readonly #options: TableOptions
  readonly #crc32c: Crc32c
  readonly #data: BlockBuilder
  readonly #index: BlockBuilder
  readonly #filter: FilterBlockBuilder | undefined
  readonly #handle: Bytes = Bytes.allocate(MAX_HANDLE_LENGTH)
  /** Stored blocks that are not appended yet: gathered[0, gatheredEnd). */
  #gathered: Buffer = Buffer.allocUnsafeSlow(GATHERED_BYTES)
  #gatheredEnd = 0
  /** The memory that add() was given last, often the next one too. */
  #key: Bytes = NOTHING
  #value: Bytes = NOTHING
  #entryCount = 0
  #sizeBytes = 0
  /** The block written last, and whether the index still lacks its entry. */
  #blockOffset = 0
  #blockSize = 0
  #indexEntryPending = false
  #isFinished = false

  /**
   * Appends to `file`, which is empty; its owner syncs and closes it, also after an error, and
   * throws it away then.
   */
  constructor(file: WritableFile, options: TableOptions, crc32c: Crc32c) {
    this.#file = file
    this.#options = options
    this.#crc32c = crc32c
    this.#data = new BlockBuilder(options.blockRestartInterval, 2 * options.blockSize)
    this.#index = new BlockBuilder(INDEX_RESTART_INTERVAL, INDEX_CAPACITY_BYTES)
    if (options.filterBitsPerKey > 0) {
      this.#filter = new FilterBlockBuilder(options.filterBitsPerKey)
    }
  }

  get entryCount(): number {
    return this.#entryCount
  }

  /** A copy of the internal key added last. Requires: there is one; not finished. */
  lastKey(): Buffer {
    return Buffer.from(this.#data.lastKey.buffer.subarray(0, this.#data.lastKeyLength))
  }

  /** Bytes stored so far; the data block being built is not counted, as in LevelDB. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /**
   * Adds the entry of internal key key[keyStart, keyEnd) and value[valueStart, valueEnd); both are
   * copied and may lie in shared memory. Throws LEVEL_IO_ERROR when a block could not be written.
   * Requires: the key sorts after every key added before. Requires: not finished.
   */
  add(
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    value: Buffer,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (key !== this.#key.buffer) this.#key = new Bytes(key)
    if (value !== this.#value.buffer) this.#value = new Bytes(value)
    const shared = this.sharedWithLast(this.#key, keyStart, keyEnd)
    this.addAfter(shared, this.#key, keyStart, keyEnd, this.#value, valueStart, valueEnd)
  }

  /** How many bytes key[keyStart, keyEnd) and the key added last begin with in common. */
  sharedWithLast(key: Bytes, keyStart: number, keyEnd: number): number {
    return this.#data.sharedWithLast(key, keyStart, keyEnd)
  }

  /**
   * The same as `add` for who knows how many bytes the key shares with the last one.
   * Requires: `shared` is what sharedWithLast says, or where that is more, all of the shorter user key.
   */
  addAfter(
    shared: number,
    key: Bytes,
    keyStart: number,
    keyEnd: number,
    value: Bytes,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (this.#isFinished) throw new Error('the table is finished')
    if (keyEnd - keyStart < TAG_SIZE) throw new Error('an internal key is at least 8 bytes')
    const data = this.#data
    if (this.#entryCount > 0) this.#checkOrder(shared, key.buffer, keyStart, keyEnd)
    if (this.#indexEntryPending) {
      this.#addIndexEntry(
        shortenToSeparator(data.lastKey.buffer, data.lastKeyLength, key.buffer, keyStart, keyEnd),
      )
    }
    this.#filter?.addKey(key.buffer, keyStart, keyEnd - TAG_SIZE)
    data.add(shared, key, keyStart, keyEnd, value, valueStart, valueEnd)
    this.#entryCount++
    if (data.sizeBytes >= this.#options.blockSize) this.#writeDataBlock()
  }

  /**
   * Writes what is left, up to the footer. Throws LEVEL_IO_ERROR when it could not.
   * Requires: not finished.
   */
  finish(): void {
    if (this.#isFinished) throw new Error('the table is finished')
    this.#isFinished = true
    if (!this.#data.isEmpty) this.#writeDataBlock()
    if (this.#indexEntryPending) {
      this.#addIndexEntry(shortenToSuccessor(this.#data.lastKey.buffer, this.#data.lastKeyLength))
    }
    this.#writeMetaindexBlock()
    const metaindexOffset = this.#blockOffset
    const metaindexSize = this.#blockSize
    this.#writeBlock(this.#index)
    this.#reserve(FOOTER_SIZE)
    putFooter(
      this.#gathered,
      this.#gatheredEnd,
      metaindexOffset,
      metaindexSize,
      this.#blockOffset,
      this.#blockSize,
    )
    this.#gatheredEnd += FOOTER_SIZE
    this.#sizeBytes += FOOTER_SIZE
    this.#appendGathered()
  }

  #checkOrder(shared: number, key: Buffer, keyStart: number, keyEnd: number): void {
    const { lastKey, lastKeyLength } = this.#data
    const last = lastKey.buffer
    const userLength = Math.min(keyEnd - keyStart, lastKeyLength) - TAG_SIZE
    const isAscending =
      shared < userLength
        ? last[shared]! < key[keyStart + shared]!
        : compareInternal(last, 0, lastKeyLength, key, keyStart, keyEnd) < 0
    if (isAscending) return
    throw new Error(`entry ${this.#entryCount} of ${this.#file.path} is not in ascending order`)
  }

  #writeDataBlock(): void {
    this.#writeBlock(this.#data)
    this.#indexEntryPending = true
    this.#filter?.startBlock(this.#sizeBytes)
  }

  /** The index entry of the block written last; its key is the data builder's last key, shortened. */
  #addIndexEntry(keyLength: number): void {
    const handleLength = this.#putHandle()
    this.#index.add(0, this.#data.lastKey, 0, keyLength, this.#handle, 0, handleLength)
    this.#indexEntryPending = false
  }

  /** The filter block, if there is one, and the metaindex block that points to it. */
  #writeMetaindexBlock(): void {
    // The data builder serves again: the metaindex has the data blocks' restart interval.
    const metaindex = this.#data
    if (this.#filter !== undefined) {
      const size = this.#filter.finish()
      this.#writeStored(this.#filter.bytes, size)
      const handleLength = this.#putHandle()
      const key = new Bytes(Buffer.from(FILTER_KEY, 'latin1'))
      metaindex.add(0, key, 0, key.buffer.length, this.#handle, 0, handleLength)
    }
    this.#writeBlock(metaindex)
  }

  /** Puts the handle of the block written last into #handle; returns its length. */
  #putHandle(): number {
    return putHandle(this.#handle.buffer, 0, this.#blockOffset, this.#blockSize)
  }

  /** Finishes the block, stores it compressed where that pays, and begins the next one. */
  #writeBlock(block: BlockBuilder): void {
    const size = block.finish()
    if (this.#options.compression !== 'snappy' || !this.#writeCompressed(block.bytes, size)) {
      this.#writeStored(block.bytes, size)
    }
    block.reset()
  }

  /** Stores the block contents[0, size) compressed; false, and nothing done, where that does not pay. */
  #writeCompressed(contents: Buffer, size: number): boolean {
    this.#reserve(snappyBound(size) + BLOCK_TRAILER_SIZE)
    const at = this.#gatheredEnd
    const end = binding.compressSnappy(contents, 0, size, this.#gathered, at)
    // LevelDB's rule, on disk: keep it only when more than an eighth is saved.
    if (end - at >= size - Math.floor(size / 8)) return false
    this.#addTrailer(end - at, TYPE_SNAPPY)
    return true
  }

  /** Stores the block contents[0, size) as it is. */
  #writeStored(contents: Buffer, size: number): void {
    this.#reserve(size + BLOCK_TRAILER_SIZE)
    contents.copy(this.#gathered, this.#gatheredEnd, 0, size)
    this.#addTrailer(size, TYPE_NONE)
  }

  /** The block that stands behind what is gathered, `size` bytes long, is stored. */
  #addTrailer(size: number, type: number): void {
    const at = this.#gatheredEnd
    const typeAt = at + size
    this.#gathered[typeAt] = type
    putFixed32(this.#gathered, typeAt + 1, maskCrc(this.#crc32c(this.#gathered, at, typeAt + 1)))
    this.#blockOffset = this.#sizeBytes
    this.#blockSize = size
    this.#gatheredEnd = typeAt + BLOCK_TRAILER_SIZE
    this.#sizeBytes += size + BLOCK_TRAILER_SIZE
    // A larger one has made the buffer larger, and is not kept in it.
    if (this.#gatheredEnd >= GATHERED_BYTES) this.#appendGathered()
  }

  /** Makes room for `neededBytes` behind what is gathered. */
  #reserve(neededBytes: number): void {
    if (this.#gatheredEnd + neededBytes <= this.#gathered.length) return
    this.#appendGathered()
    if (neededBytes > this.#gathered.length) this.#gathered = Buffer.allocUnsafeSlow(neededBytes)
  }

  #appendGathered(): void {
    if (this.#gatheredEnd === 0) return
    try {
      this.#file.appendSync(this.#gathered, 0, this.#gatheredEnd)
    } catch (error) {
      throw ioError('append to', this.#file.path, error)
    }
    this.#gatheredEnd = 0
  }
}
