// The options of an iterator, checked in one place.

import { type IteratorRange, type RangeOptions, rangeError, rangeOf } from './read/range.ts'
import type { DBSnapshot } from './snapshot.ts'

export interface DBIteratorOptions extends RangeOptions {
  /** Entries to hand out at the most. Default: all. */
  readonly limit?: number
  /** False: undefined in place of every key, which is not even copied. Default true. */
  readonly keys?: boolean
  /** The same for values. */
  readonly values?: boolean
  /** Reads as of this snapshot, which may be closed afterwards. Default: as of now. */
  readonly snapshot?: DBSnapshot
  /** True: the blocks that are read may be kept in the block cache. Default false, for long scans. */
  readonly fillCache?: boolean
  /** Bytes of keys and values that are fetched ahead, and that nextv hands out at once. Default 16 KiB. */
  readonly highWaterMarkBytes?: number
}

export interface CheckedIteratorOptions {
  readonly range: IteratorRange
  readonly limit: number
  readonly keys: boolean
  readonly values: boolean
  readonly fillCache: boolean
  readonly highWaterMarkBytes: number
}

const DEFAULT_HIGH_WATER_MARK_BYTES: number = 16 * 1024
const FLAGS = ['keys', 'values', 'fillCache'] as const
const BOUNDS = ['gt', 'gte', 'lt', 'lte', 'reverse'] as const
const NAMES: ReadonlySet<string> = new Set([
  ...BOUNDS,
  ...FLAGS,
  'limit',
  'snapshot',
  'highWaterMarkBytes',
])

/**
 * The options with defaults filled in, the bounds copied. Throws TypeError or RangeError that names the
 * option, or LEVEL_INVALID_KEY for a bound.
 */
export function checkIteratorOptions(options: DBIteratorOptions): CheckedIteratorOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options must be an object')
  }
  // A misspelt bound would be a scan of the whole database.
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw new TypeError(`unknown option ${name}`)
  }
  const error = rangeError(options)
  if (error !== undefined) throw error
  for (const name of FLAGS) {
    const flag: unknown = options[name]
    if (flag !== undefined && typeof flag !== 'boolean') {
      throw new TypeError(`${name} must be a boolean`)
    }
  }
  const { keys, values, fillCache, limit, highWaterMarkBytes } = options
  return {
    range: rangeOf(options),
    limit: checkCount('limit', limit ?? Number.POSITIVE_INFINITY),
    keys: keys !== false,
    values: values !== false,
    fillCache: fillCache === true,
    highWaterMarkBytes: checkCount(
      'highWaterMarkBytes',
      highWaterMarkBytes ?? DEFAULT_HIGH_WATER_MARK_BYTES,
    ),
  }
}

function checkCount(name: string, value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (value !== Number.POSITIVE_INFINITY && (!Number.isInteger(value) || value < 0)) {
    throw new RangeError(`${name} must be a whole number from 0 on or Infinity, not ${value}`)
  }
  return value
}
