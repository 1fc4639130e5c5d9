// Reads the data blocks of a table one behind the other, for who needs all of them once.
//
//   index ── a chunk of the file ── the blocks in it, checked and expanded ── the next chunk
//
// Tables are read through a cache elsewhere; a scan of everything would only push others out of it.
// A scanner goes from table to table and keeps its memory.
//
// Invariants:
//   Every byte that is used was checksummed.
//   A block that is not compressed stays where it was read, and one memory takes the others: what
//   `next` gives is valid until it is called again.

import { Bytes } from '../format/copy-words.ts'
import { type SluiceError, corruption, ioError } from '../format/error.ts'
import { TAG_SIZE, compareInternal } from '../format/internal-key.ts'
import type { RandomAccessFile } from '../platform/file-system.ts'
import { verifyBlock } from './block-contents.ts'
import { BlockCursor } from './block.ts'
import type { Block } from './block.ts'
import { expandBlock, expandSnappyTo, snappyLength } from './compression.ts'
import {
  BLOCK_TRAILER_SIZE,
  FOOTER_SIZE,
  TYPE_NONE,
  TYPE_SNAPPY,
  handleEnd,
  handleFits,
  handleOffset,
  handleSize,
} from './format.ts'
import type { Crc32c } from './table-builder.ts'
import { readIndexSync } from './table-parts.ts'

const CHUNK_BYTES = 256 * 1024

export class TableScanner {
  /** The entries of the block are bytes[start, end). */
  bytes: Bytes = new Bytes(Buffer.alloc(0))
  start = 0
  end = 0
  /** Where the block is stored in its file. */
  offset = 0
  /** Bytes of blocks read so far, from all tables. */
  readBytes = 0
  readonly #crc32c: Crc32c
  readonly #indexCursor: BlockCursor = new BlockCursor()
  #file: RandomAccessFile | undefined
  #index: Block | undefined
  #floor: Buffer = Buffer.allocUnsafeSlow(64)
  #floorLength = 0
  /** chunk[0, chunkEnd - chunkStart) are the bytes [chunkStart, chunkEnd) of the file. */
  #chunk: Bytes = new Bytes(Buffer.alloc(0))
  #chunkStart = 0
  /** Where Snappy blocks are expanded. */
  #expanded: Bytes = new Bytes(Buffer.alloc(0))
  #chunkEnd = 0

  constructor(crc32c: Crc32c) {
    this.#crc32c = crc32c
  }

  /**
   * Goes in front of the first block of `file`, which stays its owner's. Throws LEVEL_CORRUPTION,
   * LEVEL_NOT_SUPPORTED or LEVEL_IO_ERROR.
   */
  open(file: RandomAccessFile): void {
    this.#file = file
    this.#chunkStart = 0
    this.#chunkEnd = 0
    this.#index = readIndexSync(file, this.#crc32c)
    this.#indexCursor.open(this.#index)
  }

  /**
   * Goes to the next data block; false behind the last one. Throws LEVEL_CORRUPTION with file and
   * offset, LEVEL_NOT_SUPPORTED or LEVEL_IO_ERROR.
   */
  next(): boolean {
    const index = this.#index
    const cursor = this.#indexCursor
    if (index === undefined) return false
    this.#keepFloor()
    if (!cursor.next()) return false
    const { valueStart, valueEnd } = cursor
    if (handleEnd(index.bytes, valueStart, valueEnd) === -1) throw index.damage('malformed handle')
    const offset = handleOffset(index.bytes, valueStart)
    const size = handleSize(index.bytes, valueStart)
    const { path, sizeBytes } = this.#openFile()
    if (!handleFits(offset, size, sizeBytes)) {
      throw corruption('block handle points outside the file', path, index.offset)
    }
    this.offset = offset
    this.#readChunk(offset, size + BLOCK_TRAILER_SIZE)
    this.#takeBlock(offset - this.#chunkStart, size)
    return true
  }

  /**
   * Throws LEVEL_CORRUPTION unless the internal key key[0, end), the block's first, is above what the
   * index says of the block before. One block in the place of another has a right checksum.
   */
  checkFirstKey(key: Buffer, end: number): void {
    const floor = this.#floor
    if (this.#floorLength === 0 || compareInternal(floor, 0, this.#floorLength, key, 0, end) < 0) {
      return
    }
    throw this.damage('block begins below its place in the index')
  }

  /** The same for the last key of the block, which may not be above what the index says of it. */
  checkLastKey(key: Buffer, end: number): void {
    const cursor = this.#indexCursor
    if (cursor.keyLength < TAG_SIZE) throw this.damage('index key too short')
    if (compareInternal(key, 0, end, cursor.key, 0, cursor.keyLength) <= 0) return
    throw this.damage('block ends above its place in the index')
  }

  /** Damage of the block. */
  damage(what: string): SluiceError {
    return corruption(what, this.#openFile().path, this.offset)
  }

  /** Leaves the file. */
  close(): void {
    this.#file = undefined
    this.#index = undefined
  }

  /** What the index says of the block is the floor of the next one. */
  #keepFloor(): void {
    const { key, keyLength, isValid } = this.#indexCursor
    this.#floorLength = isValid ? keyLength : 0
    if (this.#floorLength > this.#floor.length) this.#floor = Buffer.allocUnsafeSlow(2 * keyLength)
    key.copy(this.#floor, 0, 0, this.#floorLength)
  }

  #openFile(): RandomAccessFile {
    if (this.#file === undefined) throw new Error('the scanner has no file')
    return this.#file
  }

  /** Makes sure that the chunk has `length` bytes from `offset`. Requires: the file has them. */
  #readChunk(offset: number, length: number): void {
    if (offset >= this.#chunkStart && offset + length <= this.#chunkEnd) return
    const file = this.#openFile()
    const chunkSize = Math.min(Math.max(length, CHUNK_BYTES), file.sizeBytes - FOOTER_SIZE - offset)
    if (chunkSize > this.#chunk.buffer.length) {
      this.#chunk = Bytes.allocate(Math.max(chunkSize, CHUNK_BYTES))
    }
    // Until it is read, the chunk is none.
    this.#chunkEnd = this.#chunkStart
    try {
      file.readIntoSync(offset, chunkSize, this.#chunk.buffer)
    } catch (error) {
      throw ioError('read', file.path, error)
    }
    this.#chunkStart = offset
    this.#chunkEnd = offset + chunkSize
    this.readBytes += chunkSize
  }

  /** The block stored as chunk[from, from + size), with its trailer behind, is the one. */
  #takeBlock(from: number, size: number): void {
    const { path } = this.#openFile()
    const { buffer } = this.#chunk
    verifyBlock(buffer, from, size, path, this.offset, this.#crc32c)
    const type = buffer[from + size]!
    if (type === TYPE_NONE) {
      this.bytes = this.#chunk
      this.start = from
      this.#findEnd(size)
    } else if (type === TYPE_SNAPPY) {
      const length = snappyLength(buffer, from, from + size, path, this.offset)
      if (length > this.#expanded.buffer.length) this.#expanded = Bytes.allocate(2 * length)
      const target = this.#expanded.buffer
      expandSnappyTo(buffer, from, from + size, target, length, path, this.offset)
      this.bytes = this.#expanded
      this.start = 0
      this.#findEnd(length)
    } else {
      const stored = buffer.subarray(from, from + size)
      this.bytes = new Bytes(expandBlock(type, stored, size, path, this.offset))
      this.start = 0
      this.#findEnd(this.bytes.buffer.length)
    }
  }

  /** The entries end where the restart points begin; these serve searches and are not looked at. */
  #findEnd(size: number): void {
    if (size < 4) throw this.damage('block too short for a restart count')
    const restartCount = this.bytes.view.getUint32(this.start + size - 4, true)
    if (restartCount > Math.floor(size / 4) - 1) {
      throw this.damage(`${restartCount} restart points do not fit`)
    }
    this.end = this.start + size - 4 - 4 * restartCount
  }
}
