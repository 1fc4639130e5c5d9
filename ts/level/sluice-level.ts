// SluiceLevel: DB behind the interface of abstract-level, in the place of ClassicLevel.
//
// abstract-level encodes, prefixes, defers until open, and keeps track of what has to be closed; here
// is only what it asks of a store, and what SluiceDB has beyond it. Errors are the engine's own.
//
// Invariant: every call goes straight to DB, without an await before it: DB copies the user's bytes
// and orders writes at call time, and a read sees what was written before it.

import { AbstractLevel, type AbstractSnapshot } from 'abstract-level'
import { DB } from '../db/database.ts'
import type { DatabaseStats } from '../db/database-stats.ts'
import type { DatabaseEvent } from '../db/event.ts'
import { SluiceError } from '../format/error.ts'
import { WriteBatch } from '../format/write-batch.ts'
import type {
  BatchOperation,
  IteratorOptions,
  KeyIteratorOptions,
  ValueIteratorOptions,
} from './classic-names.ts'
import { bytesOf, type Encoded, inFormat } from './encoded.ts'
import { ChainedBatch } from './level-batch.ts'
import {
  boundsOf,
  EngineSource,
  LevelIterator,
  LevelKeyIterator,
  LevelValueIterator,
  type PrivateIteratorOptions,
} from './level-iterator.ts'
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
import { innerSnapshot, LevelSnapshot } from './level-snapshot.ts'

/** What abstract-level hands to the private reads. */
interface PrivateReadOptions {
  readonly keyEncoding: string
  readonly valueEncoding: string
  readonly fillCache?: boolean
  readonly snapshot?: AbstractSnapshot | null
}

interface PrivateOperation {
  readonly type: 'put' | 'del'
  readonly key: Encoded
  readonly value?: Encoded
}

/** Keys that clear() deletes with one batch. */
const CLEAR_CHUNK = 1000

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

  iterator(): LevelIterator<this, KDefault, VDefault>
  iterator<K = KDefault, V = VDefault>(options: IteratorOptions<K, V>): LevelIterator<this, K, V>
  keys(): LevelKeyIterator<this, KDefault>
  keys<K = KDefault>(options: KeyIteratorOptions<K>): LevelKeyIterator<this, K>
  values(): LevelValueIterator<this, KDefault, VDefault>
  values<K = KDefault, V = VDefault>(
    options: ValueIteratorOptions<K, V>,
  ): LevelValueIterator<this, K, V>
}

export class SluiceLevel<KDefault = string, VDefault = string> extends AbstractLevel<
  string | Buffer | Uint8Array,
  KDefault,
  VDefault
> {
  readonly #location: string
  #engine: DB | undefined
  #syncByDefault = false
  #syncTimer: NodeJS.Timeout | undefined

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
        onEvent: (event) => {
          this.#onEvent(event)
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
    if (intervalMs !== undefined) this.#syncEvery(intervalMs)
  }

  async _close(): Promise<void> {
    clearInterval(this.#syncTimer)
    const engine = this.#engine
    this.#engine = undefined
    await engine?.close()
  }

  async _get(key: Encoded, options: PrivateReadOptions): Promise<Encoded | undefined> {
    const value = await this.#db.get(bytesOf(key), readOptions(options))
    return value === undefined ? undefined : inFormat(value, options.valueEncoding)
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
    const batch = new WriteBatch()
    for (const { type, key, value } of operations) {
      if (type === 'put') batch.put(bytesOf(key), bytesOf(value!))
      else batch.delete(bytesOf(key))
    }
    return this.#db.write(batch, this.#writeOptions(options))
  }

  _chainedBatch(): ChainedBatch<this, KDefault, VDefault> {
    return new ChainedBatch(this, (batch, options) =>
      this.#db.write(batch, this.#writeOptions(options)),
    )
  }

  _iterator(options: PrivateIteratorOptions): LevelIterator<this, KDefault, VDefault> {
    const { keys = true, values = true } = options
    return new LevelIterator(this, new EngineSource(this.#db, options, keys, values), options)
  }

  _keys(options: PrivateIteratorOptions): LevelKeyIterator<this, KDefault> {
    return new LevelKeyIterator(this, new EngineSource(this.#db, options, true, false), options)
  }

  _values(options: PrivateIteratorOptions): LevelValueIterator<this, KDefault, VDefault> {
    return new LevelValueIterator(this, new EngineSource(this.#db, options, false, true), options)
  }

  _snapshot(options: object): LevelSnapshot {
    return new LevelSnapshot(options, this.#db.snapshot())
  }

  // In batches, so that a large range takes bounded memory; not atomic, which nobody may expect.
  async _clear(options: PrivateIteratorOptions & WriteOptions): Promise<void> {
    const { reverse, limit, snapshot } = options
    const inner = innerSnapshot(snapshot)
    const iterator = this.#db.iterator({
      ...boundsOf(options),
      reverse,
      // abstract-level says -1 for none.
      ...(limit === -1 ? {} : { limit }),
      values: false,
      fillCache: false,
      ...(inner === undefined ? {} : { snapshot: inner }),
    })
    const { sync } = this.#writeOptions(options)
    const batch = new WriteBatch()
    try {
      for (;;) {
        const pairs = await iterator.nextv(CLEAR_CHUNK)
        if (pairs.length === 0) break
        batch.clear()
        for (const [key] of pairs) batch.delete(key)
        await this.#db.write(batch)
      }
    } finally {
      await iterator.close()
    }
    // One sync for all of it: it covers every write before it.
    if (sync) await this.flushed()
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
    return this.#whenOpen('approximateSize', async () => {
      const range = this.#encodeRange(start, end, options)
      const [sizeBytes] = await this.#db.approximateSizes([range])
      return sizeBytes!
    })
  }

  /** Compacts the tables that hold keys of the range from `start` to `end`. */
  async compactRange(start: KDefault, end: KDefault): Promise<void>
  async compactRange<K = KDefault>(start: K, end: K, options: StartEndOptions<K>): Promise<void>
  async compactRange<K = KDefault>(start: K, end: K, options?: StartEndOptions<K>): Promise<void> {
    if (arguments.length < 2) {
      throw new TypeError("The arguments 'start' and 'end' are required")
    }
    return this.#whenOpen('compactRange', () => {
      const [from, to] = this.#encodeRange(start, end, options)
      return this.#db.compactRange(from, to)
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
  async flushed(): Promise<void> {
    await this.#whenOpen('flushed', () => this.#db.write(new WriteBatch(), { sync: true }))
  }

  /** Takes writes again after a failure, as DB.resume does. */
  resume(): Promise<void> {
    return this.#whenOpen('resume', () => this.#db.resume())
  }

  /** As DB.stats. Throws LEVEL_DATABASE_NOT_OPEN. */
  stats(): DatabaseStats {
    return this.#db.stats()
  }

  get #db(): DB {
    if (this.#engine !== undefined) return this.#engine
    throw new SluiceError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
  }

  async #whenOpen<T>(name: string, act: () => Promise<T>): Promise<T> {
    if (this.status === 'opening') return this.deferAsync(() => this.#whenOpen(name, act))
    if (this.status === 'open') return act()
    throw new SluiceError('LEVEL_DATABASE_NOT_OPEN', `Database is not open: cannot call ${name}()`)
  }

  #writeOptions({ sync = this.#syncByDefault }: WriteOptions): { readonly sync: boolean } {
    return { sync }
  }

  #encodeRange<K>(
    start: K,
    end: K,
    options: StartEndOptions<K> | undefined,
  ): [Uint8Array, Uint8Array] {
    const encoding = this.keyEncoding<K, K>((options?.keyEncoding ?? this.keyEncoding()) as never)
    return [bytesOf(encoding.encode(start)), bytesOf(encoding.encode(end))]
  }

  #syncEvery(intervalMs: number): void {
    let syncedSequence = this.#db.stats().lastSequence
    this.#syncTimer = setInterval(() => {
      const { lastSequence, failure } = this.#db.stats()
      if (lastSequence === syncedSequence || failure !== undefined) return
      syncedSequence = lastSequence
      // A failed sync is told by the event `failure`, and by every later write.
      this.flushed().catch(() => undefined)
    }, intervalMs)
    this.#syncTimer.unref()
  }

  // Under their own names, and never `error`, which would throw where nobody listens.
  #onEvent(event: DatabaseEvent): void {
    if (TOLD.has(event.type)) this.emit(event.type, event)
  }
}

const TOLD: ReadonlySet<string> = new Set<DatabaseEvent['type']>([
  'stall',
  'failure',
  'recovery',
  'resume',
])

function readOptions({ fillCache = true, snapshot }: PrivateReadOptions): object {
  const inner = innerSnapshot(snapshot)
  if (inner === undefined) return fillCache ? DEFAULT_READ : UNCACHED_READ
  return { fillCache, snapshot: inner }
}

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
