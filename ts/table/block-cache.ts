// Data blocks kept between reads, shared by the tables of a database and bounded by bytes.
//
//   segment   := record*                      memory; filled from its beginning, then used again whole
//   record    := size: u32  table: u32  ordinal: u32  0: u32  slots and contents (hashed-block.ts)
//                padding to 8 bytes
//   a table    has two words for each of its blocks, by the block's place in the index:
//                segment + 1 (20 bits; 0: not kept)  bits of the slots (5)  used (1)
//                where the slots begin
//   eviction   a segment at a time, going round (CLOCK): what was used since the last round is moved
//              together at its beginning, what was not goes
//   admission  while there is room every block is kept; then those that were missed before, not long
//              ago: a block that is read once would only push out others
//
// A hit reads two neighbouring words of the table's, one slot and the entry: what waits for memory
// is what there is most of when the cache is large. Rejected: an object for each block, with a Buffer, in
// an array (so it was before: four more places to wait for, and work for the garbage collector); a map
// by (file number, offset), whose keys would be strings or hashes.
//
// Invariants:
//   What segments hold alive is at most capacityBytes; usedBytes, what can be found in them.
//   Nobody keeps a view of a segment: what is found is used, or copied, before others run.
//   When a table is closed its blocks are dropped: nothing is charged for what cannot be found.

import { Bytes } from '../format/copy-words.ts'
import { Block } from './block.ts'
import { HashedBlockLayout, PLAIN } from './hashed-block.ts'

const HEADER_SIZE = 16
// Words of a record's header.
const SIZE = 0
const TABLE = 1
const ORDINAL = 2

/** Segments are of this share of the cache, but not larger than that, unless a block needs it. */
const SEGMENTS = 32
const LARGEST_SEGMENT_BYTES = 4 * 1024 * 1024
/** Evicting keeps up to this share of a segment. */
const KEPT_SHARE = 0.75
/** A block of the default size, to guess how many blocks there will be. */
const TYPICAL_BLOCK_BYTES = 4096
/**
 * The misses that are remembered are so many times fewer than the blocks that the cache holds. With as
 * many as those, one in fourteen of the blocks that random reads miss was taken in, for nothing: laying
 * it out takes as long as reading it.
 */
const BLOCKS_PER_MISS = 4
/** Above this share of the capacity there is no room: some of each segment is left over. */
const FULL_SHARE = 0.95
/** With less than this share to be found in it, memory is taken where the least is. */
const DENSE_SHARE = 0.85

const SEGMENT_MASK = 0xf_ffff
const BITS_SHIFT = 20
const BITS_MASK = 0x1f
const USED_BIT = 0x0200_0000

/** Memory of which the first `end` bytes are records. */
export class Segment extends Bytes {
  /** The same memory. */
  readonly words: Int32Array
  end = 0
  /** Of the records that can be found. */
  liveBytes = 0

  constructor(sizeBytes: number) {
    super(Buffer.allocUnsafeSlow(sizeBytes))
    this.words = new Int32Array(this.buffer.buffer, 0, sizeBytes >>> 2)
  }

  /** Writes the header of a record behind the others. Requires: there is room for it. */
  begin(sizeBytes: number, tableId: number, ordinal: number): void {
    const header = this.end >>> 2
    this.words[header + SIZE] = sizeBytes
    this.words[header + TABLE] = tableId
    this.words[header + ORDINAL] = ordinal
    this.end += padded(sizeBytes)
    this.liveBytes += padded(sizeBytes)
  }

  /** Of the record at `at`: bytes up to the next one. */
  sizeAt(at: number): number {
    return padded(this.words[(at >>> 2) + SIZE]!)
  }

  tableAt(at: number): number {
    return this.words[(at >>> 2) + TABLE]!
  }

  ordinalAt(at: number): number {
    return this.words[(at >>> 2) + ORDINAL]!
  }

  /** Where the record at `at` ends, without what is behind it up to the next one. */
  endOf(at: number): number {
    return at + this.words[(at >>> 2) + SIZE]!
  }
}

/** The blocks of one table. */
export class CachedTable {
  readonly id: number
  /** Two words for each block. */
  readonly places: Int32Array

  constructor(id: number, blockCount: number) {
    this.id = id
    this.places = new Int32Array(2 * blockCount)
  }
}

/** Stands where there is none. */
const NO_SEGMENT = new Segment(0)

export class BlockCache {
  readonly capacityBytes: number
  /** Of what can be found, and of the memory that is held for it. */
  usedBytes = 0
  allocatedBytes = 0
  hits = 0
  misses = 0
  /** What `find` found: where the slots begin, and how many bits count them, or PLAIN. */
  segment: Segment = NO_SEGMENT
  slotsAt = 0
  slotBits = 0
  readonly #segmentBytes: number
  readonly #segments: Segment[] = []
  /** Which segment is filled, and which was evicted last. */
  #head = 0
  #hand = -1
  readonly #tables = new Map<number, CachedTable>()
  #lastTable = 0
  /** The last misses, by hash: each holds what was missed, as far as 32 bits tell it. */
  readonly #missed: Uint32Array
  readonly #layout = new HashedBlockLayout()

  /** Requires: capacityBytes >= 1. */
  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes
    this.#segmentBytes = Math.min(LARGEST_SEGMENT_BYTES, Math.floor(capacityBytes / SEGMENTS))
    const misses = capacityBytes / TYPICAL_BLOCK_BYTES / BLOCKS_PER_MISS
    this.#missed = new Uint32Array(
      2 ** Math.ceil(Math.log2(Math.min(2 ** 20, Math.max(64, misses)))),
    )
  }

  /** Room for what a table of so many blocks may have in the cache. */
  enter(blockCount: number): CachedTable {
    const table = new CachedTable(++this.#lastTable, blockCount)
    this.#tables.set(table.id, table)
    return table
  }

  /** Whether the block is kept; where, is in `segment`, `slotsAt` and `slotBits` until others run. */
  find(table: CachedTable, ordinal: number): boolean {
    const { places } = table
    const place = places[2 * ordinal]!
    if (place === 0) return false
    this.hits++
    if ((place & USED_BIT) === 0) places[2 * ordinal] = place | USED_BIT
    this.segment = this.#segments[(place & SEGMENT_MASK) - 1]!
    this.slotsAt = places[2 * ordinal + 1]!
    this.slotBits = (place >>> BITS_SHIFT) & BITS_MASK
    return true
  }

  /** The block that was found, in memory of its own. Requires: the last `find` found it. */
  copyFound(file: string, offset: number): Block {
    const { segment, contentsAt: start, contentsEnd: end } = this
    const contents = Buffer.allocUnsafeSlow(end - start)
    segment.buffer.copy(contents, 0, start, end)
    return new Block(contents, file, offset)
  }

  /** Where the contents of what was found begin. */
  get contentsAt(): number {
    return this.slotBits === PLAIN ? this.slotsAt : this.slotsAt + 4 * 2 ** this.slotBits
  }

  get contentsEnd(): number {
    return this.segment.endOf(this.slotsAt - HEADER_SIZE)
  }

  /**
   * Counts a miss: the block had to be read. Returns whether it is worth keeping, which it never is
   * without `fillCache`; with it, the miss is remembered.
   */
  wants(table: CachedTable, ordinal: number, fillCache: boolean): boolean {
    this.misses++
    if (!fillCache) return false
    const hash = Math.imul(Math.imul(table.id, 0x9e3779b1) ^ ordinal, 0x85ebca6b) >>> 0
    const at = (hash ^ (hash >>> 15)) & (this.#missed.length - 1)
    const wasMissed = this.#missed[at] === hash
    this.#missed[at] = hash
    return wasMissed || this.usedBytes + TYPICAL_BLOCK_BYTES < this.capacityBytes * FULL_SHARE
  }

  /** Keeps a copy of the block, unless it is larger than the cache, or the table was dropped. */
  put(table: CachedTable, ordinal: number, block: Block): void {
    if (!this.#tables.has(table.id)) return
    this.#forget(table, ordinal)
    const layout = this.#layout
    const bits = layout.layOut(block) ? layout.bits : PLAIN
    const slotBytes = bits === PLAIN ? 0 : 4 * 2 ** bits
    const contentsBytes = bits === PLAIN ? block.sizeBytes : layout.contentsBytes
    const sizeBytes = HEADER_SIZE + slotBytes + contentsBytes
    if (padded(sizeBytes) > this.capacityBytes) return
    const segment = this.#segmentWithRoom(padded(sizeBytes))
    const slotsAt = segment.end + HEADER_SIZE
    segment.begin(sizeBytes, table.id, ordinal)
    if (bits === PLAIN) {
      block.bytes.copy(segment.buffer, slotsAt, 0, contentsBytes)
    } else {
      const { words } = segment
      for (let i = 0; i < 2 ** bits; i++) words[(slotsAt >>> 2) + i] = layout.slots[i]!
      layout.contents.copy(segment.buffer, slotsAt + slotBytes, 0, contentsBytes)
    }
    this.usedBytes += padded(sizeBytes)
    table.places[2 * ordinal] = (this.#head + 1) | (bits << BITS_SHIFT)
    table.places[2 * ordinal + 1] = slotsAt
  }

  /** Forgets the blocks of a table that is closed. */
  drop(table: CachedTable): void {
    for (let i = 0; 2 * i < table.places.length; i++) this.#forget(table, i)
    this.#tables.delete(table.id)
  }

  #forget({ places }: CachedTable, ordinal: number): void {
    const place = places[2 * ordinal]!
    if (place === 0) return
    const segment = this.#segments[(place & SEGMENT_MASK) - 1]!
    const sizeBytes = segment.sizeAt(places[2 * ordinal + 1]! - HEADER_SIZE)
    segment.liveBytes -= sizeBytes
    this.usedBytes -= sizeBytes
    places[2 * ordinal] = 0
  }

  // The segment that is filled, after evicting another where it is full. Requires: neededBytes is not
  // above the capacity.
  #segmentWithRoom(neededBytes: number): Segment {
    const head = this.#segments[this.#head]
    if (head !== undefined && head.end + neededBytes <= head.buffer.length) return head
    const sizeBytes = Math.max(neededBytes, this.#segmentBytes)
    for (;;) {
      if (this.allocatedBytes + sizeBytes <= this.capacityBytes) return this.#allocate(sizeBytes)
      const index = this.#victim()
      const victim = this.#segments[index]!
      const { length } = victim.buffer
      if (length >= neededBytes) {
        this.#evict(index, Math.min(length * KEPT_SHARE, length - neededBytes))
        this.#head = index
        return victim
      }
      // Too small for it: its memory is given to a larger one.
      this.#evict(index, 0)
      this.#segments[index] = NO_SEGMENT
      this.allocatedBytes -= length
    }
  }

  #allocate(sizeBytes: number): Segment {
    const segment = new Segment(sizeBytes)
    const free = this.#segments.indexOf(NO_SEGMENT)
    this.#head = free === -1 ? this.#segments.length : free
    this.#segments[this.#head] = segment
    this.allocatedBytes += sizeBytes
    return segment
  }

  // The one with the least in it, where much of the memory is of dropped blocks; else the next one.
  #victim(): number {
    const segments = this.#segments
    if (this.usedBytes < this.allocatedBytes * DENSE_SHARE) {
      let least = -1
      for (const [i, { buffer, liveBytes }] of segments.entries()) {
        if (buffer.length === 0) continue
        if (least === -1 || liveBytes < segments[least]!.liveBytes) least = i
      }
      return least
    }
    this.#hand = (this.#hand + 1) % segments.length
    return this.#hand
  }

  // Moves up to keptBytes of what can be found to the segment's beginning: what was used, and the rest
  // too where there is room for all.
  #evict(index: number, keptBytes: number): void {
    const segment = this.#segments[index]!
    const keepsAll = segment.liveBytes <= keptBytes
    const { end } = segment
    segment.end = 0
    for (let at = 0, sizeBytes = 0; at < end; at += sizeBytes) {
      sizeBytes = segment.sizeAt(at)
      const places = this.#tables.get(segment.tableAt(at))?.places
      const word = 2 * segment.ordinalAt(at)
      const place = places?.[word] ?? 0
      const isThere = (place & SEGMENT_MASK) === index + 1
      if (places === undefined || !isThere || places[word + 1] !== at + HEADER_SIZE) continue
      const isKept = keepsAll || (place & USED_BIT) !== 0
      if (isKept && segment.end + sizeBytes <= keptBytes) {
        places[word] = place & ~USED_BIT
        places[word + 1] = segment.end + HEADER_SIZE
        segment.buffer.copyWithin(segment.end, at, at + sizeBytes)
        segment.end += sizeBytes
      } else {
        places[word] = 0
        this.usedBytes -= sizeBytes
        segment.liveBytes -= sizeBytes
      }
    }
  }
}

function padded(sizeBytes: number): number {
  return (sizeBytes + 7) & ~7
}
