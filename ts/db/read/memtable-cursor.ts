// The entries of a memtable as a source of the merge. It is always in memory and never damaged.
//
// Backwards it goes by runs: Memtable.runBefore finds some sixteen entries at the price of one search.
//
// Invariant: entries that are inserted meanwhile may or may not be met. They are newer than the
// reader's sequence, so it would pass them by.

import { type Memtable, NO_NODE } from '../../memtable/memtable.ts'
import { END, ENTRY, Position, type SourceCursor } from './position.ts'

const RUN_NODES = 128

export class MemtableCursor implements SourceCursor {
  readonly at: Position = new Position()
  readonly #memtable: Memtable
  #isForward = true
  #node: number = NO_NODE
  /** Backwards: run[0, runAt] are the entry and those before it. */
  #run: Int32Array | undefined
  #runAt = -1

  /** Requires: the memtable is pinned until close(). */
  constructor(memtable: Memtable) {
    this.#memtable = memtable
  }

  seek(cut: Buffer | undefined, forward: boolean): void {
    const memtable = this.#memtable
    this.#isForward = forward
    if (forward) {
      this.#node =
        cut === undefined
          ? memtable.first()
          : memtable.seek(cut, 0, cut.length, Number.POSITIVE_INFINITY)
    } else {
      this.#run ??= new Int32Array(RUN_NODES)
      const limit =
        cut === undefined ? NO_NODE : memtable.seek(cut, 0, cut.length, Number.POSITIVE_INFINITY)
      this.#enterRunBefore(limit)
    }
    this.#show()
  }

  move(): void {
    if (this.#isForward) {
      this.#node = this.#memtable.next(this.#node)
    } else if (this.#runAt > 0) {
      this.#runAt--
      this.#node = this.#run![this.#runAt]!
    } else {
      this.#enterRunBefore(this.#node)
    }
    this.#show()
  }

  load(): Promise<void> {
    return Promise.reject(new Error('a memtable needs no read'))
  }

  loadSync(): void {
    throw new Error('a memtable needs no read')
  }

  close(): void {
    this.at.clear(END)
  }

  #enterRunBefore(node: number): void {
    this.#runAt = this.#memtable.runBefore(node, this.#run!) - 1
    this.#node = this.#runAt === -1 ? NO_NODE : this.#run![this.#runAt]!
  }

  #show(): void {
    const { at } = this
    const memtable = this.#memtable
    const node = this.#node
    if (node === NO_NODE) {
      at.status = END
      return
    }
    const valueStart = memtable.valueStart(node)
    at.status = ENTRY
    at.key = memtable.bytes
    at.keyStart = memtable.keyStart(node)
    at.keyEnd = valueStart
    at.value = memtable.bytes
    at.valueStart = valueStart
    at.valueEnd = memtable.valueEnd(node)
  }
}
