// The index of a table, decoded for searching: for each data block its separator, where it stands and
// how large it is. Some 60 bytes a block.
//
// Made at the first search, not at opening: whoever only walks the table does without.
//
// Invariants:
//   A handle that is malformed, or points outside the file, fails the reads that need its block.
//   Where an entry of the index itself is damaged, or out of order, its separator is not known, nor are those behind:
//   searches that would have to go there fail, those that end before it do not.

import { SluiceError } from '../format/error.ts'
import { TAG_SIZE, compareInternal } from '../format/internal-key.ts'
import { BlockCursor } from './block.ts'
import type { Block } from './block.ts'
import { BLOCK_TRAILER_SIZE, handleEnd, handleFits, handleOffset, handleSize } from './format.ts'
import type { LookupKey } from './lookup-key.ts'
import { SortedKeys } from './sorted-keys.ts'

const MALFORMED = -1
const OUTSIDE = -2

export class TableIndex {
  readonly blockCount: number
  readonly #block: Block
  /** Separator i, an internal key, is keys[keyStart(i), keyEnd(i)). Not to be changed. */
  readonly keys: Buffer
  readonly #keyEnds: Uint32Array
  readonly #sorted: SortedKeys
  /** Where block i stands, or what is wrong with its handle. */
  readonly #offsets: Float64Array
  readonly #sizes: Float64Array
  readonly #damage: SluiceError | undefined

  constructor(block: Block, fileSizeBytes: number) {
    const decoded = decode(block, fileSizeBytes)
    this.#block = block
    this.keys = decoded.keys
    this.#keyEnds = Uint32Array.from(decoded.ends)
    this.#sorted = new SortedKeys(this.keys, this.#keyEnds)
    this.#offsets = Float64Array.from(decoded.offsets)
    this.#sizes = Float64Array.from(decoded.sizes)
    this.#damage = decoded.damage
    this.blockCount = decoded.offsets.length
  }

  /**
   * Which block may hold the key, or -1 when none may. Throws LEVEL_CORRUPTION when the index does not
   * say where that block is.
   */
  find(key: LookupKey): number {
    const ordinal = this.#sorted.lowerBound(key.bytes, key.length)
    if (ordinal === this.blockCount) {
      if (this.#damage !== undefined) throw this.#damage
      return -1
    }
    this.checkHandle(ordinal)
    return ordinal
  }

  /** Throws LEVEL_CORRUPTION when a part of the index is damaged: separators are missing then. */
  checkWhole(): void {
    if (this.#damage !== undefined) throw this.#damage
  }

  /** Throws LEVEL_CORRUPTION when the index does not say where the block is. */
  checkHandle(ordinal: number): void {
    const offset = this.#offsets[ordinal]!
    if (offset === MALFORMED) throw this.#block.damage('malformed handle')
    if (offset === OUTSIDE) throw this.#block.damage('block handle points outside the file')
  }

  keyStart(ordinal: number): number {
    return ordinal === 0 ? 0 : this.#keyEnds[ordinal - 1]!
  }

  keyEnd(ordinal: number): number {
    return this.#keyEnds[ordinal]!
  }

  /**
   * The first block that may hold a key above `target`, which has the largest tag there is;
   * blockCount when none may. No entry has that tag, so a separator that equals it is not above one.
   */
  firstBehind(target: Buffer): number {
    const ordinal = this.#sorted.lowerBound(target, target.length)
    if (ordinal === this.blockCount) return ordinal
    const { keys } = this
    const [start, end] = [this.keyStart(ordinal), this.keyEnd(ordinal)]
    const isSame = compareInternal(keys, start, end, target, 0, target.length) === 0
    return isSame ? ordinal + 1 : ordinal
  }

  /** Whether the block behind this one is stored right behind it too, as tables are written. */
  areNeighbours(ordinal: number): boolean {
    const offset = this.#offsets[ordinal]!
    return offset >= 0 && offset + this.storedSizeOf(ordinal) === this.#offsets[ordinal + 1]
  }

  /** Requires: find or checkHandle accepted the ordinal. */
  offsetOf(ordinal: number): number {
    return this.#offsets[ordinal]!
  }

  /** Bytes of the block as it is stored, its trailer included. Requires: as offsetOf. */
  storedSizeOf(ordinal: number): number {
    return this.#sizes[ordinal]! + BLOCK_TRAILER_SIZE
  }

  /** The same without the trailer. */
  sizeOf(ordinal: number): number {
    return this.#sizes[ordinal]!
  }

  /** Which block stands at `offset`, or -1. */
  ordinalAt(offset: number): number {
    const offsets = this.#offsets
    let low = 0
    let high = offsets.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (offsets[middle]! < offset) low = middle + 1
      else high = middle
    }
    return offsets[low] === offset ? low : -1
  }
}

interface DecodedIndex {
  keys: Buffer
  readonly ends: number[]
  readonly offsets: number[]
  readonly sizes: number[]
  damage: SluiceError | undefined
}

function decode(block: Block, fileSizeBytes: number): DecodedIndex {
  // Separators share nothing with each other where LevelDB writes them: all fit into so many bytes.
  let keys = Buffer.allocUnsafeSlow(Math.max(block.entriesEnd, TAG_SIZE))
  const index: DecodedIndex = { keys, ends: [], offsets: [], sizes: [], damage: undefined }
  const cursor = new BlockCursor()
  cursor.open(block)
  let end = 0
  try {
    while (cursor.next()) {
      const { key, keyLength, valueStart } = cursor
      if (keyLength < TAG_SIZE) throw block.damage('internal key too short')
      if (!isBehind(keys, index.ends, key, keyLength))
        throw block.damage('the index is out of order')
      if (end + keyLength > keys.length) {
        const larger = Buffer.allocUnsafeSlow(2 * (end + keyLength))
        keys.copy(larger, 0, 0, end)
        keys = larger
      }
      key.copy(keys, end, 0, keyLength)
      end += keyLength
      index.ends.push(end)
      const isWhole = handleEnd(block.bytes, valueStart, cursor.valueEnd) !== -1
      const offset = isWhole ? handleOffset(block.bytes, valueStart) : MALFORMED
      const size = isWhole ? handleSize(block.bytes, valueStart) : MALFORMED
      const fits = !isWhole || handleFits(offset, size, fileSizeBytes)
      index.offsets.push(fits ? offset : OUTSIDE)
      index.sizes.push(size)
    }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    index.damage = error
  }
  index.keys = keys
  return index
}

/** Whether the key is above the last of those that end at `ends`. */
function isBehind(keys: Buffer, ends: readonly number[], key: Buffer, keyLength: number): boolean {
  const last = ends.length - 1
  if (last < 0) return true
  return compareInternal(keys, ends[last - 1] ?? 0, ends[last]!, key, 0, keyLength) < 0
}
