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

import { MAX_VARINT32_LENGTH, putFixed32, putVarint } from '../format/coding.ts'
import { Bytes, copyBytes } from '../format/copy-words.ts'

export class BlockBuilder {
  readonly #restartInterval: number
  #bytes: Bytes
  #end = 0
  #lastKey: Bytes = Bytes.allocate(64)
  #lastKeyLength = 0
  #restarts = new Uint32Array(64)
  #restartCount = 1
  #sinceRestart = 0

  /** Requires: restartInterval >= 1. */
  constructor(restartInterval: number, capacityBytes: number) {
    this.#restartInterval = restartInterval
    this.#bytes = Bytes.allocate(capacityBytes)
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
    return this.#bytes.buffer
  }

  /** Holds the last key. The builder overwrites and replaces it. */
  get lastKey(): Bytes {
    return this.#lastKey
  }

  get lastKeyLength(): number {
    return this.#lastKeyLength
  }

  /** How many bytes key[keyStart, keyEnd) and the last key begin with in common. */
  sharedWithLast(key: Bytes, keyStart: number, keyEnd: number): number {
    const keyLength = keyEnd - keyStart
    const limit = keyLength < this.#lastKeyLength ? keyLength : this.#lastKeyLength
    const { buffer, view } = this.#lastKey
    let shared = 0
    while (shared + 4 <= limit) {
      const difference = view.getInt32(shared, true) ^ key.view.getInt32(keyStart + shared, true)
      if (difference !== 0) return shared + lowestByte(difference)
      shared += 4
    }
    while (shared < limit && buffer[shared] === key.buffer[keyStart + shared]) shared++
    return shared
  }

  /**
   * Adds an entry. `shared` is how many bytes its key has in common with the last one, or fewer: who
   * compared user keys alone has not seen that the tags behind them may begin alike, which LevelDB
   * counts too.
   * Requires: the key sorts after the last one of this block. Requires: not finished.
   */
  add(
    shared: number,
    key: Bytes,
    keyStart: number,
    keyEnd: number,
    value: Bytes,
    valueStart: number,
    valueEnd: number,
  ): void {
    const keyLength = keyEnd - keyStart
    const valueLength = valueEnd - valueStart
    const at = this.#end
    const room = at + 3 * MAX_VARINT32_LENGTH + keyLength + valueLength
    if (room > this.#bytes.buffer.length) this.#grow(room)
    const common = this.#extendShared(shared, key.buffer, keyStart, keyLength)
    const stored = this.#beginEntry() ? 0 : common
    const bytes = this.#bytes
    const nonShared = keyLength - stored
    let position = at + 3
    // Lengths below 128, the usual case, take a byte each.
    if ((stored | nonShared | valueLength) < 0x80) {
      bytes.buffer[at] = stored
      bytes.buffer[at + 1] = nonShared
      bytes.buffer[at + 2] = valueLength
    } else {
      position = putVarint(bytes.buffer, at, stored)
      position = putVarint(bytes.buffer, position, nonShared)
      position = putVarint(bytes.buffer, position, valueLength)
    }
    copyBytes(key, keyStart + stored, keyEnd, bytes, position)
    position += nonShared
    copyBytes(value, valueStart, valueEnd, bytes, position)
    this.#end = position + valueLength
    if (keyLength > this.#lastKey.buffer.length) this.#growLastKey(keyLength)
    copyBytes(key, keyStart + common, keyEnd, this.#lastKey, common)
    this.#lastKeyLength = keyLength
  }

  #extendShared(shared: number, key: Buffer, keyStart: number, keyLength: number): number {
    const limit = keyLength < this.#lastKeyLength ? keyLength : this.#lastKeyLength
    const lastKey = this.#lastKey.buffer
    let common = shared
    while (common < limit && lastKey[common] === key[keyStart + common]) common++
    return common
  }

  /** Writes the restart points; returns the contents' size: they are in bytes[0, size). */
  finish(): number {
    const size = this.sizeBytes
    if (size > this.#bytes.buffer.length) this.#grow(size)
    const { buffer } = this.#bytes
    for (let i = 0; i < this.#restartCount; i++) {
      putFixed32(buffer, this.#end + 4 * i, this.#restarts[i]!)
    }
    putFixed32(buffer, size - 4, this.#restartCount)
    return size
  }

  /** Begins the next block. The last key stays known. */
  reset(): void {
    this.#end = 0
    this.#restartCount = 1
    this.#sinceRestart = 0
  }

  /** Counts the entry; whether it is a restart point. */
  #beginEntry(): boolean {
    if (this.#sinceRestart !== this.#restartInterval) return this.#sinceRestart++ === 0
    if (this.#restartCount === this.#restarts.length) this.#growRestarts()
    this.#restarts[this.#restartCount++] = this.#end
    this.#sinceRestart = 1
    return true
  }

  #grow(neededBytes: number): void {
    const bytes = Bytes.allocate(Math.max(neededBytes, 2 * this.#bytes.buffer.length))
    this.#bytes.buffer.copy(bytes.buffer, 0, 0, this.#end)
    this.#bytes = bytes
  }

  #growLastKey(neededBytes: number): void {
    const lastKey = Bytes.allocate(Math.max(neededBytes, 2 * this.#lastKey.buffer.length))
    this.#lastKey.buffer.copy(lastKey.buffer, 0, 0, this.#lastKeyLength)
    this.#lastKey = lastKey
  }

  #growRestarts(): void {
    const restarts = new Uint32Array(2 * this.#restarts.length)
    restarts.set(this.#restarts)
    this.#restarts = restarts
  }
}

/** The place of the lowest byte of a word that is not 0. */
function lowestByte(word: number): number {
  return (31 - Math.clz32(word & -word)) >>> 3
}
