// Searches in blocks for many who wait: one job of the pool for those of a turn of the event loop.
//
//   first few      in place, when nobody waits: a lonely search would pay for two threads that wake
//                  each other, some ten times what it costs itself
//   gathered       in a batch, which starts at the end of the turn, or when it is large enough that
//                  both threads have work
//   found          the values, one behind the other, and who waits is told in the order of asking
//
// At most two jobs run, so that threads of the pool are left for others, and a batch is bounded, so
// that none is held for long.
//
// Invariant: everyone who waits is told once, whatever becomes of the job.

import {
  FLAGS,
  keyRoom,
  KEY_AT,
  KEY_SIZE,
  OUTCOME,
  POSITION,
  putRequest,
  REQUEST_LENGTH,
  VALUE_END,
  VALUE_START,
  WHERE,
  type BlockFinds,
  type BlockQuestion,
} from './block-finds.ts'
import { BLOCK_REFUSED, WHOLE } from './block-reads.ts'

/** Jobs at a time: each holds a thread of the pool, which others need too. */
const MOST_JOBS = 2
const MOST_REQUESTS = 128
/** A batch of so many starts at once, when a job may: then threads work side by side. */
const LARGE_BATCH = 32
/** Searches in place while others of the same turn may still ask. */
const MOST_IN_PLACE = 16
const INITIAL_KEY_BYTES = 8 * 1024
/** Batches that are kept for the next ones, unless their keys took more than is usual. */
const MOST_FREE = 4
const MOST_KEY_BYTES = 64 * 1024

export interface BlockFindWaiter {
  /** What became of request `index` of the batch, which is good until this returns. Must not throw. */
  found(batch: BlockFindBatch, index: number): void
}

/** Requests that are answered together. */
export class BlockFindBatch {
  readonly numbers: Float64Array = new Float64Array(REQUEST_LENGTH * MOST_REQUESTS)
  keys: Buffer = Buffer.allocUnsafeSlow(INITIAL_KEY_BYTES)
  keysEnd = 0
  readonly waiters: BlockFindWaiter[] = []
  #pieces: readonly (Buffer | undefined)[] = []

  add(descriptor: number, question: BlockQuestion, waiter: BlockFindWaiter): void {
    const end = this.keysEnd + keyRoom(question)
    if (end > this.keys.length) this.#growKeys(end)
    const i = this.waiters.length
    this.keysEnd = putRequest(this.numbers, i, this.keys, this.keysEnd, descriptor, question)
    this.waiters.push(waiter)
  }

  /** Tells everyone, and is empty then. `pieces` undefined: nothing was found out. */
  settle(pieces: readonly (Buffer | undefined)[] | undefined): void {
    const { waiters } = this
    this.#pieces = pieces ?? []
    for (let i = 0; i < waiters.length; i++) {
      if (pieces === undefined) this.numbers[REQUEST_LENGTH * i + OUTCOME] = BLOCK_REFUSED
      waiters[i]!.found(this, i)
    }
    this.#pieces = []
    waiters.length = 0
    this.keysEnd = 0
  }

  outcome(index: number): number {
    return this.numbers[REQUEST_LENGTH * index + OUTCOME]!
  }

  /**
   * The value, for FOUND_VALUE: a view of at most as much memory as Node's pool of Buffers has in a
   * piece, unless it is larger by itself. Undefined where memory ran out.
   */
  value(index: number): Buffer | undefined {
    const at = REQUEST_LENGTH * index
    const { numbers } = this
    const start = numbers[at + VALUE_START]!
    const end = numbers[at + VALUE_END]!
    return this.#pieces[numbers[at + WHERE]!]?.subarray(start, end)
  }

  /** Whether the block was asked for whole. */
  isWhole(index: number): boolean {
    return (this.numbers[REQUEST_LENGTH * index + FLAGS]! & WHOLE) !== 0
  }

  /** The contents of such a block, alone in their memory. Undefined where memory ran out. */
  contents(index: number): Buffer | undefined {
    return this.#pieces[this.numbers[REQUEST_LENGTH * index + WHERE]!]
  }

  /** Where the block stands in its file. */
  position(index: number): number {
    return this.numbers[REQUEST_LENGTH * index + POSITION]!
  }

  /** The internal key that was looked for. A view. */
  key(index: number): Buffer {
    const start = this.numbers[REQUEST_LENGTH * index + KEY_AT]!
    return this.keys.subarray(start, start + this.numbers[REQUEST_LENGTH * index + KEY_SIZE]!)
  }

  #growKeys(needed: number): void {
    const keys = Buffer.allocUnsafeSlow(2 * needed)
    this.keys.copy(keys, 0, 0, this.keysEnd)
    this.keys = keys
  }
}

export class BlockFindQueue {
  readonly #finds: BlockFinds
  readonly #free: BlockFindBatch[] = []
  /** Full ones, the oldest first, and the one that is being filled. */
  #waiting: BlockFindBatch[] = []
  #gathering: BlockFindBatch | undefined
  #jobs = 0
  #isFlushComing = false
  #inPlace = 0

  readonly #forgetInPlace = (): void => {
    this.#inPlace = 0
  }

  constructor(finds: BlockFinds) {
    this.#finds = finds
  }

  /** Whether the next search is better made in place; it counts as made. */
  takesInPlace(): boolean {
    if (this.#jobs > 0 || this.#gathering !== undefined || this.#inPlace === MOST_IN_PLACE) {
      return false
    }
    // Whoever goes on when he has his answer does so behind this: a loop of one search after the
    // other never has more than one at a time.
    if (this.#inPlace++ === 0) queueMicrotask(this.#forgetInPlace)
    return true
  }

  find(descriptor: number, question: BlockQuestion, waiter: BlockFindWaiter): void {
    const batch = (this.#gathering ??= this.#free.pop() ?? new BlockFindBatch())
    batch.add(descriptor, question, waiter)
    const count = batch.waiters.length
    if (count >= LARGE_BATCH && this.#jobs < MOST_JOBS) this.#startNext()
    else if (count === MOST_REQUESTS) this.#close(batch)
    if (this.#isFlushComing) return
    this.#isFlushComing = true
    // Behind all promises that are settled by now, whose owners may ask for more.
    process.nextTick(() => {
      this.#isFlushComing = false
      this.#startAll()
    })
  }

  #close(batch: BlockFindBatch): void {
    this.#waiting.push(batch)
    this.#gathering = undefined
  }

  #startAll(): void {
    while (this.#jobs < MOST_JOBS && this.#startNext());
  }

  /** False when nobody waits. */
  #startNext(): boolean {
    const batch = this.#waiting.shift() ?? this.#gathering
    if (batch === undefined) return false
    if (batch === this.#gathering) this.#gathering = undefined
    void this.#run(batch)
    return true
  }

  async #run(batch: BlockFindBatch): Promise<void> {
    this.#jobs++
    const pieces = await this.#findAll(batch)
    this.#jobs--
    // Before those are told who asked for the last ones: they may take their time.
    this.#startAll()
    batch.settle(pieces)
    if (this.#free.length < MOST_FREE && batch.keys.length <= MOST_KEY_BYTES) this.#free.push(batch)
  }

  async #findAll(batch: BlockFindBatch): Promise<readonly (Buffer | undefined)[] | undefined> {
    try {
      const { numbers, waiters, keys, keysEnd } = batch
      return await this.#finds.findInBlocks(numbers, waiters.length, keys, keysEnd)
    } catch {
      // No job could be made: whoever asked reads in steps, and says what is wrong.
      return undefined
    }
  }
}
