// WriteBatch: writes that are applied together, in the order in which they were added.

import {
  BATCH_HEADER_SIZE,
  BatchBuffer,
  BatchCursor,
  batchSizeError,
  deleteRecordSize,
  putRecordSize,
} from './batch.ts'
import { TYPE_VALUE } from './internal-key.ts'
import { keyError, lengthOf, valueError } from './user-bytes.ts'

/** Receives the records of a batch in order. The buffers are copies: the handler's to keep. */
export interface WriteBatchHandler {
  put(key: Buffer, value: Buffer): void
  delete(key: Buffer): void
}

/** The bytes behind a batch. For the engine: not exported from the package. */
export let batchBufferOf: (batch: WriteBatch) => BatchBuffer

export class WriteBatch {
  readonly #buffer = new BatchBuffer()

  static {
    batchBufferOf = (batch: WriteBatch): BatchBuffer => batch.#buffer
  }

  /**
   * Adds a put. Key and value are copied before the call returns.
   * Throws LEVEL_INVALID_KEY, or LEVEL_INVALID_VALUE also where the batch would pass 2^31 - 1 bytes;
   * the batch is then as it was.
   */
  put(key: Uint8Array, value: Uint8Array): this {
    const error = keyError(key) ?? valueError(value)
    if (error !== undefined) throw error
    this.#checkRoom(putRecordSize(lengthOf(key), lengthOf(value)), 1)
    this.#buffer.put(key, value)
    return this
  }

  /** Adds a deletion. Copies and throws as put does. */
  delete(key: Uint8Array): this {
    const error = keyError(key)
    if (error !== undefined) throw error
    this.#checkRoom(deleteRecordSize(lengthOf(key)), 1)
    this.#buffer.delete(key)
    return this
  }

  /** Adds the writes of `source` after those of this batch. `source` is left as it is. */
  append(source: WriteBatch): this {
    if (!(source instanceof WriteBatch)) throw new TypeError('append takes a WriteBatch')
    const buffer = source.#buffer
    this.#checkRoom(buffer.end - BATCH_HEADER_SIZE, buffer.count)
    this.#buffer.append(buffer)
    return this
  }

  /** Drops every write; the memory is kept for the next ones. */
  clear(): this {
    this.#buffer.clear()
    return this
  }

  /** How many writes are in the batch. */
  get count(): number {
    return this.#buffer.count
  }

  /** What the batch takes in the log, in bytes, headers of its blocks left out. */
  get sizeBytes(): number {
    return this.#buffer.end
  }

  /** Calls the handler for every write, in order. */
  iterate(handler: WriteBatchHandler): void {
    const { bytes, end } = this.#buffer
    const cursor = new BatchCursor()
    cursor.reset(bytes, 0, end)
    while (cursor.next()) {
      const key = copyOf(bytes, cursor.keyStart, cursor.keyEnd)
      if (cursor.type === TYPE_VALUE) {
        handler.put(key, copyOf(bytes, cursor.valueStart, cursor.valueEnd))
      } else {
        handler.delete(key)
      }
    }
  }

  #checkRoom(sizeBytes: number, count: number): void {
    const error = batchSizeError(this.#buffer.end + sizeBytes, this.#buffer.count + count)
    if (error !== undefined) throw error
  }
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(bytes.subarray(start, end))
}
