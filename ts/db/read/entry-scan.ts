// From internal entries to those that a reader sees: the newest version of each user key that its
// sequence admits, unless that is a deletion, within bounds, in one direction.
//
//   forwards    the first visible entry of a user key decides it; the others are passed by
//   backwards   the entries of a user key come oldest first, so the last visible one is a candidate
//               until another user key, the end, or a gap shows that it was the newest
//
// A gap is damage that the merge met (position.ts). When it is next in order, nothing can be said of the
// user keys within it: a candidate among them is dropped, the error is handed over once, and the scan
// goes on behind them.
//
// Invariants:
//   What is handed out is the newest visible version of its key, also beside damage; never an older one.
//   After an error for something that could not be read, the next call goes on where this one stopped.

import { copyRange } from '../../format/batch.ts'
import {
  TAG_SIZE,
  TYPE_VALUE,
  compareBytes,
  sequenceOfKey,
  typeOfKey,
} from '../../format/internal-key.ts'
import type { SluiceError } from '../../format/error.ts'
import type { EntryChunk } from './entry-chunk.ts'
import type { MergingCursor } from './merging-cursor.ts'
import { ENTRY, GAP, NEEDS_READ, type Position } from './position.ts'

export interface ScanRange {
  /** Cuts (see position.ts): user keys from `low` on and below `high`; undefined for no limit. */
  readonly low: Buffer | undefined
  readonly high: Buffer | undefined
  /** The direction to begin with. */
  readonly isReverse: boolean
}

/** How a fill ended. */
export const FULL = 0
export const AT_END = 1
/** Something has to be read: load(), and fill again. */
export const WAITS = 2
/** At damage: `damage` says which; the next fill goes on behind it. */
export const DAMAGED = 3
/** In the middle: it has made as many moves as it was given. */
export const PAUSED = 4

export class EntryScan {
  damage: SluiceError | undefined
  /**
   * Entries that fills may still pass, those that nobody gets to see among them: over a million
   * deletions a fill would otherwise be one long turn that hands out nothing.
   */
  movesLeft = 0
  readonly #merge: MergingCursor
  readonly #sequence: number
  readonly #range: ScanRange
  #isReverse: boolean
  /** A seek is due, to this cut. */
  #seekIsDue = true
  #cut: Buffer | undefined
  /** The user key that was decided last, or, backwards, the candidate's. */
  #key: Buffer = Buffer.allocUnsafeSlow(64)
  #keyLength = -1
  #hasCandidate = false
  #value: Buffer | undefined
  #valueStart = 0
  #valueEnd = 0
  #ownsValue = false

  constructor(merge: MergingCursor, sequence: number, range: ScanRange) {
    this.#merge = merge
    this.#sequence = sequence
    this.#range = range
    this.#isReverse = range.isReverse
    this.#cut = range.isReverse ? range.high : range.low
  }

  /** Goes on, with the next fill, from the cut in this direction. Requires: it is within the range. */
  seek(cut: Buffer, isReverse: boolean): void {
    this.#cut = cut
    this.#isReverse = isReverse
    this.#seekIsDue = true
  }

  /**
   * Adds entries until the chunk has `count` of them or more than `sizeBytes`, or `movesLeft` is 0.
   * Returns how it ended.
   */
  fill(chunk: EntryChunk, count: number, sizeBytes: number): number {
    if (this.#seekIsDue) this.#seekNow()
    return this.#isReverse
      ? this.#fillReverse(chunk, count, sizeBytes)
      : this.#fillForward(chunk, count, sizeBytes)
  }

  /** Reads what the last fill waited for. Rejects with LEVEL_IO_ERROR. */
  load(): Promise<void> {
    return this.#merge.load()
  }

  loadSync(): void {
    this.#merge.loadSync()
  }

  close(): void {
    this.#merge.close()
    this.#dropCandidate()
  }

  #seekNow(): void {
    this.#dropCandidate()
    this.#merge.seek(this.#cut, !this.#isReverse)
    this.#seekIsDue = false
  }

  #fillForward(chunk: EntryChunk, count: number, sizeBytes: number): number {
    const merge = this.#merge
    const { high } = this.#range
    const sequence = this.#sequence
    let moves = this.movesLeft
    while (merge.status === ENTRY) {
      if (moves === 0) return this.#pause()
      const at = merge.top
      const { key, keyStart, keyEnd } = at
      const userEnd = keyEnd - TAG_SIZE
      if (high !== undefined && compareBytes(key, keyStart, userEnd, high, 0, high.length) >= 0) {
        return AT_END
      }
      if (sequenceOfKey(key, keyEnd) <= sequence && !this.#isSameKey(key, keyStart, userEnd)) {
        this.#keepKey(key, keyStart, userEnd)
        if (typeOfKey(key, keyEnd) === TYPE_VALUE) {
          chunk.add(key, keyStart, userEnd, at.value, at.valueStart, at.valueEnd, at.ownsValue)
        }
      }
      merge.move()
      moves--
      if (chunk.entries.length >= count || chunk.sizeBytes > sizeBytes) {
        this.movesLeft = moves
        return FULL
      }
    }
    this.movesLeft = moves
    if (merge.status !== GAP) return merge.status === NEEDS_READ ? WAITS : AT_END
    const gap = merge.top.gap!
    if (high !== undefined && gap.low.compare(high) >= 0) return AT_END
    this.damage = gap.error
    this.seek(gap.high, false)
    return DAMAGED
  }

  #fillReverse(chunk: EntryChunk, count: number, sizeBytes: number): number {
    const merge = this.#merge
    const { low } = this.#range
    let moves = this.movesLeft
    while (merge.status === ENTRY) {
      if (moves === 0) return this.#pause()
      const at = merge.top
      const { key, keyStart, keyEnd } = at
      const userEnd = keyEnd - TAG_SIZE
      if (!this.#isSameKey(key, keyStart, userEnd)) {
        this.#decide(chunk)
        if (low !== undefined && compareBytes(key, keyStart, userEnd, low, 0, low.length) < 0) {
          return AT_END
        }
        if (chunk.entries.length >= count || chunk.sizeBytes > sizeBytes) {
          this.movesLeft = moves
          return FULL
        }
        this.#keepKey(key, keyStart, userEnd)
      }
      this.#consider(at)
      merge.move()
      moves--
    }
    this.movesLeft = moves
    if (merge.status === NEEDS_READ) return WAITS
    if (merge.status === GAP) return this.#meetGap(chunk, low)
    this.#decide(chunk)
    return AT_END
  }

  #pause(): number {
    this.movesLeft = 0
    return PAUSED
  }

  #meetGap(chunk: EntryChunk, low: Buffer | undefined): number {
    const gap = this.#merge.top.gap!
    // What is lost may be newer than the candidate.
    if (this.#keyLength !== -1 && this.#compareKey(gap.high) < 0) this.#dropCandidate()
    else this.#decide(chunk)
    if (low !== undefined && gap.high.compare(low) <= 0) return AT_END
    this.damage = gap.error
    this.seek(gap.low, true)
    return DAMAGED
  }

  // Takes the entry for the candidate when it is visible: it is newer than those before it.
  #consider(at: Position): void {
    const { key, keyEnd } = at
    if (sequenceOfKey(key, keyEnd) > this.#sequence) return
    this.#hasCandidate = typeOfKey(key, keyEnd) === TYPE_VALUE
    this.#value = at.value
    this.#valueStart = at.valueStart
    this.#valueEnd = at.valueEnd
    this.#ownsValue = at.ownsValue
  }

  #decide(chunk: EntryChunk): void {
    if (this.#hasCandidate) {
      chunk.add(
        this.#key,
        0,
        this.#keyLength,
        this.#value!,
        this.#valueStart,
        this.#valueEnd,
        this.#ownsValue,
      )
    }
    this.#dropCandidate()
  }

  #dropCandidate(): void {
    this.#hasCandidate = false
    this.#keyLength = -1
    this.#value = undefined
  }

  // From the end: the keys beside each other mostly differ there.
  #isSameKey(bytes: Buffer, start: number, end: number): boolean {
    if (end - start !== this.#keyLength) return false
    const kept = this.#key
    for (let i = this.#keyLength - 1; i >= 0; i--) if (bytes[start + i] !== kept[i]) return false
    return true
  }

  #compareKey(cut: Buffer): number {
    return compareBytes(this.#key, 0, this.#keyLength, cut, 0, cut.length)
  }

  #keepKey(bytes: Buffer, start: number, end: number): void {
    const length = end - start
    if (length > this.#key.length) this.#key = Buffer.allocUnsafeSlow(2 * length)
    copyRange(bytes, start, end, this.#key, 0)
    this.#keyLength = length
  }
}
