// SluiceLevel: DB behind the interface of abstract-level, in the place of ClassicLevel.
//
// abstract-level encodes, prefixes, defers until open, and keeps track of what has to be closed;
// engine-level answers what it asks of a store; here is what a user sees beyond it. Errors are the
// engine's own.
//
// What it costs beside DB itself, in processor time, with bytes, and without abstract-level's own share: a put
// by itself 0 to 23 % more, one of 256 5 %, with sync 15 %, an entry of a batch 7 %, a get 7 %, getSync 4 %, a
// scan nothing. With that share it is 25 to 48 % for a put by itself and a get, and 90 % for one put of 256
// (2026-11-21, on a busy machine, `node dist/scripts/bench-pieces.js face`).

import type { AbstractSublevelOptions } from 'abstract-level'
import { DB } from '../db/database.ts'
import type { DatabaseStats } from '../db/database-stats.ts'
import { WriteBatch } from '../format/write-batch.ts'
import type {
  BatchOperation,
  IteratorOptions,
  KeyIteratorOptions,
  ValueIteratorOptions,
} from './classic-names.ts'
import { refuseSyncReads } from './deferred-iterator.ts'
import { bytesOf } from './encoded.ts'
import { batchOf, EngineLevel } from './engine-level.ts'
import type { ChainedBatch } from './level-batch.ts'
import type { LevelIterator, LevelKeyIterator, LevelValueIterator } from './level-iterator.ts'
import {
  type BatchOptions,
  type ClearOptions,
  type DatabaseOptions,
  type DelOptions,
  durabilityOf,
  engineOptions,
  type GetManyOptions,
  type GetOptions,
  type HasManyOptions,
  type HasOptions,
  type OpenOptions,
  type PutOptions,
  type StartEndOptions,
  type WriteOptions,
} from './level-options.ts'
import { type SignalOptions, throwIfAborted, unlessAborted } from './level-signal.ts'
import type { LevelSnapshot } from './level-snapshot.ts'
import type { LevelSublevel } from './level-sublevel.ts'
import { addAll, type PrivateOperation, writeNow } from './write-now.ts'

// The calls that take more options here than in abstract-level, which makes them. By merging, since
// methods that only call super would cost each call a step.
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- the base class has every one
export interface SluiceLevel<KDefault = string, VDefault = string> {
  open(): Promise<void>
  open(options: OpenOptions): Promise<void>

  get(key: KDefault): Promise<VDefault | undefined>
  get<K = KDefault, V = VDefault>(key: K, options: GetOptions<K, V>): Promise<V | undefined>
  getSync(key: KDefault): VDefault | undefined
  getSync<K = KDefault, V = VDefault>(key: K, options: GetOptions<K, V>): V | undefined
  getMany(keys: KDefault[]): Promise<(VDefault | undefined)[]>
  getMany<K = KDefault, V = VDefault>(
    keys: K[],
    options: GetManyOptions<K, V>,
  ): Promise<(V | undefined)[]>
  has(key: KDefault): Promise<boolean>
  has<K = KDefault>(key: K, options: HasOptions<K>): Promise<boolean>
  hasMany(keys: KDefault[]): Promise<boolean[]>
  hasMany<K = KDefault>(keys: K[], options: HasManyOptions<K>): Promise<boolean[]>

  put(key: KDefault, value: VDefault): Promise<void>
  put<K = KDefault, V = VDefault>(key: K, value: V, options: PutOptions<K, V>): Promise<void>
  del(key: KDefault): Promise<void>
  del<K = KDefault>(key: K, options: DelOptions<K>): Promise<void>
  batch(operations: BatchOperation<this, KDefault, VDefault>[]): Promise<void>
  batch<K = KDefault, V = VDefault>(
    operations: BatchOperation<this, K, V>[],
    options: BatchOptions<K, V>,
  ): Promise<void>
  batch(): ChainedBatch<this, KDefault, VDefault>
  clear(): Promise<void>
  clear<K = KDefault>(options: ClearOptions<K>): Promise<void>

  sublevel(name: string | string[]): LevelSublevel<this, string, string>
  sublevel<K = string, V = string>(
    name: string | string[],
    options: AbstractSublevelOptions<K, V>,
  ): LevelSublevel<this, K, V>
  snapshot(options?: object): LevelSnapshot
}

export class SluiceLevel<KDefault = string, VDefault = string> extends EngineLevel<
  KDefault,
  VDefault
> {
  /**
   * A database in the directory `location`, which opens by itself.
   * Throws TypeError or RangeError for an argument that cannot be.
   */
  constructor(location: string, options: DatabaseOptions<KDefault, VDefault> = {}) {
    if (typeof location !== 'string' || location === '') {
      throw new TypeError("The first argument 'location' must be a non-empty string")
    }
    if (options !== null && typeof options === 'object') checkOpenOptions(options)
    super(location, options)
  }

  /** The directory, as it was passed. */
  get location(): string {
    return this._directory
  }

  /**
   * Removes the database in `location`, and the directory where nothing else is in it.
   * Rejects with LEVEL_LOCKED while it is open, or LEVEL_IO_ERROR.
   */
  static async destroy(location: string): Promise<void> {
    checkLocation(location)
    await DB.destroy(location)
  }

  /** Saves what can be saved of a damaged database, as DB.repair does. */
  static async repair(...args: Parameters<typeof DB.repair>): ReturnType<typeof DB.repair> {
    checkLocation(args[0])
    return DB.repair(...args)
  }

  /** Checks every byte of a database that is not open, as DB.verify does. */
  static async verify(...args: Parameters<typeof DB.verify>): ReturnType<typeof DB.verify> {
    checkLocation(args[0])
    return DB.verify(...args)
  }

  /**
   * put() on the calling thread: written, and with `sync` durable, when it returns, behind every write
   * that was called before. Throws what put() rejects with, and LEVEL_BUSY as DB.putSync does.
   */
  putSync(key: KDefault, value: VDefault): void
  putSync<K = KDefault, V = VDefault>(key: K, value: V, options: PutOptions<K, V>): void
  putSync(key: unknown, value: unknown, options: object = {}): void {
    this.#writeNow(options, (batch) => batch.put(key, value, options))
  }

  /** The same for del(). */
  delSync(key: KDefault): void
  delSync<K = KDefault>(key: K, options: DelOptions<K>): void
  delSync(key: unknown, options: object = {}): void {
    this.#writeNow(options, (batch) => batch.del(key, options))
  }

  /** The same for batch(). */
  batchSync(operations: BatchOperation<this, KDefault, VDefault>[]): void
  batchSync<K = KDefault, V = VDefault>(
    operations: BatchOperation<this, K, V>[],
    options: BatchOptions<K, V>,
  ): void
  batchSync(operations: readonly unknown[], options: object = {}): void {
    this.#writeNow(options, (batch) => addAll(batch, operations, options))
  }

  /** The entries of a range. The iterator also reads on the calling thread, once the database is open. */
  override iterator(): LevelIterator<this, KDefault, VDefault>
  override iterator<K = KDefault, V = VDefault>(
    options: IteratorOptions<K, V>,
  ): LevelIterator<this, K, V>
  override iterator(options?: unknown): LevelIterator<this, KDefault, VDefault> {
    const iterator = super.iterator(options as object) as LevelIterator<this, KDefault, VDefault>
    refuseSyncReads(iterator)
    return iterator
  }

  override keys(): LevelKeyIterator<this, KDefault>
  override keys<K = KDefault>(options: KeyIteratorOptions<K>): LevelKeyIterator<this, K>
  override keys(options?: unknown): LevelKeyIterator<this, KDefault> {
    const iterator = super.keys(options as object) as LevelKeyIterator<this, KDefault>
    refuseSyncReads(iterator)
    return iterator
  }

  override values(): LevelValueIterator<this, KDefault, VDefault>
  override values<K = KDefault, V = VDefault>(
    options: ValueIteratorOptions<K, V>,
  ): LevelValueIterator<this, K, V>
  override values(options?: unknown): LevelValueIterator<this, KDefault, VDefault> {
    const iterator = super.values(options as object) as LevelValueIterator<this, KDefault, VDefault>
    refuseSyncReads(iterator)
    return iterator
  }

  /** The bytes that the range [start, end) takes in tables, about. */
  async approximateSize(start: KDefault, end: KDefault): Promise<number>
  async approximateSize<K = KDefault>(
    start: K,
    end: K,
    options: StartEndOptions<K>,
  ): Promise<number>
  async approximateSize<K = KDefault>(
    start: K,
    end: K,
    options?: StartEndOptions<K>,
  ): Promise<number> {
    if (arguments.length < 2) {
      throw new TypeError("The arguments 'start' and 'end' are required")
    }
    return this._calls.whenOpen('approximateSize', options, async () => {
      throwIfAborted(options?.signal)
      const range = this.#encodeRange(start, end, options)
      const [sizeBytes] = await unlessAborted(this._db.approximateSizes([range]), options?.signal)
      return sizeBytes!
    })
  }

  /**
   * Compacts the tables that hold keys of the range from `start` to `end`. With a `signal` that is
   * aborted it ends soon, with LEVEL_ABORTED, and what was compacted by then stays so.
   */
  async compactRange(start: KDefault, end: KDefault): Promise<void>
  async compactRange<K = KDefault>(start: K, end: K, options: StartEndOptions<K>): Promise<void>
  async compactRange<K = KDefault>(start: K, end: K, options?: StartEndOptions<K>): Promise<void> {
    if (arguments.length < 2) {
      throw new TypeError("The arguments 'start' and 'end' are required")
    }
    return this._calls.whenOpen('compactRange', options, () => {
      const [from, to] = this.#encodeRange(start, end, options)
      const signal = options?.signal
      return this._db.compactRange(from, to, signal === undefined ? {} : { signal })
    })
  }

  /** A property of LevelDB, as text; empty for one that there is not. */
  getProperty(name: string): string {
    if (typeof name !== 'string') {
      throw new TypeError("The first argument 'property' must be a string")
    }
    return this._db.property(name) ?? ''
  }

  /** Resolves when everything written before the call survives a power cut. */
  async flushed(options: SignalOptions = {}): Promise<void> {
    await this._calls.whenOpen('flushed', options, () => {
      throwIfAborted(options.signal)
      const syncing = this._db.write(new WriteBatch(), { sync: true })
      return unlessAborted(syncing, options.signal)
    })
  }

  /** Takes writes again after a failure, as DB.resume does. */
  resume(): Promise<void> {
    return this._calls.whenOpen('resume', undefined, () => this._db.resume())
  }

  /** As DB.stats. Throws LEVEL_DATABASE_NOT_OPEN. */
  stats(): DatabaseStats {
    return this._db.stats()
  }

  #writeNow(options: WriteOptions, fill: Parameters<typeof writeNow<this, WriteOptions>>[3]): void {
    const db = this._db
    const commit = (operations: readonly PrivateOperation[], given: WriteOptions): void => {
      const checked = this._writeOptions(given)
      const [first] = operations
      if (operations.length > 1) db.writeSync(batchOf(operations), checked)
      else if (first!.type === 'del') db.deleteSync(bytesOf(first!.key), checked)
      else db.putSync(bytesOf(first!.key), bytesOf(first!.value!), checked)
    }
    writeNow<this, WriteOptions>(this, commit, options, fill)
  }

  #encodeRange<K>(
    start: K,
    end: K,
    options: StartEndOptions<K> | undefined,
  ): [Uint8Array, Uint8Array] {
    const encoding = this.keyEncoding<K, K>((options?.keyEncoding ?? this.keyEncoding()) as never)
    return [bytesOf(encoding.encode(start)), bytesOf(encoding.encode(end))]
  }
}

function checkLocation(location: unknown): void {
  if (typeof location !== 'string' || location === '') {
    throw new TypeError("The first argument 'location' must be a non-empty string")
  }
}

function checkOpenOptions(options: OpenOptions): void {
  engineOptions(options)
  durabilityOf(options)
}
