// What keeps an iterator's place: its view, its scan, and whether somebody waits for it.
//
// The public object is a thin handle on this one, so that it can be forgotten by its user and this one
// still be found and let go.
//
// Invariants:
//   One call at a time. One that has to wait for a read is followed by none until it settles; close()
//   waits for it, and it then rejects with LEVEL_ITERATOR_NOT_OPEN.
//   Entries that were gathered before an error are handed out first; a call that gathered none
//   rejects. Damage is told once, and the next call goes on behind it; an I/O error leaves the place,
//   and the next call tries again.
//   While everything is in memory no call waits, but other work gets its turn after every MiB, or ten
//   thousand entries, that are handed out, and after some thousand entries that are passed. A call can be aborted there, too.

import { SluiceError } from '../../format/error.ts'
import { nextTurn } from '../event-turns.ts'
import { EntryChunk, type Entry, Slab } from './entry-chunk.ts'
import { DAMAGED, EntryScan, PAUSED, type ScanRange, WAITS } from './entry-scan.ts'
import type { TableLender } from './level-cursor.ts'
import type { ReadView } from './read-view.ts'

const BYTES_A_TURN: number = 1024 * 1024
/** What an entry counts beside its bytes: of small ones it is the number that takes the time. */
const ENTRY_BYTES = 100
/** Some 2 ms of them. */
const MOVES_A_TURN = 8192

export interface OpenIteratorOptions {
  readonly range: ScanRange
  readonly keys: boolean
  readonly values: boolean
  readonly fillCache: boolean
}

export class OpenIterator {
  readonly openedAtMs: number
  readonly #view: ReadView
  readonly #tables: TableLender
  readonly #options: OpenIteratorOptions
  readonly #onClose: (iterator: OpenIterator) => void
  readonly #slab = new Slab()
  #scan: EntryScan | undefined
  /** Told by the next call. */
  #damage: SluiceError | undefined
  /** What was gathered when a call was aborted. */
  #unfinished: EntryChunk | undefined
  /** A call waits for a read; `#waiting` settles with it and never rejects. */
  #isBusy = false
  #waiting: Promise<void> = Promise.resolve()
  #bytesThisTurn = 0
  #isClosed = false

  constructor(
    view: ReadView,
    tables: TableLender,
    options: OpenIteratorOptions,
    openedAtMs: number,
    onClose: (iterator: OpenIterator) => void,
  ) {
    this.#view = view
    this.#tables = tables
    this.#options = options
    this.openedAtMs = openedAtMs
    this.#onClose = onClose
  }

  /** Whether entries are handed out with their keys. */
  get hasKeys(): boolean {
    return this.#options.keys
  }

  /** Why no call can be made; undefined when one can. */
  get refusal(): SluiceError | undefined {
    if (this.#isClosed) return new SluiceError('LEVEL_ITERATOR_NOT_OPEN', 'The iterator is closed')
    return this.#isBusy ? busyError() : undefined
  }

  /** The next entries go on from the cut in this direction. Requires: no refusal. */
  seek(cut: Buffer, isReverse: boolean): void {
    this.#damage = undefined
    this.#unfinished = undefined
    this.#openScan().seek(cut, isReverse)
  }

  /**
   * Up to `count` entries, fewer when they would be more than `sizeBytes`; none at the end. At once
   * when nothing has to be read. Entries of a call that was aborted come first, all of them.
   * Throws or rejects with LEVEL_CORRUPTION or LEVEL_IO_ERROR.
   * Requires: no refusal.
   */
  gather(
    count: number,
    sizeBytes: number,
    signal?: AbortSignal,
  ): readonly Entry[] | Promise<readonly Entry[]> {
    const chunk = this.#newChunk()
    if (this.#bytesThisTurn < BYTES_A_TURN) {
      const state = this.#fill(chunk, count, sizeBytes)
      if (state !== WAITS && state !== PAUSED) {
        this.#bytesThisTurn += chunk.sizeBytes + chunk.entries.length * ENTRY_BYTES
        return this.#outcome(chunk)
      }
    }
    const gathering = this.#gatherLater(chunk, count, sizeBytes, signal)
    this.#waiting = settled(gathering)
    return gathering
  }

  /** The same on the calling thread. */
  gatherSync(count: number, sizeBytes: number): readonly Entry[] {
    const chunk = this.#newChunk()
    for (;;) {
      const state = this.#fill(chunk, count, sizeBytes)
      if (state === PAUSED) this.#openScan().movesLeft = MOVES_A_TURN
      else if (state !== WAITS) return this.#outcome(chunk)
      else {
        try {
          this.#openScan().loadSync()
        } catch (error) {
          if (chunk.entries.length === 0) throw error
          return chunk.entries
        }
      }
    }
  }

  /** Lets everything go, at once or behind the call that waits. Idempotent. */
  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true
      this.#onClose(this)
      if (!this.#isBusy) this.#letGo()
    }
    return this.#isBusy ? this.#waiting : Promise.resolve()
  }

  async #gatherLater(
    chunk: EntryChunk,
    count: number,
    sizeBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly Entry[]> {
    this.#isBusy = true
    try {
      if (this.#bytesThisTurn >= BYTES_A_TURN) await this.#beginTurn()
      for (let isLoaded = true; isLoaded;) {
        this.#throwIfEnded(chunk, signal)
        const state = this.#fill(chunk, count, sizeBytes)
        if (state === PAUSED) await this.#beginTurn()
        else if (state === WAITS) isLoaded = await this.#load(chunk)
        else break
      }
      return this.#outcome(chunk)
    } finally {
      this.#isBusy = false
      if (this.#isClosed) this.#letGo()
    }
  }

  // False where the read failed, but there is something to hand out first.
  async #load(chunk: EntryChunk): Promise<boolean> {
    try {
      await this.#openScan().load()
      return true
    } catch (error) {
      if (chunk.entries.length === 0) throw error
      return false
    }
  }

  async #beginTurn(): Promise<void> {
    await nextTurn()
    this.#bytesThisTurn = 0
    this.#openScan().movesLeft = MOVES_A_TURN
  }

  // Throws what ended the call meanwhile.
  #throwIfEnded(chunk: EntryChunk, signal: AbortSignal | undefined): void {
    if (this.#isClosed) {
      throw new SluiceError('LEVEL_ITERATOR_NOT_OPEN', 'The iterator was closed')
    }
    if (signal?.aborted === true) {
      this.#unfinished = chunk
      throw abortError(signal)
    }
  }

  #fill(chunk: EntryChunk, count: number, sizeBytes: number): number {
    if (this.#damage !== undefined) return DAMAGED
    const scan = this.#openScan()
    const state = scan.fill(chunk, count, sizeBytes)
    if (state === DAMAGED) this.#damage = scan.damage
    return state
  }

  #outcome(chunk: EntryChunk): readonly Entry[] {
    const damage = this.#damage
    if (damage === undefined || chunk.entries.length > 0) return chunk.entries
    this.#damage = undefined
    throw damage
  }

  #newChunk(): EntryChunk {
    const chunk =
      this.#unfinished ?? new EntryChunk(this.#slab, this.#options.keys, this.#options.values)
    this.#unfinished = undefined
    return chunk
  }

  // At its first use: most of an iterator's cost is its sources'.
  #openScan(): EntryScan {
    if (this.#scan !== undefined) return this.#scan
    const { sequence } = this.#view
    const { fillCache, range, values } = this.#options
    const sources = this.#view.merge({ tables: this.#tables, sequence, fillCache, values })
    this.#scan = new EntryScan(sources, sequence, range)
    this.#scan.movesLeft = MOVES_A_TURN
    return this.#scan
  }

  #letGo(): void {
    this.#scan?.close()
    this.#scan = undefined
    this.#view.release()
  }
}

export function busyError(): SluiceError {
  return new SluiceError('LEVEL_ITERATOR_BUSY', 'The iterator is in the middle of another call')
}

export function abortError(signal: AbortSignal): SluiceError {
  return new SluiceError('LEVEL_ABORTED', 'The read was aborted', { cause: signal.reason })
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await Promise.allSettled([promise])
}
