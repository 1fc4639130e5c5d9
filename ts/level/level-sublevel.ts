// A sublevel that can do what its database does: writes and reads on the calling thread.
//
// Its iterators read from the engine themselves, with the prefix of the sublevel, instead of by way of an
// iterator of the database. Writes go to the parent, as those of abstract-level do, so that the hooks and
// events of each level see them.

import { AbstractSublevel, type AbstractSublevelOptions } from 'abstract-level'
import type {
  BatchOperation,
  IteratorOptions,
  KeyIteratorOptions,
  ValueIteratorOptions,
} from './classic-names.ts'
import { refuseSyncReads } from './deferred-iterator.ts'
import type { EncodedRange, EngineSource, PrivateIteratorOptions } from './engine-source.ts'
import type { Encoded } from './encoded.ts'
import { LevelIterator, LevelKeyIterator, LevelValueIterator } from './level-iterator.ts'
import type { BatchOptions, DelOptions, PutOptions, WriteOptions } from './level-options.ts'
import { addAll, type PrivateOperation, writeNow } from './write-now.ts'

/** What a sublevel needs of the database that it is a part of. */
interface Root {
  _source(
    options: PrivateIteratorOptions,
    keys: boolean,
    values: boolean,
    prefixLength: number,
  ): EngineSource
}

interface Parent {
  batchSync(operations: readonly unknown[], options: object): void
}

/** What a sublevel can do beyond those of abstract-level. */
export interface SublevelMethods<KDefault, VDefault> {
  /** As SluiceLevel has them. Throw LEVEL_DATABASE_NOT_OPEN also while the sublevel opens. */
  putSync(key: KDefault, value: VDefault): void
  putSync<K = KDefault, V = VDefault>(key: K, value: V, options: PutOptions<K, V>): void
  delSync(key: KDefault): void
  delSync<K = KDefault>(key: K, options: DelOptions<K>): void
  batchSync(operations: BatchOperation<this, KDefault, VDefault>[]): void
  batchSync<K = KDefault, V = VDefault>(
    operations: BatchOperation<this, K, V>[],
    options: BatchOptions<K, V>,
  ): void

  iterator(): LevelIterator<this, KDefault, VDefault>
  iterator<K = KDefault, V = VDefault>(options: IteratorOptions<K, V>): LevelIterator<this, K, V>
  keys(): LevelKeyIterator<this, KDefault>
  keys<K = KDefault>(options: KeyIteratorOptions<K>): LevelKeyIterator<this, K>
  values(): LevelValueIterator<this, KDefault, VDefault>
  values<K = KDefault, V = VDefault>(
    options: ValueIteratorOptions<K, V>,
  ): LevelValueIterator<this, K, V>

  sublevel(name: string | string[]): LevelSublevel<this, string, string>
  sublevel<K = string, V = string>(
    name: string | string[],
    options: AbstractSublevelOptions<K, V>,
  ): LevelSublevel<this, K, V>
}

/**
 * What sublevel() returns. Not a class to the compiler, which compares classes member by member, and does
 * not come to an end with those of abstract-level.
 */
export type LevelSublevel<TDatabase, K, V> = SublevelMethods<K, V> &
  AbstractSublevel<TDatabase, string | Buffer | Uint8Array, K, V>

export class Sublevel<TDatabase, KDefault = string, VDefault = string> extends AbstractSublevel<
  TDatabase,
  string | Buffer | Uint8Array,
  KDefault,
  VDefault
> {
  /** For SluiceLevel; everyone else calls sublevel(). */
  constructor(
    db: TDatabase,
    name: string | string[],
    options: AbstractSublevelOptions<KDefault, VDefault>,
  ) {
    // A list of names is fine too, though the types say otherwise.
    super(db, name as string, options)
  }

  putSync(key: unknown, value: unknown, options: object = {}): void {
    this.#writeNow(options, (batch) => batch.put(key, value, options))
  }

  delSync(key: unknown, options: object = {}): void {
    this.#writeNow(options, (batch) => batch.del(key, options))
  }

  batchSync(operations: readonly unknown[], options: object = {}): void {
    this.#writeNow(options, (batch) => addAll(batch, operations, options))
  }

  override iterator(options?: object): LevelIterator<this, KDefault, VDefault> {
    const iterator = super.iterator(options!) as LevelIterator<this, KDefault, VDefault>
    refuseSyncReads(iterator)
    return iterator
  }

  override keys(options?: object): LevelKeyIterator<this, KDefault> {
    const iterator = super.keys(options!) as LevelKeyIterator<this, KDefault>
    refuseSyncReads(iterator)
    return iterator
  }

  override values(options?: object): LevelValueIterator<this, KDefault, VDefault> {
    const iterator = super.values(options!) as LevelValueIterator<this, KDefault, VDefault>
    refuseSyncReads(iterator)
    return iterator
  }

  _iterator(options: PrivateIteratorOptions): LevelIterator<this, KDefault, VDefault> {
    const { keys = true, values = true } = options
    return new LevelIterator(this, this.#source(options, keys, values), options)
  }

  _keys(options: PrivateIteratorOptions): LevelKeyIterator<this, KDefault> {
    return new LevelKeyIterator(this, this.#source(options, true, false), options)
  }

  _values(options: PrivateIteratorOptions): LevelValueIterator<this, KDefault, VDefault> {
    return new LevelValueIterator(this, this.#source(options, false, true), options)
  }

  _sublevel(name: string | string[], options: object): object {
    return new Sublevel(this, name, options)
  }

  #source(options: PrivateIteratorOptions, keys: boolean, values: boolean): EngineSource {
    const prefixed = { ...options, ...this.#rangeInRoot(options, options.keyEncoding) }
    // Sublevels have no other root than SluiceLevel, which makes them.
    return (this.db as unknown as Root)._source(prefixed, keys, values, this.prefix.length)
  }

  /** The range with the prefix, and where it has no bound, that of the sublevel. */
  #rangeInRoot({ gt, gte, lt, lte }: EncodedRange, format: string): EncodedRange {
    const range: Record<string, Encoded | undefined> = {
      gt: undefined,
      gte: undefined,
      lt: undefined,
      lte: undefined,
    }
    const inRoot = (key: Encoded): Encoded => this.prefixKey(key as string, format as 'utf8', false)
    if (gte === undefined && gt !== undefined) range['gt'] = inRoot(gt)
    else range['gte'] = gte === undefined ? this.prefix : inRoot(gte)
    if (lte !== undefined) range['lte'] = inRoot(lte)
    else if (lt !== undefined) range['lt'] = inRoot(lt)
    else range['lt'] = endOf(this.prefix)
    return range
  }

  #writeNow(options: WriteOptions, fill: Parameters<typeof writeNow<this, WriteOptions>>[3]): void {
    const parent = this.parent as unknown as Parent
    const commit = (operations: readonly PrivateOperation[], given: WriteOptions): void => {
      parent.batchSync(operations, given)
    }
    writeNow<this, WriteOptions>(this, commit, options, fill)
  }
}

/** The first key behind all that begin with the prefix, which ends with its separator. */
function endOf(prefix: string): string {
  const last = prefix.length - 1
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1)
}
