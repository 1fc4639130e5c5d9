// DB: LevelDB's own API, for bytes.
//
// What a caller hands in is checked and copied here, at call time (W1); everything behind this file
// trusts it. Whatever the outcome, it is a promise, except for getSync and wrong arguments of open.

import {
  BATCH_HEADER_SIZE,
  batchSizeError,
  deleteRecordSize,
  putRecordSize,
} from '../format/batch.ts'
import { SluiceError } from '../format/error.ts'
import { keyError, lengthOf, valueError } from '../format/user-bytes.ts'
import { batchBufferOf, WriteBatch } from '../format/write-batch.ts'
import type { SizeRange } from './approximate-sizes.ts'
import { type DatabaseStats, databaseStats, propertySource } from './database-stats.ts'
import type { DatabaseEngine } from './database-engine.ts'
import { type DBIterator } from './iterator.ts'
import { type DBIteratorOptions, checkIteratorOptions } from './iterator-options.ts'
import { type CompactRangeOptions, compactRangeError } from './manual-compaction.ts'
import { openDatabase } from './open.ts'
import type { DBOptions } from './options.ts'
import { propertyOf } from './properties.ts'
import { realEnvironment, realFileSystem } from './real-environment.ts'
import type { RecoveryReport } from './recovery-report.ts'
import type { DBSnapshot } from './snapshot.ts'
import { destroyDatabase } from './tools/destroy.ts'
import type { RepairOptions, RepairReport } from './tools/repair-report.ts'
import { repairDatabase } from './tools/repair.ts'
import type { VerifyOptions, VerifyReport } from './tools/verify-report.ts'
import { verifyDatabase } from './tools/verify.ts'
import {
  GET,
  OPEN,
  tracedGet,
  tracedGetMany,
  tracedGetSync,
  tracedOpening,
  tracedSync,
  tracedWrite,
  WRITE,
} from './tracing.ts'

export interface DBWriteOptions {
  /**
   * True: the promise resolves when this write, and every write acknowledged before it, survives a
   * power cut. False, the default: when it survives the end of the process.
   */
  readonly sync?: boolean
  /** Refuses the write when it is aborted already. A write that was taken is not taken back. */
  readonly signal?: AbortSignal
}

export interface DBReadOptions {
  /** False: what this read brings into memory is not kept there. Default true. */
  readonly fillCache?: boolean
  /** Reads as of this snapshot. Default: as of now. */
  readonly snapshot?: DBSnapshot
}

/** What an iterator hands out of a key or a value, by its option. */
type Half<Flag> = Flag extends false ? undefined : Buffer

const NO_OPTIONS: DBWriteOptions = {}
const NO_READ_OPTIONS: DBReadOptions = {}

/** A batch above this size is not kept for the next call. */
const KEPT_BATCH_BYTES = 64 * 1024

export class DB {
  readonly #path: string
  readonly #engine: DatabaseEngine
  #closing: Promise<void> | undefined
  /** Of putSync and deleteSync, from one call to the next. */
  #batch = new WriteBatch()

  /** For the engine's tests; everyone else calls DB.open. */
  constructor(path: string, engine: DatabaseEngine) {
    this.#path = path
    this.#engine = engine
  }

  /**
   * Opens the database in the directory `path`.
   * Rejects with TypeError or RangeError for an argument that cannot be, otherwise with
   * LEVEL_DATABASE_NOT_OPEN, whose cause has the code that says why: LEVEL_LOCKED,
   * LEVEL_DATABASE_MISSING, LEVEL_DATABASE_EXISTS, LEVEL_CORRUPTION, LEVEL_IO_ERROR or
   * LEVEL_NOT_SUPPORTED. A failed open leaves the data as it was.
   */
  static async open(path: string, options: DBOptions = {}): Promise<DB> {
    const open = (): Promise<DatabaseEngine> => openDatabase(path, options, realEnvironment())
    return new DB(path, await tracedOpening(OPEN, path, options, open))
  }

  /**
   * Removes the database in `path`: its own files, and the directory where nothing else is in it. A
   * directory that does not exist is fine. Rejects with TypeError, LEVEL_LOCKED or LEVEL_IO_ERROR;
   * after the latter, call it again.
   */
  static destroy(path: string): Promise<void> {
    return destroyDatabase(path, realFileSystem())
  }

  /**
   * Looks at every checksum, every order, and the manifest against the directory, and changes
   * nothing; under the lock, so not while the database is open. Gives other code its turn in between.
   * What is wrong is in the report. Rejects with TypeError, LEVEL_DATABASE_MISSING, LEVEL_LOCKED,
   * LEVEL_ABORTED or LEVEL_IO_ERROR where there is nothing to report on.
   */
  static verify(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
    return verifyDatabase(path, options, realFileSystem())
  }

  /**
   * Makes a database that opens of what can be read in `path`, also where no manifest or index can;
   * damaged files are kept whole in lost/. Where nothing is wrong nothing is changed.
   * Rejects with TypeError, LEVEL_DATABASE_MISSING, LEVEL_LOCKED, LEVEL_IO_ERROR or
   * LEVEL_NOT_SUPPORTED; after the latter two every file is as it was.
   */
  static repair(path: string, options: RepairOptions = {}): Promise<RepairReport> {
    return repairDatabase(path, options, realEnvironment())
  }

  /** As it was given to open(). */
  get path(): string {
    return this.#path
  }

  /** What opening found in the logs, and what it dropped. */
  get recovery(): RecoveryReport {
    return this.#engine.report
  }

  /**
   * Stores `value` under `key`; both are copied before the call returns.
   * Writes apply in call order, and a read that starts after the promise resolved sees them. Writers
   * that share a sync share its promise.
   * Rejects with LEVEL_INVALID_KEY, LEVEL_INVALID_VALUE, LEVEL_ABORTED or LEVEL_DATABASE_NOT_OPEN,
   * the log untouched; or with LEVEL_IO_ERROR, which says whether the outcome is unknown.
   */
  put(key: Uint8Array, value: Uint8Array, options: DBWriteOptions = NO_OPTIONS): Promise<void> {
    const error = this.#writeError(options) ?? keyError(key) ?? valueError(value)
    if (error !== undefined) return Promise.reject(error)
    const recordBytes = putRecordSize(lengthOf(key), lengthOf(value))
    const sizeError = batchSizeError(BATCH_HEADER_SIZE + recordBytes, 1)
    if (sizeError !== undefined) return Promise.reject(sizeError)
    const { queue } = this.#engine
    const sync = options.sync === true
    if (!WRITE.hasSubscribers) return queue.put(key, value, sync, recordBytes)
    return tracedWrite(this.#path, 1, recordBytes, sync, () =>
      queue.put(key, value, sync, recordBytes),
    )
  }

  /** Deletes `key`, also where there is none. Copies, orders and rejects as put does. */
  delete(key: Uint8Array, options: DBWriteOptions = NO_OPTIONS): Promise<void> {
    const error = this.#writeError(options) ?? keyError(key)
    if (error !== undefined) return Promise.reject(error)
    const recordBytes = deleteRecordSize(lengthOf(key))
    const sizeError = batchSizeError(BATCH_HEADER_SIZE + recordBytes, 1)
    if (sizeError !== undefined) return Promise.reject(sizeError)
    const { queue } = this.#engine
    const sync = options.sync === true
    if (!WRITE.hasSubscribers) return queue.delete(key, sync, recordBytes)
    return tracedWrite(this.#path, 1, recordBytes, sync, () => queue.delete(key, sync, recordBytes))
  }

  /**
   * Applies the writes of `batch` together: all or none, also over a crash. The batch is copied and
   * can be used again. With null, freezes the memtable and begins its flush behind every write so
   * far; flushMemtable() also waits for the table.
   * Rejects as put does.
   */
  write(batch: WriteBatch | null, options: DBWriteOptions = NO_OPTIONS): Promise<void> {
    const error = this.#writeError(options)
    if (error !== undefined) return Promise.reject(error)
    if (batch === null) return this.#engine.queue.switch()
    if (!(batch instanceof WriteBatch)) {
      return Promise.reject(new TypeError('write takes a WriteBatch or null'))
    }
    const { queue } = this.#engine
    const sync = options.sync === true
    const buffer = batchBufferOf(batch)
    if (!WRITE.hasSubscribers) return queue.write(buffer, sync)
    return tracedWrite(this.#path, batch.count, recordsSize(batch), sync, () =>
      queue.write(buffer, sync),
    )
  }

  /**
   * put() on the calling thread: written, and with `sync` durable, when it returns, behind every write that
   * was called before. Blocks for the disk, so it is for scripts; the other writers go on sharing syncs.
   * Throws what put() rejects with; and LEVEL_BUSY, with nothing done, where it would have to wait for
   * the event loop (write-now.ts).
   */
  putSync(key: Uint8Array, value: Uint8Array, options: DBWriteOptions = NO_OPTIONS): void {
    this.writeSync(this.#emptyBatch().put(key, value), options)
  }

  /** The same for delete(). */
  deleteSync(key: Uint8Array, options: DBWriteOptions = NO_OPTIONS): void {
    this.writeSync(this.#emptyBatch().delete(key), options)
  }

  /** The same for write(). */
  writeSync(batch: WriteBatch, options: DBWriteOptions = NO_OPTIONS): void {
    const error = this.#writeError(options)
    if (error !== undefined) throw error
    if (!(batch instanceof WriteBatch)) throw new TypeError('writeSync takes a WriteBatch')
    const sync = options.sync === true
    const write = (): void => this.#engine.queue.writeSync(batchBufferOf(batch), sync)
    if (!WRITE.hasSubscribers) return write()
    const message = { path: this.#path, writes: batch.count, sizeBytes: recordsSize(batch), sync }
    tracedSync(WRITE, message, write, () => undefined)
  }

  /**
   * The value of `key` in a Buffer that is the caller's, or undefined. Blocks nobody: what memory does
   * not have is read on the pool, and a loop of gets that memory answers lets others have a turn of the
   * event loop every few milliseconds.
   */
  get(key: Uint8Array, options: DBReadOptions = NO_READ_OPTIONS): Promise<Buffer | undefined> {
    const error = this.#readError(options) ?? keyError(key)
    if (error !== undefined) return Promise.reject(error)
    const { points } = this.#engine
    const sequence = this.#sequenceOf(options)
    const fillCache = options.fillCache !== false
    if (!GET.hasSubscribers) return points.get(key, sequence, fillCache)
    return tracedGet(this.#path, () => points.get(key, sequence, fillCache))
  }

  /** The same on the calling thread: throws where get rejects, and blocks while it reads. */
  getSync(key: Uint8Array, options: DBReadOptions = NO_READ_OPTIONS): Buffer | undefined {
    const error = this.#readError(options) ?? keyError(key)
    if (error !== undefined) throw error
    const { points } = this.#engine
    const sequence = this.#sequenceOf(options)
    const fillCache = options.fillCache !== false
    if (!GET.hasSubscribers) return points.getSync(key, sequence, fillCache)
    return tracedGetSync(this.#path, () => points.getSync(key, sequence, fillCache))
  }

  /**
   * The values of `keys`, in their order, as of one moment. Rejects as get does, when any of them
   * cannot be read, and with TypeError for what is no array.
   */
  getMany(
    keys: readonly Uint8Array[],
    options: DBReadOptions = NO_READ_OPTIONS,
  ): Promise<(Buffer | undefined)[]> {
    let error = this.#readError(options)
    if (!Array.isArray(keys)) error ??= new TypeError('keys must be an array')
    else for (const key of keys) error ??= keyError(key)
    if (error !== undefined) return Promise.reject(error)
    const { points } = this.#engine
    const sequence = this.#sequenceOf(options)
    const fillCache = options.fillCache !== false
    if (!GET.hasSubscribers) return points.getMany(keys, sequence, fillCache)
    return tracedGetMany(this.#path, keys.length, () => points.getMany(keys, sequence, fillCache))
  }

  /** The database as it is now, for reads with the option `snapshot`. Close it: it holds old versions. */
  snapshot(): DBSnapshot {
    const error = this.#openError()
    if (error !== undefined) throw error
    return this.#engine.reads.snapshot()
  }

  /**
   * An iterator over a range, over the database as it is now whatever is written meanwhile. Close it,
   * or read it to the end of a loop: it holds memory and files.
   * Throws TypeError or RangeError for wrong options, LEVEL_INVALID_KEY for a wrong bound,
   * LEVEL_SNAPSHOT_NOT_OPEN or LEVEL_DATABASE_NOT_OPEN.
   */
  iterator<const Options extends DBIteratorOptions = { keys: true; values: true }>(
    options?: Options,
  ): DBIterator<Half<Options['keys']>, Half<Options['values']>> {
    const error = this.#openError()
    if (error !== undefined) throw error
    const given: DBIteratorOptions = options === undefined ? {} : options
    const checked = checkIteratorOptions(given)
    const { reads } = this.#engine
    const snapshotError =
      given.snapshot === undefined ? undefined : reads.snapshotError(given.snapshot)
    if (snapshotError !== undefined) throw snapshotError
    const iterator = reads.iterator(checked, this.#sequenceOf(given))
    return iterator as DBIterator<Half<Options['keys']>, Half<Options['values']>>
  }

  /** Freezes the memtable and resolves when everything written so far is in tables. */
  async flushMemtable(): Promise<void> {
    await this.write(null)
    await this.#engine.flushed()
  }

  /**
   * Flushes the memtable and compacts the tables of the keys from `start` to `end`, both included;
   * undefined leaves an end open. Deletions and overwritten entries of the range go, but for what a
   * snapshot still sees. Keys are copied. Reads and writes go on meanwhile.
   * Rejects with TypeError, LEVEL_INVALID_KEY or LEVEL_DATABASE_NOT_OPEN; with LEVEL_ABORTED, and what
   * was compacted by then stays so; with LEVEL_IO_ERROR or LEVEL_CORRUPTION, and nothing is lost.
   */
  compactRange(
    start?: Uint8Array,
    end?: Uint8Array,
    options: CompactRangeOptions = {},
  ): Promise<void> {
    const error = this.#openError() ?? compactRangeError(start, end, options)
    if (error !== undefined) return Promise.reject(error)
    const range = { smallest: start && Buffer.from(start), largest: end && Buffer.from(end) }
    return this.#engine.compactRange(range, options)
  }

  /**
   * After a failure: saves what is in memory into new files and takes writes again. Without a
   * failure it does nothing. Rejects with LEVEL_IO_ERROR when the disk still fails; nothing is lost
   * then, and it can be called again.
   */
  resume(): Promise<void> {
    const error = this.#openError()
    return error === undefined ? this.#engine.resume() : Promise.reject(error)
  }

  /**
   * About how many bytes of tables each range [start, end) takes, as they are stored; what only
   * memory holds does not count. Keys are copied. Rejects with TypeError, LEVEL_INVALID_KEY,
   * LEVEL_DATABASE_NOT_OPEN, or the error of a table that cannot be opened.
   */
  approximateSizes(ranges: readonly SizeRange[]): Promise<number[]> {
    const error = this.#openError() ?? rangesError(ranges)
    if (error !== undefined) return Promise.reject(error)
    const copies = ranges.map(([start, end]): SizeRange => [Buffer.from(start), Buffer.from(end)])
    return this.#engine.points.approximateSizes(copies)
  }

  /**
   * A property by LevelDB's name and in its layout: `leveldb.num-files-at-level<N>`,
   * `leveldb.stats`, `leveldb.sstables`, `leveldb.approximate-memory-usage`. Undefined for any other.
   * stats() says more, as data. Throws LEVEL_DATABASE_NOT_OPEN, or TypeError for what is no string.
   */
  property(name: string): string | undefined {
    const error = this.#openError()
    if (error !== undefined) throw error
    if (typeof name !== 'string') throw new TypeError('a property has a string for a name')
    return propertyOf(name, propertySource(this.#engine))
  }

  /** What the database holds and has done since it was opened; cheap enough to be polled. */
  stats(): DatabaseStats {
    return databaseStats(this.#engine)
  }

  /**
   * Lets writes that were called end, and closes the database; calls after this one are refused.
   * Idempotent. What was not synced is as safe as before: from the end of the process.
   */
  close(): Promise<void> {
    this.#closing ??= this.#engine.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #emptyBatch(): WriteBatch {
    if (this.#batch.sizeBytes > KEPT_BATCH_BYTES) this.#batch = new WriteBatch()
    return this.#batch.clear()
  }

  #openError(): SluiceError | undefined {
    if (this.#closing === undefined) return undefined
    return new SluiceError('LEVEL_DATABASE_NOT_OPEN', 'The database is closed')
  }

  #readError(options: DBReadOptions): Error | undefined {
    if (this.#closing !== undefined) return this.#openError()
    if (options === NO_READ_OPTIONS) return undefined
    if (typeof options !== 'object' || options === null) {
      return new TypeError('options must be an object')
    }
    for (const name in options) {
      if (name !== 'fillCache' && name !== 'snapshot')
        return new TypeError(`unknown option ${name}`)
    }
    const { fillCache, snapshot } = options
    if (fillCache !== undefined && typeof fillCache !== 'boolean') {
      return new TypeError('fillCache must be a boolean')
    }
    return snapshot === undefined ? undefined : this.#engine.reads.snapshotError(snapshot)
  }

  // Requires: no #readError.
  #sequenceOf({ snapshot }: DBReadOptions): number {
    return snapshot === undefined ? this.#engine.versions.lastSequence : snapshot.sequence
  }

  #writeError(options: DBWriteOptions): Error | undefined {
    if (this.#closing !== undefined) return this.#openError()
    if (options === NO_OPTIONS) return undefined
    if (typeof options !== 'object' || options === null) {
      return new TypeError('options must be an object')
    }
    // A misspelt `sync`, or a truthy value that is not true, would be a durable write that is not.
    for (const name in options) {
      if (name !== 'sync' && name !== 'signal') return new TypeError(`unknown option ${name}`)
    }
    const { sync, signal } = options
    if (sync !== undefined && typeof sync !== 'boolean') {
      return new TypeError('sync must be a boolean')
    }
    if (signal === undefined) return undefined
    if (!(signal instanceof AbortSignal)) return new TypeError('signal must be an AbortSignal')
    if (!signal.aborted) return undefined
    return new SluiceError('LEVEL_ABORTED', 'The write was aborted', { cause: signal.reason })
  }
}

function recordsSize(batch: WriteBatch): number {
  return batch.sizeBytes - BATCH_HEADER_SIZE
}

function rangesError(ranges: readonly SizeRange[]): Error | undefined {
  if (!Array.isArray(ranges)) return new TypeError('ranges must be an array of [start, end]')
  for (const range of ranges as readonly unknown[]) {
    if (!Array.isArray(range) || range.length !== 2) {
      return new TypeError('a range must be [start, end]')
    }
    const error = keyError(range[0]) ?? keyError(range[1])
    if (error !== undefined) return error
  }
  return undefined
}
