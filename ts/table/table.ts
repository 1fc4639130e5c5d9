// Reading one table.
//
//   open   the index block and the filter: kept until the table is closed (table-parts.ts)
//   get    index search, filter, one block read where the cache has not got it, search in the block
//
// A get runs in three ways over the same steps: in place; from what is in memory, or not at all; with
// the read on the pool. A generator for all of them was rejected: it allocates for each call.
//
// Invariant: damage in one data block fails the reads that need it, and no others.

import { type SluiceError, corruption } from '../format/error.ts'
import { TYPE_DELETION, TYPE_VALUE } from '../format/internal-key.ts'
import { copyOut } from '../format/value-pool.ts'
import type { RandomAccessFile } from '../platform/file-system.ts'
import { FOUND_DELETION, FOUND_VALUE, type BlockQuestion } from '../platform/block-finds.ts'
import type { BlockFindBatch, BlockFindWaiter } from '../platform/block-find-queue.ts'
import {
  BLOCK_NO_WAY,
  BLOCK_REFUSED,
  ONLY_AT_HAND,
  VERIFY,
  WHOLE,
} from '../platform/block-reads.ts'
import type { BlockCache, CachedTable } from './block-cache.ts'
import { blockContents } from './block-contents.ts'
import { BlockScratch } from './block-scratch.ts'
import { BlockSearch } from './block-search.ts'
import { Block } from './block.ts'
import type { FilterBlock } from './filter-block.ts'
import { PLAIN, findHashed } from './hashed-block.ts'
import { BLOCK_TRAILER_SIZE, handleFits, handleOffset, handleSize } from './format.ts'
import type { LookupKey } from './lookup-key.ts'
import type { Crc32c } from './table-builder.ts'
import { TableCursor } from './table-cursor.ts'
import { TableIndex } from './table-index.ts'
import { readBytes, readBytesSync, readTableParts, readTablePartsSync } from './table-parts.ts'
import type { TableParts } from './table-parts.ts'

/** What a table says of a key: its value (a copy, the caller's), null when deleted, else undefined. */
export type Lookup = Buffer | null | undefined

/** The answer of a lookup that would have to read the disk. */
export const NOT_AT_HAND: unique symbol = Symbol('not at hand')
/** The answer of a lookup whose search the pool makes. */
export const FINDING: unique symbol = Symbol('finding')

export interface TableReadOptions {
  readonly crc32c: Crc32c
  /** False trusts the disk. Default: true. */
  readonly verifyChecksums?: boolean
  /** Keeps data blocks between reads. */
  readonly blockCache?: BlockCache
}

/** Serves every search in this thread: a search is over before anyone else can run. */
const search = new BlockSearch()
const scratch = new BlockScratch()
const question: BlockQuestion = {
  position: 0,
  storedSize: 0,
  flags: 0,
  key: scratch.bytes,
  keySize: 0,
  places: scratch.bytes,
  floorStart: 0,
  start: 0,
  end: 0,
}

export class Table {
  readonly fileNumber: number
  readonly file: RandomAccessFile
  /** Why the table works without its filter; undefined when it has one or was written without. */
  readonly filterDamage: SluiceError | undefined
  readonly #crc32c: Crc32c | undefined
  #blockCache: BlockCache | undefined
  readonly #indexBlock: Block
  readonly #filter: FilterBlock | undefined
  /** Made at the first search, with what the cache has of the table. */
  #decodedIndex: TableIndex | undefined
  #cached: CachedTable | undefined
  /** Until the file system is found to have no way. */
  #canReadAtHand = true

  private constructor(
    file: RandomAccessFile,
    fileNumber: number,
    options: TableReadOptions,
    { index, filter, filterDamage }: TableParts,
  ) {
    this.file = file
    this.fileNumber = fileNumber
    this.#crc32c = checksumOf(options)
    this.#blockCache = options.blockCache
    this.#indexBlock = index
    this.#filter = filter
    this.filterDamage = filterDamage
  }

  /**
   * Opens the table in `file`, which belongs to the table afterwards; after an error it is still the
   * caller's. Rejects with LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED or LEVEL_IO_ERROR.
   */
  static async open(
    file: RandomAccessFile,
    fileNumber: number,
    options: TableReadOptions,
  ): Promise<Table> {
    return new Table(file, fileNumber, options, await readTableParts(file, checksumOf(options)))
  }

  /** The same on the calling thread. */
  static openSync(file: RandomAccessFile, fileNumber: number, options: TableReadOptions): Table {
    return new Table(file, fileNumber, options, readTablePartsSync(file, checksumOf(options)))
  }

  /**
   * What the table says of the key. With `fillCache` the block that was read may be kept.
   * Throws LEVEL_CORRUPTION when the block that may hold it is damaged, LEVEL_IO_ERROR when it
   * cannot be read.
   */
  getSync(key: LookupKey, fillCache = true): Lookup {
    const ordinal = this.#locate(key)
    if (ordinal === -1) return undefined
    if (this.#isCached(ordinal)) return this.#valueInCache(ordinal, key)
    const outcome = this.#findInPlace(ordinal, key, fillCache, this.#flags)
    return outcome >= 0 ? found(outcome) : valueIn(this.#readBlockSync(ordinal, fillCache), key)
  }

  /**
   * The same where the disk need not be read for it: the block is in the cache, or the operating system
   * has it in memory and says so. With a waiter, a search that is better made on the pool is begun
   * there, where that can be, and ends with endFind. Requires: the table stays open until then.
   */
  getAtHand(
    key: LookupKey,
    fillCache = true,
    waiter?: BlockFindWaiter,
  ): Lookup | typeof NOT_AT_HAND | typeof FINDING {
    const ordinal = this.#locate(key)
    if (ordinal === -1) return undefined
    if (this.#isCached(ordinal)) return this.#valueInCache(ordinal, key)
    if (this.#canReadAtHand && (waiter === undefined || this.file.takesInPlace?.() !== false)) {
      const outcome = this.#findInPlace(ordinal, key, fillCache, this.#flags | ONLY_AT_HAND)
      if (outcome >= 0) return found(outcome)
      if (outcome === BLOCK_REFUSED) return NOT_AT_HAND
      if (outcome === BLOCK_NO_WAY) this.#canReadAtHand = false
    }
    return waiter !== undefined && this.#beginFind(ordinal, key, fillCache, waiter)
      ? FINDING
      : NOT_AT_HAND
  }

  /** What the search came to that getAtHand began for a waiter. NOT_AT_HAND: get() has to tell. */
  endFind(batch: BlockFindBatch, index: number): Lookup | typeof NOT_AT_HAND {
    const outcome = batch.outcome(index)
    if (outcome < 0) return NOT_AT_HAND
    const isWhole = batch.isWhole(index)
    if (isWhole) this.#keepContents(batch, index)
    if (outcome !== FOUND_VALUE) return outcome === FOUND_DELETION ? null : undefined
    const value = batch.value(index)
    if (value === undefined) return NOT_AT_HAND
    // A value is not to keep a block alive.
    return isWhole ? Buffer.from(value) : value
  }

  /** getSync with the read on a thread of the pool. The key is not to change before it settles. */
  async get(key: LookupKey, fillCache = true): Promise<Lookup> {
    const ordinal = this.#locate(key)
    if (ordinal === -1) return undefined
    if (this.#isCached(ordinal)) return this.#valueInCache(ordinal, key)
    return valueIn(await this.#readBlock(ordinal, fillCache), key)
  }

  /** About where the key stands or would, in bytes of the file: at the beginning of its block. */
  offsetNear(key: LookupKey): number {
    const ordinal = this.#index.find(key)
    return ordinal === -1 ? this.#indexBlock.offset : this.#index.offsetOf(ordinal)
  }

  /** A cursor over all entries, before the first one. It reads on the calling thread. */
  entries(): TableCursor {
    return new TableCursor(this.#indexBlock, (at) => this.#blockAt(at))
  }

  /** The index, for cursors. Throws LEVEL_CORRUPTION, every time, when a part of it is damaged. */
  get wholeIndex(): TableIndex {
    const index = this.#index
    index.checkWhole()
    return index
  }

  /** Bytes of the file as they are stored. Rejects with LEVEL_IO_ERROR. */
  readStored(position: number, length: number): Promise<Buffer> {
    return readBytes(this.file, position, length)
  }

  readStoredSync(position: number, length: number): Buffer {
    return readBytesSync(this.file, position, length)
  }

  /** A block in memory of its own, when the cache has it. */
  blockInCache(ordinal: number): Block | undefined {
    if (!this.#isCached(ordinal)) return undefined
    return this.#blockCache!.copyFound(this.file.path, this.#index.offsetOf(ordinal))
  }

  /**
   * A block out of stored[start, end), of which it may keep a view. Throws LEVEL_CORRUPTION.
   * Requires: stored[start, end) is what the index says that the block takes in the file.
   */
  parseBlock(
    stored: Buffer,
    start: number,
    end: number,
    ordinal: number,
    fillCache: boolean,
  ): Block {
    const block = this.#parse(stored.subarray(start, end), this.#index.offsetOf(ordinal))
    this.#offer(block, ordinal, fillCache)
    return block
  }

  /** Closes the file too. Requires: no read in progress. */
  closeSync(): void {
    this.forgetBlocks()
    this.file.closeSync()
  }

  /** Takes the table's blocks out of the cache: nobody will look for them again. */
  forgetBlocks(): void {
    if (this.#cached !== undefined) this.#blockCache?.drop(this.#cached)
    this.#cached = undefined
    this.#blockCache = undefined
  }

  get #index(): TableIndex {
    return this.#decodedIndex ?? this.#decodeIndex()
  }

  #decodeIndex(): TableIndex {
    const index = new TableIndex(this.#indexBlock, this.file.sizeBytes)
    this.#cached = this.#blockCache?.enter(index.blockCount)
    this.#decodedIndex = index
    return index
  }

  /** The only block that may hold the key; -1 when there is none, by the index or by the filter. */
  #locate(key: LookupKey): number {
    const index = this.#index
    const ordinal = index.find(key)
    if (ordinal === -1 || this.#filter === undefined) return ordinal
    return this.#filter.hashMayMatch(index.offsetOf(ordinal), key.hash) ? ordinal : -1
  }

  /** Whether the cache has the block; it knows where until the next call. */
  #isCached(ordinal: number): boolean {
    return this.#cached !== undefined && this.#blockCache!.find(this.#cached, ordinal)
  }

  // Requires: #isCached(ordinal) has just said so.
  #valueInCache(ordinal: number, key: LookupKey): Lookup {
    const cache = this.#blockCache!
    const { segment, contentsAt } = cache
    if (cache.slotBits === PLAIN) {
      const contents = segment.buffer.subarray(contentsAt, cache.contentsEnd)
      return valueIn(this.#blockOf(contents, contents.length, ordinal), key)
    }
    const slotsAt = cache.slotsAt >>> 2
    const { words, buffer } = segment
    if (!findHashed(words, slotsAt, cache.slotBits, buffer, contentsAt, key, search)) {
      return undefined
    }
    if (search.type === TYPE_DELETION) return null
    if (search.type !== TYPE_VALUE) {
      const offset = this.#index.offsetOf(ordinal)
      throw corruption(`entry of unknown type ${search.type}`, this.file.path, offset)
    }
    return copyOut(segment, search.valueStart, search.valueEnd)
  }

  /** For one search, unless `isKept`: then for as long as it is wanted. */
  #readBlockSync(ordinal: number, fillCache: boolean, isKept = false): Block {
    const position = this.#index.offsetOf(ordinal)
    const length = this.#index.sizeOf(ordinal) + BLOCK_TRAILER_SIZE
    const size = this.file.readBlockSync?.(position, length, this.#flags, scratch.bytes)
    if (size !== undefined && size >= 0) {
      return this.#adopt(ordinal, scratch.bytes, size, fillCache, isKept)
    }
    const contents = this.#contents(readBytesSync(this.file, position, length), position)
    scratch.growTo(contents.length)
    return this.#adopt(ordinal, contents, contents.length, fillCache, isKept)
  }

  /** Searches the block in C++; what was found is in `scratch` then. */
  #findInPlace(ordinal: number, key: LookupKey, fillCache: boolean, flags: number): number {
    this.#ask(ordinal, key, flags)
    const outcome = this.file.findInBlockSync?.(question, scratch) ?? BLOCK_NO_WAY
    if (outcome >= 0) this.#keepFound(ordinal, fillCache)
    return outcome
  }

  #ask(ordinal: number, key: LookupKey, flags: number): void {
    const index = this.#index
    const isChecked = this.#crc32c !== undefined
    question.position = index.offsetOf(ordinal)
    question.storedSize = index.storedSizeOf(ordinal)
    question.flags = flags
    question.key = key.bytes
    question.keySize = key.length
    question.places = index.keys
    question.end = index.keyEnd(ordinal)
    question.start = isChecked ? index.keyStart(ordinal) : question.end
    question.floorStart = isChecked && ordinal > 0 ? index.keyStart(ordinal - 1) : question.start
  }

  #beginFind(
    ordinal: number,
    key: LookupKey,
    fillCache: boolean,
    waiter: BlockFindWaiter,
  ): boolean {
    if (this.file.findInBlock === undefined) return false
    const flags = this.#isWanted(ordinal, fillCache) ? this.#flags | WHOLE : this.#flags
    this.#ask(ordinal, key, flags)
    return this.file.findInBlock(question, waiter)
  }

  #keepContents(batch: BlockFindBatch, index: number): void {
    const contents = batch.contents(index)
    const ordinal = this.#index.ordinalAt(batch.position(index))
    if (contents === undefined || ordinal === -1 || this.#cached === undefined) return
    const block = this.#blockOf(contents, contents.length, ordinal)
    this.#blockCache!.put(this.#cached, ordinal, block)
  }

  // The block in `scratch`, if the cache wants it.
  #keepFound(ordinal: number, fillCache: boolean): void {
    if (!this.#isWanted(ordinal, fillCache)) return
    const block = this.#blockOf(scratch.bytes, scratch.size, ordinal)
    this.#blockCache!.put(this.#cached!, ordinal, block)
  }

  /** Counts a miss, and says whether the cache wants the block. */
  #isWanted(ordinal: number, fillCache: boolean): boolean {
    return this.#cached !== undefined && this.#blockCache!.wants(this.#cached, ordinal, fillCache)
  }

  async #readBlock(ordinal: number, fillCache: boolean): Promise<Block> {
    const position = this.#index.offsetOf(ordinal)
    const length = this.#index.sizeOf(ordinal) + BLOCK_TRAILER_SIZE
    const contents =
      (await this.file.readBlock?.(position, length, this.#flags)) ??
      this.#contents(await readBytes(this.file, position, length), position)
    return this.#adopt(ordinal, contents, contents.length, fillCache, true)
  }

  get #flags(): number {
    return this.#crc32c === undefined ? 0 : VERIFY
  }

  #contents(stored: Buffer, offset: number): Buffer {
    return blockContents(stored, this.file.path, offset, this.#crc32c)
  }

  // A checksum does not say whether it is this block that should stand here: disks and copies exchange
  // blocks. Its keys do.
  #checkPlace(block: Block, ordinal: number): void {
    if (this.#crc32c === undefined) return
    const index = this.#index
    const start = index.keyStart(ordinal)
    const floorStart = ordinal === 0 ? start : index.keyStart(ordinal - 1)
    if (search.isBetween(block, index.keys, floorStart, start, index.keyEnd(ordinal))) return
    throw block.damage('the block holds other keys than the index says')
  }

  #parse(stored: Buffer, offset: number): Block {
    return new Block(this.#contents(stored, offset), this.file.path, offset)
  }

  // The block in bytes[0, size), in memory of its own where it is kept; and in the cache, when that
  // wants it.
  #adopt(ordinal: number, bytes: Buffer, size: number, fillCache: boolean, isKept: boolean): Block {
    const contents = isKept && bytes === scratch.bytes ? scratch.copy(size) : bytes
    const block = this.#blockOf(contents, size, ordinal)
    this.#offer(block, ordinal, fillCache)
    return block
  }

  // Checks that the block stands where it should, and has the cache keep it when that wants to.
  #offer(block: Block, ordinal: number, fillCache: boolean): void {
    this.#checkPlace(block, ordinal)
    if (this.#isWanted(ordinal, fillCache)) this.#blockCache!.put(this.#cached!, ordinal, block)
  }

  #blockOf(contents: Buffer, sizeBytes: number, ordinal: number): Block {
    return new Block(contents, this.file.path, this.#index.offsetOf(ordinal), sizeBytes)
  }

  // For cursors, which go by the handles of the index block: at `at` stands one that is well formed.
  #blockAt(at: number): Block {
    const { bytes } = this.#indexBlock
    const position = handleOffset(bytes, at)
    const size = handleSize(bytes, at)
    if (!handleFits(position, size, this.file.sizeBytes)) {
      throw this.#indexBlock.damage('block handle points outside the file')
    }
    const ordinal = this.#index.ordinalAt(position)
    if (ordinal !== -1)
      return this.blockInCache(ordinal) ?? this.#readBlockSync(ordinal, true, true)
    const length = size + BLOCK_TRAILER_SIZE
    return this.#parse(readBytesSync(this.file, position, length), position)
  }
}

/** What a search of C++ came to, which is in `scratch`. */
function found(outcome: number): Lookup {
  if (outcome === FOUND_VALUE) return copyOut(scratch.memory, scratch.valueStart, scratch.valueEnd)
  return outcome === FOUND_DELETION ? null : undefined
}

/** What the block says of the key. */
function valueIn(block: Block, key: LookupKey): Lookup {
  if (!search.find(block, key.bytes, key.length)) return undefined
  const { type, valueStart, valueEnd } = search
  if (type === TYPE_DELETION) return null
  if (type !== TYPE_VALUE) throw block.damage(`entry of unknown type ${type}`)
  if (block.bytes === scratch.bytes) return copyOut(scratch.memory, valueStart, valueEnd)
  const value = Buffer.allocUnsafe(valueEnd - valueStart)
  block.bytes.copy(value, 0, valueStart, valueEnd)
  return value
}

function checksumOf(options: TableReadOptions): Crc32c | undefined {
  return options.verifyChecksums === false ? undefined : options.crc32c
}
