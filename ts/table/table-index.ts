// The index of a table, decoded for searching: for each data block its separator, where it stands and
// how large it is. Some 60 bytes a block.
//
// Made at the first search, not at opening: whoever only walks the table does without.
//
// Invariants:
//   A handle that is malformed, or points outside the file, fails the reads that need its block.
//   Where an entry of the index itself is damaged, its separator is not known, nor are those behind:
//   searches that would have to go there fail, those that end before it do not.

import { SluiceError } from '../format/error.ts'
import { TAG_SIZE } from '../format/internal-key.ts'
import { BlockCursor } from './block.ts'
import type { Block } from './block.ts'
import { handleEnd, handleFits, handleOffset, handleSize } from './format.ts'
import type { LookupKey } from './lookup-key.ts'
import { SortedKeys } from './sorted-keys.ts'

const MALFORMED = -1
const OUTSIDE = -2

export class TableIndex {
  readonly blockCount: number
  readonly #block: Block
  readonly #keys: SortedKeys
  /** Where block i stands, or what is wrong with its handle. */
  readonly #offsets: Float64Array
  readonly #sizes: Float64Array
  readonly #damage: SluiceError | undefined

  constructor(block: Block, fileSizeBytes: number) {
    const decoded = decode(block, fileSizeBytes)
    this.#block = block
    this.#keys = new SortedKeys(decoded.keys, Uint32Array.from(decoded.ends))
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
    const ordinal = this.#keys.lowerBound(key.bytes, key.length)
    if (ordinal === this.blockCount) {
      if (this.#damage !== undefined) throw this.#damage
      return -1
    }
    const offset = this.#offsets[ordinal]!
    if (offset === MALFORMED) throw this.#block.damage('malformed handle')
    if (offset === OUTSIDE) throw this.#block.damage('block handle points outside the file')
    return ordinal
  }

  /** Requires: find returned the ordinal. */
  offsetOf(ordinal: number): number {
    return this.#offsets[ordinal]!
  }

  /** Bytes of the block as it is stored, without the trailer. Requires: find returned the ordinal. */
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
