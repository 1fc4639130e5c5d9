// Log: a write-ahead log alone, without a database.
//
// What a caller hands in is checked and copied here, at call time; everything behind this file trusts
// it. Whatever the outcome, it is a promise.

import { SluiceError } from '../format/error.ts'
import type { RecordList } from '../format/record-list.ts'
import { lengthOf, recordError } from '../format/user-bytes.ts'
import { Failure } from '../log/failure.ts'
import { checkPath } from '../platform/directory-path.ts'
import type { Lock } from '../platform/lock.ts'
import { AppendQueue } from './append-queue.ts'
import { Arrivals, LiveSource } from './live-source.ts'
import type { LogTail } from './log-tail.ts'
import { type LogRecoveryReport, type OpenedLog, openLog } from './open-log.ts'
import {
  checkLogOptions,
  checkNumber,
  checkReadOptions,
  type CheckedLogOptions,
  type LogFileReadOptions,
  type LogOptions,
  type LogReadOptions,
  pollIntervalOf,
} from './options.ts'
import { PollingSource } from './polling-source.ts'
import { type LogRecord, readRecords } from './record-reader.ts'
import { type LogWorld, realWorld } from './world.ts'

export interface AppendOptions {
  /**
   * True, the default: the promise resolves when this record, and every one before it, survives a
   * power cut. False: when it survives the end of the process.
   */
  readonly sync?: boolean
}

/** Since the log was opened, but for the positions. */
export interface LogStats {
  /** Records that were acknowledged, and their bytes. */
  readonly appends: number
  readonly appendedBytes: number
  /** Writes that brought them, and how many of these ended with a sync. */
  readonly groups: number
  readonly syncs: number
  /** Bytes that wait to be written. */
  readonly queuedBytes: number
  /** Files of the log, with the one that is appended to. */
  readonly files: number
  readonly firstPosition: number
  readonly lastPosition: number
  readonly durablePosition: number
}

const NO_OPTIONS: AppendOptions = {}
const READ_OPTIONS = ['from', 'follow', 'signal']
const FILE_READ_OPTIONS = [...READ_OPTIONS, 'pollIntervalMs']

export class Log {
  readonly #path: string
  readonly #options: CheckedLogOptions
  readonly #world: LogWorld
  readonly #tail: LogTail
  readonly #lock: Lock
  readonly #report: LogRecoveryReport
  readonly #failure: Failure
  readonly #queue: AppendQueue
  #closing: Promise<void> | undefined
  #resuming: Promise<void> | undefined
  #removing: Promise<void> = Promise.resolve()
  // Told at the end of each group, and at the close.
  readonly #arrivals = new Arrivals()
  #groups = 0
  #syncs = 0
  #appends = 0
  #appendedBytes = 0

  /** For openLogIn; everyone else calls Log.open. */
  constructor(
    path: string,
    options: CheckedLogOptions,
    world: LogWorld,
    failure: Failure,
    opened: OpenedLog,
  ) {
    this.#path = path
    this.#options = options
    this.#world = world
    this.#failure = failure
    this.#tail = opened.tail
    this.#lock = opened.lock
    this.#report = opened.report
    const { groupLimitBytes, maxFileSize } = options
    this.#queue = new AppendQueue({
      groupLimitBytes: Math.min(groupLimitBytes, maxFileSize),
      makeRoom: (sizeBytes, force) => this.#makeRoom(sizeBytes, force),
      append: (records, sync) => this.#tail.append(records, sync),
      acknowledge: (records, sync) => this.#acknowledge(records, sync),
      refusal: () => this.#failure.refusal(),
      fail: (cause, appendBegun) => this.#fail(cause, appendBegun),
      now: world.now,
    })
  }

  /**
   * Opens the log in the directory `path`, recovers it (see `recovery`), and begins a new file.
   * Rejects with TypeError or RangeError for an argument that cannot be, otherwise with LEVEL_LOCKED,
   * LEVEL_DATABASE_MISSING, LEVEL_DATABASE_EXISTS or LEVEL_IO_ERROR.
   */
  static open(path: string, options: LogOptions = {}): Promise<Log> {
    return openLogIn(realWorld(), path, options)
  }

  /**
   * Reads the log in the directory `path` without its lock and without writing anything, beside a
   * writer in any process or none. A record may come before it is durable; where a crash has left half
   * a record at the end, reading ends before it. For the rest it is the method `read`; an absent log is
   * LEVEL_DATABASE_MISSING.
   */
  static read(
    path: string,
    options: LogFileReadOptions = {},
  ): AsyncGenerator<LogRecord, void, undefined> {
    return readLogIn(realWorld(), path, options)
  }

  /** As it was given to open(). */
  get path(): string {
    return this.#path
  }

  /** What opening found, and what it dropped. */
  get recovery(): LogRecoveryReport {
    return this.#report
  }

  /** Why appends are refused until resume(); undefined while they are not. */
  get failure(): SluiceError | undefined {
    return this.#failure.error
  }

  /** Position of the oldest record that the log has; lastPosition + 1 where it has none. */
  get firstPosition(): number {
    return this.#tail.firstPosition
  }

  /** Position of the newest record that was acknowledged; 0 before the first of all. */
  get lastPosition(): number {
    return this.#tail.lastPosition
  }

  /** Records up to here survive a power cut. */
  get durablePosition(): number {
    return this.#tail.durablePosition
  }

  stats(): LogStats {
    const tail = this.#tail
    return {
      appends: this.#appends,
      appendedBytes: this.#appendedBytes,
      groups: this.#groups,
      syncs: this.#syncs,
      queuedBytes: this.#queue.queuedBytes,
      files: tail.files.length,
      firstPosition: tail.firstPosition,
      lastPosition: tail.lastPosition,
      durablePosition: tail.durablePosition,
    }
  }

  /**
   * Appends `record`, copied before the call returns, and resolves to its position: 1 for the first
   * record of a log, and one more for each, in call order.
   * Rejects with LEVEL_INVALID_VALUE, LEVEL_QUEUE_FULL, TypeError or LEVEL_DATABASE_NOT_OPEN, the log
   * untouched; or with LEVEL_IO_ERROR, which says whether the outcome is unknown. After that one,
   * appends are refused until resume().
   */
  append(record: Uint8Array, options: AppendOptions = NO_OPTIONS): Promise<number> {
    const error = this.#appendError(options) ?? recordError(record)
    if (error !== undefined) return Promise.reject(error)
    const length = lengthOf(record)
    const { queuedBytes } = this.#queue
    if (queuedBytes > 0 && queuedBytes + length > this.#options.maxQueuedBytes) {
      return Promise.reject(this.#fullError(queuedBytes))
    }
    try {
      return this.#queue.append(record, length, options.sync !== false)
    } catch (cause) {
      return Promise.reject(cause)
    }
  }

  /** Resolves when every record appended so far survives a power cut. Rejects as append does. */
  async sync(): Promise<void> {
    this.#checkUsable()
    await this.#queue.sync()
  }

  /**
   * Begins a new file behind every record appended so far, and resolves when it is there. Nothing
   * changes where the last file is empty. Rejects as append does.
   */
  async rotate(): Promise<void> {
    this.#checkUsable()
    await this.#queue.rotate()
  }

  /**
   * Removes what is before `position`, in whole files: so some of it may stay, see `firstPosition`. The
   * file that is appended to always stays. A `position` up to lastPosition + 1.
   * Rejects with RangeError, LEVEL_DATABASE_NOT_OPEN or LEVEL_IO_ERROR; after the latter, try again.
   */
  async removeBefore(position: number): Promise<void> {
    checkNumber('position', position, [1, this.lastPosition + 1])
    this.#checkOpen()
    // One after the other: two would remove the same file.
    const removing = this.#removing.then(() => this.#tail.removeBefore(position))
    this.#removing = removing.catch(() => undefined) // Whoever called has the error.
    await removing
  }

  /**
   * Reads the records from `from` on, oldest first: those that were acknowledged when it began, and
   * with `follow` those that come, until the log is closed. Gives other code its turn in between.
   * Rejects with LEVEL_POSITION_MISSING where `from` was removed or is beyond lastPosition + 1, with
   * LEVEL_CORRUPTION where a record cannot be read, with LEVEL_ABORTED or LEVEL_IO_ERROR.
   */
  read(options: LogReadOptions = {}): AsyncGenerator<LogRecord, void, undefined> {
    checkReadOptions(options, READ_OPTIONS)
    this.#checkOpen()
    const { from, follow = false, signal } = options
    const { fileSystem } = this.#world
    const source = new LiveSource(fileSystem, this.#path, this.#tail, this.#arrivals, signal)
    return readRecords(source, from, follow)
  }

  /**
   * After a failure: makes what was acknowledged durable in a new file in the place of the one that
   * failed, begins another, and takes appends again. Appends that were rejected are not in the log
   * then. Without a failure it does nothing. Rejects with LEVEL_IO_ERROR or LEVEL_CORRUPTION; appends
   * stay refused, and it can be called again.
   */
  resume(): Promise<void> {
    this.#resuming ??= this.#resume().finally(() => {
      this.#resuming = undefined
    })
    return this.#resuming
  }

  /**
   * Waits for the appends under way, makes everything durable and gives the lock up. Rejects with
   * LEVEL_IO_ERROR where what was acknowledged without sync may not be durable; it is closed all the
   * same. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #resume(): Promise<void> {
    this.#checkOpen()
    if (this.#failure.error === undefined) return
    await this.#queue.drained()
    await this.#tail.resume()
    this.#failure.clear()
  }

  async #close(): Promise<void> {
    try {
      await this.#queue.drained()
      await Promise.allSettled([this.#removing, this.#resuming])
      if (this.#failure.error === undefined) await this.#tail.close()
      else await this.#abandon()
    } finally {
      await this.#lock.release()
      this.#arrivals.end()
    }
  }

  // After a failure nothing more can be made durable.
  async #abandon(): Promise<void> {
    await this.#tail.abandon()
    if (this.durablePosition < this.lastPosition) throw this.#failure.error!
  }

  #makeRoom(sizeBytes: number, force: boolean): Promise<void> | undefined {
    if (!force && !this.#tail.isFull(sizeBytes, this.#options.maxFileSize)) return undefined
    return this.#tail.rotate()
  }

  #acknowledge(records: RecordList, sync: boolean): number {
    const position = this.#tail.lastPosition + 1
    this.#tail.acknowledge(records.count, sync)
    this.#groups++
    if (sync) this.#syncs++
    this.#appends += records.count
    this.#appendedBytes += records.dataBytes
    this.#arrivals.tell()
    return position
  }

  #fail(cause: unknown, appendBegun: boolean): SluiceError {
    return appendBegun ? this.#failure.setByGroup(cause, this.#tail.path) : this.#failure.set(cause)
  }

  #appendError(options: AppendOptions): Error | undefined {
    if (this.#closing !== undefined) return closedError()
    if (options !== NO_OPTIONS) {
      if (typeof options !== 'object' || options === null) {
        return new TypeError('options must be an object')
      }
      // A falsy value that is not false would be a durable append that is not.
      if (options.sync !== undefined && typeof options.sync !== 'boolean') {
        return new TypeError('sync must be a boolean')
      }
    }
    return this.#failure.refusal()
  }

  #fullError(queuedBytes: number): SluiceError {
    return new SluiceError(
      'LEVEL_QUEUE_FULL',
      `${queuedBytes} bytes wait to be written, of ${this.#options.maxQueuedBytes} that may (maxQueuedBytes)`,
    )
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }

  #checkUsable(): void {
    this.#checkOpen()
    const refusal = this.#failure.refusal()
    if (refusal !== undefined) throw refusal
  }
}

function closedError(): SluiceError {
  return new SluiceError('LEVEL_DATABASE_NOT_OPEN', 'The log is closed')
}

/** Log.open in any world: for tests. */
export async function openLogIn(world: LogWorld, path: string, options: LogOptions): Promise<Log> {
  checkPath(path, 'log')
  const checked = checkLogOptions(options)
  const failure = new Failure(path, () => undefined)
  const opened = await openLog(path, checked, world, (error) => failure.set(error))
  return new Log(path, checked, world, failure, opened)
}

/** Log.read in any world: for tests. */
export function readLogIn(
  world: LogWorld,
  path: string,
  options: LogFileReadOptions,
): AsyncGenerator<LogRecord, void, undefined> {
  checkPath(path, 'log')
  checkReadOptions(options, FILE_READ_OPTIONS)
  const { from, follow = false, signal } = options
  const source = new PollingSource(world, path, pollIntervalOf(options), signal)
  return readRecords(source, from, follow)
}
