// Reads the records of a log in their order, over its files, and waits for more where asked to.
//
//   find the file that has the position ── skip to it ── hand out what is there ── at the end of that:
//     the next file's name is the position that comes next:  go on there
//     the same file has grown:                               go on in it
//     otherwise the end, or a wait
//
// It reads beside a writer without asking it, in another process too. What a write brings can come into
// sight piece by piece, so the end of the last file is not judged at the first look: what is wrong
// there is damage when something stands behind it at two looks. A next file settles it: a file is
// whole before there is another.
//
// Invariant: positions are handed out without a hole, each once. A record that is no longer there, or
// that cannot be read, ends the reading with an error.

import { corruption, ioError, isMissing, SluiceError } from '../format/error.ts'
import { PagedLogReader } from '../log/paged-log-reader.ts'
import type { FileSystem, RandomAccessFile } from '../platform/file-system.ts'
import { pathOfLog } from './log-directory.ts'

/** A file that is listed and never there is given up on after so many. */
const MOST_TRIES = 100

export interface LogRecord {
  readonly position: number
  /**
   * The caller's to keep. It may be a view of the page that it was read with, of 256 KiB: who keeps
   * small records for long copies them.
   */
  readonly record: Buffer
}

/** The log that is read, as far as the reader knows of it. */
export interface LogSource {
  readonly fileSystem: FileSystem
  readonly directory: string
  /** Positions with which files begin, ascending; at least one. */
  files(): Promise<readonly number[]>
  /** Where the records that may be read end in file `number`; undefined: where the file ends. */
  endOf(number: number): number | undefined
  /** The last position that may be handed out; undefined where only the files tell. */
  lastPosition(): number | undefined
  /** Resolves when there may be more than `position`; to false where nothing will come any more. */
  changed(position: number): Promise<boolean>
  /** Throws where the reading is to end. */
  check(): void
}

/** Yields the records from `from` on, or from the first; at the end, waits where it shall follow. */
export async function* readRecords(
  source: LogSource,
  from: number | undefined,
  follow: boolean,
): AsyncGenerator<LogRecord, void, undefined> {
  const reader = new RecordReader(source)
  try {
    const last = follow ? undefined : source.lastPosition()
    await reader.seek(from)
    for (;;) {
      while (reader.position <= (last ?? source.lastPosition() ?? Infinity)) {
        if (!reader.next() && !(await reader.advance())) break
        const { position } = reader
        reader.position++
        yield { position, record: reader.record() }
        source.check()
      }
      if (last !== undefined && reader.position > last) return
      if (await reader.goOn()) continue
      if (!follow || !(await source.changed(reader.position - 1))) return
    }
  } finally {
    await reader.close()
  }
}

class RecordReader {
  readonly #source: LogSource
  /** Of the next record. */
  position = 0
  /** The position with which the file at hand begins. */
  #number = 0
  #file: RandomAccessFile | undefined
  #reader: PagedLogReader | undefined
  // Where the file at hand was looked at once more, in vain so far.
  #lookedAgainAt: number | undefined
  // The next file, as of that look.
  #nextSeen: number | undefined
  // Where damage with something behind it was at the look before.
  #suspectOffset: number | undefined

  constructor(source: LogSource) {
    this.#source = source
  }

  /** Goes to the record `from`, which may be the one that comes next in the log. */
  async seek(from: number | undefined): Promise<void> {
    let tries = 0
    for (;;) {
      const files = await this.#source.files()
      const target = from ?? files[0]!
      const number = files.findLast((first) => first <= target)
      if (number === undefined) throw removedError(target, files[0]!)
      if (await this.#open(number)) {
        await this.#skipTo(target)
        return
      }
      // Removed between the two looks: the next listing tells.
      if (++tries === MOST_TRIES)
        throw corruption('a file of the log is missing', this.#path(number))
    }
  }

  /** Moves to the next record of the page at hand. */
  next(): boolean {
    return this.#reader!.next()
  }

  /** Moves to the next record on a later page; false at the end of what was there. */
  async advance(): Promise<boolean> {
    this.#source.check()
    for (;;) {
      try {
        return await this.#reader!.advance()
      } catch (error) {
        if (!(await this.#wasCut())) throw ioError('read', this.#path(this.#number), error)
      }
    }
  }

  /** The record at hand. */
  record(): Buffer {
    return this.#reader!.record()
  }

  /**
   * At the end of what was there: true where there may be more by now. Rejects where what comes next
   * was removed or cannot be read.
   */
  async goOn(): Promise<boolean> {
    this.#source.check()
    const files = await this.#source.files()
    const next = files.find((number) => number > this.#number)
    if (next === this.position) {
      await this.#open(next) // Where it is gone again, the next listing tells.
      return true
    }
    if (next !== undefined && next < this.position) throw withdrawnError(next, this.position)
    const isThere = files.includes(this.#number)
    // Once more, for what has come since: and where there is a next file now, since that began.
    if (isThere && (this.#lookedAgainAt !== this.position || this.#nextSeen !== next)) {
      const reader = this.#reader!
      this.#suspectOffset = reader.hasMoreAfterDamage() ? reader.nextOffset : undefined
      this.#lookedAgainAt = this.position
      this.#nextSeen = next
      if (await this.#lookAgain()) return true
    }
    this.#lookedAgainAt = undefined
    this.#judge(isThere, files[0]!, next)
    return false
  }

  /** Never rejects: nothing was written to the file. */
  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await Promise.allSettled([file?.close()])
  }

  async #skipTo(target: number): Promise<void> {
    while (this.position < target) {
      if (this.next() || (await this.advance())) this.position++
      else if (!(await this.goOn())) throw aheadError(target, this.position - 1)
    }
  }

  /** Opens file `number` at its beginning; false where it is not there. */
  async #open(number: number): Promise<boolean> {
    const file = await this.#openFile(number)
    if (file === undefined) return false
    await this.close()
    this.#file = file
    this.#number = number
    this.#lookedAgainAt = undefined
    this.#suspectOffset = undefined
    this.position = number
    const { fileSystem } = this.#source
    const end = this.#source.endOf(number) ?? file.sizeBytes
    this.#reader = new PagedLogReader(file, end, (bytes, start, stop) =>
      fileSystem.crc32c(bytes, start, stop),
    )
    return true
  }

  /** Extends the file at hand to what it is now. False where that gives nothing to read. */
  async #lookAgain(): Promise<boolean> {
    const reader = this.#reader!
    const end = this.#source.endOf(this.#number)
    if (end !== undefined && end <= reader.nextOffset) return false
    // Opened again: a file may have been made anew in its place, with the same records.
    const file = await this.#openFile(this.#number)
    if (file === undefined) return false
    await this.close()
    this.#file = file
    reader.extend(file, end ?? file.sizeBytes)
    return true
  }

  // Nothing more to read in the file at hand: is that an end?
  #judge(isThere: boolean, first: number, next: number | undefined): void {
    const damage = this.#reader!.damage
    if (!isThere) throw removedError(this.position, first)
    const isDamage =
      this.#reader!.hasMoreAfterDamage() && this.#reader!.nextOffset === this.#suspectOffset
    const mustBeThere = this.position <= (this.#source.lastPosition() ?? 0)
    if (next === undefined && !isDamage && !mustBeThere) return
    const path = this.#path(this.#number)
    const until = next === undefined ? '' : ` to ${next - 1}`
    const what = damage?.reason ?? `records ${this.position}${until} are missing`
    throw corruption(what, path, this.#reader!.nextOffset)
  }

  // A writer that closes its file cuts what it was made longer ahead, maybe under a read. Goes on in what
  // is there then.
  async #wasCut(): Promise<boolean> {
    const reader = this.#reader!
    const file = await this.#openFile(this.#number)
    if (file === undefined) {
      // Cut or not, it is removed: what follows tells whether something was missed.
      reader.extend(this.#file!, 0)
      return true
    }
    if (file.sizeBytes >= reader.sizeBytes) {
      await Promise.allSettled([file.close()])
      return false
    }
    await this.close()
    this.#file = file
    reader.extend(file, file.sizeBytes)
    return true
  }

  async #openFile(number: number): Promise<RandomAccessFile | undefined> {
    const path = this.#path(number)
    try {
      return await this.#source.fileSystem.openRandomAccess(path)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw ioError('open', path, error)
    }
  }

  #path(number: number): string {
    return pathOfLog(this.#source.directory, number)
  }
}

function removedError(position: number, first: number): SluiceError {
  const what =
    first > position ? `the log begins at ${first} now` : 'its file is no longer in the log'
  return new SluiceError('LEVEL_POSITION_MISSING', `Record ${position} was removed: ${what}`)
}

function aheadError(position: number, last: number): SluiceError {
  return new SluiceError(
    'LEVEL_POSITION_MISSING',
    `Position ${position} is ahead of the log, which ends with ${last}: it is another log, or lost records that were not durable`,
  )
}

function withdrawnError(next: number, position: number): SluiceError {
  return new SluiceError(
    'LEVEL_POSITION_MISSING',
    `The log goes on with ${next}: the records from there to ${position - 1} were never acknowledged, or were not durable`,
  )
}
