// The options of SluiceLevel: those of abstract-level, with classic-level's names and defaults, and
// what they are to the engine.

import type {
  AbstractBatchOptions,
  AbstractChainedBatchWriteOptions,
  AbstractClearOptions,
  AbstractDatabaseOptions,
  AbstractDelOptions,
  AbstractGetManyOptions,
  AbstractGetOptions,
  AbstractHasManyOptions,
  AbstractHasOptions,
  AbstractOpenOptions,
  AbstractPutOptions,
  Transcoder,
} from 'abstract-level'
import { type DBOptions, checkOptions } from '../db/options.ts'
import type { SignalOptions } from './level-signal.ts'

/** Options of `open()`. Sizes are in bytes. */
export interface OpenOptions extends AbstractOpenOptions {
  /** Compress blocks with Snappy. Default true. */
  readonly compression?: boolean | undefined
  /** Bytes of data blocks kept in memory. Default 8 MiB. */
  readonly cacheSize?: number | undefined
  /** Bytes of a memtable. Default 4 MiB. */
  readonly writeBufferSize?: number | undefined
  /** Bytes of a block before compression. Default 4 KiB. */
  readonly blockSize?: number | undefined
  /** Tables kept open. Default 1000. */
  readonly maxOpenFiles?: number | undefined
  /** Keys between two restart points of a block. Default 16. */
  readonly blockRestartInterval?: number | undefined
  /** Bytes of a table. Default 2 MiB. */
  readonly maxFileSize?: number | undefined
  /** Bits of bloom filter a key; 0 for none. Default 10. */
  readonly filterBitsPerKey?: number | undefined
  /** Look at the checksum of every block that is read. Default true. */
  readonly verifyChecksums?: boolean | undefined
  /** Open without lock and without writing, also beside a writer. Default false. */
  readonly readOnly?: boolean | undefined
  /**
   * What a write without `sync` waits for. 'os', the default: it survives the end of the process.
   * 'sync': it survives a power cut. A number: as 'os', and every that many milliseconds what was
   * written since is synced, so that a power cut takes no more than that.
   */
  readonly durability?: 'os' | 'sync' | number | undefined
  /** Not supported: one thread opens a directory, and others ask it. */
  readonly multithreading?: false | undefined
}

/** Options of the constructor. */
export interface DatabaseOptions<K, V>
  extends AbstractDatabaseOptions<K, V>, Omit<OpenOptions, 'passive'> {}

export interface ReadOptions {
  /** Keep the blocks that are read in the cache. Default true; false for iterators. */
  readonly fillCache?: boolean | undefined
}

export interface WriteOptions {
  /** Wait until the write survives a power cut. Default as `durability` says. */
  readonly sync?: boolean | undefined
}

export interface GetOptions<K, V> extends AbstractGetOptions<K, V>, ReadOptions {}
export interface GetManyOptions<K, V> extends AbstractGetManyOptions<K, V>, ReadOptions {}
export interface HasOptions<K> extends AbstractHasOptions<K>, ReadOptions {}
export interface HasManyOptions<K> extends AbstractHasManyOptions<K>, ReadOptions {}
export interface PutOptions<K, V> extends AbstractPutOptions<K, V>, WriteOptions {}
export interface DelOptions<K> extends AbstractDelOptions<K>, WriteOptions {}
export interface BatchOptions<K, V> extends AbstractBatchOptions<K, V>, WriteOptions {}
export interface ClearOptions<K> extends AbstractClearOptions<K>, WriteOptions, SignalOptions {}
export interface ChainedBatchWriteOptions extends AbstractChainedBatchWriteOptions, WriteOptions {}

export interface AdditionalIteratorOptions extends ReadOptions {
  /** Bytes of entries that the iterator may hold ahead of its reader. Default 16 KiB. */
  readonly highWaterMarkBytes?: number | undefined
}
/** Options of approximateSize and compactRange. */
export interface StartEndOptions<K> extends SignalOptions {
  readonly keyEncoding?: string | Transcoder.PartialEncoder<K> | undefined
}

const ENGINE_NAMES = [
  'createIfMissing',
  'errorIfExists',
  'cacheSize',
  'writeBufferSize',
  'blockSize',
  'maxOpenFiles',
  'blockRestartInterval',
  'maxFileSize',
  'filterBitsPerKey',
  'verifyChecksums',
  'readOnly',
] as const

/**
 * What the engine is opened with. Options that mean nothing to it are left to abstract-level.
 * Throws TypeError or RangeError that names the option.
 */
export function engineOptions(options: OpenOptions): DBOptions {
  const { compression = true, multithreading = false }: Record<string, unknown> = { ...options }
  if (typeof compression !== 'boolean') throw new TypeError('compression must be a boolean')
  if (multithreading !== false) {
    throw new TypeError('multithreading is not supported: open the database in one thread')
  }
  const picked: Record<string, unknown> = {
    createIfMissing: options.readOnly !== true,
    compression: compression ? 'snappy' : 'none',
  }
  for (const name of ENGINE_NAMES) if (options[name] !== undefined) picked[name] = options[name]
  // Here, so that a mistake in the constructor's options is the constructor's to report.
  checkOptions(picked)
  return picked
}

/** The default of `sync`, and the milliseconds between syncs; undefined for none. */
export function durabilityOf(options: OpenOptions): {
  readonly sync: boolean
  readonly intervalMs: number | undefined
} {
  const { durability = 'os' } = options
  if (durability === 'os' || durability === 'sync') {
    return { sync: durability === 'sync', intervalMs: undefined }
  }
  if (typeof durability !== 'number') {
    throw new TypeError("durability must be 'os', 'sync' or a number of milliseconds")
  }
  if (!Number.isInteger(durability) || durability < 1 || durability > 2 ** 31 - 1) {
    throw new RangeError(`durability must be a whole number of milliseconds, not ${durability}`)
  }
  return { sync: false, intervalMs: durability }
}
