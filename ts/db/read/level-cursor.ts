// The entries of a sorted run of tables as a source of the merge: a level from 1 on, or one table of
// level 0.
//
//   file ── its table, borrowed from the cache while the cursor is in it ── block ── entry
//
// Where the next table is not open, or the next block not in memory, the cursor stops and says so;
// load() reads it and goes on. So one description of the way serves both who can wait and who cannot.
//
// Invariants:
//   A table is borrowed only while the cursor is in it.
//   Damage, of a block or of a whole table, leaves the cursor at a gap (see position.ts), from which
//   only a seek leads on. So does a block that cannot be expanded here: what it holds is hidden too. A seek to an end of the gap never comes upon the same damage again: forwards
//   no block below the cut `high` is entered, backwards none from the cut `low` on.
//   An I/O error leaves the cursor where it was, for another load().

import { SluiceError } from '../../format/error.ts'
import { isEntryKey } from '../../format/internal-key.ts'
import { type Block, BlockCursor } from '../../table/block.ts'
import { ReverseBlockCursor } from '../../table/reverse-block-cursor.ts'
import { makeLowestKey } from '../../table/separator.ts'
import type { BorrowedTable, TableCache } from '../../table/table-cache.ts'
import type { TableIndex } from '../../table/table-index.ts'
import type { FileMetadata } from '../../version/file-metadata.ts'
import { firstEndingFrom, lastBeginningBelow } from '../../version/file-range.ts'
import {
  END,
  ENTRY,
  GAP,
  NEEDS_READ,
  Position,
  type SourceCursor,
  cutBefore,
  highCut,
  lowCut,
} from './position.ts'
import { ReadAhead } from './read-ahead.ts'

/** Values of larger blocks are copied: one that is kept would keep too much. */
const LARGEST_VIEWED_BLOCK: number = 64 * 1024

/** What no other read would bring: damage, and a compression that is not known here. */
const HIDES_ENTRIES: ReadonlySet<string> = new Set(['LEVEL_CORRUPTION', 'LEVEL_NOT_SUPPORTED'])

/** The part of the table cache that cursors need. */
export type TableLender = Pick<TableCache, 'borrow' | 'borrowOpen' | 'borrowSync'>

export interface LevelCursorOptions {
  readonly tables: TableLender
  /** The reader's: entries above it are not visible. */
  readonly sequence: number
  readonly fillCache: boolean
  /** False: values are not looked at. */
  readonly values: boolean
}

export class LevelCursor implements SourceCursor {
  readonly at: Position = new Position()
  readonly #files: readonly FileMetadata[]
  readonly #tables: TableLender
  readonly #sequence: number
  readonly #values: boolean
  readonly #readAhead: ReadAhead
  readonly #forwardCursor = new BlockCursor()
  #reverseCursor: ReverseBlockCursor | undefined
  #isForward = true
  /** Of the last seek, until a block was entered; and as an internal key. */
  #cut: Buffer | undefined
  #target: Buffer | undefined
  #fileAt = 0
  /** While the cursor is in a table: the loan, the table's index, and the block. */
  #loan: BorrowedTable | undefined
  #index: TableIndex | undefined
  #blockAt = 0

  /** Requires: the files are in order of their keys, do not overlap, and stay until close(). */
  constructor(files: readonly FileMetadata[], options: LevelCursorOptions) {
    this.#files = files
    this.#tables = options.tables
    this.#sequence = options.sequence
    this.#values = options.values
    this.#readAhead = new ReadAhead(options.fillCache)
  }

  seek(cut: Buffer | undefined, forward: boolean): void {
    this.#isForward = forward
    this.at.keyStart = 0
    this.#cut = cut
    this.#target = cut === undefined ? undefined : makeLowestKey(cut)
    this.#readAhead.restart()
    const fileAt = forward
      ? firstEndingFrom(this.#files, cut)
      : lastBeginningBelow(this.#files, cut)
    // Often still the same table, whose window may hold the block.
    if (fileAt !== this.#fileAt) this.#leaveTable()
    this.#fileAt = fileAt
    if (this.#index !== undefined) this.#blockAt = this.#startingBlock(this.#index)
    this.#settle()
  }

  move(): void {
    try {
      if (this.#isForward ? this.#forwardCursor.next() : this.#reverseCursor!.previous()) {
        this.#showEntry()
        return
      }
    } catch (error) {
      this.#meetDamage(error)
      return
    }
    this.#step()
    this.#settle()
  }

  async load(): Promise<void> {
    try {
      if (this.#index === undefined) {
        this.#enterTable(await this.#tables.borrow(this.#files[this.#fileAt]!.number))
      } else {
        await this.#readAhead.read(this.#index, this.#blockAt, this.#isForward)
      }
    } catch (error) {
      this.#meetDamage(error)
      return
    }
    this.#settle()
  }

  loadSync(): void {
    try {
      if (this.#index === undefined) {
        this.#enterTable(this.#tables.borrowSync(this.#files[this.#fileAt]!.number))
      } else {
        this.#readAhead.readSync(this.#index, this.#blockAt, this.#isForward)
      }
    } catch (error) {
      this.#meetDamage(error)
      return
    }
    this.#settle()
  }

  close(): void {
    this.#leaveTable()
    this.at.clear(END)
  }

  /** Goes to the entry, gap or end that is next, or to what has to be read before it. */
  #settle(): void {
    try {
      while (this.#findTable()) {
        if (this.#findEntry(this.#index!)) return
        this.#leaveTable()
        this.#cut = undefined
        this.#fileAt += this.#isForward ? 1 : -1
      }
    } catch (error) {
      this.#meetDamage(error)
    }
  }

  /** Whether the cursor is in a table now. Otherwise `at` says why not. */
  #findTable(): boolean {
    if (this.#index !== undefined) return true
    const file = this.#files[this.#fileAt]
    if (file === undefined) {
      this.at.clear(END)
      return false
    }
    const loan = this.#tables.borrowOpen(file.number)
    if (loan === undefined) {
      this.at.clear(NEEDS_READ)
      return false
    }
    this.#enterTable(loan)
    return true
  }

  /** Whether `at` is settled: at an entry, or at a block that has to be read. False behind the table. */
  #findEntry(index: TableIndex): boolean {
    while (this.#blockAt >= 0 && this.#blockAt < index.blockCount) {
      const block = this.#readAhead.blockAt(index, this.#blockAt)
      if (block === undefined) {
        this.at.clear(NEEDS_READ)
        return true
      }
      if (this.#enterBlock(block)) {
        this.#showEntry()
        return true
      }
      this.#step()
    }
    return false
  }

  #enterBlock(block: Block): boolean {
    this.at.ownsValue = this.#values && block.bytes.length <= LARGEST_VIEWED_BLOCK
    this.at.value = this.at.ownsValue ? this.#readAhead.ownBytes(block) : block.bytes
    const target = this.#cut === undefined ? undefined : this.#target
    if (this.#isForward) {
      const cursor = this.#forwardCursor
      cursor.open(block)
      return target === undefined ? cursor.next() : cursor.seek(target, 0, target.length)
    }
    this.#reverseCursor ??= new ReverseBlockCursor()
    const cursor = this.#reverseCursor
    cursor.open(block)
    return target === undefined ? cursor.seekToLast() : cursor.seekBefore(target)
  }

  #step(): void {
    this.#cut = undefined
    this.#blockAt += this.#isForward ? 1 : -1
  }

  #enterTable(loan: BorrowedTable): void {
    try {
      const index = loan.table.wholeIndex
      this.#loan = loan
      this.#index = index
      this.#readAhead.attach(loan.table)
      this.#blockAt = this.#startingBlock(index)
    } catch (error) {
      loan.release()
      throw error
    }
  }

  #leaveTable(): void {
    this.#forwardCursor.open(undefined)
    this.#reverseCursor?.open(undefined)
    const loan = this.#loan
    if (loan === undefined) return
    this.#index = undefined
    this.#loan = undefined
    this.#readAhead.detach(() => {
      loan.release()
    })
  }

  #startingBlock(index: TableIndex): number {
    const cut = this.#cut
    const lastBlock = index.blockCount - 1
    if (cut === undefined) return this.#isForward ? 0 : lastBlock
    const first = index.firstBehind(this.#target!)
    if (this.#isForward) return first
    let block = Math.min(first, lastBlock)
    while (block > 0 && this.#lowCutOf(index, block).compare(cut) >= 0) block--
    return block
  }

  #showEntry(): void {
    const { at } = this
    if (this.#isForward) {
      const cursor = this.#forwardCursor
      const { key, keyLength } = cursor
      if (!isEntryKey(key, 0, keyLength)) throw cursor.damage('malformed internal key')
      at.key = key
      at.keyEnd = keyLength
      at.valueStart = cursor.valueStart
      at.valueEnd = cursor.valueEnd
    } else {
      const cursor = this.#reverseCursor!
      at.key = cursor.keys
      at.keyStart = cursor.keyStart
      at.keyEnd = cursor.keyEnd
      at.valueStart = cursor.valueStart
      at.valueEnd = cursor.valueEnd
    }
    at.status = ENTRY
  }

  /** Leaves the cursor at the gap that damage makes of the block, or of the table; throws other errors. */
  #meetDamage(error: unknown): void {
    if (!(error instanceof SluiceError) || !HIDES_ENTRIES.has(error.code)) throw error
    const index = this.#index
    const file = this.#files[this.#fileAt]!
    this.at.clear(GAP)
    this.at.gap =
      index === undefined
        ? {
            low: cutBefore(file.smallest, 0, file.smallest.length),
            high: highCut(file.largest, 0, file.largest.length),
            error,
          }
        : {
            low: this.#lowCutOf(index, this.#blockAt),
            high: this.#highCutOf(index, this.#blockAt),
            error,
          }
  }

  #lowCutOf(index: TableIndex, block: number): Buffer {
    if (block === 0) {
      const { smallest } = this.#files[this.#fileAt]!
      return cutBefore(smallest, 0, smallest.length)
    }
    const [start, end] = [index.keyStart(block - 1), index.keyEnd(block - 1)]
    return lowCut(index.keys, start, end, this.#sequence, this.#highCutOf(index, block))
  }

  #highCutOf(index: TableIndex, block: number): Buffer {
    const high = highCut(index.keys, index.keyStart(block), index.keyEnd(block))
    if (block < index.blockCount - 1) return high
    // The last separator is a shortened successor, which may lie far behind the table.
    const { largest } = this.#files[this.#fileAt]!
    const fileEnd = highCut(largest, 0, largest.length)
    return fileEnd.compare(high) < 0 ? fileEnd : high
  }
}
