// The data blocks of a table one after the other, as its index gives them, damaged ones too.
//
// Reading a table for an answer stops at what it cannot trust. Here that is what is looked for: an
// error stands in the place of each block that cannot be had, and the next block follows.

import { SluiceError } from '../../format/error.ts'
import type { RandomAccessFile } from '../../platform/file-system.ts'
import { BlockCursor, Block } from '../../table/block.ts'
import { blockContents } from '../../table/block-contents.ts'
import {
  BLOCK_TRAILER_SIZE,
  handleEnd,
  handleFits,
  handleOffset,
  handleSize,
} from '../../table/format.ts'
import type { Crc32c } from '../../table/table-builder.ts'
import { readBytes } from '../../table/table-parts.ts'

export interface ScannedBlock {
  /** Where it is stored, and how many bytes with its trailer; 0 where the index does not say. */
  readonly offset: number
  readonly storedBytes: number
  /** Its key in the index: not below its last key, and below the first one of the next block. */
  readonly separator: Buffer | undefined
  /** The block, or why there is none: LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED or LEVEL_IO_ERROR. */
  readonly contents: Block | SluiceError
}

/** The blocks that `index`, the index of the table in `file`, points to, in its order. */
export async function* scanBlocks(
  file: RandomAccessFile,
  index: Block,
  crc32c: Crc32c,
): AsyncGenerator<ScannedBlock, void> {
  const cursor = new BlockCursor()
  cursor.open(index)
  for (;;) {
    const entry = nextHandle(cursor, index, file.sizeBytes)
    if (entry === undefined) return
    if (entry.contents !== undefined) {
      yield { offset: 0, storedBytes: 0, separator: entry.separator, contents: entry.contents }
      // Behind an entry of the index that cannot be read, no other can be found.
      if (entry.separator === undefined) return
      continue
    }
    const { offset, storedBytes, separator } = entry
    const contents = await readBlock(file, offset, storedBytes, crc32c)
    yield { offset, storedBytes, separator, contents }
  }
}

type HandleEntry =
  | { contents: undefined; offset: number; storedBytes: number; separator: Buffer }
  | { contents: SluiceError; separator: Buffer | undefined }

function nextHandle(
  cursor: BlockCursor,
  index: Block,
  fileSizeBytes: number,
): HandleEntry | undefined {
  try {
    if (!cursor.next()) return undefined
  } catch (error) {
    if (error instanceof SluiceError) return { contents: error, separator: undefined }
    throw error
  }
  const { valueStart, valueEnd } = cursor
  const separator = Buffer.from(cursor.key.subarray(0, cursor.keyLength))
  if (handleEnd(index.bytes, valueStart, valueEnd) === -1) {
    return { contents: index.damage('malformed handle'), separator }
  }
  const offset = handleOffset(index.bytes, valueStart)
  const size = handleSize(index.bytes, valueStart)
  if (!handleFits(offset, size, fileSizeBytes)) {
    return { contents: index.damage('block handle points outside the file'), separator }
  }
  return { contents: undefined, offset, storedBytes: size + BLOCK_TRAILER_SIZE, separator }
}

async function readBlock(
  file: RandomAccessFile,
  offset: number,
  storedBytes: number,
  crc32c: Crc32c,
): Promise<Block | SluiceError> {
  try {
    const stored = await readBytes(file, offset, storedBytes)
    return new Block(blockContents(stored, file.path, offset, crc32c), file.path, offset)
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
}
