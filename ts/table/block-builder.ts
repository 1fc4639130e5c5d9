// A block: sorted entries, each keyed by how it differs from the one before.
//
//   contents := entry*  restart: fixed32 [count]  count: fixed32
//   entry    := shared: varint32  non_shared: varint32  value_size: varint32
//               key[shared, shared + non_shared)  value
//   restart  := offset of an entry with shared = 0; the first entry always, then every interval-th
//
// Invariants:
//   `lastKey` holds the key of the last entry added, whole, also after `finish` and `reset`; each
//   add copies only the part that differs.
//   One buffer serves every block: what `finish` leaves in `bytes` is valid until the next `add`.
//   BLOCK_TRAILER_SIZE bytes behind the contents belong to the block, so that its owner can put the
//   trailer there and checksum and append everything in one go.

import { copyRange } from '../format/batch.ts'
import { MAX_VARINT32_LENGTH, putFixed32, putVarint } from '../format/coding.ts'
import { BLOCK_TRAILER_SIZE } from './format.ts'

export class BlockBuilder {
  readonly #restartInterval: number
  #bytes: Buffer
  #end = 0
  #lastKey: Buffer = Buffer.allocUnsafeSlow(64)
  #lastKeyLength = 0
  #restarts = new Uint32Array(64)
  #restartCount = 1
  #sinceRestart = 0

  /** Requires: restartInterval >= 1. */
  constructor(restartInterval: number, capacityBytes: number) {
    this.#restartInterval = restartInterval
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes)
  }

  get isEmpty(): boolean {
    return this.#end === 0
  }

  /** The contents' size, were the block finished now. */
  get sizeBytes(): number {
    return this.#end + 4 * this.#restartCount + 4
  }

  /** Holds the contents after `finish`. A view: the builder overwrites and replaces it. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Holds the last key. A view: the builder overwrites and replaces it. */
  get lastKey(): Buffer {
    return this.#lastKey
  }

  get lastKeyLength(): number {
    return this.#lastKeyLength
  }

  /** Requires: the key sorts after the last one of this block. Requires: not finished. */
  add(
    key: Buffer,
    keyStart: number,
    keyEnd: number,
    value: Buffer,
    valueStart: number,
    valueEnd: number,
  ): void {
    const keyLength = keyEnd - keyStart
    const valueLength = valueEnd - valueStart
    const at = this.#end
    const room = at + 3 * MAX_VARINT32_LENGTH + keyLength + valueLength
    if (room > this.#bytes.length) this.#grow(room)
    const shared = this.#beginEntry(key, keyStart, keyLength)
    const bytes = this.#bytes
    let position = putVarint(bytes, at, shared)
    position = putVarint(bytes, position, keyLength - shared)
    position = putVarint(bytes, position, valueLength)
    copyRange(key, keyStart + shared, keyEnd, bytes, position)
    position += keyLength - shared
    copyRange(value, valueStart, valueEnd, bytes, position)
    this.#end = position + valueLength
    if (keyLength > this.#lastKey.length) this.#growLastKey(keyLength)
    copyRange(key, keyStart + shared, keyEnd, this.#lastKey, shared)
    this.#lastKeyLength = keyLength
  }

  /** Writes the restart points; returns the contents' size: they are in bytes[0, size). */
  finish(): number {
    const size = this.sizeBytes
    if (size + BLOCK_TRAILER_SIZE > this.#bytes.length) this.#grow(size + BLOCK_TRAILER_SIZE)
    for (let i = 0; i < this.#restartCount; i++) {
      putFixed32(this.#bytes, this.#end + 4 * i, this.#restarts[i]!)
    }
    putFixed32(this.#bytes, size - 4, this.#restartCount)
    return size
  }

  /** Begins the next block. The last key stays known. */
  reset(): void {
    this.#end = 0
    this.#restartCount = 1
    this.#sinceRestart = 0
  }

  /** Counts the entry, opens a restart point when one is due; returns how much of the key is shared. */
  #beginEntry(key: Buffer, keyStart: number, keyLength: number): number {
    if (this.#sinceRestart === this.#restartInterval) {
      if (this.#restartCount === this.#restarts.length) this.#growRestarts()
      this.#restarts[this.#restartCount++] = this.#end
      this.#sinceRestart = 1
      return 0
    }
    if (this.#sinceRestart++ === 0) return 0
    const lastKey = this.#lastKey
    const limit = Math.min(keyLength, this.#lastKeyLength)
    let shared = 0
    while (shared < limit && lastKey[shared] === key[keyStart + shared]) shared++
    return shared
  }

  #grow(neededBytes: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(neededBytes, 2 * this.#bytes.length))
    this.#bytes.copy(bytes, 0, 0, this.#end)
    this.#bytes = bytes
  }

  #growLastKey(neededBytes: number): void {
    const lastKey = Buffer.allocUnsafeSlow(Math.max(neededBytes, 2 * this.#lastKey.length))
    this.#lastKey.copy(lastKey, 0, 0, this.#lastKeyLength)
    this.#lastKey = lastKey
  }

  #growRestarts(): void {
    const restarts = new Uint32Array(2 * this.#restarts.length)
    restarts.set(this.#restarts)
    this.#restarts = restarts
  }
}
