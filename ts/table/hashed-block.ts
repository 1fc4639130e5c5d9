// A block as the cache keeps it, in memory that it shares with others.
//
//   hashed  := slot: u32 [2^bits]  contents
//   plain   := contents
//   slot    := 0, or the top 16 bits of the bloomHash of a user key, and behind them one more than the
//              place of its entry in the contents, 16 bits
//   contents: as block-builder.ts says; those of a hashed block have a restart point at every entry
//
// The slot of an entry is the first free one from (hash mod 2^bits) on, going round, in the order of
// entries: of several versions of a user key the newest is met first.
//
// A search in a block that is not in the processor's caches waits for memory: for two or three restart
// points and for every entry behind one. Here it reads one slot, rarely two, and then the one entry.
// Rejected: a byte of hash for each entry, read one after the other (it was so before); slots in an
// object beside the block, which is one more place to wait for.
//
// Invariants:
//   What is laid out here was decoded and checked, so that a search trusts it.
//   At least a third of the slots is free: a search for what is not there ends.

import { copyWords } from '../format/copy-words.ts'
import { putFixed32, putVarint, varint32At, varint32End } from '../format/coding.ts'
import { SluiceError } from '../format/error.ts'
import { TAG_SIZE, compareTags } from '../format/internal-key.ts'
import { bloomHash } from './bloom.ts'
import { type Block, BlockCursor } from './block.ts'
import type { LookupKey } from './lookup-key.ts'

/** Instead of a number of bits: the block is plain. */
export const PLAIN = 31

/** Contents of a hashed block are smaller: places are of 16 bits. */
const MOST_BYTES = 0xffff
const MOST_ENTRIES = 1024
const MOST_SLOTS = 2048

const cursor = new BlockCursor()

/** Lays out blocks, one at a time, in memory of its own. */
export class HashedBlockLayout {
  /** Of the last block that was laid out: the slots in [0, 2^bits), and the contents. */
  readonly slots: Int32Array = new Int32Array(MOST_SLOTS)
  bits = 0
  readonly contents: Buffer = Buffer.allocUnsafeSlow(MOST_BYTES)
  contentsBytes = 0
  readonly #view = new DataView(this.contents.buffer)
  readonly #places = new Uint16Array(MOST_ENTRIES)
  readonly #hashes = new Int32Array(MOST_ENTRIES)
  #count = 0

  /** Whether the block can be kept hashed: it would not grow much, and nothing in it is damaged. */
  layOut(block: Block): boolean {
    if (block.entriesEnd === 0 || block.entriesEnd > MOST_BYTES) return false
    cursor.open(block)
    try {
      if (!this.#copyEntries(block)) return false
    } catch (error) {
      // Whoever searches the block where it is damaged hears of it.
      if (error instanceof SluiceError) return false
      throw error
    } finally {
      cursor.open(undefined)
    }
    this.#fillSlots()
    return true
  }

  #copyEntries({ bytes, entriesEnd }: Block): boolean {
    // As much as it may be with all: three eighths more, for keys that are whole, and slots.
    const limit = Math.min(MOST_BYTES, entriesEnd + ((3 * entriesEnd) >>> 3))
    const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const { contents } = this
    let count = 0
    let end = 0
    while (cursor.next()) {
      const { key, keyLength, valueStart, valueEnd } = cursor
      const valueLength = valueEnd - valueStart
      // Two varints of at most five bytes, and the one of what is shared; a restart point for each
      // and their count; two slots for each, about.
      const needed = end + 11 + keyLength + valueLength + 4 * (count + 2) + 8 * count
      if (count === MOST_ENTRIES || keyLength < TAG_SIZE || needed > limit) return false
      this.#places[count] = end
      this.#hashes[count] = bloomHash(key, 0, keyLength - TAG_SIZE)
      count++
      contents[end++] = 0
      end = putVarint(contents, putVarint(contents, end, keyLength), valueLength)
      for (let i = 0; i < keyLength; i++) contents[end++] = key[i]!
      copyWords(source, valueStart, valueEnd, this.#view, end)
      end += valueLength
    }
    for (let i = 0; i < count; i++) putFixed32(contents, end + 4 * i, this.#places[i]!)
    putFixed32(contents, end + 4 * count, count)
    this.contentsBytes = end + 4 * count + 4
    this.#count = count
    return true
  }

  #fillSlots(): void {
    const { slots } = this
    this.bits = 32 - Math.clz32(Math.ceil(this.#count * 1.5) - 1)
    const mask = 2 ** this.bits - 1
    slots.fill(0, 0, mask + 1)
    for (let i = 0; i < this.#count; i++) {
      const hash = this.#hashes[i]!
      let at = hash & mask
      while (slots[at] !== 0) at = (at + 1) & mask
      slots[at] = (hash & ~0xffff) | (this.#places[i]! + 1)
    }
  }
}

/** Where a search found its entry. */
export interface FoundEntry {
  type: number
  valueStart: number
  valueEnd: number
}

/**
 * Whether the hashed block with its slots from words[slotsAt] on, and its contents from
 * bytes[contentsAt] on, holds an entry of the key's user key that is not newer; then `found` is the
 * newest of those, by places in `bytes`. Requires: layOut made it, with so many `bits`.
 */
export function findHashed(
  words: Int32Array,
  slotsAt: number,
  bits: number,
  bytes: Buffer,
  contentsAt: number,
  target: LookupKey,
  found: FoundEntry,
): boolean {
  const { bytes: key, userEnd, hash } = target
  const mask = (1 << bits) - 1
  const mark = hash >>> 16
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const slot = words[slotsAt + at]!
    if (slot === 0) return false
    if (slot >>> 16 !== mark) continue
    // Lengths that we wrote ourselves: whole and true.
    const lengthAt = contentsAt + (slot & 0xffff)
    let keyLength = bytes[lengthAt]!
    let valueLength = bytes[lengthAt + 1]!
    let keyAt = lengthAt + 2
    if ((keyLength | valueLength) >= 0x80) {
      const valueLengthAt = varint32End(bytes, lengthAt, bytes.length)
      keyLength = varint32At(bytes, lengthAt)
      valueLength = varint32At(bytes, valueLengthAt)
      keyAt = varint32End(bytes, valueLengthAt, bytes.length)
    }
    if (keyLength - TAG_SIZE !== userEnd) continue
    let matched = 0
    while (matched < userEnd && bytes[keyAt + matched] === key[matched]) matched++
    if (matched < userEnd) continue
    const tagAt = keyAt + userEnd
    if (compareTags(bytes, tagAt, key, userEnd) < 0) continue
    found.type = bytes[tagAt]!
    found.valueStart = tagAt + TAG_SIZE
    found.valueEnd = found.valueStart + valueLength
    return true
  }
}
