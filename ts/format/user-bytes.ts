// What a caller may hand in as a key or a value, checked before anything is copied.
//
// Limits come from the format: lengths are varint32, an internal key adds 8 bytes to a key, and a
// batch is one Buffer. What is refused here has left no trace anywhere.

import { SluiceError } from './error.ts'
import { TAG_SIZE } from './internal-key.ts'

export const MAX_KEY_SIZE: number = 2 ** 32 - 1 - TAG_SIZE
export const MAX_VALUE_SIZE: number = 2 ** 32 - 1
/** One below 2^31: C++ LevelDB on 32 bits, and every Node that we support, can hold it whole. */
export const MAX_BATCH_SIZE: number = 2 ** 31 - 1
/** Of a record in a log alone. A reader holds a record whole, in blocks and joined. */
export const MAX_RECORD_SIZE: number = 2 ** 28
/** The count of a batch is a fixed32. */
export const MAX_BATCH_COUNT: number = 2 ** 32 - 1

const intrinsicLength = Reflect.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  'length',
)!

/**
 * How many bytes an array has at this moment. A class of the caller's may say otherwise in a getter,
 * and another thread may let a growable buffer grow, so whoever copies asks once.
 */
export function lengthOf(bytes: Uint8Array): number {
  return intrinsicLength.get!.call(bytes) as number
}

/** Undefined when `key` can be a key; otherwise the LEVEL_INVALID_KEY error that says why not. */
export function keyError(key: unknown): SluiceError | undefined {
  if (isOrdinary(key) && isWithin(lengthOf(key), MAX_KEY_SIZE)) return undefined
  return bytesError('LEVEL_INVALID_KEY', 'Key', key, MAX_KEY_SIZE)
}

/** The same for a value, with LEVEL_INVALID_VALUE. */
export function valueError(value: unknown): SluiceError | undefined {
  if (isOrdinary(value) && isWithin(lengthOf(value), MAX_VALUE_SIZE)) return undefined
  return bytesError('LEVEL_INVALID_VALUE', 'Value', value, MAX_VALUE_SIZE)
}

/** The same for a record of a log alone, which may be empty. */
export function recordError(record: unknown): SluiceError | undefined {
  if (isOrdinary(record) && isWithin(lengthOf(record), MAX_RECORD_SIZE)) return undefined
  return bytesError('LEVEL_INVALID_VALUE', 'Record', record, MAX_RECORD_SIZE)
}

// Not empty, which needs a second look, and not too long.
function isWithin(length: number, limitBytes: number): boolean {
  return length > 0 && length <= limitBytes
}

function bytesError(
  code: 'LEVEL_INVALID_KEY' | 'LEVEL_INVALID_VALUE',
  what: string,
  bytes: unknown,
  limitBytes: number,
): SluiceError | undefined {
  if (bytes === null || bytes === undefined) {
    return new SluiceError(code, `${what} cannot be null or undefined`)
  }
  if (!isUint8Array(bytes)) return new SluiceError(code, `${what} must be a Uint8Array`)
  const length = lengthOf(bytes)
  if (length > limitBytes) {
    return new SluiceError(code, `${what} of ${length} bytes is above ${limitBytes}`)
  }
  if (length === 0 && !isAttached(bytes)) {
    return new SluiceError(code, `${what} is a view of a detached or shrunk buffer`)
  }
  return undefined
}

// The class alone is not enough: an object that only inherits from Uint8Array throws when it is asked
// for its length.
function isOrdinary(bytes: unknown): bytes is Uint8Array {
  return bytes instanceof Uint8Array && ArrayBuffer.isView(bytes)
}

// By tag and not only by class, so that an array of another realm (a vm context) is accepted too.
function isUint8Array(bytes: unknown): bytes is Uint8Array {
  return (
    isOrdinary(bytes) ||
    (ArrayBuffer.isView(bytes) && Object.prototype.toString.call(bytes) === '[object Uint8Array]')
  )
}

// A detached or out-of-bounds view reports length 0 and would be stored as an empty value in
// silence. Every typed array method throws on one; indexOf on nothing does nothing else.
function isAttached(bytes: Uint8Array): boolean {
  try {
    Uint8Array.prototype.indexOf.call(bytes, 0)
    return true
  } catch {
    return false
  }
}
