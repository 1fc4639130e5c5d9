// Where a cursor stands, for the merge to compare: at an entry, at a gap, at the end, or on the way.
//
// A source (a memtable, a table of level 0, a deeper level) delivers entries in the order of internal
// keys. Where a block is damaged, or a table cannot be opened because of damage, it delivers a gap in
// their place, so that the merge meets the damage exactly where the lost entries would have been.
//
// A cut is a place between user keys, written as the user key that it stands before: everything below
// the cut is of lower user keys. The place behind a user key is the cut before its successor, the key
// with a zero byte appended.
//
// Invariant: a gap [low, high) holds every user key of which a lost entry could be the visible one.

import { TAG_SIZE, sequenceOfKey } from '../../format/internal-key.ts'
import type { SluiceError } from '../../format/error.ts'
import { hasLargestTag } from '../../table/separator.ts'

/** What a cursor is at. */
export const ENTRY = 0
export const GAP = 1
export const END = 2
/** At nothing yet: a table or a block has to be read first. */
export const NEEDS_READ = 3

export interface Gap {
  /** Cuts: user keys from low on, and below high, cannot be told. */
  readonly low: Buffer
  readonly high: Buffer
  readonly error: SluiceError
}

const NO_BYTES = Buffer.allocUnsafeSlow(0)

/** One for each source, written over at every move: so that the merge reads plain fields of one shape. */
export class Position {
  status: number = END
  /** The internal key of the entry is key[keyStart, keyEnd), until the next move. */
  key: Buffer = NO_BYTES
  keyStart = 0
  keyEnd = 0
  /** Its value is value[valueStart, valueEnd): not to be changed, but it stays as it is. */
  value: Buffer = NO_BYTES
  valueStart = 0
  valueEnd = 0
  /** The value's memory belongs to this source alone and is never written to again: views may leave. */
  ownsValue = false
  gap: Gap | undefined

  /** Nothing of a source that is done with is kept alive. */
  clear(status: number): void {
    this.status = status
    this.key = NO_BYTES
    this.value = NO_BYTES
    this.gap = undefined
  }
}

/**
 * A source of the merge. Moves leave `at` telling where it is. Requires: no move while a load is
 * under way; a move only from an entry; a load only where `at` says NEEDS_READ.
 */
export interface SourceCursor {
  readonly at: Position
  /**
   * Forwards: goes to the first entry that is not below the cut, and on from there. Backwards: to the
   * last entry below it. Without a cut, to the first or last entry of all.
   */
  seek(cut: Buffer | undefined, forward: boolean): void
  /** To the entry after the one that it is at, in the direction of the last seek. */
  move(): void
  /** Reads what is needed. Rejects with LEVEL_IO_ERROR, and can be called again then. */
  load(): Promise<void>
  /** The same on the calling thread; throws. */
  loadSync(): void
  /** Lets go of whatever is open. */
  close(): void
}

/** The cut behind every entry of a user key. */
export function cutBehind(userKey: Uint8Array): Buffer {
  const cut = Buffer.allocUnsafeSlow(userKey.length + 1)
  cut.set(userKey)
  cut[userKey.length] = 0
  return cut
}

/** The user key of an internal key, copied: the cut before it. */
export function cutBefore(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(bytes.subarray(start, end - TAG_SIZE))
}

/**
 * The cut that ends a gap whose last internal key is not above bytes[start, end). A shortened key
 * stands before every entry of its user key; a true one is of a user key whose older entries go on
 * behind it, and what is lost may be newer.
 */
export function highCut(bytes: Buffer, start: number, end: number): Buffer {
  const cut = cutBefore(bytes, start, end)
  return hasLargestTag(bytes, end) ? cut : cutBehind(cut)
}

/**
 * The cut that begins a gap whose internal keys are above bytes[start, end), the last key of the block
 * before it or a shortened one. When that entry is visible at `sequence`, the lost ones of its user key
 * are older and change nothing.
 */
export function lowCut(
  bytes: Buffer,
  start: number,
  end: number,
  sequence: number,
  high: Buffer,
): Buffer {
  const cut = cutBefore(bytes, start, end)
  const entrySequence = hasLargestTag(bytes, end) ? -1 : sequenceOfKey(bytes, end)
  if (entrySequence === -1 || entrySequence > sequence) return cut
  const behind = cutBehind(cut)
  // A gap of one user key alone stays one: cursors have to get past it.
  return behind.compare(high) < 0 ? behind : cut
}
