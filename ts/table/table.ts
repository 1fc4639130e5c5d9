// Reading one table.
//
//   open   footer, index block, metaindex block, filter block: kept until the table is closed
//   get    index search, filter, one block read, search in the block
//
// Reading is written once and runs both ways. Opening is a script of up to four reads: a generator
// that yields what it wants read, run by `runSync` or `runAsync`. A get is at most one read, and hot:
// two pure steps (`locate` before the read, `find` in the block), with getSync and get as the two
// thin ways through them. A generator for get was rejected: it allocates for each call and gains
// nothing over one `await`.
//
// Invariants:
//   The index must end where the footer begins. LevelDB always writes it there, and the footer has
//   no checksum: without this, one flipped bit could make a data block the index.
//   A damaged filter costs reads and hides nothing: the table opens without it and keeps the error
//   in `filterDamage`. An I/O error while opening fails the opening: it may pass.
//   Damage in one data block fails the reads that need it, and no others.

import { SluiceError, corruption, ioError } from '../format/error.ts'
import {
  TAG_SIZE,
  TYPE_DELETION,
  TYPE_VALUE,
  compareBytes,
  typeOfKey,
} from '../format/internal-key.ts'
import type { RandomAccessFile } from '../platform/file-system.ts'
import type { BlockCache } from './block-cache.ts'
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
import { TableCursor } from './table-cursor.ts'

/** What a table says of a key: its value (a copy, the caller's), null when deleted, else undefined. */
export type Lookup = Buffer | null | undefined

export interface TableReadOptions {
  readonly crc32c: Crc32c
  /** False trusts the disk. Default: true. */
  readonly verifyChecksums?: boolean
  /** Keeps data blocks between reads, under the table's file number. */
  readonly blockCache?: BlockCache
}

interface ReadRequest {
  readonly position: number
  readonly length: number
}

type ReadScript<T> = Generator<ReadRequest, T, Buffer>

const OUTSIDE_FILE = 'block handle points outside the file'

/** Serves every search in this thread: a search is over before anyone else can run. */
const search = new BlockCursor()

export class Table {
  readonly fileNumber: number
  readonly file: RandomAccessFile
  /** Why the table works without its filter; undefined when it has one or was written without. */
  readonly filterDamage: SluiceError | undefined
  readonly #crc32c: Crc32c | undefined
  readonly #blockCache: BlockCache | undefined
  readonly #index: Block
  readonly #filter: FilterBlock | undefined

  private constructor(
    file: RandomAccessFile,
    fileNumber: number,
    options: TableReadOptions,
    index: Block,
    filter: FilterBlock | SluiceError | undefined,
  ) {
    this.file = file
    this.fileNumber = fileNumber
    this.#crc32c = checksumOf(options)
    this.#blockCache = options.blockCache
    this.#index = index
    this.filterDamage = filter instanceof SluiceError ? filter : undefined
    this.#filter = filter instanceof SluiceError ? undefined : filter
  }

  /**
   * Opens the table in `file`, which belongs to the table afterwards; after an error it is still the
   * caller's. Rejects with LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED or LEVEL_IO_ERROR.
   */
  static open(
    file: RandomAccessFile,
    fileNumber: number,
    options: TableReadOptions,
  ): Promise<Table> {
    return runAsync(file, Table.#openScript(file, fileNumber, options))
  }

  /** The same on the calling thread. */
  static openSync(file: RandomAccessFile, fileNumber: number, options: TableReadOptions): Table {
    return runSync(file, Table.#openScript(file, fileNumber, options))
  }

  static *#openScript(
    file: RandomAccessFile,
    fileNumber: number,
    options: TableReadOptions,
  ): ReadScript<Table> {
    const crc32c = checksumOf(options)
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
    const index = yield* blockScript(file, request, crc32c)
    const filter = yield* filterScript(file, footer, footerAt, crc32c)
    return new Table(file, fileNumber, options, index, filter)
  }

  /**
   * What the table says of the user key in `internalKey`, as of the sequence in it.
   * Throws LEVEL_CORRUPTION when the block that may hold it is damaged, LEVEL_IO_ERROR when it
   * cannot be read. Requires: an internal key, made for seeking.
   */
  getSync(internalKey: Uint8Array): Lookup {
    const at = this.#locate(internalKey)
    if (at === -1) return undefined
    return find(this.#cachedBlock(at) ?? this.#readBlockSync(at), internalKey)
  }

  /** The same with the read on a thread of the pool. The key is not to change before it settles. */
  async get(internalKey: Uint8Array): Promise<Lookup> {
    const at = this.#locate(internalKey)
    if (at === -1) return undefined
    return find(this.#cachedBlock(at) ?? (await this.#readBlock(at)), internalKey)
  }

  /** A cursor over all entries, before the first one. It reads on the calling thread. */
  entries(): TableCursor {
    return new TableCursor(this.#index, (at) => this.#cachedBlock(at) ?? this.#readBlockSync(at))
  }

  /** Requires: no read in progress. */
  closeSync(): void {
    this.file.closeSync()
  }

  /**
   * Where in the index the handle of the only block stands that may hold the key; -1 when there is
   * none, by the index or by the filter.
   */
  #locate(internalKey: Uint8Array): number {
    search.open(this.#index)
    const found = search.seek(internalKey, 0, internalKey.length)
    const at = found ? search.valueStart : -1
    const end = found ? search.valueEnd : -1
    search.open(undefined)
    if (!found) return -1
    if (handleEnd(this.#index.bytes, at, end) === -1) throw this.#index.damage('malformed handle')
    const offset = handleOffset(this.#index.bytes, at)
    // Before the filter, which would take a place that is none for one without the key.
    if (!handleFits(offset, handleSize(this.#index.bytes, at), this.file.sizeBytes)) {
      throw this.#index.damage(OUTSIDE_FILE)
    }
    if (this.#filter === undefined) return at
    const userEnd = internalKey.length - TAG_SIZE
    return this.#filter.keyMayMatch(offset, internalKey, 0, userEnd) ? at : -1
  }

  #cachedBlock(handleAt: number): Block | undefined {
    return this.#blockCache?.get(this.fileNumber, handleOffset(this.#index.bytes, handleAt))
  }

  #readBlockSync(handleAt: number): Block {
    const request = this.#requestOf(handleAt)
    return this.#parse(readSync(this.file, request), request.position)
  }

  async #readBlock(handleAt: number): Promise<Block> {
    const request = this.#requestOf(handleAt)
    return this.#parse(await read(this.file, request), request.position)
  }

  #requestOf(handleAt: number): ReadRequest {
    return requestAt(this.#index.bytes, handleAt, this.file, this.#index.offset)
  }

  #parse(stored: Buffer, offset: number): Block {
    const contents = blockContents(stored, this.file.path, offset, this.#crc32c)
    const block = new Block(contents, this.file.path, offset)
    this.#blockCache?.set(this.fileNumber, offset, block)
    return block
  }
}

/** What the block says of the key: its first entry not below it, when that is of the same user key. */
function find(block: Block, internalKey: Uint8Array): Lookup {
  search.open(block)
  try {
    const length = internalKey.length
    if (!search.seek(internalKey, 0, length)) return undefined
    const { key, keyLength } = search
    const userEnd = keyLength - TAG_SIZE
    if (compareBytes(key, 0, userEnd, internalKey, 0, length - TAG_SIZE) !== 0) return undefined
    const type = typeOfKey(key, keyLength)
    if (type === TYPE_DELETION) return null
    if (type !== TYPE_VALUE) throw block.damage(`entry of unknown type ${type}`)
    return copyOf(block.bytes, search.valueStart, search.valueEnd)
  } finally {
    // So that the cursor does not keep the block alive.
    search.open(undefined)
  }
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start)
  bytes.copy(copy, 0, start, end)
  return copy
}

function checksumOf(options: TableReadOptions): Crc32c | undefined {
  return options.verifyChecksums === false ? undefined : options.crc32c
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
    throw corruption(OUTSIDE_FILE, file.path, offset)
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

function readSync(file: RandomAccessFile, request: ReadRequest): Buffer {
  try {
    return file.readSync(request.position, request.length)
  } catch (error) {
    throw ioError('read', file.path, error)
  }
}

async function read(file: RandomAccessFile, request: ReadRequest): Promise<Buffer> {
  try {
    return await file.read(request.position, request.length)
  } catch (error) {
    throw ioError('read', file.path, error)
  }
}

function runSync<T>(file: RandomAccessFile, script: ReadScript<T>): T {
  let step = script.next()
  while (step.done !== true) step = script.next(readSync(file, step.value))
  return step.value
}

async function runAsync<T>(file: RandomAccessFile, script: ReadScript<T>): Promise<T> {
  let step = script.next()
  while (step.done !== true) step = script.next(await read(file, step.value))
  return step.value
}
