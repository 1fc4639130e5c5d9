// One sorted run of a compaction's inputs: its files one behind the other, entry by entry.
//
// An entry is integers into buffers: no object is made for it. Beside it stands how it compares with
// the winner, the entry that the merge gave out last, which is what most comparisons need (the
// technique is known as offset-value coding):
//
//   offset   how many bytes its user key and the winner's begin with in common
//   word     the four bytes of its user key behind these, zero-filled, as an integer in their order
//
// Of two entries that both sort after the winner, the one that shares more with it comes first; with
// equal offsets the smaller word does; only where both are equal the keys have to be read.
//
// Invariant: entries ascend, checked at each move, across blocks and files.

import { varint32At, varint32End } from '../format/coding.ts'
import { Bytes, copyBytes } from '../format/copy-words.ts'
import type { SluiceError } from '../format/error.ts'
import { MAX_SEQUENCE, TAG_SIZE, TYPE_VALUE } from '../format/internal-key.ts'
import type { FileSystem, RandomAccessFile } from '../platform/file-system.ts'
import { openTableFileSync } from '../table/table-file.ts'
import { TableScanner } from '../table/table-scanner.ts'
import type { FileMetadata } from '../version/file-metadata.ts'

const INITIAL_KEY_BYTES = 64
const NOTHING = Bytes.allocate(0)
/** Flips the sign, so that unsigned bytes order as signed words. */
const SIGN = 0x8000_0000 | 0
/** The offset of a run without an entry: it shares less than any entry. */
export const NO_ENTRY = -1

export class MergeRun {
  /** Its place among the runs. */
  readonly index: number
  /** The internal key is key[0, userEnd + TAG_SIZE). The next move overwrites or replaces it. */
  key: Bytes = Bytes.allocate(INITIAL_KEY_BYTES)
  userEnd = 0
  sequence = 0
  type = 0
  /** The value is value[valueStart, valueEnd). */
  value: Bytes = NOTHING
  valueStart = 0
  valueEnd = 0
  offset = 0
  word = 0
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #files: readonly FileMetadata[]
  #nextFile = 0
  #file: RandomAccessFile | undefined
  readonly #scanner: TableScanner
  /** Where the block begins. */
  #firstAt = 0
  #nextAt = 0
  #limit = 0
  #isFirst = true

  constructor(
    index: number,
    fileSystem: FileSystem,
    directory: string,
    files: readonly FileMetadata[],
  ) {
    this.index = index
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#files = files
    this.#scanner = new TableScanner((bytes, start, end) => fileSystem.crc32c(bytes, start, end))
  }

  get readBytes(): number {
    return this.#scanner.readBytes
  }

  /**
   * Goes to the first or next entry, whose offset and word then compare it with the entry before it;
   * false behind the last one. Throws LEVEL_CORRUPTION with file and offset, LEVEL_NOT_SUPPORTED or
   * LEVEL_IO_ERROR.
   */
  next(): boolean {
    if (this.#nextAt === this.#limit && !this.#openNextBlock()) {
      this.offset = NO_ENTRY
      this.word = 0
      return false
    }
    const at = this.#nextAt
    const limit = this.#limit
    const { buffer } = this.value
    let position = at + 3
    let shared = 0
    let nonShared = 0
    let valueLength = 0
    // Lengths below 128, the usual case, take a byte each.
    if (position <= limit && (buffer[at]! | buffer[at + 1]! | buffer[at + 2]!) < 0x80) {
      shared = buffer[at]!
      nonShared = buffer[at + 1]!
      valueLength = buffer[at + 2]!
    } else {
      const sharedEnd = varint32End(buffer, at, limit)
      const nonSharedEnd = sharedEnd === -1 ? -1 : varint32End(buffer, sharedEnd, limit)
      position = nonSharedEnd === -1 ? -1 : varint32End(buffer, nonSharedEnd, limit)
      if (position === -1) throw this.damage('entry lengths cut or malformed')
      shared = varint32At(buffer, at)
      nonShared = varint32At(buffer, sharedEnd)
      valueLength = varint32At(buffer, nonSharedEnd)
    }
    const left = limit - position
    if (nonShared > left || valueLength > left - nonShared) {
      throw this.damage('entry runs past the end of its block')
    }
    this.valueStart = position + nonShared
    this.valueEnd = this.valueStart + valueLength
    this.#nextAt = this.valueEnd
    const mostShared = at === this.#firstAt ? 0 : this.userEnd + TAG_SIZE
    if (shared > mostShared) throw this.damage('entry shares more than the key before it')
    this.#takeKey(shared, position, nonShared)
    if (at === this.#firstAt) this.#scanner.checkFirstKey(this.key.buffer, shared + nonShared)
    return true
  }

  close(): void {
    this.#scanner.close()
    const file = this.#file
    this.#file = undefined
    try {
      file?.closeSync()
    } catch {
      // Ignored: nothing was written, and the descriptor is gone whatever close(2) says.
    }
  }

  /** Damage of the block of the entry. */
  damage(what: string): SluiceError {
    return this.#scanner.damage(what)
  }

  /** The user key and the winner's begin with `offset` bytes in common, and no more. */
  setOffset(offset: number): void {
    this.offset = offset
    this.word = this.#wordAt(offset)
  }

  // The key shares its first bytes with the one before, which stands in `key`; the others are those
  // at `position` of the block.
  #takeKey(shared: number, position: number, nonShared: number): void {
    const keyLength = shared + nonShared
    const userEnd = keyLength - TAG_SIZE
    const userEndBefore = this.userEnd
    const sequenceBefore = this.sequence
    const typeBefore = this.type
    if (userEnd < 0) throw this.damage('internal key too short')
    if (keyLength > this.key.buffer.length) this.#growKey(keyLength)
    const offset = this.#firstDifference(shared, position, userEnd)
    copyBytes(this.value, position, position + nonShared, this.key, shared)
    this.userEnd = userEnd
    this.#readTag()
    this.setOffset(offset)
    if (offset === userEnd && !this.#isFirst) {
      // A prefix of the key before, or the same.
      if (userEnd !== userEndBefore) throw this.#outOfOrder()
      const isOlder =
        this.sequence < sequenceBefore ||
        (this.sequence === sequenceBefore && this.type < typeBefore)
      if (!isOlder) throw this.#outOfOrder()
    }
    this.#isFirst = false
  }

  // How many bytes the user key shares with the one before. The block says how many are not stored
  // again; a writer may have stored more than it had to, as at every restart point.
  #firstDifference(shared: number, position: number, userEnd: number): number {
    if (this.#isFirst) return 0
    const limit = userEnd < this.userEnd ? userEnd : this.userEnd
    if (shared >= limit) return limit
    const { buffer } = this.value
    const key = this.key.buffer
    const tail = position - shared
    let at = shared
    while (at < limit && buffer[tail + at] === key[at]) at++
    if (at < limit && buffer[tail + at]! < key[at]!) throw this.#outOfOrder()
    return at
  }

  #readTag(): void {
    const { view } = this.key
    const low = view.getUint32(this.userEnd, true)
    const high = view.getUint32(this.userEnd + 4, true)
    this.sequence = high * 0x100_0000 + (low >>> 8)
    this.type = low & 0xff
    if (this.sequence > MAX_SEQUENCE) throw this.damage('sequence of an entry is too large')
    if (this.type > TYPE_VALUE) throw this.damage(`entry of unknown type ${this.type}`)
  }

  #wordAt(offset: number): number {
    const { buffer, view } = this.key
    if (offset + 4 <= this.userEnd) return view.getInt32(offset) ^ SIGN
    let word = 0
    for (let at = offset; at < this.userEnd; at++) word |= buffer[at]! << (24 - 8 * (at - offset))
    return word ^ SIGN
  }

  #growKey(neededBytes: number): void {
    const key = Bytes.allocate(Math.max(neededBytes, 2 * this.key.buffer.length))
    this.key.buffer.copy(key.buffer)
    this.key = key
  }

  #outOfOrder(): SluiceError {
    return this.damage('entries out of order')
  }

  // Requires: every entry of the block before has been given out.
  #openNextBlock(): boolean {
    const scanner = this.#scanner
    if (this.#limit > 0) scanner.checkLastKey(this.key.buffer, this.userEnd + TAG_SIZE)
    do {
      while (!scanner.next()) if (!this.#openNextFile()) return false
    } while (scanner.start === scanner.end)
    this.value = scanner.bytes
    this.#firstAt = scanner.start
    this.#nextAt = scanner.start
    this.#limit = scanner.end
    return true
  }

  #openNextFile(): boolean {
    this.close()
    if (this.#nextFile === this.#files.length) return false
    const { number } = this.#files[this.#nextFile++]!
    this.#file = openTableFileSync(this.#fileSystem, this.#directory, number)
    this.#scanner.open(this.#file)
    return true
  }
}
