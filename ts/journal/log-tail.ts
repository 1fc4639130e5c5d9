// The end of a log, where records are appended: its files, its positions, and the switch to a new file.
//
//   rotate := sync what is not durable ── begin the file of the next position
//   resume := copy what was acknowledged of the last file to a new one in its place, durably
//             ── begin the file of the next position
//
// The engine begins a new file first and syncs the old one in the background. Here the sync comes first,
// so that a file never stands behind one that can still lose records (log-directory.ts). Durable
// appends, the usual ones, leave nothing to sync.
//
// Invariants:
//   Records first <= position <= lastPosition were acknowledged, those up to durablePosition with a
//   sync behind them. A group that failed has no position: the next one takes it.
//   acknowledgedBytes of the last file hold exactly its acknowledged records.

import { ioError, isMissing } from '../format/error.ts'
import type { RecordList } from '../format/record-list.ts'
import { type WriteAheadLogOptions, WriteAheadLog } from '../log/write-ahead-log.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { pathOfLog } from './log-directory.ts'
import { rewriteLog } from './recovery.ts'

export interface LogTailOptions extends WriteAheadLogOptions {
  /** Hears of a failure in the background. */
  readonly onFailure: (error: unknown) => void
}

export class LogTail {
  readonly #options: LogTailOptions
  // Ascending; the last one is appended to. Written by rotate, resume and removeBefore.
  #files: readonly number[]
  /** Files to be removed: no part of the log any more. */
  readonly #condemned: number[] = []
  #log: WriteAheadLog
  // Written by the queue, at the end of each group, and by resume.
  #acknowledgedBytes = 0
  #lastPosition: number
  #durablePosition: number

  private constructor(options: LogTailOptions, files: readonly number[], log: WriteAheadLog) {
    this.#options = options
    this.#files = files
    this.#log = log
    this.#lastPosition = log.number - 1
    this.#durablePosition = this.#lastPosition
  }

  /**
   * Begins the file of `nextPosition` behind `files`, durably. Rejects with LEVEL_IO_ERROR.
   * Requires: what `files` hold is durable.
   */
  static async begin(
    options: LogTailOptions,
    files: readonly number[],
    nextPosition: number,
  ): Promise<LogTail> {
    const log = await createLog(options, nextPosition)
    return new LogTail(options, withFile(files, nextPosition), log)
  }

  /** Ascending: the positions with which files begin. */
  get files(): readonly number[] {
    return this.#files
  }

  get firstPosition(): number {
    return this.#files[0]!
  }

  get lastPosition(): number {
    return this.#lastPosition
  }

  get durablePosition(): number {
    return this.#durablePosition
  }

  /** Bytes of the last file up to the end of its last acknowledged record. */
  get acknowledgedBytes(): number {
    return this.#acknowledgedBytes
  }

  get path(): string {
    return this.#log.path
  }

  /** Whether a file of `limitBytes` has no room for `sizeBytes` more. */
  isFull(sizeBytes: number, limitBytes: number): boolean {
    return this.#acknowledgedBytes > 0 && this.#acknowledgedBytes + sizeBytes > limitBytes
  }

  /** As WriteAheadLog's; the records have no position before `acknowledge`. */
  append(records: RecordList, sync: boolean): Promise<void> | undefined {
    return this.#log.appendRecords(records.bytes, 0, records.end, sync)
  }

  /** `count` records have been appended. */
  acknowledge(count: number, sync: boolean): void {
    this.#lastPosition += count
    if (sync) this.#durablePosition = this.#lastPosition
    this.#acknowledgedBytes = this.#log.sizeBytes
  }

  /**
   * Goes on in a new file; where nothing is in this one, there is nothing to do. Rejects with the
   * operating system's error, and the log has then failed. Requires: no append in flight.
   */
  async rotate(): Promise<void> {
    if (this.#lastPosition < this.#log.number) return
    if (this.#durablePosition < this.#lastPosition) await this.#sync()
    const next = this.#lastPosition + 1
    await this.#log.switchTo(next, this.#options.onFailure)
    this.#acknowledgedBytes = 0
    this.#files = withFile(this.#files, next)
  }

  /**
   * Removes files all of whose records are before `position`, the oldest first. Rejects with
   * LEVEL_IO_ERROR; the log begins later all the same, and the next call removes what was left.
   */
  async removeBefore(position: number): Promise<void> {
    const { fileSystem, directory } = this.#options
    while (this.#files.length > 1 && this.#files[1]! <= position) {
      this.#condemned.push(this.#files[0]!)
      this.#files = this.#files.slice(1)
    }
    // One at a time, each durably: a crash must not bring back the older of two.
    for (; this.#condemned.length > 0; this.#condemned.shift()) {
      const path = pathOfLog(directory, this.#condemned[0]!)
      try {
        // The last file's name carries the position of an empty log. It has to be durable first.
        await this.#log.retired()
        await unlinkIfThere(fileSystem, path)
        await fileSystem.syncDirectory(directory)
      } catch (error) {
        throw ioError('remove', path, error)
      }
    }
  }

  /**
   * Makes what was acknowledged durable in a new last file, after a failure. Rejects with
   * LEVEL_IO_ERROR or LEVEL_CORRUPTION, and can be tried again. Requires: no append in flight.
   */
  async resume(): Promise<void> {
    const { fileSystem, directory } = this.#options
    await this.#log.abandon()
    const number = this.#files.at(-1)!
    const next = this.#lastPosition + 1
    await rewriteLog(fileSystem, directory, number, this.#acknowledgedBytes, next - number)
    this.#log = await createLog(this.#options, next)
    this.#files = withFile(this.#files, next)
    this.#acknowledgedBytes = 0
    this.#durablePosition = this.#lastPosition
  }

  /**
   * Makes everything durable and begins the next file, which tells the next opening so, and closes.
   * Rejects with LEVEL_IO_ERROR. Requires: no append in flight.
   */
  async close(): Promise<void> {
    const { path } = this.#log
    try {
      await this.rotate()
      await this.#log.retired()
    } catch (error) {
      await this.#log.abandon()
      // Ignored where all is durable: the next opening makes the last file anew.
      if (this.#durablePosition < this.#lastPosition) throw ioError('sync', path, error)
      return
    }
    await this.#log.close()
  }

  /** Closes after a failure. Never rejects. */
  abandon(): Promise<void> {
    return this.#log.abandon()
  }

  async #sync(): Promise<void> {
    await this.#log.appendRecords(Buffer.alloc(0), 0, 0, true)
    this.#durablePosition = this.#lastPosition
  }
}

function withFile(files: readonly number[], number: number): readonly number[] {
  return files.at(-1) === number ? files : [...files, number]
}

// It may be gone: an earlier attempt said that it failed, and had not.
async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

async function createLog(options: LogTailOptions, number: number): Promise<WriteAheadLog> {
  const { fileSystem, directory } = options
  const path = pathOfLog(directory, number)
  try {
    const log = await WriteAheadLog.create(options, number)
    try {
      await fileSystem.syncDirectory(directory)
      return log
    } catch (error) {
      await log.abandon()
      throw error
    }
  } catch (error) {
    throw ioError('create', path, error)
  }
}
