// Reads the blocks of a table for a cursor, several at once while it goes through them in a row.
//
//   after a seek, one block; then, each time a block is not there, twice as much as the last time,
//   from 16 KiB to 256 KiB, of blocks that are stored beside each other
//
// 256 KiB are some 2,000 entries of 100 bytes: a hop to the pool, about 50 us, for 1,000 us of work.
//
// Invariants:
//   At most one piece of the file is kept, and it is never written to again: blocks are views of it.
//   Where a longer read fails, the block alone is tried: its neighbours' trouble is not its own.

import type { Block } from '../../table/block.ts'
import type { TableIndex } from '../../table/table-index.ts'
import type { Table } from '../../table/table.ts'

const FIRST_WINDOW_BYTES: number = 16 * 1024
const LARGEST_WINDOW_BYTES: number = 256 * 1024

export class ReadAhead {
  readonly #fillCache: boolean
  #table: Table | undefined
  #stored: Buffer | undefined
  /** The piece is the file's [start, end). */
  #start = 0
  #end = 0
  #windowBytes = 0

  constructor(fillCache: boolean) {
    this.#fillCache = fillCache
  }

  /** The cursor has jumped: the next read is of one block. */
  restart(): void {
    this.#windowBytes = 0
  }

  /** Another table from now on, or none; the window stays, since a level goes on in its next table. */
  attach(table: Table | undefined): void {
    this.#table = table
    this.#stored = undefined
    this.#start = 0
    this.#end = 0
  }

  /** Block i of the table, when it is in the cache or was read. Throws LEVEL_CORRUPTION. */
  blockAt(index: TableIndex, i: number): Block | undefined {
    const table = this.#table!
    const kept = table.blockInCache(i)
    if (kept !== undefined) return kept
    index.checkHandle(i)
    const offset = index.offsetOf(i)
    const end = offset + index.storedSizeOf(i)
    if (offset < this.#start || end > this.#end) return undefined
    const start = this.#start
    return table.parseBlock(this.#stored!, offset - start, end - start, i, this.#fillCache)
  }

  /** Reads block i and, if it was one of several in a row, those behind it in the direction. */
  async read(index: TableIndex, i: number, forward: boolean): Promise<void> {
    const table = this.#table!
    this.#plan(index, i, forward)
    const [start, length] = [this.#start, this.#end - this.#start]
    try {
      this.#stored = await table.readStored(start, length)
    } catch (error) {
      if (length === index.storedSizeOf(i)) throw this.#forget(error)
      this.#planOne(index, i)
      try {
        this.#stored = await table.readStored(this.#start, this.#end - this.#start)
      } catch (second) {
        throw this.#forget(second)
      }
    }
  }

  readSync(index: TableIndex, i: number, forward: boolean): void {
    const table = this.#table!
    this.#plan(index, i, forward)
    const [start, length] = [this.#start, this.#end - this.#start]
    try {
      this.#stored = table.readStoredSync(start, length)
    } catch (error) {
      if (length === index.storedSizeOf(i)) throw this.#forget(error)
      this.#planOne(index, i)
      try {
        this.#stored = table.readStoredSync(this.#start, this.#end - this.#start)
      } catch (second) {
        throw this.#forget(second)
      }
    }
  }

  #plan(index: TableIndex, i: number, forward: boolean): void {
    const limitBytes = this.#windowBytes
    this.#windowBytes = Math.min(Math.max(FIRST_WINDOW_BYTES, 2 * limitBytes), LARGEST_WINDOW_BYTES)
    let first = i
    let last = i
    let bytes = index.storedSizeOf(i)
    for (;;) {
      const next = forward ? last + 1 : first - 1
      if (next < 0 || next >= index.blockCount) break
      if (!index.areNeighbours(forward ? last : next)) break
      bytes += index.storedSizeOf(next)
      if (bytes > limitBytes) break
      if (forward) last = next
      else first = next
    }
    this.#start = index.offsetOf(first)
    this.#end = index.offsetOf(last) + index.storedSizeOf(last)
  }

  #planOne(index: TableIndex, i: number): void {
    this.#windowBytes = 0
    this.#start = index.offsetOf(i)
    this.#end = this.#start + index.storedSizeOf(i)
  }

  #forget(error: unknown): unknown {
    this.#windowBytes = 0
    this.attach(this.#table)
    return error
  }
}
