// The options of a database, checked in one table.
//
// Names are LevelDB's in camelCase, and so are the defaults, with one exception: LevelDB writes no
// bloom filter unless told to, and classic-level always writes one of 10 bits a key; so do we.

import type { FileSystem } from '../platform/file-system.ts'
import type { TableOptions } from '../table/table-options.ts'
import { LEVELDB_LIMITS } from '../version/level-rules.ts'
import type { DatabaseEvent } from './event.ts'

export interface DBOptions {
  /** Create the database, and its directory, when there is none. Default false. */
  readonly createIfMissing?: boolean
  /** Refuse to open a database that exists. Default false. */
  readonly errorIfExists?: boolean
  /**
   * Open the database to read it only: without its lock, beside a process that writes it or not, and
   * without writing anything. It shows the state of the opening: a prefix of what was written, kept as
   * it was although its writer goes on. At most maxOpenFiles tables are held open for that; where there
   * are more, reads of the others fail with LEVEL_IO_ERROR once the writer has removed them. Whatever
   * would write is LEVEL_NOT_SUPPORTED. Default false.
   */
  readonly readOnly?: boolean
  /** Bytes of a memtable; a full one becomes a table. 1 KiB to 1 GiB, default 4 MiB. */
  readonly writeBufferSize?: number
  /** Bytes at which a compaction ends a table. 1 KiB to 1 GiB, default 2 MiB. */
  readonly maxFileSize?: number
  /**
   * Tables kept open, at least 1; never more than a fifth of the files that the process may have open.
   * Default 1000.
   */
  readonly maxOpenFiles?: number
  /** Bytes of data blocks kept in memory between reads; 0 for none. 0 to 2^40, default 8 MiB. */
  readonly cacheSize?: number
  /** False trusts the disk: reads do not look at the checksums of blocks. Default true. */
  readonly verifyChecksums?: boolean
  /** Bytes of a table's block before compression. 64 B to 4 MiB, default 4 KiB. */
  readonly blockSize?: number
  /** Keys between two restart points of a block. 1 to 65,536, default 16. */
  readonly blockRestartInterval?: number
  /** Bits of bloom filter a key; 0 for none. 0 to 64, default 10. */
  readonly filterBitsPerKey?: number
  /** How blocks are compressed. Default 'snappy'. */
  readonly compression?: 'none' | 'snappy'
  /** Bytes that a group of writes may grow to. 1 B to 1 GiB, default 1 MiB. */
  readonly groupLimitBytes?: number
  /**
   * Bytes by which a group that begins with a small write may grow, so that the small write does
   * not wait for much more than itself. 1 B to 1 GiB, default 1 MiB: LevelDB has 128 KiB, with which
   * 4,096 durable writers got 409,000 puts/s where they got 497,000 with 1 MiB, and 1,024 got 241,000
   * and 293,000 (2026-11-20, `node dist/scripts/bench-pieces.js groups`).
   */
  readonly smallGroupLimitBytes?: number
  /** Hears of what happens in the database. What it throws is the process's to handle. */
  readonly onEvent?: (event: DatabaseEvent) => void
}

export type CheckedOptions = Required<Omit<DBOptions, 'onEvent'>> & Pick<DBOptions, 'onEvent'>

type NumericOption = {
  [Name in keyof CheckedOptions]: CheckedOptions[Name] extends number ? Name : never
}[keyof Omit<CheckedOptions, 'onEvent'>]

/** Smallest and largest value of each number, in the unit of the option. */
const RANGES: Readonly<Record<NumericOption, readonly [number, number]>> = {
  writeBufferSize: [1024, 2 ** 30],
  maxFileSize: [1024, 2 ** 30],
  maxOpenFiles: [1, 2 ** 31 - 1],
  cacheSize: [0, 2 ** 40],
  blockSize: [64, 4 * 2 ** 20],
  blockRestartInterval: [1, 65_536],
  filterBitsPerKey: [0, 64],
  groupLimitBytes: [1, 2 ** 30],
  smallGroupLimitBytes: [1, 2 ** 30],
}

const BOOLEANS = ['createIfMissing', 'errorIfExists', 'readOnly', 'verifyChecksums'] as const

const DEFAULT_OPTIONS: CheckedOptions = {
  createIfMissing: false,
  errorIfExists: false,
  readOnly: false,
  writeBufferSize: 4 * 2 ** 20,
  maxFileSize: LEVELDB_LIMITS.maxFileSizeBytes,
  maxOpenFiles: 1000,
  cacheSize: 8 * 2 ** 20,
  verifyChecksums: true,
  blockSize: 4096,
  blockRestartInterval: 16,
  filterBitsPerKey: 10,
  compression: 'snappy',
  groupLimitBytes: 2 ** 20,
  smallGroupLimitBytes: 2 ** 20,
}

/** The options with defaults filled in. Throws TypeError or RangeError that names the option. */
export function checkOptions(options: DBOptions = {}): CheckedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options must be an object')
  }
  const checked: Record<string, unknown> = { ...DEFAULT_OPTIONS }
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'onEvent' && !Object.hasOwn(DEFAULT_OPTIONS, name)) {
      throw new TypeError(`unknown option ${name}`)
    }
    if (value !== undefined) checked[name] = value
  }
  const result = checked as unknown as CheckedOptions
  for (const [name, range] of Object.entries(RANGES)) checkNumber(name, checked[name], range)
  for (const name of BOOLEANS) {
    if (typeof result[name] !== 'boolean') throw new TypeError(`${name} must be a boolean`)
  }
  if (result.readOnly && (result.createIfMissing || result.errorIfExists)) {
    throw new TypeError('readOnly cannot go with createIfMissing or errorIfExists')
  }
  if (result.compression !== 'none' && result.compression !== 'snappy') {
    throw new RangeError(
      `compression must be 'none' or 'snappy', not ${String(result.compression)}`,
    )
  }
  if (result.onEvent !== undefined && typeof result.onEvent !== 'function') {
    throw new TypeError('onEvent must be a function')
  }
  return result
}

function checkNumber(name: string, value: unknown, [least, most]: readonly [number, number]): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`)
  }
}

/** Of the descriptors that the process may have, the part that tables take at most. */
const DESCRIPTOR_SHARE = 0.2

/** How many tables may be open: as the option says, within a share of the process's descriptors. */
export function openTableLimit(
  { maxOpenFiles }: CheckedOptions,
  { descriptorLimit }: Pick<FileSystem, 'descriptorLimit'>,
): number {
  if (descriptorLimit === undefined) return maxOpenFiles
  return Math.min(maxOpenFiles, Math.max(1, Math.floor(descriptorLimit * DESCRIPTOR_SHARE)))
}

/** The options that a table is built with: plain data, to be sent to a worker. */
export function tableOptionsOf(options: CheckedOptions): TableOptions {
  const { blockSize, blockRestartInterval, filterBitsPerKey, compression } = options
  return { blockSize, blockRestartInterval, filterBitsPerKey, compression }
}
