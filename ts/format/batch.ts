// A batch of writes: in the queue, in the log, and in the hands of a user.
//
//   batch  := sequence: fixed64  count: fixed32  record*
//   record := 1 key value | 0 key
//   key, value := length: varint32  bytes
//
// The first record has the batch's sequence, the second the next one, and so on.
//
// Invariants of BatchBuffer:
//   bytes[0, end) is a whole batch, `count` records long; the header is written by seal().
//   Bytes handed in are copied before the call returns: they are the caller's again. Their length is
//   read once, so that a record is whole whatever another thread does to them meanwhile.
//   A call that throws (there is no memory) leaves the batch as it was.

import {
  fixed32At,
  fixed64At,
  putFixed32,
  putFixed64,
  putVarint,
  varint32At,
  varint32End,
  varintLength,
} from './coding.ts'
import { corruption, SluiceError } from './error.ts'
import { TYPE_DELETION, TYPE_VALUE } from './internal-key.ts'
import { lengthOf, MAX_BATCH_COUNT, MAX_BATCH_SIZE } from './user-bytes.ts'

// On disk: never change this value.
export const BATCH_HEADER_SIZE: number = 8 + 4 // sequence, count

const INITIAL_CAPACITY = 256

// Up to this many bytes a loop beats TypedArray.set, which is a call out of compiled code: 5 ns
// against 12 at 8 bytes, 33 against 13 at 16, 247 against 17 at 100 (Node 20.20, 2026-11-20,
// `node dist/scripts/bench-pieces.js copies`).
const LOOP_COPY_LIMIT = 8

// A part of a Buffer is another matter: copy() makes a view of it first (the figures are in
// copy-words).
const RANGE_COPY_LIMIT = 48

/**
 * Copies the first `length` bytes of `source`, all that it had a moment ago, to target[position...].
 * What it may have grown by since does not count, though it may be written behind them.
 * Requires: there is room for `length`.
 */
export function copyAll(
  source: Uint8Array,
  length: number,
  target: Uint8Array,
  position: number,
): void {
  if (length > LOOP_COPY_LIMIT) {
    try {
      target.set(source, position)
    } catch {
      // It has grown past the room, under our hands: exactly what was asked for fits.
      target.set(new Uint8Array(source.buffer, source.byteOffset, length), position)
    }
    return
  }
  for (let i = 0; i < length; i++) target[position + i] = source[i]!
}

/** Copies source[start, end) to target[position...]. Requires: there is room. */
export function copyRange(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  position: number,
): void {
  const length = end - start
  if (length > RANGE_COPY_LIMIT) {
    source.copy(target, position, start, end)
    return
  }
  for (let i = 0; i < length; i++) target[position + i] = source[start + i]!
}

/** Bytes of a put's record. */
export function putRecordSize(keyLength: number, valueLength: number): number {
  return 1 + varintLength(keyLength) + keyLength + varintLength(valueLength) + valueLength
}

/** Bytes of a deletion's record. */
export function deleteRecordSize(keyLength: number): number {
  return 1 + varintLength(keyLength) + keyLength
}

/** The error for a batch that would become too large, or undefined. */
export function batchSizeError(sizeBytes: number, count: number): SluiceError | undefined {
  if (sizeBytes <= MAX_BATCH_SIZE && count <= MAX_BATCH_COUNT) return undefined
  return new SluiceError(
    'LEVEL_INVALID_VALUE',
    `Batch of ${sizeBytes} bytes and ${count} records is above ${MAX_BATCH_SIZE} bytes or ${MAX_BATCH_COUNT} records`,
  )
}

/** A growing batch. Sizes are the callers' to check first (batchSizeError). */
export class BatchBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_CAPACITY)
  end: number = BATCH_HEADER_SIZE
  count = 0

  put(key: Uint8Array, value: Uint8Array): void {
    const keyLength = lengthOf(key)
    const valueLength = lengthOf(value)
    this.reserve(putRecordSize(keyLength, valueLength))
    const { bytes } = this
    let at = this.end
    bytes[at++] = TYPE_VALUE
    at = putVarint(bytes, at, keyLength)
    copyAll(key, keyLength, bytes, at)
    at = putVarint(bytes, at + keyLength, valueLength)
    copyAll(value, valueLength, bytes, at)
    this.end = at + valueLength
    this.count++
  }

  delete(key: Uint8Array): void {
    const keyLength = lengthOf(key)
    this.reserve(deleteRecordSize(keyLength))
    const { bytes } = this
    bytes[this.end] = TYPE_DELETION
    const at = putVarint(bytes, this.end + 1, keyLength)
    copyAll(key, keyLength, bytes, at)
    this.end = at + keyLength
    this.count++
  }

  /** Adds every record of `source`, which may be this very batch. */
  append(source: BatchBuffer): void {
    const sourceEnd = source.end
    this.reserve(sourceEnd - BATCH_HEADER_SIZE)
    source.bytes.copy(this.bytes, this.end, BATCH_HEADER_SIZE, sourceEnd)
    this.end += sourceEnd - BATCH_HEADER_SIZE
    this.count += source.count
  }

  /** Writes the header. Requires: 0 <= sequence <= MAX_SEQUENCE. */
  seal(sequence: number): void {
    putFixed64(this.bytes, 0, sequence)
    putFixed32(this.bytes, 8, this.count)
  }

  clear(): void {
    this.end = BATCH_HEADER_SIZE
    this.count = 0
  }

  /** Makes room for `sizeBytes` more. */
  reserve(sizeBytes: number): void {
    const needed = this.end + sizeBytes
    if (needed <= this.bytes.length) return
    // Doubling, but never past the largest batch: a batch at the limit needs no larger buffer.
    const capacity = Math.max(needed, Math.min(this.bytes.length * 2, MAX_BATCH_SIZE))
    const grown = Buffer.allocUnsafeSlow(capacity)
    this.bytes.copy(grown, 0, 0, this.end)
    this.bytes = grown
  }
}

/** The sequence in a batch's header, or -1 when it is above what a number holds exactly. */
export function batchSequence(bytes: Uint8Array, start: number): number {
  return fixed64At(bytes, start)
}

/** The count in a batch's header. */
export function batchCount(bytes: Uint8Array, start: number): number {
  return fixed32At(bytes, start + 8)
}

/**
 * Walks the records of a batch without an object for each: next() moves on and sets the fields.
 * Throws LEVEL_CORRUPTION where the bytes are no record.
 */
export class BatchCursor {
  type = 0
  keyStart = 0
  keyEnd = 0
  /** For a deletion, both are keyEnd. */
  valueStart = 0
  valueEnd = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0

  /** Starts at the first record of the batch bytes[start, end). Requires: end - start >= header. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes
    this.#at = start + BATCH_HEADER_SIZE
    this.#end = end
  }

  next(): boolean {
    if (this.#at >= this.#end) return false
    const type = this.#bytes[this.#at]!
    if (type !== TYPE_VALUE && type !== TYPE_DELETION) {
      throw corruption(`unknown record type ${type} in a batch`)
    }
    this.type = type
    this.keyEnd = this.#slice(this.#at + 1)
    this.keyStart = this.#sliceStart
    this.valueStart = this.keyEnd
    this.valueEnd = this.keyEnd
    if (type === TYPE_VALUE) {
      this.valueEnd = this.#slice(this.keyEnd)
      this.valueStart = this.#sliceStart
    }
    this.#at = this.valueEnd
    return true
  }

  #sliceStart = 0

  // The end of the length-prefixed bytes at `position`; their start is left in #sliceStart.
  #slice(position: number): number {
    const start = varint32End(this.#bytes, position, this.#end)
    if (start < 0) throw corruption('a length in a batch is cut or malformed')
    const end = start + varint32At(this.#bytes, position)
    if (end > this.#end) throw corruption('a key or value reaches past its batch')
    this.#sliceStart = start
    return end
  }
}

/**
 * Throws LEVEL_CORRUPTION unless bytes[start, end) is a whole batch: a header, as many records as
 * it counts, and nothing else. A batch from the disk is applied only after this, so that it is
 * applied whole or not at all.
 */
export function checkBatch(bytes: Uint8Array, start: number, end: number): void {
  if (end - start < BATCH_HEADER_SIZE) throw corruption('a batch is shorter than its header')
  const cursor = new BatchCursor()
  cursor.reset(bytes, start, end)
  let records = 0
  while (cursor.next()) records++
  const count = batchCount(bytes, start)
  if (records !== count) throw corruption(`a batch has ${records} records and counts ${count}`)
}
