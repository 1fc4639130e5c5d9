// What a table keeps while it is open: its index block and its filter.
//
//   open   footer, index block, metaindex block, filter block
//
// Opening is written once and runs both ways: a script of up to four reads, a generator that yields
// what it wants read, run by `readTablePartsSync` or `readTableParts`.
//
// Invariants:
//   The index must end where the footer begins. LevelDB always writes it there, and the footer has
//   no checksum: without this, one flipped bit could make a data block the index.
//   A damaged filter costs reads and hides nothing: the table opens without it and keeps the error
//   in `filterDamage`. An I/O error while opening fails the opening: it may pass.

import { SluiceError, corruption, ioError } from '../format/error.ts'
import type { RandomAccessFile } from '../platform/file-system.ts'
import { blockContents } from './block-contents.ts'
import { Block, BlockCursor } from './block.ts'
import { FilterBlock } from './filter-block.ts'
import {
  BLOCK_TRAILER_SIZE,
  FILTER_KEY,
  FOOTER_SIZE,
  handleEnd,
  handleFits,
  handleOffset,
  handleSize,
  hasMagic,
} from './format.ts'
import type { Crc32c } from './table-builder.ts'

export interface TableParts {
  readonly index: Block
  readonly filter: FilterBlock | undefined
  /** Why the table works without its filter; undefined when it has one or was written without. */
  readonly filterDamage: SluiceError | undefined
}

interface ReadRequest {
  readonly position: number
  readonly length: number
}

type ReadScript<T> = Generator<ReadRequest, T, Buffer>

/** Rejects with LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED or LEVEL_IO_ERROR. Without `crc32c` it trusts the disk. */
export async function readTableParts(
  file: RandomAccessFile,
  crc32c: Crc32c | undefined,
): Promise<TableParts> {
  const script = partsScript(file, crc32c)
  let step = script.next()
  while (step.done !== true) {
    const { position, length } = step.value
    step = script.next(await readBytes(file, position, length))
  }
  return step.value
}

/** The same on the calling thread. */
export function readTablePartsSync(file: RandomAccessFile, crc32c: Crc32c | undefined): TableParts {
  return runSync(file, partsScript(file, crc32c))
}

/** What file.read gives; its error is LEVEL_IO_ERROR. */
export async function readBytes(
  file: RandomAccessFile,
  position: number,
  length: number,
): Promise<Buffer> {
  try {
    return await file.read(position, length)
  } catch (error) {
    throw ioError('read', file.path, error)
  }
}

/** The same on the calling thread. */
export function readBytesSync(file: RandomAccessFile, position: number, length: number): Buffer {
  try {
    return file.readSync(position, length)
  } catch (error) {
    throw ioError('read', file.path, error)
  }
}

/** The index block alone, for who reads every block. On the calling thread. */
export function readIndexSync(file: RandomAccessFile, crc32c: Crc32c): Block {
  return runSync(file, indexScript(file, crc32c)).index
}

function runSync<T>(file: RandomAccessFile, script: ReadScript<T>): T {
  let step = script.next()
  while (step.done !== true) {
    const { position, length } = step.value
    step = script.next(readBytesSync(file, position, length))
  }
  return step.value
}

function* partsScript(file: RandomAccessFile, crc32c: Crc32c | undefined): ReadScript<TableParts> {
  const { index, footer, footerAt } = yield* indexScript(file, crc32c)
  const filter = yield* filterScript(file, footer, footerAt, crc32c)
  return filter instanceof SluiceError
    ? { index, filter: undefined, filterDamage: filter }
    : { index, filter, filterDamage: undefined }
}

function* indexScript(
  file: RandomAccessFile,
  crc32c: Crc32c | undefined,
): ReadScript<{ index: Block; footer: Buffer; footerAt: number }> {
  const footerAt = file.sizeBytes - FOOTER_SIZE
  if (footerAt < 0) throw corruption('file too short for a table', file.path, 0)
  const footer = yield { position: footerAt, length: FOOTER_SIZE }
  if (!hasMagic(footer, 0)) throw corruption('not a table: bad magic', file.path, footerAt)
  const indexAt = handleEnd(footer, 0, FOOTER_SIZE)
  const indexEnd = indexAt === -1 ? -1 : handleEnd(footer, indexAt, FOOTER_SIZE)
  if (indexEnd === -1) throw corruption('malformed handle in the footer', file.path, footerAt)
  const request = requestAt(footer, indexAt, file, footerAt)
  if (request.position + request.length !== footerAt) {
    throw corruption('the index does not end at the footer', file.path, footerAt)
  }
  return { index: yield* blockScript(file, request, crc32c), footer, footerAt }
}

/**
 * What to read for the block whose handle stands at `at` of `bytes`, which come from `offset` of the
 * file. Requires: handleEnd found the handle well formed.
 */
function requestAt(
  bytes: Uint8Array,
  at: number,
  file: RandomAccessFile,
  offset: number,
): ReadRequest {
  const position = handleOffset(bytes, at)
  const size = handleSize(bytes, at)
  if (!handleFits(position, size, file.sizeBytes)) {
    throw corruption('block handle points outside the file', file.path, offset)
  }
  return { position, length: size + BLOCK_TRAILER_SIZE }
}

function* blockScript(
  file: RandomAccessFile,
  request: ReadRequest,
  crc32c: Crc32c | undefined,
): ReadScript<Block> {
  const contents = blockContents(yield request, file.path, request.position, crc32c)
  return new Block(contents, file.path, request.position)
}

/** The filter, undefined when the table has none, or what is wrong with it. */
function* filterScript(
  file: RandomAccessFile,
  footer: Buffer,
  footerAt: number,
  crc32c: Crc32c | undefined,
): ReadScript<FilterBlock | SluiceError | undefined> {
  try {
    const metaindex = yield* blockScript(file, requestAt(footer, 0, file, footerAt), crc32c)
    const at = filterHandleAt(metaindex)
    if (at === -1) return undefined
    const request = requestAt(metaindex.bytes, at, file, metaindex.offset)
    return new FilterBlock(blockContents(yield request, file.path, request.position, crc32c))
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
}

/** Where in the metaindex the filter's handle stands, or -1. It has an entry or none: no search. */
function filterHandleAt(metaindex: Block): number {
  const cursor = new BlockCursor()
  cursor.open(metaindex)
  while (cursor.next()) {
    if (cursor.key.toString('latin1', 0, cursor.keyLength) !== FILTER_KEY) continue
    if (handleEnd(metaindex.bytes, cursor.valueStart, cursor.valueEnd) === -1) {
      throw metaindex.damage('malformed handle')
    }
    return cursor.valueStart
  }
  return -1
}
