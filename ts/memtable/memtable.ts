// The memtable: a skip list over one SharedArrayBuffer.
//
//   memory := header node*                                   offsets of nodes count 32-bit words
//   header := used bytes: i32  entries: i32  height: i32  tower of the head: i32[12]
//   node   := prefix: i32  key offset: u32  key length: i32  value length: i32  tower: i32[height]
//             user key  tag: fixed64  value  padding to 4 bytes
//
//   prefix is the first four bytes of the user key, zero-filled, as an integer that orders as they
//   do, so that most comparisons touch one word. User key and tag stand together: an internal key
//   that a table can take as it is.
//
// Invariants:
//   One thread inserts. A node is written whole before a link to it is, so readers in other threads
//   see it whole or not at all. Nodes are never moved or removed.
//   An insert cannot fail: hasRoom() was asked before, and counts the lowest tower for every entry;
//   higher ones are only given while there is room to spare.
//   Order is that of internal keys: the newest entry of a user key comes first.
//
// Rejected: an object per node (the collector walks all of them), and a tree (needs moves on insert).

import { BatchCursor } from '../format/batch.ts'
import { Bytes, copyWords, WORD_COPY_LIMIT } from '../format/copy-words.ts'
import { putTag, sequenceOfKey, TAG_SIZE, typeOfKey } from '../format/internal-key.ts'
import { copyOut } from '../format/value-pool.ts'

const MAX_HEIGHT = 12

/** The level whose nodes stand some sixteen apart. */
const RUN_LEVEL = 2

const USED = 0
const ENTRIES = 1
const HEIGHT = 2
const HEAD_TOWER = 3
const HEADER_WORDS: number = HEAD_TOWER + MAX_HEIGHT

const PREFIX = 0
const KEY_OFFSET = 1
const KEY_LENGTH = 2
const VALUE_LENGTH = 3
const TOWER = 4
const NODE_WORDS = TOWER

/** The head is a node of which only the tower exists, so that walking needs no special case. */
const HEAD: number = HEAD_TOWER - TOWER

/** What an entry takes beyond its key and value, at the least and with the worst padding. */
const ENTRY_OVERHEAD: number = (NODE_WORDS + 1) * 4 + TAG_SIZE + 3
/** What is kept back of the size of a memtable so that towers of the usual height fit. */
const TOWER_RESERVE_BYTES: number = MAX_HEIGHT * 4

/** Position of no entry. */
export const NO_NODE = 0

/** Bytes of memory that hold `count` entries whose keys and values take `payloadBytes` together. */
export function memtableSize(payloadBytes: number, count: number): number {
  return HEADER_WORDS * 4 + payloadBytes + count * ENTRY_OVERHEAD + TOWER_RESERVE_BYTES
}

export class Memtable {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #bytes: Buffer
  /** The same memory, for copying values out. */
  readonly #memory: Bytes
  // The tower of the entry being inserted: where each level's new link goes. Reused.
  readonly #before: Int32Array = new Int32Array(MAX_HEIGHT)
  readonly #cursor: BatchCursor = new BatchCursor()
  // The buffer that was inserted from last, often the next one too: a view is made once for each.
  #source: Buffer | undefined
  #sourceView: DataView
  #randomState = 0x2545f491

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.#words = new Int32Array(memory)
    this.#bytes = Buffer.from(memory)
    this.#memory = new Bytes(this.#bytes)
    this.#sourceView = this.#memory.view
  }

  /** An empty memtable in `memory`, whose old contents are forgotten. */
  static create(memory: SharedArrayBuffer): Memtable {
    const table = new Memtable(memory)
    table.#words.fill(0, 0, HEADER_WORDS)
    table.#words[USED] = HEADER_WORDS
    table.#words[HEIGHT] = 1
    return table
  }

  /** The memtable that another thread filled. */
  static attach(memory: SharedArrayBuffer): Memtable {
    return new Memtable(memory)
  }

  get entryCount(): number {
    return this.#words[ENTRIES]!
  }

  get usedBytes(): number {
    return this.#words[USED]! * 4
  }

  /** The bytes that positions below speak of. They may not leave the engine: copy what a user gets. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Whether `count` more entries, keys and values of `payloadBytes` together, are sure to fit. */
  hasRoom(payloadBytes: number, count: number): boolean {
    const needed = payloadBytes + count * ENTRY_OVERHEAD
    return this.usedBytes + needed + TOWER_RESERVE_BYTES <= this.#bytes.length
  }

  /**
   * Inserts every record of the batch bytes[start, end), the first with `sequence`.
   * Requires: the batch is well formed, and its bytes do not change meanwhile.
   * Requires: hasRoom(end - start, its count). Requires: sequences above all before.
   */
  insertBatch(bytes: Buffer, start: number, end: number, count: number, sequence: number): void {
    if (this.#source !== bytes) {
      this.#source = bytes
      this.#sourceView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    }
    const cursor = this.#cursor
    cursor.reset(bytes, start, end)
    const freeBytes = this.#bytes.length - this.usedBytes
    let spareWords = (freeBytes - (end - start) - count * ENTRY_OVERHEAD) >> 2
    let next = sequence
    while (cursor.next()) {
      const height = this.#drawHeight(spareWords)
      spareWords -= height - 1
      this.#insert(bytes, cursor, height, next)
      next++
    }
  }

  /**
   * The first entry at or after (key[start, end), sequence): the newest one that a reader at
   * `sequence` may see of that key, or an entry of a later key, or NO_NODE.
   */
  seek(key: Uint8Array, start: number, end: number, sequence: number): number {
    const words = this.#words
    const prefix = prefixOf(key, start, end)
    let node = HEAD
    let level = words[HEIGHT]! - 1
    for (;;) {
      const next = words[node + TOWER + level]!
      if (next !== NO_NODE && this.#isBefore(next, prefix, key, start, end, sequence)) {
        node = next
      } else if (level === 0) {
        return next
      } else {
        level--
      }
    }
  }

  /** The newest entry of exactly key[start, end) that a reader at `sequence` sees, or NO_NODE. */
  find(key: Uint8Array, start: number, end: number, sequence: number): number {
    const node = this.seek(key, start, end, sequence)
    if (node === NO_NODE) return NO_NODE
    const order = this.#compareUserKey(node, key, start, end)
    return order === 0 ? node : NO_NODE
  }

  /** The first entry in order, or NO_NODE. */
  first(): number {
    return this.#words[HEAD_TOWER]!
  }

  /**
   * Fills `nodes` with entries that stand one behind the other, the last of them right before `node`,
   * or at the very end for NO_NODE. Returns how many: 0 when nothing is before it. Some sixteen for
   * the price of one search, since a list has no way back.
   */
  runBefore(node: number, nodes: Int32Array): number {
    const words = this.#words
    let at = this.#towerBefore(node)
    let count = at === HEAD ? 0 : 1
    if (count === 1) nodes[0] = at
    for (at = words[at + TOWER]!; at !== node; at = words[at + TOWER]!) {
      if (count === nodes.length) {
        count >>>= 1
        nodes.copyWithin(0, nodes.length - count)
      }
      nodes[count++] = at
    }
    return count
  }

  /** The entry after `node`, or NO_NODE. */
  next(node: number): number {
    return this.#words[node + TOWER]!
  }

  keyStart(node: number): number {
    return this.#words[node + KEY_OFFSET]! >>> 0
  }

  /** Where the user key ends and the tag begins. */
  userKeyEnd(node: number): number {
    return this.keyStart(node) + this.#words[node + KEY_LENGTH]!
  }

  /** Where the tag ends and the value begins. */
  valueStart(node: number): number {
    return this.userKeyEnd(node) + TAG_SIZE
  }

  valueEnd(node: number): number {
    return this.valueStart(node) + this.#words[node + VALUE_LENGTH]!
  }

  typeOf(node: number): number {
    return typeOfKey(this.#bytes, this.valueStart(node))
  }

  sequenceOf(node: number): number {
    return sequenceOfKey(this.#bytes, this.valueStart(node))
  }

  /** The value in a new Buffer that is the caller's: memtable memory is used again. */
  copyValue(node: number): Buffer {
    return copyOut(this.#memory, this.valueStart(node), this.valueEnd(node))
  }

  #insert(source: Buffer, record: BatchCursor, height: number, sequence: number): void {
    const { keyStart, keyEnd } = record
    const prefix = prefixOf(source, keyStart, keyEnd)
    this.#findBefore(prefix, source, keyStart, keyEnd, sequence, height)
    const node = this.#write(source, record, height, sequence)
    const words = this.#words
    words[node + PREFIX] = prefix
    for (let level = 0; level < height; level++) {
      const before = this.#before[level]!
      words[node + TOWER + level] = words[before + TOWER + level]!
      // Ordered after everything above for readers in other threads. At 3 ns it is cheap here.
      Atomics.store(words, before + TOWER + level, node)
    }
    words[ENTRIES]!++
  }

  // Writes the entry behind the last one and returns its node, not linked yet.
  #write(source: Buffer, record: BatchCursor, height: number, sequence: number): number {
    const words = this.#words
    const bytes = this.#bytes
    const node = words[USED]!
    const { keyStart, keyEnd, valueStart, valueEnd } = record
    const keyOffset = (node + NODE_WORDS + height) * 4
    const keyLength = keyEnd - keyStart
    const valueLength = valueEnd - valueStart
    words[node + KEY_OFFSET] = keyOffset
    words[node + KEY_LENGTH] = keyLength
    words[node + VALUE_LENGTH] = valueLength
    this.#copy(source, keyStart, keyEnd, keyOffset)
    putTag(bytes, keyOffset + keyLength, sequence, record.type)
    this.#copy(source, valueStart, valueEnd, keyOffset + keyLength + TAG_SIZE)
    words[USED] = (keyOffset + keyLength + TAG_SIZE + valueLength + 3) >>> 2
    return node
  }

  // Requires: #sourceView is of `source`.
  #copy(source: Buffer, start: number, end: number, position: number): void {
    if (end - start <= WORD_COPY_LIMIT) {
      copyWords(this.#sourceView, start, end, this.#memory.view, position)
    } else {
      source.copy(this.#bytes, position, start, end)
    }
  }

  // Leaves in #before, for every level below `height`, the last node before the key.
  #findBefore(
    prefix: number,
    key: Buffer,
    start: number,
    end: number,
    sequence: number,
    height: number,
  ): void {
    const words = this.#words
    while (words[HEIGHT]! < height) words[HEIGHT]!++
    let node = HEAD
    let level = words[HEIGHT]! - 1
    // The node that the level above stopped at is not before the key on this level either.
    let known = NO_NODE
    for (;;) {
      const next = words[node + TOWER + level]!
      if (
        next !== NO_NODE &&
        next !== known &&
        this.#isBefore(next, prefix, key, start, end, sequence)
      ) {
        node = next
        continue
      }
      known = next
      if (level < height) this.#before[level] = node
      if (level === 0) return
      level--
    }
  }

  // The last node before `node` whose tower reaches the level of runs, or the head.
  #towerBefore(node: number): number {
    const words = this.#words
    const prefix = node === NO_NODE ? 0 : words[node + PREFIX]!
    const sequence = node === NO_NODE ? 0 : this.sequenceOf(node)
    const start = node === NO_NODE ? 0 : this.keyStart(node)
    const end = node === NO_NODE ? 0 : this.userKeyEnd(node)
    let at = HEAD
    let level = words[HEIGHT]! - 1
    for (;;) {
      const next = words[at + TOWER + level]!
      const isBefore =
        next !== NO_NODE &&
        next !== node &&
        (node === NO_NODE || this.#isBefore(next, prefix, this.#bytes, start, end, sequence))
      if (isBefore && level >= RUN_LEVEL) at = next
      else if (level <= RUN_LEVEL) return at
      else level--
    }
  }

  // Whether `node` comes before (key[start, end), sequence).
  #isBefore(
    node: number,
    prefix: number,
    key: Uint8Array,
    start: number,
    end: number,
    sequence: number,
  ): boolean {
    const nodePrefix = this.#words[node + PREFIX]!
    if (nodePrefix !== prefix) return nodePrefix < prefix
    const order = this.#compareUserKey(node, key, start, end)
    return order === 0 ? this.sequenceOf(node) > sequence : order < 0
  }

  #compareUserKey(node: number, key: Uint8Array, start: number, end: number): number {
    const bytes = this.#bytes
    const nodeStart = this.keyStart(node)
    const nodeLength = this.#words[node + KEY_LENGTH]!
    const length = end - start
    const common = nodeLength < length ? nodeLength : length
    for (let i = 0; i < common; i++) {
      const difference = bytes[nodeStart + i]! - key[start + i]!
      if (difference !== 0) return difference
    }
    return nodeLength - length
  }

  // A quarter of the towers of each height grow one higher, as in LevelDB, by xorshift32. Not above
  // what is spare, so that every later entry of the batch finds its room.
  #drawHeight(spareWords: number): number {
    let bits = this.#randomState
    bits ^= bits << 13
    bits ^= bits >>> 17
    bits ^= bits << 5
    this.#randomState = bits
    let height = 1
    const limit = spareWords >= MAX_HEIGHT ? MAX_HEIGHT : spareWords + 1
    while (height < limit && (bits & 3) === 0) {
      height++
      bits >>>= 2
    }
    return height
  }
}

// The first four bytes, zero-filled, most significant first, as a signed integer in their order.
function prefixOf(key: Uint8Array, start: number, end: number): number {
  const length = end - start
  const bytes =
    length >= 4
      ? (key[start]! << 24) | (key[start + 1]! << 16) | (key[start + 2]! << 8) | key[start + 3]!
      : ((length > 0 ? key[start]! : 0) << 24) |
        ((length > 1 ? key[start + 1]! : 0) << 16) |
        ((length > 2 ? key[start + 2]! : 0) << 8)
  return bytes ^ 0x8000_0000
}
