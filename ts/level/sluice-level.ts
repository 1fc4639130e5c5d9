// SluiceLevel: DB behind the interface of abstract-level, in the place of ClassicLevel.
//
// abstract-level encodes, prefixes, defers until open, and keeps track of what has to be closed; here
// is only what it asks of a store, and what SluiceDB has beyond it. Errors are the engine's own.
//
// What it costs beside DB itself, in processor time, with bytes, and without abstract-level's own share: a put
// by itself 0 to 14 % more, one of 256 4 %, with sync 14 %, an entry of a batch 8 %, a get 7 %, getSync 6 %, a
// scan nothing. With that share it is 20 to 37 % for a put by itself and a get, and 90 % for one put of 256
// (2026-11-21, on a busy machine, `node dist/scripts/bench-pieces.js face`).
//
// Invariant: every call goes straight to DB, without an await before it: DB copies the user's bytes
// and orders writes at call time, and a read sees what was written before it.

import { AbstractLevel, type AbstractSnapshot, type AbstractSublevelOptions } from 'abstract-level'
import { DB } from '../db/database.ts'
import type { DatabaseStats } from '../db/database-stats.ts'
import { SluiceError } from '../format/error.ts'
import { WriteBatch } from '../format/write-batch.ts'
import type {
  BatchOperation,
  IteratorOptions,
  KeyIteratorOptions,
  ValueIteratorOptions,
} from './classic-names.ts'
import { clearRange } from './clear-range.ts'
import { refuseSyncReads } from './deferred-iterator.ts'
import { bytesOf, type Encoded, inFormat } from './encoded.ts'
import { EngineSource, type PrivateIteratorOptions } from './engine-source.ts'
import { IntervalSync } from './interval-sync.ts'
import { ChainedBatch } from './level-batch.ts'
import { TOLD_EVENTS } from './level-events.ts'
import { LevelIterator, LevelKeyIterator, LevelValueIterator } from './level-iterator.ts'
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
import { innerSnapshot, LevelSnapshot } from './level-snapshot.ts'
import { type LevelSublevel, Sublevel } from './level-sublevel.ts'
import { addAll, type PrivateOperation, writeNow } from './write-now.ts'

/** What abstract-level hands to the private reads. */
interface PrivateReadOptions {
  readonly keyEncoding: string
  readonly valueEncoding: string
  readonly fillCache?: boolean
  readonly snapshot?: AbstractSnapshot | null
}

// Built once: abstract-level copies it. `getSync` is missing in the type of a manifest, not in what
// abstract-level reads.
const MANIFEST: object = {
  encodings: { buffer: true, utf8: true, view: true },
  has: true,
  getSync: true,
  createIfMissing: true,
  errorIfExists: true,
  explicitSnapshots: true,
  additionalMethods: { approximateSize: true, compactRange: true },
  signals: { iterators: true },
}

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

export class SluiceLevel<KDefault = string, VDefault = string> extends AbstractLevel<
  string | Buffer | Uint8Array,
  KDefault,
  VDefault
> {
  readonly #location: string
  #engine: DB | undefined
  #syncByDefault = false
  #intervalSync: IntervalSync | undefined
  /** Calls under way that the engine would cut short when it closes. */
  readonly #calls = new Set<Promise<unknown>>()

  /**
   * A database in the directory `location`, which opens by itself.
   * Throws TypeError or RangeError for an argument that cannot be.
   */
  constructor(location: string, options: DatabaseOptions<KDefault, VDefault> = {}) {
    if (typeof location !== 'string' || location === '') {
      throw new TypeError("The first argument 'location' must be a non-empty string")
    }
    if (options !== null && typeof options === 'object') checkOpenOptions(options)
    super(MANIFEST, options)
    this.#location = location
  }

  /** The directory, as it was passed. */
  get location(): string {
    return this.#location
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

  async _open(options: OpenOptions): Promise<void> {
    const { sync, intervalMs } = durabilityOf(options)
    const checked = engineOptions(options)
    try {
      this.#engine = await DB.open(this.#location, {
        ...checked,
        // Under their own names, and never `error`, which would throw where nobody listens.
        onEvent: (event) => {
          if (TOLD_EVENTS.has(event.type)) this.emit(event.type, event)
        },
      })
    } catch (error) {
      // abstract-level says that the database is not open; the cause says why.
      if (error instanceof SluiceError && error.code === 'LEVEL_DATABASE_NOT_OPEN') {
        throw error.cause
      }
      throw error
    }
    this.#syncByDefault = sync
    this.#intervalSync =
      intervalMs === undefined ? undefined : new IntervalSync(this.#engine, intervalMs)
  }

  async _close(): Promise<void> {
    // As classic-level does: what was asked for is done, not refused.
    await Promise.allSettled(this.#calls)
    await this.#intervalSync?.end()
    this.#intervalSync = undefined
    const engine = this.#engine
    this.#engine = undefined
    await engine?.close()
  }

  // No async function: each takes three turns of the microtask queue.
  _get(key: Encoded, options: PrivateReadOptions): Promise<Encoded | undefined> {
    const getting = this.#db.get(bytesOf(key), readOptions(options))
    return options.valueEncoding === 'utf8' ? getting.then(textOf) : getting
  }

  _getSync(key: Encoded, options: PrivateReadOptions): Encoded | undefined {
    const value = this.#db.getSync(bytesOf(key), readOptions(options))
    return value === undefined ? undefined : inFormat(value, options.valueEncoding)
  }

  async _getMany(
    keys: readonly Encoded[],
    options: PrivateReadOptions,
  ): Promise<(Encoded | undefined)[]> {
    const values = await this.#db.getMany(keys.map(bytesOf), readOptions(options))
    return values.map((value) =>
      value === undefined ? undefined : inFormat(value, options.valueEncoding),
    )
  }

  async _has(key: Encoded, options: PrivateReadOptions): Promise<boolean> {
    return (await this.#db.get(bytesOf(key), readOptions(options))) !== undefined
  }

  async _hasMany(keys: readonly Encoded[], options: PrivateReadOptions): Promise<boolean[]> {
    const values = await this.#db.getMany(keys.map(bytesOf), readOptions(options))
    return values.map((value) => value !== undefined)
  }

  _put(key: Encoded, value: Encoded, options: WriteOptions): Promise<void> {
    return this.#db.put(bytesOf(key), bytesOf(value), this.#writeOptions(options))
  }

  _del(key: Encoded, options: WriteOptions): Promise<void> {
    return this.#db.delete(bytesOf(key), this.#writeOptions(options))
  }

  _batch(operations: readonly PrivateOperation[], options: WriteOptions): Promise<void> {
    return this.#db.write(batchOf(operations), this.#writeOptions(options))
  }

  _chainedBatch(): ChainedBatch<this, KDefault, VDefault> {
    return new ChainedBatch(this, (batch, options) =>
      this.#db.write(batch, this.#writeOptions(options)),
    )
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

  _iterator(options: PrivateIteratorOptions): LevelIterator<this, KDefault, VDefault> {
    const { keys = true, values = true } = options
    return new LevelIterator(this, this._source(options, keys, values, 0), options)
  }

  _keys(options: PrivateIteratorOptions): LevelKeyIterator<this, KDefault> {
    return new LevelKeyIterator(this, this._source(options, true, false, 0), options)
  }

  _values(options: PrivateIteratorOptions): LevelValueIterator<this, KDefault, VDefault> {
    return new LevelValueIterator(this, this._source(options, false, true, 0), options)
  }

  /** What an iterator of this database, or of a sublevel with a prefix of that length, reads from. */
  _source(
    options: PrivateIteratorOptions,
    keys: boolean,
    values: boolean,
    prefixLength: number,
  ): EngineSource {
    return new EngineSource(this.#db, options, keys, values, prefixLength)
  }

  _sublevel(name: string | string[], options: object): object {
    return new Sublevel(this, name, options)
  }

  _snapshot(options: object): LevelSnapshot {
    return new LevelSnapshot(options, this.#db.snapshot())
  }

  _clear(options: PrivateIteratorOptions & WriteOptions): Promise<void> {
    const { sync } = this.#writeOptions(options)
    return this.#awaited(clearRange(this.#db, options, sync))
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
    return this.#whenOpen('approximateSize', options, async () => {
      throwIfAborted(options?.signal)
      const range = this.#encodeRange(start, end, options)
      const [sizeBytes] = await unlessAborted(this.#db.approximateSizes([range]), options?.signal)
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
    return this.#whenOpen('compactRange', options, () => {
      const [from, to] = this.#encodeRange(start, end, options)
      const signal = options?.signal
      return this.#db.compactRange(from, to, signal === undefined ? {} : { signal })
    })
  }

  /** A property of LevelDB, as text; empty for one that there is not. */
  getProperty(name: string): string {
    if (typeof name !== 'string') {
      throw new TypeError("The first argument 'property' must be a string")
    }
    return this.#db.property(name) ?? ''
  }

  /** Resolves when everything written before the call survives a power cut. */
  async flushed(options: SignalOptions = {}): Promise<void> {
    await this.#whenOpen('flushed', options, () => {
      throwIfAborted(options.signal)
      const syncing = this.#db.write(new WriteBatch(), { sync: true })
      return unlessAborted(syncing, options.signal)
    })
  }

  /** Takes writes again after a failure, as DB.resume does. */
  resume(): Promise<void> {
    return this.#whenOpen('resume', undefined, () => this.#db.resume())
  }

  /** As DB.stats. Throws LEVEL_DATABASE_NOT_OPEN. */
  stats(): DatabaseStats {
    return this.#db.stats()
  }

  get #db(): DB {
    if (this.#engine !== undefined) return this.#engine
    throw new SluiceError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
  }

  async #whenOpen<T>(
    name: string,
    options: SignalOptions | undefined,
    act: () => Promise<T>,
  ): Promise<T> {
    if (this.status === 'opening') {
      return this.deferAsync(() => this.#whenOpen(name, options, act), { signal: options?.signal })
    }
    if (this.status === 'open') return this.#awaited(act())
    throw new SluiceError('LEVEL_DATABASE_NOT_OPEN', `Database is not open: cannot call ${name}()`)
  }

  /** The call, which closing waits for. */
  #awaited<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call)
    return call.finally(() => this.#calls.delete(call))
  }

  #writeNow(options: WriteOptions, fill: Parameters<typeof writeNow<this, WriteOptions>>[3]): void {
    const db = this.#db
    const commit = (operations: readonly PrivateOperation[], given: WriteOptions): void => {
      const checked = this.#writeOptions(given)
      const [first] = operations
      if (operations.length > 1) db.writeSync(batchOf(operations), checked)
      else if (first!.type === 'del') db.deleteSync(bytesOf(first!.key), checked)
      else db.putSync(bytesOf(first!.key), bytesOf(first!.value!), checked)
    }
    writeNow<this, WriteOptions>(this, commit, options, fill)
  }

  #writeOptions({ sync = this.#syncByDefault }: WriteOptions): { readonly sync: boolean } {
    // One object each, since a put makes few others. What is no boolean is the engine's to refuse.
    const given: unknown = sync
    if (given === true) return SYNC
    return given === false ? NO_SYNC : { sync }
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

function batchOf(operations: readonly PrivateOperation[]): WriteBatch {
  const batch = new WriteBatch()
  for (const { type, key, value } of operations) {
    if (type === 'put') batch.put(bytesOf(key), bytesOf(value!))
    else batch.delete(bytesOf(key))
  }
  return batch
}

function textOf(value: Buffer | undefined): string | undefined {
  return value?.toString('utf8')
}

function readOptions({ fillCache = true, snapshot }: PrivateReadOptions): object {
  const inner = innerSnapshot(snapshot)
  if (inner === undefined) return fillCache ? DEFAULT_READ : UNCACHED_READ
  return { fillCache, snapshot: inner }
}

const SYNC: { readonly sync: boolean } = { sync: true }
const NO_SYNC: { readonly sync: boolean } = { sync: false }

const DEFAULT_READ: object = {}
const UNCACHED_READ: object = { fillCache: false }

function checkLocation(location: unknown): void {
  if (typeof location !== 'string' || location === '') {
    throw new TypeError("The first argument 'location' must be a non-empty string")
  }
}

function checkOpenOptions(options: OpenOptions): void {
  engineOptions(options)
  durabilityOf(options)
}
