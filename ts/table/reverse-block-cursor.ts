// Walks the entries of one block backwards, run by run.
//
// A run is what stands between two restart points. An entry of it can only be had by decoding those
// before it, so a run is decoded once, front to back, its whole keys written one behind the other,
// and then handed out from its end.
// Rejected: to decode the run anew for each step back, as LevelDB does: at 16 entries a run that is
// eight decoded for each one handed out.
//
// Invariant: every run that was decoded ends exactly where the next one begins.

import { copyRange } from '../format/batch.ts'
import { TAG_SIZE, compareBytes, isEntryKey } from '../format/internal-key.ts'
import type { Block } from './block.ts'
import { BlockCursor, lastRestartBelow } from './block.ts'

const INITIAL_ENTRIES = 32
const INITIAL_KEY_BYTES = 1024

/**
 * Every move returns whether there is an entry, and throws LEVEL_CORRUPTION, which leaves the cursor
 * without one. It can be used for block after block, keeping its buffers.
 */
export class ReverseBlockCursor {
  readonly #walker = new BlockCursor()
  #block: Block | undefined
  /** The run that is decoded, by its restart point, and which of its entries the cursor is at. */
  #restart = 0
  #at = -1
  #keys: Buffer = Buffer.allocUnsafeSlow(INITIAL_KEY_BYTES)
  #keyEnds: Int32Array = new Int32Array(INITIAL_ENTRIES)
  #valueStarts: Int32Array = new Int32Array(INITIAL_ENTRIES)
  #valueEnds: Int32Array = new Int32Array(INITIAL_ENTRIES)

  /** The entry's internal key is keys[keyStart, keyEnd): until the next move. */
  get keys(): Buffer {
    return this.#keys
  }

  get keyStart(): number {
    return this.#at === 0 ? 0 : this.#keyEnds[this.#at - 1]!
  }

  get keyEnd(): number {
    return this.#keyEnds[this.#at]!
  }

  /** Its value is valueBytes[valueStart, valueEnd): the block's own bytes, not to be changed. */
  get valueBytes(): Buffer {
    return this.#openBlock().bytes
  }

  get valueStart(): number {
    return this.#valueStarts[this.#at]!
  }

  get valueEnd(): number {
    return this.#valueEnds[this.#at]!
  }

  /** Leaves the cursor without an entry. */
  open(block: Block | undefined): void {
    this.#block = block
    this.#walker.open(block)
    this.#at = -1
  }

  seekToLast(): boolean {
    const block = this.#openBlock()
    this.#at = -1
    if (block.entriesEnd === 0) return false
    this.#decodeRun(block, block.restartCount - 1)
    return true
  }

  /**
   * Goes to the last entry whose user key is below that of the internal key target[0, length), whose
   * tag is the largest there is.
   */
  seekBefore(target: Uint8Array): boolean {
    const block = this.#openBlock()
    this.#at = -1
    if (block.entriesEnd === 0) return false
    this.#decodeRun(block, lastRestartBelow(block, target, 0, target.length))
    const userEnd = target.length - TAG_SIZE
    // Only the first run can be of entries that are all too high.
    while (
      compareBytes(this.#keys, this.keyStart, this.keyEnd - TAG_SIZE, target, 0, userEnd) >= 0
    ) {
      if (!this.previous()) return false
    }
    return true
  }

  /** Requires: at an entry. */
  previous(): boolean {
    if (this.#at > 0) {
      this.#at--
      return true
    }
    this.#at = -1
    if (this.#restart === 0) return false
    this.#decodeRun(this.#openBlock(), this.#restart - 1)
    return true
  }

  /** Decodes the run of a restart point and goes to its last entry. */
  #decodeRun(block: Block, restart: number): void {
    const walker = this.#walker
    const isLast = restart + 1 === block.restartCount
    const runEnd = isLast ? block.entriesEnd : block.restartAt(restart + 1)
    walker.goToRestart(restart)
    let count = 0
    let end = 0
    while (walker.position < runEnd && walker.next()) {
      const { keyLength } = walker
      if (!isEntryKey(walker.key, 0, keyLength)) throw this.#damage('malformed internal key')
      if (end + keyLength > this.#keys.length) this.#growKeys(end, end + keyLength)
      if (count === this.#keyEnds.length) this.#growEntries()
      copyRange(walker.key, 0, keyLength, this.#keys, end)
      end += keyLength
      this.#keyEnds[count] = end
      this.#valueStarts[count] = walker.valueStart
      this.#valueEnds[count] = walker.valueEnd
      count++
    }
    if (walker.position !== runEnd) throw this.#damage('an entry runs over a restart point')
    this.#restart = restart
    this.#at = count - 1
  }

  #openBlock(): Block {
    if (this.#block === undefined) throw new Error('the cursor has no block')
    return this.#block
  }

  #damage(what: string): Error {
    this.#at = -1
    return this.#openBlock().damage(what)
  }

  #growKeys(usedBytes: number, neededBytes: number): void {
    const keys = Buffer.allocUnsafeSlow(Math.max(neededBytes, 2 * this.#keys.length))
    this.#keys.copy(keys, 0, 0, usedBytes)
    this.#keys = keys
  }

  #growEntries(): void {
    this.#keyEnds = twice(this.#keyEnds)
    this.#valueStarts = twice(this.#valueStarts)
    this.#valueEnds = twice(this.#valueEnds)
  }
}

function twice(numbers: Int32Array): Int32Array {
  const larger = new Int32Array(2 * numbers.length)
  larger.set(numbers)
  return larger
}
