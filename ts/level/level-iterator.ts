// Iterators as abstract-level has them, over one of the engine's.
//
// Entries, keys and values are three classes in abstract-level, so they are here; what they share is
// EngineSource, which each holds.
//
// A limit is abstract-level's to count, since a seek does not reset it; the engine's iterator has none.

import {
  AbstractIterator,
  AbstractKeyIterator,
  AbstractValueIterator,
  type AbstractSnapshot,
} from 'abstract-level'
import type { DB } from '../db/database.ts'
import type { DBIterator } from '../db/iterator.ts'
import type { DBIteratorOptions } from '../db/iterator-options.ts'
import { SluiceError } from '../format/error.ts'
import { bytesOf, type Encoded, inFormat } from './encoded.ts'
import { innerSnapshot } from './level-snapshot.ts'

/** What abstract-level hands to the private _iterator(), _keys() and _values(). */
export interface PrivateIteratorOptions {
  readonly reverse: boolean
  readonly limit: number
  readonly keyEncoding: string
  readonly valueEncoding: string
  readonly keys?: boolean
  readonly values?: boolean
  readonly gt?: Encoded
  readonly gte?: Encoded
  readonly lt?: Encoded
  readonly lte?: Encoded
  readonly snapshot?: AbstractSnapshot | null
  readonly signal?: AbortSignal | null
  readonly fillCache?: boolean
  readonly highWaterMarkBytes?: number
}

/** Bounds of a range as bytes, under their own names. */
export function boundsOf(
  options: Pick<PrivateIteratorOptions, 'gt' | 'gte' | 'lt' | 'lte'>,
): Record<string, Uint8Array> {
  const bounds: Record<string, Uint8Array> = {}
  for (const name of ['gt', 'gte', 'lt', 'lte'] as const) {
    const bound = options[name]
    if (bound !== undefined) bounds[name] = bytesOf(bound)
  }
  return bounds
}

type Pair = [Buffer | undefined, Buffer | undefined]

type EngineIterator = DBIterator<Buffer | undefined, Buffer | undefined>

/**
 * The engine's iterator behind one of abstract-level's.
 *
 * Wrong options are told by the first read. Rejected: to throw where the iterator is made. While the
 * database opens, abstract-level makes it later, among all the calls that wait for that, and one
 * that throws there leaves the calls behind it unsettled for ever.
 */
export class EngineSource {
  readonly #iterator: EngineIterator | undefined
  /** Why there is no iterator. */
  readonly #error: unknown
  readonly #signal: AbortSignal | undefined

  /** `keys`, `values`: whether the half is wanted. */
  constructor(engine: DB, options: PrivateIteratorOptions, keys: boolean, values: boolean) {
    this.#signal = options.signal ?? undefined
    try {
      this.#iterator = engine.iterator(engineOptionsOf(options, keys, values))
    } catch (error) {
      this.#error = error
    }
  }

  async next(): Promise<Pair | undefined> {
    const pair = await this.#open.next()
    this.#throwIfAborted()
    return pair
  }

  async nextv(count: number): Promise<Pair[]> {
    const signal = this.#signal
    const pairs = await this.#open.nextv(count, signal === undefined ? {} : { signal })
    this.#throwIfAborted()
    return pairs
  }

  seek(target: Encoded): void {
    this.#iterator?.seek(bytesOf(target))
  }

  async close(): Promise<void> {
    await this.#iterator?.close()
  }

  get #open(): EngineIterator {
    if (this.#iterator === undefined) throw this.#error
    return this.#iterator
  }

  // After the read too: whoever aborted during it must hear so, also where all came from memory.
  #throwIfAborted(): void {
    if (this.#signal?.aborted !== true) return
    throw new SluiceError('LEVEL_ABORTED', 'The iterator was aborted', {
      cause: this.#signal.reason,
    })
  }
}

function engineOptionsOf(
  { reverse, snapshot, fillCache = false, highWaterMarkBytes, ...bounds }: PrivateIteratorOptions,
  keys: boolean,
  values: boolean,
): DBIteratorOptions {
  const inner = innerSnapshot(snapshot)
  return {
    ...boundsOf(bounds),
    reverse,
    keys,
    values,
    fillCache,
    ...(inner === undefined ? {} : { snapshot: inner }),
    ...(highWaterMarkBytes === undefined ? {} : { highWaterMarkBytes }),
  }
}

export class LevelIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> {
  readonly #source: EngineSource
  readonly #keyFormat: string
  readonly #valueFormat: string

  constructor(db: TDatabase, source: EngineSource, options: PrivateIteratorOptions) {
    super(db, options as object)
    this.#keyFormat = options.keyEncoding
    this.#valueFormat = options.valueEncoding
    this.#source = source
  }

  async _next(): Promise<[Encoded | undefined, Encoded | undefined] | undefined> {
    const pair = await this.#source.next()
    return pair === undefined ? undefined : this.#format(pair)
  }

  async _nextv(size: number): Promise<[Encoded | undefined, Encoded | undefined][]> {
    const pairs = await this.#source.nextv(size)
    if (this.#keyFormat !== 'utf8' && this.#valueFormat !== 'utf8') return pairs
    return pairs.map((pair) => this.#format(pair))
  }

  _seek(target: Encoded): void {
    this.#source.seek(target)
  }

  _close(): Promise<void> {
    return this.#source.close()
  }

  #format([key, value]: Pair): [Encoded | undefined, Encoded | undefined] {
    return [
      key === undefined ? undefined : inFormat(key, this.#keyFormat),
      value === undefined ? undefined : inFormat(value, this.#valueFormat),
    ]
  }
}

export class LevelKeyIterator<TDatabase, K> extends AbstractKeyIterator<TDatabase, K> {
  readonly #source: EngineSource
  readonly #format: string

  constructor(db: TDatabase, source: EngineSource, options: PrivateIteratorOptions) {
    super(db, options as object)
    this.#format = options.keyEncoding
    this.#source = source
  }

  async _next(): Promise<Encoded | undefined> {
    const key = (await this.#source.next())?.[0]
    return key === undefined ? undefined : inFormat(key, this.#format)
  }

  async _nextv(size: number): Promise<Encoded[]> {
    const pairs = await this.#source.nextv(size)
    return pairs.map(([key]) => inFormat(key!, this.#format))
  }

  _seek(target: Encoded): void {
    this.#source.seek(target)
  }

  _close(): Promise<void> {
    return this.#source.close()
  }
}

export class LevelValueIterator<TDatabase, K, V> extends AbstractValueIterator<TDatabase, K, V> {
  readonly #source: EngineSource
  readonly #format: string

  constructor(db: TDatabase, source: EngineSource, options: PrivateIteratorOptions) {
    super(db, options as object)
    this.#format = options.valueEncoding
    this.#source = source
  }

  async _next(): Promise<Encoded | undefined> {
    const value = (await this.#source.next())?.[1]
    return value === undefined ? undefined : inFormat(value, this.#format)
  }

  async _nextv(size: number): Promise<Encoded[]> {
    const pairs = await this.#source.nextv(size)
    return pairs.map(([, value]) => inFormat(value!, this.#format))
  }

  _seek(target: Encoded): void {
    this.#source.seek(target)
  }

  _close(): Promise<void> {
    return this.#source.close()
  }
}
