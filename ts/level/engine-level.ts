// What abstract-level asks of a store, answered by DB; what SluiceDB has beyond that is in sluice-level.
//
// Invariant: every call goes straight to DB, without an await before it: DB copies the user's bytes
// and orders writes at call time, and a read sees what was written before it.

import { AbstractLevel, type AbstractSnapshot } from 'abstract-level'
import { DB } from '../db/database.ts'
import { SluiceError } from '../format/error.ts'
import { WriteBatch } from '../format/write-batch.ts'
import { clearRange } from './clear-range.ts'
import { bytesOf, type Encoded, inFormat } from './encoded.ts'
import { EngineSource, type PrivateIteratorOptions } from './engine-source.ts'
import { IntervalSync } from './interval-sync.ts'
import { ChainedBatch } from './level-batch.ts'
import { TOLD_EVENTS } from './level-events.ts'
import { LevelIterator, LevelKeyIterator, LevelValueIterator } from './level-iterator.ts'
import {
  type DatabaseOptions,
  durabilityOf,
  engineOptions,
  type OpenOptions,
  type WriteOptions,
} from './level-options.ts'
import { innerSnapshot, LevelSnapshot } from './level-snapshot.ts'
import { Sublevel } from './level-sublevel.ts'
import { OpenCalls } from './open-calls.ts'
import type { PrivateOperation } from './write-now.ts'

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

export class EngineLevel<KDefault, VDefault> extends AbstractLevel<
  string | Buffer | Uint8Array,
  KDefault,
  VDefault
> {
  protected readonly _directory: string
  protected readonly _calls: OpenCalls = new OpenCalls(this)
  #engine: DB | undefined
  #syncByDefault = false
  #intervalSync: IntervalSync | undefined

  /** Requires: the arguments were checked. */
  constructor(directory: string, options: DatabaseOptions<KDefault, VDefault>) {
    super(MANIFEST, options)
    this._directory = directory
  }

  async _open(options: OpenOptions): Promise<void> {
    const { sync, intervalMs } = durabilityOf(options)
    // abstract-level has filled in that the database may be made, which a reader cannot.
    const given = options.readOnly === true ? { ...options, createIfMissing: false } : options
    const checked = engineOptions(given)
    try {
      this.#engine = await DB.open(this._directory, {
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
    await this._calls.ended()
    await this.#intervalSync?.end()
    this.#intervalSync = undefined
    const engine = this.#engine
    this.#engine = undefined
    await engine?.close()
  }

  // No async function: each takes three turns of the microtask queue.
  _get(key: Encoded, options: PrivateReadOptions): Promise<Encoded | undefined> {
    const getting = this._db.get(bytesOf(key), readOptions(options))
    return options.valueEncoding === 'utf8' ? getting.then(textOf) : getting
  }

  _getSync(key: Encoded, options: PrivateReadOptions): Encoded | undefined {
    const value = this._db.getSync(bytesOf(key), readOptions(options))
    return value === undefined ? undefined : inFormat(value, options.valueEncoding)
  }

  async _getMany(
    keys: readonly Encoded[],
    options: PrivateReadOptions,
  ): Promise<(Encoded | undefined)[]> {
    const values = await this._db.getMany(keys.map(bytesOf), readOptions(options))
    return values.map((value) =>
      value === undefined ? undefined : inFormat(value, options.valueEncoding),
    )
  }

  async _has(key: Encoded, options: PrivateReadOptions): Promise<boolean> {
    return (await this._db.get(bytesOf(key), readOptions(options))) !== undefined
  }

  async _hasMany(keys: readonly Encoded[], options: PrivateReadOptions): Promise<boolean[]> {
    const values = await this._db.getMany(keys.map(bytesOf), readOptions(options))
    return values.map((value) => value !== undefined)
  }

  _put(key: Encoded, value: Encoded, options: WriteOptions): Promise<void> {
    return this._db.put(bytesOf(key), bytesOf(value), this._writeOptions(options))
  }

  _del(key: Encoded, options: WriteOptions): Promise<void> {
    return this._db.delete(bytesOf(key), this._writeOptions(options))
  }

  _batch(operations: readonly PrivateOperation[], options: WriteOptions): Promise<void> {
    return this._db.write(batchOf(operations), this._writeOptions(options))
  }

  _chainedBatch(): ChainedBatch<this, KDefault, VDefault> {
    return new ChainedBatch(this, (batch, options) =>
      this._db.write(batch, this._writeOptions(options)),
    )
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
    return new EngineSource(this._db, options, keys, values, prefixLength)
  }

  _sublevel(name: string | string[], options: object): object {
    return new Sublevel(this, name, options)
  }

  _snapshot(options: object): LevelSnapshot {
    return new LevelSnapshot(options, this._db.snapshot())
  }

  _clear(options: PrivateIteratorOptions & WriteOptions): Promise<void> {
    const { sync } = this._writeOptions(options)
    return this._calls.awaited(clearRange(this._db, options, sync))
  }

  /** Throws LEVEL_DATABASE_NOT_OPEN. */
  protected get _db(): DB {
    if (this.#engine !== undefined) return this.#engine
    throw new SluiceError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')
  }

  protected _writeOptions({ sync = this.#syncByDefault }: WriteOptions): {
    readonly sync: boolean
  } {
    // One object each, since a put makes few others. What is no boolean is the engine's to refuse.
    const given: unknown = sync
    if (given === true) return SYNC
    return given === false ? NO_SYNC : { sync }
  }
}

/** The operations as the engine takes them. */
export function batchOf(operations: readonly PrivateOperation[]): WriteBatch {
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
