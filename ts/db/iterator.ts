// An iterator as its user holds it: entries one by one, in chunks, or all, waiting for reads or not.
//
// Entries are fetched ahead in chunks of highWaterMarkBytes, so that most calls of next() are served
// from memory. What is handed out are views of slabs of up to 16 KiB: a Buffer that is kept keeps its
// slab, so copy what is to live for long.
//
// Invariant: an entry is handed out once, in order, whichever of the calls asks for it.

import { keyError } from '../format/user-bytes.ts'
import type { SluiceError } from '../format/error.ts'
import type { Entry as AnyEntry } from './read/entry-chunk.ts'
import { type OpenIterator, abortError, busyError } from './read/open-iterator.ts'
import { type IteratorRange, cutFor, isInRange } from './read/range.ts'

export type Entry<Key = Buffer, Value = Buffer> = [key: Key, value: Value]

export interface GatherOptions {
  /** Ends the call with LEVEL_ABORTED; what was gathered is kept for the next call. */
  readonly signal?: AbortSignal
}

/** Prefetched at once, whatever their size. */
const MOST_PREFETCHED = 1000

const NO_OPTIONS: GatherOptions = {}
const NO_ENTRIES: readonly AnyEntry[] = []

export class DBIterator<Key = Buffer, Value = Buffer> {
  readonly #open: OpenIterator
  readonly #range: IteratorRange
  readonly #highWaterMarkBytes: number
  readonly #onClose: (iterator: object) => void
  /** Entries that may still be handed out. */
  #left: number
  /** Fetched and not handed out yet: from #readyAt on. */
  #ready: readonly AnyEntry[] = NO_ENTRIES
  #readyAt = 0
  #isReverse: boolean
  /** A copy of the key that was fetched last since the last seek or turn, and the place of that. */
  #fetchedKey: Buffer | undefined
  #soughtCut: Buffer | undefined
  /** Nothing follows until a seek or a turn. */
  #isAtEnd: boolean
  /** The first fetch after a seek is of one entry: more may never be asked for. */
  #fetchCount = 1
  /** A fetch is under way, or is over and has not been received yet: others may run in between. */
  #isFetching = false

  /** For the engine; everyone else calls DB.iterator. */
  constructor(
    open: OpenIterator,
    range: IteratorRange,
    limit: number,
    highWaterMarkBytes: number,
    onClose: (iterator: object) => void,
  ) {
    this.#open = open
    this.#range = range
    this.#left = limit
    this.#highWaterMarkBytes = highWaterMarkBytes
    this.#onClose = onClose
    this.#isReverse = range.isReverse
    this.#isAtEnd = range.isEmpty
  }

  /**
   * The next entry, undefined at the end.
   * Rejects with LEVEL_CORRUPTION, once for each damaged part, and goes on behind it with the next
   * call: keys in that part are left out. So with LEVEL_NOT_SUPPORTED for a block that cannot be
   * expanded here. With LEVEL_IO_ERROR, and tries again with the next call.
   * With LEVEL_ITERATOR_NOT_OPEN or LEVEL_ITERATOR_BUSY.
   */
  next(): Promise<Entry<Key, Value> | undefined> {
    try {
      const entry = this.#takeOne()
      if (entry !== undefined) return Promise.resolve(entry)
      const entries = this.#prefetch()
      if (entries instanceof Promise) return this.#later(entries, () => this.#takeOne())
      this.#receive(entries)
      return Promise.resolve(this.#takeOne())
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The same on the calling thread; throws. */
  nextSync(): Entry<Key, Value> | undefined {
    const entry = this.#takeOne()
    if (entry !== undefined || !this.#hasMore()) return entry
    this.#receive(this.#open.gatherSync(this.#nextFetchCount(), this.#highWaterMarkBytes))
    return this.#takeOne()
  }

  /**
   * The next entries: at least one and at most `count`, fewer where they would be more than
   * highWaterMarkBytes; none at the end. Rejects as next does, or with RangeError or LEVEL_ABORTED.
   */
  async nextv(count: number, options: GatherOptions = NO_OPTIONS): Promise<Entry<Key, Value>[]> {
    checkCount(count)
    const { signal } = checkGatherOptions(options)
    if (this.#isFetchDue()) {
      const most = Math.min(count, this.#left)
      const entries = this.#open.gather(most, this.#highWaterMarkBytes, signal)
      // No await of what is there: another call could come in between.
      if (entries instanceof Promise) return this.#later(entries, () => this.#take(count))
      this.#receive(entries)
    }
    return this.#take(count)
  }

  /** The same on the calling thread; throws. */
  nextvSync(count: number): Entry<Key, Value>[] {
    checkCount(count)
    if (this.#isFetchDue()) {
      const most = Math.min(count, this.#left)
      this.#receive(this.#open.gatherSync(most, this.#highWaterMarkBytes))
    }
    return this.#take(count)
  }

  /** Every entry that is left; closes the iterator. Rejects as nextv does. */
  async all(options: GatherOptions = NO_OPTIONS): Promise<Entry<Key, Value>[]> {
    try {
      const all: Entry<Key, Value>[] = []
      for (;;) {
        const entries = await this.nextv(MOST_PREFETCHED, options)
        if (entries.length === 0) return all
        for (const entry of entries) all.push(entry)
      }
    } finally {
      await this.close()
    }
  }

  /**
   * Goes on at the first entry that is not before `target` in the iterator's direction; nowhere when
   * the target is outside of its range. Throws LEVEL_INVALID_KEY, LEVEL_ITERATOR_NOT_OPEN or
   * LEVEL_ITERATOR_BUSY.
   */
  seek(target: Uint8Array): void {
    const error = this.#refusal ?? keyError(target)
    if (error !== undefined) throw error
    this.#isAtEnd = !isInRange(this.#range, target)
    this.#goOnFrom(cutFor(target, this.#isReverse))
  }

  /**
   * Changes the direction: what was handed out last comes again first, and then what was before it.
   * Throws LEVEL_ITERATOR_NOT_OPEN or LEVEL_ITERATOR_BUSY, and TypeError for an iterator without keys,
   * which does not know where it is.
   */
  turn(): void {
    this.#throwRefusal()
    if (!this.#open.hasKeys) throw new TypeError('An iterator without keys cannot turn')
    // Before what comes next, or behind what came last.
    const coming = this.#ready[this.#readyAt]?.[0]
    const key = coming ?? this.#fetchedKey
    const cut = key && cutFor(key, coming === undefined ? !this.#isReverse : this.#isReverse)
    this.#isReverse = !this.#isReverse
    if (cut !== undefined || this.#soughtCut !== undefined) {
      this.#goOnFrom(cut ?? this.#soughtCut!)
    } else {
      // Nothing is before the start.
      this.#isAtEnd = this.#range.isEmpty || !this.#isAtEnd
    }
  }

  /** Lets go of what the iterator holds, behind the call that is under way. Idempotent. */
  async close(): Promise<void> {
    this.#onClose(this)
    this.#ready = NO_ENTRIES
    await this.#open.close()
  }

  /** Closes the iterator when the loop ends, however it does: also by damage, which does not end next(). */
  [Symbol.asyncIterator](): AsyncIterableIterator<Entry<Key, Value>> {
    // By hand: a generator takes three turns of the microtask queue for each entry.
    return {
      next: () => this.#nextResult(),
      return: async () => {
        await this.close()
        return { done: true, value: undefined }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  *[Symbol.iterator](): Generator<Entry<Key, Value>, void> {
    try {
      for (;;) {
        const entry = this.nextSync()
        if (entry === undefined) return
        yield entry
      }
    } finally {
      this.#onClose(this)
      this.#ready = NO_ENTRIES
      // At once: nobody waits for a read, since nextSync() was possible.
      void this.#open.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For `using` beside reads on the calling thread. */
  [Symbol.dispose](): void {
    void this.close()
  }

  #nextResult(): Promise<IteratorResult<Entry<Key, Value>, undefined>> {
    try {
      const entry = this.#takeOne()
      if (entry !== undefined) return Promise.resolve({ done: false, value: entry })
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#laterResult()
  }

  // A loop does not call return() at the end, nor when next() rejects, so both close here.
  async #laterResult(): Promise<IteratorResult<Entry<Key, Value>, undefined>> {
    let value: Entry<Key, Value> | undefined
    try {
      value = await this.next()
      if (value !== undefined) return { done: false, value }
    } finally {
      if (value === undefined) await this.close()
    }
    return { done: true, value }
  }

  #goOnFrom(cut: Buffer): void {
    this.#ready = NO_ENTRIES
    this.#readyAt = 0
    this.#fetchedKey = undefined
    this.#soughtCut = cut
    this.#fetchCount = 1
    if (!this.#isAtEnd) this.#open.seek(cut, this.#isReverse)
  }

  async #later<Taken>(fetching: Promise<readonly AnyEntry[]>, take: () => Taken): Promise<Taken> {
    this.#isFetching = true
    try {
      this.#receive(await fetching)
    } finally {
      this.#isFetching = false
    }
    return take()
  }

  #receive(entries: readonly AnyEntry[]): void {
    this.#ready = entries
    this.#readyAt = 0
    // A copy: the key will be the caller's, who may write to it.
    const key = entries.at(-1)?.[0]
    if (key !== undefined) this.#fetchedKey = Buffer.from(key)
  }

  #prefetch(): readonly AnyEntry[] | Promise<readonly AnyEntry[]> {
    if (!this.#hasMore()) return NO_ENTRIES
    return this.#open.gather(this.#nextFetchCount(), this.#highWaterMarkBytes)
  }

  #nextFetchCount(): number {
    const count = Math.min(this.#fetchCount, this.#left)
    this.#fetchCount = MOST_PREFETCHED
    return count
  }

  // Throws when the iterator is closed or in the middle of another call.
  #isFetchDue(): boolean {
    if (this.#readyAt < this.#ready.length) {
      this.#throwRefusal()
      return false
    }
    return this.#hasMore()
  }

  #hasMore(): boolean {
    this.#throwRefusal()
    this.#ready = NO_ENTRIES
    this.#readyAt = 0
    return !this.#isAtEnd && this.#left > 0
  }

  get #refusal(): SluiceError | undefined {
    return this.#open.refusal ?? (this.#isFetching ? busyError() : undefined)
  }

  #throwRefusal(): void {
    const error = this.#refusal
    if (error !== undefined) throw error
  }

  #takeOne(): Entry<Key, Value> | undefined {
    const entry = this.#ready[this.#readyAt]
    if (entry === undefined) return undefined
    this.#throwRefusal()
    this.#readyAt++
    this.#left--
    return entry as Entry<Key, Value>
  }

  #take(count: number): Entry<Key, Value>[] {
    const ready = this.#ready
    const start = this.#readyAt
    const end = Math.min(start + count, ready.length)
    this.#left -= end - start
    this.#readyAt = end
    if (start > 0 || end < ready.length || end === 0) {
      return ready.slice(start, end) as Entry<Key, Value>[]
    }
    // The usual case, without a copy: the array is the caller's from now on.
    this.#ready = NO_ENTRIES
    return ready as Entry<Key, Value>[]
  }
}

function checkCount(count: unknown): void {
  if (!Number.isInteger(count) || (count as number) < 1) {
    throw new RangeError(`count must be a whole number from 1 on, not ${String(count)}`)
  }
}

function checkGatherOptions(options: GatherOptions): GatherOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options must be an object')
  }
  const { signal } = options
  if (signal?.aborted === true) throw abortError(signal)
  return options
}
