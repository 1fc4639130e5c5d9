// Reads a file in LevelDB's log format a page at a time, also one that is still written to.
//
//   page := some blocks of the file, from the block in which the next record begins
//
// A LogReader (log-reader.ts) reads each page. Where a page ends inside a record, the next one begins
// with that record's block, and is twice as long where it began there too: so memory holds one page,
// or a record and its blocks up to twice.
//
// Invariants:
//   What is damage, and where records end, is what a LogReader of the whole file says.
//   A page is never used again for another, so a record that was handed out stays as it is.

import { BLOCK_SIZE, HEADER_SIZE, trailerLength } from '../format/log-block.ts'
import type { RandomAccessFile } from '../platform/file-system.ts'
import { type LogDamage, LogReader } from './log-reader.ts'

const PAGE_BYTES = 8 * BLOCK_SIZE
const NOTHING = Buffer.alloc(0)
const ZEROES = Buffer.alloc(PAGE_BYTES)

type Crc32c = (bytes: Uint8Array, start: number, end: number) => number

export class PagedLogReader {
  readonly #crc32c: Crc32c
  #file: RandomAccessFile
  #sizeBytes: number
  #page: Buffer = NOTHING
  #pageStart = 0
  #reader: LogReader
  // Where the first record begins that was not handed out.
  #nextOffset = 0
  #isAtEnd = false
  // Before extend(), until a page is read again.
  #endedCleanly = false
  #damage: LogDamage | undefined

  /** Reads the first `sizeBytes` of `file`, which stays the caller's to close. */
  constructor(file: RandomAccessFile, sizeBytes: number, crc32c: Crc32c) {
    this.#file = file
    this.#sizeBytes = sizeBytes
    this.#crc32c = crc32c
    this.#reader = new LogReader(NOTHING, crc32c)
  }

  /** Where the first record begins that was not handed out. Requires: at the end. */
  get nextOffset(): number {
    return this.#nextOffset
  }

  /** What is read of the file. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Set at the end, where it is not a clean one. */
  get damage(): LogDamage | undefined {
    return this.#damage
  }

  /** Moves to the next record of the page at hand. False where there is none: see `advance`. */
  next(): boolean {
    return this.#reader.next()
  }

  /**
   * Moves to the next record on a later page. False at the end, whatever the end is: see `damage`.
   * Rejects with the operating system's error. Requires: next() has returned false.
   */
  async advance(): Promise<boolean> {
    while (!this.#isAtEnd) {
      const { damage, recordOffset } = this.#reader
      const pageEnd = this.#pageStart + this.#page.length
      this.#nextOffset = this.#pageStart + recordOffset
      if (damage?.kind === 'damaged' || pageEnd >= this.#sizeBytes) {
        this.#end(damage?.kind, damage?.reason)
      } else if (damage === undefined && this.#nextOffset < pageEnd) {
        const isClean = await this.#isZeroFrom(pageEnd)
        this.#end(isClean ? undefined : 'damaged', 'zeroes in the middle of the log')
      } else if (this.#endedCleanly && (await this.#isBlank())) {
        this.#end(undefined)
      } else {
        await this.#readPage()
        if (this.#reader.next()) return true
      }
    }
    return false
  }

  /** The record at hand: a view of its page, or a copy where it was in pieces. It is the caller's. */
  record(): Buffer {
    const { bytes, start, end } = this.#reader
    const view = bytes.subarray(start, end)
    return bytes === this.#page ? view : Buffer.from(view)
  }

  /** The record at hand is bytes[start, end) until the next one. */
  get current(): { readonly bytes: Buffer; readonly start: number; readonly end: number } {
    return this.#reader
  }

  /**
   * Goes on at the end, in `file` where it is another one with the same beginning, up to `sizeBytes`.
   * Requires: at the end, or advance() has failed.
   */
  extend(file: RandomAccessFile, sizeBytes: number): void {
    this.#file = file
    this.#sizeBytes = sizeBytes
    this.#page = NOTHING
    this.#pageStart = this.#nextOffset
    this.#reader = new LogReader(NOTHING, this.#crc32c)
    this.#isAtEnd = false
    this.#endedCleanly = this.#damage === undefined
    this.#damage = undefined
  }

  /** Whether something that was written stands behind the damage, as far as the page goes. */
  hasMoreAfterDamage(): boolean {
    if (this.#damage === undefined) return false
    // Without damage in the page it is a page of zeroes, with something behind it.
    return this.#reader.damage === undefined || this.#reader.hasFragmentsAfterDamage()
  }

  #end(kind: LogDamage['kind'] | undefined, reason = ''): void {
    this.#isAtEnd = true
    if (kind === undefined) return
    const offset = this.#nextOffset
    this.#damage = { kind, offset, droppedBytes: this.#sizeBytes - offset, reason }
  }

  // Where the next header goes there are zeroes still: a writer makes its file longer ahead of what it
  // writes, and who follows it need not read all of them at every look.
  async #isBlank(): Promise<boolean> {
    const header = this.#nextOffset + trailerLength(this.#nextOffset % BLOCK_SIZE)
    if (header + HEADER_SIZE > this.#sizeBytes) return false
    const bytes = await this.#file.read(header, HEADER_SIZE)
    return bytes.every((byte) => byte === 0)
  }

  async #readPage(): Promise<void> {
    this.#endedCleanly = false
    const start = this.#nextOffset - (this.#nextOffset % BLOCK_SIZE)
    const isSameStart = start === this.#pageStart && this.#page.length > 0
    const wanted = isSameStart ? this.#page.length * 2 : PAGE_BYTES
    const length = Math.min(wanted, this.#sizeBytes - start)
    this.#page = await this.#file.read(start, length)
    this.#pageStart = start
    this.#reader = new LogReader(this.#page, this.#crc32c, this.#nextOffset - start)
  }

  async #isZeroFrom(offset: number): Promise<boolean> {
    for (let at = offset; at < this.#sizeBytes; at += PAGE_BYTES) {
      const bytes = await this.#file.read(at, Math.min(PAGE_BYTES, this.#sizeBytes - at))
      if (!bytes.equals(ZEROES.subarray(0, bytes.length))) return false
    }
    return true
  }
}
