// The write-ahead log across its files: appends, switches from one file to the next, and keeps the
// promise of a sync acknowledgement over the switch.
//
//   switch:  create the new file ── the old one retires: sync what it has unsynced, close it, then
//            sync the directory, so that the new file's name is durable
//   append:  with sync, or by way of the pool: waits for a retiring file first
//            without sync and small, while the disk is quick: on the calling thread
//   appendNow: on the calling thread in any case: ends there what the append in flight and the
//            retiring file still have to do, and then appends
//
// Invariants:
//   A sync append resolves only when every byte appended before it, in this file or an earlier one,
//   is durable, and so is the file's directory entry (W4).
//   At most one job of this log is on the pool at a time: a slow disk must not take the threads that
//   others wait for.
//   Where retiring fails, `onFailure` hears of it, and every later append rejects with the error:
//   what was acknowledged without sync in the old file may be lost, so nothing may claim durability.

import { join } from 'node:path'
import { ioError } from '../format/error.ts'
import { logFileName } from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { LogFile } from '../platform/log-file.ts'

// A thread hop costs some 40 us, a write of this size into the page cache some 10, so an unsynced
// group up to here is written in place.
const INLINE_LIMIT_BYTES = 64 * 1024

// A write in place that took longer than this met a disk that is busy. The next ones go by the pool
// until one of them comes back quickly, so the event loop is not held up twice in a row.
const SLOW_INLINE_MS = 2

/** An append by way of the pool, from its call to its end. */
interface PooledAppend {
  readonly isList: boolean
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly sync: boolean
  /** 'called': waits for a retiring file. 'begun': is the file's. 'ended': appendNow() has done it. */
  state: 'called' | 'begun' | 'ended'
}

export interface WriteAheadLogOptions {
  readonly fileSystem: FileSystem
  readonly directory: string
  /** Milliseconds, from any origin, never going back. */
  readonly now: () => number
}

export class WriteAheadLog {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #now: () => number

  // Written only by the head of the write queue, recovery and resume, one at a time.
  #file: LogFile
  #number: number
  /** Of this file: what was given to it, and how much of that is durable. */
  #appendedBytes = 0
  #syncedBytes = 0
  #inlineAllowed = true
  #pooled: PooledAppend | undefined
  #retiring: Promise<void> | undefined
  /** The file that is retiring, as long as it may have unsynced bytes: for ever where its sync failed. */
  #unsyncedFile: LogFile | undefined
  /** Behind the retiring file, on the pool: nobody can wait for it on this thread. */
  #isSyncingDirectory = false
  // Set once, never cleared: a log that failed is replaced as a whole.
  #failure: unknown

  private constructor(options: WriteAheadLogOptions, file: LogFile, number: number) {
    this.#fileSystem = options.fileSystem
    this.#directory = options.directory
    this.#now = options.now
    this.#file = file
    this.#number = number
  }

  /**
   * Creates the first file. Its directory entry is not durable yet: whoever calls syncs the
   * directory before the first append. Rejects with the operating system's error.
   */
  static async create(options: WriteAheadLogOptions, number: number): Promise<WriteAheadLog> {
    const file = await options.fileSystem.createLog(join(options.directory, logFileName(number)))
    return new WriteAheadLog(options, file, number)
  }

  /** The number of the file that is appended to. */
  get number(): number {
    return this.#number
  }

  get path(): string {
    return this.#file.path
  }

  /** Of the file that is appended to, as of the last append that succeeded. */
  get sizeBytes(): number {
    return this.#file.sizeBytes
  }

  /**
   * Appends bytes[start, end) as one record. Undefined when it was written in place, else a promise
   * of the job; the bytes may not change before. Throws or rejects with the operating system's
   * error, and the log is then of no more use.
   */
  append(bytes: Buffer, start: number, end: number, sync: boolean): Promise<void> | undefined {
    return this.#append(false, bytes, start, end, sync)
  }

  /** The same for a list of records (format/record-list), each of which is one of its own. */
  appendRecords(
    bytes: Buffer,
    start: number,
    end: number,
    sync: boolean,
  ): Promise<void> | undefined {
    return this.#append(true, bytes, start, end, sync)
  }

  /**
   * Whether appendNow() can do it: not where a job is in flight that this thread cannot wait for, or,
   * for a durable append, one of the retiring file or the sync of the directory. That sync is not done
   * a second time instead: beside one that is about to fail, it may say that all is well.
   */
  canAppendNow(sync: boolean): boolean {
    const isBehindRetiring = sync || this.#pooled?.state === 'called'
    if (isBehindRetiring && this.#isSyncingDirectory) return false
    const canJoin = this.#file.joinSync !== undefined
    return canJoin || (this.#pooled === undefined && (!sync || this.#unsyncedFile === undefined))
  }

  /**
   * Appends on the calling thread, behind the append in flight, which is done when this returns although
   * its promise settles later. Throws the operating system's error, and the log is then of no more use.
   * Requires: canAppendNow(sync).
   */
  appendNow(bytes: Buffer, start: number, end: number, sync: boolean): void {
    if (this.#failure !== undefined) throw this.#failure
    const pooled = this.#pooled
    if (sync || pooled?.state === 'called') this.#retireNow()
    if (pooled?.state === 'begun') this.#file.joinSync!()
    if (pooled?.state === 'called') {
      this.#appendHere(pooled.isList, pooled.bytes, pooled.start, pooled.end, pooled.sync)
      // Not before: where it fails, the file's poison is the answer of the append in flight too.
      pooled.state = 'ended'
    }
    this.#appendHere(false, bytes, start, end, sync)
  }

  /**
   * Goes on in file `number`, once it exists; the old file retires in the background, and
   * `onFailure` hears of it if it cannot.
   * Rejects with the operating system's error, and the old file is then still the one in use.
   * Requires: no append in flight.
   */
  async switchTo(number: number, onFailure: (error: unknown) => void): Promise<void> {
    const path = join(this.#directory, logFileName(number))
    await this.retired()
    const next = await this.#fileSystem.createLog(path)
    const old = this.#file
    const hasUnsynced = this.#appendedBytes > this.#syncedBytes
    this.#file = next
    this.#number = number
    this.#appendedBytes = 0
    this.#syncedBytes = 0
    if (hasUnsynced) this.#unsyncedFile = old
    this.#retiring = this.#retire(old, onFailure)
  }

  /**
   * Resolves when the file before this one is durable and closed, and this one's name is durable.
   * Rejects with the operating system's error when that cannot be.
   */
  async retired(): Promise<void> {
    await this.#retiring
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Waits for what is in flight and closes the files. Rejects with LEVEL_IO_ERROR. */
  async close(): Promise<void> {
    await this.#retiring
    try {
      await this.#file.close()
    } catch (error) {
      throw ioError('close', this.#file.path, error)
    }
  }

  /** Closes a log that is of no more use. Never rejects: nobody relies on what is in it. */
  async abandon(): Promise<void> {
    await Promise.allSettled([this.close()])
  }

  #append(
    isList: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    sync: boolean,
  ): Promise<void> | undefined {
    if (!sync && this.#inlineAllowed && end - start <= INLINE_LIMIT_BYTES) {
      this.#appendInline(isList, bytes, start, end)
      return undefined
    }
    return this.#appendByPool(isList, bytes, start, end, sync)
  }

  #appendInline(isList: boolean, bytes: Buffer, start: number, end: number): void {
    if (this.#failure !== undefined) throw this.#failure
    const startMs = this.#now()
    this.#appendHere(isList, bytes, start, end, false)
    if (this.#now() - startMs > SLOW_INLINE_MS) this.#inlineAllowed = false
  }

  #appendHere(isList: boolean, bytes: Buffer, start: number, end: number, sync: boolean): void {
    if (isList) this.#file.appendRecordsSync(bytes, start, end, sync)
    else this.#file.appendSync(bytes, start, end, sync)
    this.#appendedBytes += end - start
    if (sync) this.#syncedBytes = this.#appendedBytes
  }

  async #appendByPool(
    isList: boolean,
    bytes: Buffer,
    start: number,
    end: number,
    sync: boolean,
  ): Promise<void> {
    const append: PooledAppend = { isList, bytes, start, end, sync, state: 'called' }
    this.#pooled = append
    try {
      if (this.#retiring !== undefined) await this.retired()
      if (append.state === 'ended') return
      if (this.#failure !== undefined) throw this.#failure
      append.state = 'begun'
      await this.#giveToPool(append)
    } finally {
      this.#pooled = undefined
    }
  }

  async #giveToPool({ isList, bytes, start, end, sync }: PooledAppend): Promise<void> {
    const startMs = this.#now()
    this.#appendedBytes += end - start
    const appendedBytes = this.#appendedBytes
    if (isList) await this.#file.appendRecords(bytes, start, end, sync)
    else await this.#file.append(bytes, start, end, sync)
    // Not all that was appended: appendNow() may have come behind it.
    if (sync) this.#syncedBytes = Math.max(this.#syncedBytes, appendedBytes)
    if (!sync && this.#now() - startMs <= SLOW_INLINE_MS) this.#inlineAllowed = true
  }

  // What a retiring file still has to do before the next durable append, done here. That it is done
  // once more in the background does no harm.
  #retireNow(): void {
    if (this.#retiring === undefined) return
    const file = this.#unsyncedFile
    try {
      if (file !== undefined) {
        file.joinSync?.()
        file.syncSync()
        this.#unsyncedFile = undefined
      }
      this.#fileSystem.syncDirectorySync(this.#directory)
    } catch (error) {
      // The background would try again, and a second sync may say that all is well.
      this.#failure = error
      throw error
    }
  }

  // Never rejects: the failure is kept, and told to the engine at once.
  async #retire(old: LogFile, onFailure: (error: unknown) => void): Promise<void> {
    try {
      try {
        if (this.#unsyncedFile !== undefined) await old.sync()
        this.#unsyncedFile = undefined
      } finally {
        await old.close()
      }
      this.#isSyncingDirectory = true
      await this.#fileSystem.syncDirectory(this.#directory)
    } catch (error) {
      this.#failure = error
      onFailure(error)
    } finally {
      this.#isSyncingDirectory = false
      this.#retiring = undefined
    }
  }
}
