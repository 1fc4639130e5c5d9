// Reads the data blocks of a table one behind the other, for who needs all of them once.
//
//   footer ── index ── a chunk of the file ── the blocks in it, checked and expanded ── next chunk
//
// Tables are read through a cache elsewhere; a scan of everything would only push others out of it.
//
// Invariant: every byte that is used was checksummed.

import { corruption, ioError } from '../format/error.ts'
import type { RandomAccessFile } from '../platform/file-system.ts'
import { blockContents } from './block-contents.ts'
import { Block, BlockCursor } from './block.ts'
import {
  BLOCK_TRAILER_SIZE,
  FOOTER_SIZE,
  handleEnd,
  handleFits,
  handleOffset,
  handleSize,
  hasMagic,
} from './format.ts'
import type { Crc32c } from './table-builder.ts'

const CHUNK_BYTES = 256 * 1024

export class TableScanner {
  readonly file: RandomAccessFile
  /** Bytes read so far. */
  readBytes = 0
  readonly #crc32c: Crc32c
  readonly #index: Block
  readonly #indexCursor = new BlockCursor()
  /** The bytes [chunkStart, chunkStart + chunk.length) of the file. */
  #chunk: Buffer = Buffer.alloc(0)
  #chunkStart = 0

  /**
   * Reads footer and index of `file`, which stays its owner's. Throws LEVEL_CORRUPTION or
   * LEVEL_IO_ERROR.
   */
  constructor(file: RandomAccessFile, crc32c: Crc32c) {
    this.file = file
    this.#crc32c = crc32c
    this.#index = this.#readIndex()
    this.#indexCursor.open(this.#index)
  }

  /**
   * The next data block, undefined behind the last one. Its memory is the caller's.
   * Throws LEVEL_CORRUPTION with file and offset, LEVEL_NOT_SUPPORTED or LEVEL_IO_ERROR.
   */
  next(): Block | undefined {
    const cursor = this.#indexCursor
    if (!cursor.next()) return undefined
    const { valueStart, valueEnd, valueBytes } = cursor
    if (handleEnd(valueBytes, valueStart, valueEnd) === -1) {
      throw this.#index.damage('malformed handle')
    }
    const offset = handleOffset(valueBytes, valueStart)
    return this.#blockAt(offset, handleSize(valueBytes, valueStart), this.#index.offset)
  }

  #readIndex(): Block {
    const { path, sizeBytes } = this.file
    const footerAt = sizeBytes - FOOTER_SIZE
    if (footerAt < 0) throw corruption('file too short for a table', path, 0)
    const footer = this.#read(footerAt, FOOTER_SIZE)
    if (!hasMagic(footer, 0)) throw corruption('not a table: bad magic', path, footerAt)
    const indexAt = handleEnd(footer, 0, FOOTER_SIZE)
    if (indexAt === -1 || handleEnd(footer, indexAt, FOOTER_SIZE) === -1) {
      throw corruption('malformed handle in the footer', path, footerAt)
    }
    const offset = handleOffset(footer, indexAt)
    const size = handleSize(footer, indexAt)
    if (offset + size + BLOCK_TRAILER_SIZE !== footerAt) {
      throw corruption('the index does not end at the footer', path, footerAt)
    }
    return this.#blockAt(offset, size, footerAt)
  }

  #blockAt(offset: number, size: number, handleFrom: number): Block {
    const { path, sizeBytes } = this.file
    if (!handleFits(offset, size, sizeBytes)) {
      throw corruption('block handle points outside the file', path, handleFrom)
    }
    const storedSize = size + BLOCK_TRAILER_SIZE
    const end = offset + storedSize
    if (offset < this.#chunkStart || end > this.#chunkStart + this.#chunk.length) {
      const length = Math.min(Math.max(storedSize, CHUNK_BYTES), sizeBytes - FOOTER_SIZE - offset)
      this.#chunk = this.#read(offset, length)
      this.#chunkStart = offset
    }
    const from = offset - this.#chunkStart
    const stored = this.#chunk.subarray(from, from + storedSize)
    return new Block(blockContents(stored, path, offset, this.#crc32c), path, offset)
  }

  #read(position: number, length: number): Buffer {
    this.readBytes += length
    try {
      return this.file.readSync(position, length)
    } catch (error) {
      throw ioError('read', this.file.path, error)
    }
  }
}
