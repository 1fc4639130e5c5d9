// The range of an iterator: what its bounds come to as cuts (see position.ts).

import { type SluiceError } from '../../format/error.ts'
import { keyError } from '../../format/user-bytes.ts'
import { cutBehind } from './position.ts'

export interface RangeOptions {
  /** Keys above this one. Not looked at beside `gte`. */
  readonly gt?: Uint8Array
  /** Keys from this one on. */
  readonly gte?: Uint8Array
  /** Keys below this one. Not looked at beside `lte`. */
  readonly lt?: Uint8Array
  /** Keys up to this one. */
  readonly lte?: Uint8Array
  /** True: from the last key to the first. Default false. */
  readonly reverse?: boolean
}

export interface IteratorRange {
  readonly low: Buffer | undefined
  readonly high: Buffer | undefined
  readonly isReverse: boolean
  /** No key can be in it. */
  readonly isEmpty: boolean
}

/** What is wrong with the bounds; undefined when they can be. */
export function rangeError({ gt, gte, lt, lte, reverse }: RangeOptions): Error | undefined {
  if (reverse !== undefined && typeof reverse !== 'boolean') {
    return new TypeError('reverse must be a boolean')
  }
  let error: SluiceError | undefined
  for (const bound of [gt, gte, lt, lte]) if (bound !== undefined) error ??= keyError(bound)
  return error
}

/** The range of the options, their bytes copied. Requires: no rangeError. */
export function rangeOf({ gt, gte, lt, lte, reverse }: RangeOptions): IteratorRange {
  const low = gte === undefined ? gt && cutBehind(gt) : Buffer.from(gte)
  const high = lte === undefined ? lt && Buffer.from(lt) : cutBehind(lte)
  const isEmpty = low !== undefined && high !== undefined && low.compare(high) >= 0
  return { low, high, isReverse: reverse === true, isEmpty }
}

export function isInRange({ low, high, isEmpty }: IteratorRange, key: Uint8Array): boolean {
  if (isEmpty) return false
  if (low !== undefined && low.compare(key) > 0) return false
  return high === undefined || high.compare(key) > 0
}

/** Where a seek to the key goes on from, so that the key itself comes next. */
export function cutFor(key: Uint8Array, isReverse: boolean): Buffer {
  return isReverse ? cutBehind(key) : Buffer.from(key)
}
