// Data blocks kept between reads, shared by the tables of a database and bounded by bytes.
//
//   a table    holds one slot for each of its blocks, by the block's place in the index
//   the ring   holds what the slots hold, in the order of eviction; the hand goes round (CLOCK): what
//              was used since its last visit is spared once, what was not goes
//   admission  while there is room every block is kept; then those that were missed before, not long
//              ago: a block that is read once would only push out others
//
// A hit is two array reads and a flag. Rejected: a map by (file number, offset), whose keys would be
// strings or hashes; a list in order of use, which is mended at every hit.
//
// Invariants:
//   What is kept is charged with the memory it holds alive: a block that is a view, with all of what
//   it is a view of.
//   A block that is evicted stays whole for whoever uses it: it is kept by reference, and its memory
//   is never used again for another.
//   When a table is closed its slots are dropped: nothing is charged for what cannot be found.

import type { Block } from './block.ts'
import { indexedBlock } from './indexed-block.ts'

/** What an entry holds beside the block's memory: the objects around it, by a rough count. */
const ENTRY_OVERHEAD = 256
/** A block of the default size, to guess how many blocks there will be. */
const TYPICAL_BLOCK_BYTES = 4096

/** A table's slots: entry i is that of its i-th block. */
export type CacheSlots = (CachedBlock | undefined)[]

interface CachedBlock {
  block: Block
  readonly slots: CacheSlots
  readonly ordinal: number
  chargeBytes: number
  readonly ringPosition: number
  isUsed: boolean
  /** Whether it was tried to index the block. */
  isTried: boolean
}

export class BlockCache {
  readonly capacityBytes: number
  usedBytes = 0
  hits = 0
  misses = 0
  readonly #ring: (CachedBlock | undefined)[] = []
  /** Places in the ring that hold nothing. */
  readonly #freePositions: number[] = []
  #hand = 0
  /** The last misses, by hash: each holds what was missed, as far as 32 bits tell it. */
  readonly #missed: Uint32Array

  /** Requires: capacityBytes >= 1. */
  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes
    const blocks = Math.min(2 ** 20, Math.max(64, capacityBytes / TYPICAL_BLOCK_BYTES))
    this.#missed = new Uint32Array(2 ** Math.ceil(Math.log2(blocks)))
  }

  /** Slots for a table of so many blocks. */
  static slotsFor(blockCount: number): CacheSlots {
    return Array.from<CachedBlock | undefined>({ length: blockCount })
  }

  get(slots: CacheSlots, ordinal: number): Block | undefined {
    const entry = slots[ordinal]
    if (entry === undefined) return undefined
    this.hits++
    if (!entry.isUsed) this.#use(entry)
    return entry.block
  }

  /**
   * Counts a miss: the block had to be read. Returns whether it is worth keeping, which it never is
   * without `fillCache`; with it, the miss is remembered.
   */
  wants(fileNumber: number, ordinal: number, fillCache: boolean): boolean {
    this.misses++
    if (!fillCache) return false
    const hash = Math.imul(Math.imul(fileNumber, 0x9e3779b1) ^ ordinal, 0x85ebca6b) >>> 0
    const at = (hash ^ (hash >>> 15)) & (this.#missed.length - 1)
    const wasMissed = this.#missed[at] === hash
    this.#missed[at] = hash
    return wasMissed || this.usedBytes + TYPICAL_BLOCK_BYTES + ENTRY_OVERHEAD < this.capacityBytes
  }

  /** Keeps the block, unless it is larger than the cache. Requires: its bytes do not change. */
  put(slots: CacheSlots, ordinal: number, block: Block): void {
    const chargeBytes = chargeOf(block)
    const present = slots[ordinal]
    if (present !== undefined) this.#remove(present)
    if (chargeBytes > this.capacityBytes) return
    while (this.usedBytes + chargeBytes > this.capacityBytes) this.#evictOne()
    const ringPosition = this.#freePositions.pop() ?? this.#ring.length
    const entry = {
      block,
      slots,
      ordinal,
      chargeBytes,
      ringPosition,
      isUsed: false,
      isTried: false,
    }
    this.#ring[ringPosition] = entry
    slots[ordinal] = entry
    this.usedBytes += chargeBytes
  }

  /** Forgets the blocks of a table that is closed. */
  drop(slots: CacheSlots): void {
    for (const entry of slots) if (entry !== undefined) this.#remove(entry)
  }

  // What is found once may be found often: the block is indexed for it.
  #use(entry: CachedBlock): void {
    entry.isUsed = true
    if (entry.isTried) return
    entry.isTried = true
    const block = indexedBlock(entry.block)
    if (block === undefined) return
    const chargeBytes = chargeOf(block)
    if (chargeBytes > this.capacityBytes) return
    this.usedBytes += chargeBytes - entry.chargeBytes
    entry.block = block
    entry.chargeBytes = chargeBytes
    // It is used, so the hand does not take it before others; unless there are none.
    while (this.usedBytes > this.capacityBytes) this.#evictOne()
  }

  // Requires: the ring holds something.
  #evictOne(): void {
    for (;;) {
      if (this.#hand >= this.#ring.length) this.#hand = 0
      const entry = this.#ring[this.#hand++]
      if (entry === undefined) continue
      if (!entry.isUsed) {
        this.#remove(entry)
        return
      }
      entry.isUsed = false
    }
  }

  #remove(entry: CachedBlock): void {
    entry.slots[entry.ordinal] = undefined
    this.#ring[entry.ringPosition] = undefined
    this.#freePositions.push(entry.ringPosition)
    this.usedBytes -= entry.chargeBytes
  }
}

function chargeOf(block: Block): number {
  return block.bytes.buffer.byteLength + ENTRY_OVERHEAD
}
