// Iterators as abstract-level has them, over one of the engine's, and their reads without a promise.
//
// Entries, keys and values are three classes in abstract-level, so they are here; what they share is
// EngineSource and SyncReads, which each holds.

import {
  AbstractIterator,
  AbstractKeyIterator,
  AbstractValueIterator,
  type Transcoder,
} from 'abstract-level'
import type { EngineSource, Pair, PrivateIteratorOptions } from './engine-source.ts'
import { type Encoded, inFormat, keyInFormat } from './encoded.ts'
import { SyncReads } from './sync-reads.ts'

type Encoding = Transcoder.Encoding<unknown, Encoded, unknown>

// abstract-level hands the encodings over under these symbols, which its types leave out.
const { keyEncoding: KEY, valueEncoding: VALUE } = AbstractIterator as unknown as Record<
  'keyEncoding' | 'valueEncoding',
  symbol
>

function encodingOf(options: object, name: symbol): Encoding {
  return (options as Record<symbol, Encoding>)[name]!
}

export class LevelIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> {
  readonly #source: EngineSource
  readonly #keyFormat: string
  readonly #valueFormat: string
  readonly #sync: SyncReads<[K, V]>

  constructor(db: TDatabase, source: EngineSource, options: PrivateIteratorOptions) {
    super(db, options as object)
    this.#keyFormat = options.keyEncoding
    this.#valueFormat = options.valueEncoding
    this.#source = source
    const key = encodingOf(options, KEY)
    const value = encodingOf(options, VALUE)
    this.#sync = new SyncReads(
      source,
      (pair) => {
        const entry = this.#format(pair) as [unknown, unknown]
        if (entry[0] !== undefined) entry[0] = key.decode(entry[0] as Encoded)
        if (entry[1] !== undefined) entry[1] = value.decode(entry[1] as Encoded)
        return entry as [K, V]
      },
      () => this.close(),
    )
  }

  /** Entries that were handed out, by whichever call. */
  override get count(): number {
    return super.count + this.#sync.count
  }

  /**
   * The next entry, or undefined at the end, on the calling thread, which blocks where memory does not
   * have it. Throws what next() rejects with.
   */
  nextSync(): [K, V] | undefined {
    return this.#sync.next()
  }

  /** nextv() on the calling thread. */
  nextvSync(size: number): [K, V][] {
    return this.#sync.nextv(size)
  }

  /** all() on the calling thread. */
  allSync(): [K, V][] {
    return this.#sync.all()
  }

  /** The entries one by one, on the calling thread. The end of the loop closes the iterator. */
  [Symbol.iterator](): Generator<[K, V], void> {
    return this.#sync.iterate()
  }

  [Symbol.dispose](): void {
    void this.close()
  }

  async _next(): Promise<[Encoded | undefined, Encoded | undefined] | undefined> {
    const pair = await this.#source.next()
    return pair === undefined ? undefined : this.#format(pair)
  }

  async _nextv(size: number): Promise<[Encoded | undefined, Encoded | undefined][]> {
    const pairs = await this.#source.nextv(size)
    const isAsWanted = this.#keyFormat !== 'utf8' && this.#valueFormat !== 'utf8'
    if (isAsWanted && this.#source.prefixLength === 0) return pairs
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
      key === undefined ? undefined : keyInFormat(key, this.#keyFormat, this.#source.prefixLength),
      value === undefined ? undefined : inFormat(value, this.#valueFormat),
    ]
  }
}

export class LevelKeyIterator<TDatabase, K> extends AbstractKeyIterator<TDatabase, K> {
  readonly #source: EngineSource
  readonly #format: string
  readonly #sync: SyncReads<K>

  constructor(db: TDatabase, source: EngineSource, options: PrivateIteratorOptions) {
    super(db, options as object)
    this.#format = options.keyEncoding
    this.#source = source
    const encoding = encodingOf(options, KEY)
    this.#sync = new SyncReads(
      source,
      (pair) => encoding.decode(this.#keyOf(pair)) as K,
      () => this.close(),
    )
  }

  override get count(): number {
    return super.count + this.#sync.count
  }

  /** As LevelIterator has them. */
  nextSync(): K | undefined {
    return this.#sync.next()
  }

  nextvSync(size: number): K[] {
    return this.#sync.nextv(size)
  }

  allSync(): K[] {
    return this.#sync.all()
  }

  [Symbol.iterator](): Generator<K, void> {
    return this.#sync.iterate()
  }

  [Symbol.dispose](): void {
    void this.close()
  }

  async _next(): Promise<Encoded | undefined> {
    const pair = await this.#source.next()
    return pair === undefined ? undefined : this.#keyOf(pair)
  }

  async _nextv(size: number): Promise<Encoded[]> {
    const pairs = await this.#source.nextv(size)
    return pairs.map((pair) => this.#keyOf(pair))
  }

  _seek(target: Encoded): void {
    this.#source.seek(target)
  }

  _close(): Promise<void> {
    return this.#source.close()
  }

  #keyOf([key]: Pair): Encoded {
    return keyInFormat(key!, this.#format, this.#source.prefixLength)
  }
}

export class LevelValueIterator<TDatabase, K, V> extends AbstractValueIterator<TDatabase, K, V> {
  readonly #source: EngineSource
  readonly #format: string
  readonly #sync: SyncReads<V>

  constructor(db: TDatabase, source: EngineSource, options: PrivateIteratorOptions) {
    super(db, options as object)
    this.#format = options.valueEncoding
    this.#source = source
    const encoding = encodingOf(options, VALUE)
    this.#sync = new SyncReads(
      source,
      ([, value]) => encoding.decode(inFormat(value!, this.#format)) as V,
      () => this.close(),
    )
  }

  override get count(): number {
    return super.count + this.#sync.count
  }

  /** As LevelIterator has them. */
  nextSync(): V | undefined {
    return this.#sync.next()
  }

  nextvSync(size: number): V[] {
    return this.#sync.nextv(size)
  }

  allSync(): V[] {
    return this.#sync.all()
  }

  [Symbol.iterator](): Generator<V, void> {
    return this.#sync.iterate()
  }

  [Symbol.dispose](): void {
    void this.close()
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
