// The open tables of a database, by file number: at most maxOpenFiles and those in use, the least
// recently used one closed first.
//
// Invariants:
//   A table is closed when it is no longer in the cache and nothing reads it: each read in progress
//   and each borrower holds a reference. So a table may be evicted, or its file unlinked, under a read.
//   Callers that ask for one table at the same time share one opening. One that fails is forgotten
//   before its callers hear of it, so that the next one tries anew (EMFILE passes).
//   References are counted before the caller goes on, also for those who waited for an opening:
//   between its end and their turn, others run.
//   An opening that finds no descriptor free closes half of the idle tables and tries once more; what
//   fails then is that read alone.
//   After close() nothing is opened; close() resolves when the last reference is gone.
//
// Recency is a counter in each entry and eviction looks at all of them: it happens only beside an
// opening, which costs four reads, while a list would have to be mended at every get.

import { SluiceError } from '../format/error.ts'
import type { BlockFindBatch, BlockFindWaiter } from '../platform/block-find-queue.ts'
import type { RandomAccessFile } from '../platform/file-system.ts'
import type { LookupKey } from './lookup-key.ts'
import { FINDING, NOT_AT_HAND, Table } from './table.ts'
import { isOutOfDescriptors, openTableFile, openTableFileSync } from './table-file.ts'
import type { TableFiles } from './table-file.ts'
import type { Lookup, TableReadOptions } from './table.ts'

/** A reference to an open table, for longer than one get. */
export interface BorrowedTable {
  readonly table: Table
  /** Gives the reference back. Idempotent. */
  release(): void
}

/** Who waits for a search that getAtHand began. */
export interface TableWaiter extends BlockFindWaiter {
  /** The cache's own. */
  reference: TableReference | undefined
}

export interface TableReference {
  readonly table: Table
  references: number
  lastUse: number
  /** No longer in the cache: closed with the last reference. */
  isEvicted: boolean
}

/** An opening in flight. */
interface Opening {
  /** Callers that wait for it. */
  waiterCount: number
  /** Evicted before it was there: its result is for these callers only. */
  isEvicted: boolean
}

export class TableCache {
  readonly #files: TableFiles
  readonly #directory: string
  readonly #maxOpenFiles: number
  readonly #options: TableReadOptions
  readonly #entries = new Map<number, TableReference>()
  readonly #openings = new Map<
    number,
    { readonly opening: Opening; readonly entry: Promise<TableReference> }
  >()
  /** Openings in flight, and tables evicted under their readers: what close() waits for. */
  #openingCount = 0
  #lingeringCount = 0
  #clock = 0
  #closing: Promise<void> | undefined
  #onIdle: (() => void) | undefined

  /** Requires: maxOpenFiles >= 1. */
  constructor(
    files: TableFiles,
    directory: string,
    maxOpenFiles: number,
    options: TableReadOptions,
  ) {
    this.#files = files
    this.#directory = directory
    this.#maxOpenFiles = maxOpenFiles
    this.#options = options
  }

  /** Tables open now, those that wait for their last reader included. */
  get openCount(): number {
    return this.#entries.size + this.#lingeringCount
  }

  /** Table.get of the table with this number, opened when it is not; rejects with its errors. */
  async get(fileNumber: number, key: LookupKey, fillCache = true): Promise<Lookup> {
    const entry = this.#reference(fileNumber) ?? (await this.#open(fileNumber))
    try {
      return await entry.table.get(key, fillCache)
    } finally {
      this.#release(entry)
    }
  }

  /** Table.getSync of the table with this number; throws its errors. */
  getSync(fileNumber: number, key: LookupKey, fillCache = true): Lookup {
    // Needs no reference: nobody else runs before it returns.
    const present = this.#present(fileNumber)
    if (present !== undefined) return present.table.getSync(key, fillCache)
    const entry = this.#openSync(fileNumber)
    try {
      return entry.table.getSync(key, fillCache)
    } finally {
      this.#release(entry)
    }
  }

  /**
   * Table.getAtHand of the table with this number, when it is open; throws its errors. For FINDING the
   * waiter has a reference to the table until endFind.
   */
  getAtHand(
    fileNumber: number,
    key: LookupKey,
    fillCache = true,
    waiter?: TableWaiter,
  ): Lookup | typeof NOT_AT_HAND | typeof FINDING {
    const entry = this.#present(fileNumber)
    if (entry === undefined) return NOT_AT_HAND
    const found = entry.table.getAtHand(key, fillCache, waiter)
    if (found === FINDING) {
      entry.references++
      waiter!.reference = entry
    }
    return found
  }

  /** Table.endFind; gives the waiter's reference back. */
  endFind(waiter: TableWaiter, batch: BlockFindBatch, index: number): Lookup | typeof NOT_AT_HAND {
    const entry = waiter.reference!
    waiter.reference = undefined
    try {
      return entry.table.endFind(batch, index)
    } finally {
      this.#release(entry)
    }
  }

  /** The table with this number, kept open until it is released. */
  async borrow(fileNumber: number): Promise<BorrowedTable> {
    return this.#lend(this.#reference(fileNumber) ?? (await this.#open(fileNumber)))
  }

  borrowSync(fileNumber: number): BorrowedTable {
    return this.#lend(this.#reference(fileNumber) ?? this.#openSync(fileNumber))
  }

  /** The same when the table is open; undefined when it would have to be opened. */
  borrowOpen(fileNumber: number): BorrowedTable | undefined {
    const entry = this.#reference(fileNumber)
    return entry === undefined ? undefined : this.#lend(entry)
  }

  /** Forgets the table, whose file is about to be unlinked; it is closed after its last reader. */
  evict(fileNumber: number): void {
    const inFlight = this.#openings.get(fileNumber)
    if (inFlight !== undefined) {
      inFlight.opening.isEvicted = true
      this.#openings.delete(fileNumber)
    }
    const entry = this.#entries.get(fileNumber)
    if (entry !== undefined) this.#remove(fileNumber, entry)
  }

  /** Closes every table, each after its last reader. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#onIdle = resolve
      for (const fileNumber of [...this.#openings.keys(), ...this.#entries.keys()]) {
        this.evict(fileNumber)
      }
      this.#checkIdle()
    })
    return this.#closing
  }

  /** The table's entry when it is open, used now. */
  #present(fileNumber: number): TableReference | undefined {
    if (this.#closing !== undefined) {
      throw new SluiceError('LEVEL_DATABASE_NOT_OPEN', 'Table cache is closed')
    }
    const entry = this.#entries.get(fileNumber)
    if (entry !== undefined) entry.lastUse = ++this.#clock
    return entry
  }

  /** A reference to the table when it is open. */
  #reference(fileNumber: number): TableReference | undefined {
    const entry = this.#present(fileNumber)
    if (entry !== undefined) entry.references++
    return entry
  }

  /** A reference to the table, which is being opened or begins to be. */
  #open(fileNumber: number): Promise<TableReference> {
    let inFlight = this.#openings.get(fileNumber)
    if (inFlight === undefined) {
      const opening = { waiterCount: 0, isEvicted: false }
      inFlight = { opening, entry: this.#runOpening(fileNumber, opening) }
      this.#openings.set(fileNumber, inFlight)
    }
    inFlight.opening.waiterCount++
    return inFlight.entry
  }

  async #runOpening(fileNumber: number, opening: Opening): Promise<TableReference> {
    this.#openingCount++
    try {
      const table = await this.#openTable(fileNumber)
      return this.#admit(fileNumber, table, opening.waiterCount, opening.isEvicted)
    } finally {
      if (!opening.isEvicted) this.#openings.delete(fileNumber)
      this.#openingCount--
      this.#checkIdle()
    }
  }

  #openSync(fileNumber: number): TableReference {
    return this.#admit(fileNumber, this.#openTableSync(fileNumber), 1, false)
  }

  async #openTable(fileNumber: number): Promise<Table> {
    const file = await this.#openFile(fileNumber)
    try {
      return await Table.open(file, fileNumber, this.#options)
    } catch (error) {
      closeQuietly(file)
      throw error
    }
  }

  #openTableSync(fileNumber: number): Table {
    const file = this.#openFileSync(fileNumber)
    try {
      return Table.openSync(file, fileNumber, this.#options)
    } catch (error) {
      closeQuietly(file)
      throw error
    }
  }

  async #openFile(fileNumber: number): Promise<RandomAccessFile> {
    try {
      return await openTableFile(this.#files, this.#directory, fileNumber)
    } catch (error) {
      if (!isOutOfDescriptors(error) || !this.#closeIdleHalf()) throw error
      return openTableFile(this.#files, this.#directory, fileNumber)
    }
  }

  #openFileSync(fileNumber: number): RandomAccessFile {
    try {
      return openTableFileSync(this.#files, this.#directory, fileNumber)
    } catch (error) {
      if (!isOutOfDescriptors(error) || !this.#closeIdleHalf()) throw error
      return openTableFileSync(this.#files, this.#directory, fileNumber)
    }
  }

  /** Takes the opened table in, referenced for those who wait for it. */
  #admit(fileNumber: number, table: Table, references: number, isEvicted: boolean): TableReference {
    const present = isEvicted ? undefined : this.#entries.get(fileNumber)
    if (present !== undefined) {
      // A synchronous caller could not wait for this opening, and was faster.
      closeQuietly(table)
      present.references += references
      return present
    }
    const entry = { table, references, lastUse: ++this.#clock, isEvicted }
    if (isEvicted) {
      this.#lingeringCount++
    } else {
      this.#entries.set(fileNumber, entry)
      this.#trim()
    }
    return entry
  }

  #lend(entry: TableReference): BorrowedTable {
    let isReleased = false
    return {
      table: entry.table,
      release: () => {
        if (isReleased) return
        isReleased = true
        this.#release(entry)
      },
    }
  }

  #release(entry: TableReference): void {
    entry.references--
    if (entry.references > 0) return
    if (entry.isEvicted) {
      this.#lingeringCount--
      closeQuietly(entry.table)
      this.#checkIdle()
    } else if (this.#entries.size > this.#maxOpenFiles) {
      this.#trim()
    }
  }

  /** Closes the least recently used of the idle tables until no more are open than may be. */
  #trim(): void {
    while (this.#entries.size > this.#maxOpenFiles) {
      let oldest: TableReference | undefined
      for (const entry of this.#entries.values()) {
        if (entry.references > 0) continue
        if (oldest === undefined || entry.lastUse < oldest.lastUse) oldest = entry
      }
      // All are in use: closing one would only make its next reader open it a second time.
      if (oldest === undefined) return
      this.#remove(oldest.table.fileNumber, oldest)
    }
  }

  /** Closes the half of the idle tables that was used longest ago. False when none is idle. */
  #closeIdleHalf(): boolean {
    const idle = [...this.#entries].filter(([, { references }]) => references === 0)
    idle.sort(([, a], [, b]) => a.lastUse - b.lastUse)
    for (const [fileNumber, entry] of idle.slice(0, Math.ceil(idle.length / 2))) {
      this.#remove(fileNumber, entry)
    }
    return idle.length > 0
  }

  #remove(fileNumber: number, entry: TableReference): void {
    this.#entries.delete(fileNumber)
    entry.isEvicted = true
    if (entry.references > 0) this.#lingeringCount++
    else closeQuietly(entry.table)
  }

  #checkIdle(): void {
    if (this.#openingCount === 0 && this.#lingeringCount === 0) this.#onIdle?.()
  }
}

function closeQuietly(file: Table | RandomAccessFile): void {
  try {
    file.closeSync()
  } catch {
    // Ignored: nothing was written, and the descriptor is gone whatever close(2) says.
  }
}
