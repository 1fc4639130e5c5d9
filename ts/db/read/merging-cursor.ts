// Several sources as one, in the order of internal keys, forwards or backwards.
//
// The sources are kept in a row, the one that is next at its head. A move of the head costs one
// comparison while it stays the head, which is the rule: most keys are in the deepest level. A heap
// was rejected: at a dozen sources it saves nothing, and it always takes two.
//
// Invariants:
//   The row is in order, but while a source has to be read first: then `status` says NEEDS_READ, and
//   nothing else is to be asked.
//   A gap comes as early as one of its lost entries could: forwards before all entries of its first
//   user key, backwards before all below its end.

import { TAG_SIZE, compareBytes, compareInternal } from '../../format/internal-key.ts'
import { END, ENTRY, GAP, NEEDS_READ, Position, type SourceCursor } from './position.ts'

export class MergingCursor {
  /** As in position.ts: what `top` is at, or NEEDS_READ. */
  status: number = END
  /** The position that is next in order. */
  top: Position = new Position()
  readonly #row: SourceCursor[]
  #isForward = true

  /** Sources with newer entries first. They belong to this cursor. */
  constructor(sources: readonly SourceCursor[]) {
    this.#row = [...sources]
  }

  /** As SourceCursor.seek. */
  seek(cut: Buffer | undefined, forward: boolean): void {
    this.#isForward = forward
    for (const source of this.#row) source.seek(cut, forward)
    this.#arrange()
  }

  /** Goes to the next entry. Requires: at an entry. */
  move(): void {
    const row = this.#row
    const head = row[0]!
    head.move()
    const { at } = head
    if (at.status === NEEDS_READ) {
      this.status = NEEDS_READ
      return
    }
    let i = 1
    for (; i < row.length && isBefore(row[i]!.at, at, this.#isForward); i++) row[i - 1] = row[i]!
    row[i - 1] = head
    this.top = row[0]!.at
    this.status = this.top.status
  }

  /** Lets every source read what it needs, all at once. Rejects with the first LEVEL_IO_ERROR. */
  async load(): Promise<void> {
    const waiting = this.#row.filter(needsRead)
    // One that fails must not leave others running behind the caller's back.
    const outcomes = await Promise.allSettled(waiting.map((source) => source.load()))
    this.#arrange()
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  loadSync(): void {
    for (const source of this.#row) if (needsRead(source)) source.loadSync()
    this.#arrange()
  }

  close(): void {
    for (const source of this.#row) source.close()
    this.status = END
  }

  #arrange(): void {
    const row = this.#row
    if (row.some(needsRead)) {
      this.status = NEEDS_READ
      return
    }
    if (row.length === 0) return
    row.sort((a, b) => {
      if (isBefore(a.at, b.at, this.#isForward)) return -1
      return isBefore(b.at, a.at, this.#isForward) ? 1 : 0
    })
    this.top = row[0]!.at
    this.status = this.top.status
  }
}

function needsRead({ at }: SourceCursor): boolean {
  return at.status === NEEDS_READ
}

function isBefore(a: Position, b: Position, forward: boolean): boolean {
  if (a.status === ENTRY && b.status === ENTRY) {
    const order = compareInternal(a.key, a.keyStart, a.keyEnd, b.key, b.keyStart, b.keyEnd)
    return forward ? order < 0 : order > 0
  }
  if (a.status === END || b.status === END) return a.status !== END && b.status === END
  return forward ? gapIsBefore(a, b) : gapIsBeforeInReverse(a, b)
}

// One of both is at a gap, neither at its end.
function gapIsBefore(a: Position, b: Position): boolean {
  if (a.status !== GAP) return compareCut(a, b.gap!.low) < 0
  if (b.status !== GAP) return compareCut(b, a.gap!.low) >= 0
  return a.gap!.low.compare(b.gap!.low) < 0
}

function gapIsBeforeInReverse(a: Position, b: Position): boolean {
  if (a.status !== GAP) return compareCut(a, b.gap!.high) >= 0
  if (b.status !== GAP) return compareCut(b, a.gap!.high) < 0
  return a.gap!.high.compare(b.gap!.high) > 0
}

// Negative when the user key of the entry is below the cut.
function compareCut(entry: Position, cut: Buffer): number {
  const { key, keyStart, keyEnd } = entry
  return compareBytes(key, keyStart, keyEnd - TAG_SIZE, cut, 0, cut.length)
}
