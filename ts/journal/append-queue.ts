// The queue of appends: many callers, one write and one sync.
//
//   append ── joins the last waiting group, or begins one ── its record is copied there at once
//   when a group starts that nobody is before:
//     with sync     at the end of this turn of microtasks: a sync is worth gathering for
//     without       at the next microtask; those that come before it join
//   run:   head of the queue ── new file where this one is full ── append starts ── the callers of the
//          last group go on ── append done ── positions ── next group
//
// Why not the engine's write queue (db/write-queue.ts): its writers share one promise, where each
// append here has a position of its own to tell; its groups are one record each, pass a gate, take
// sequences that a failure burns, and insert into a memtable while they are written. What is left in
// common is the order of a loop.
//
// Invariants:
//   Groups are written one at a time, in the order in which they began; records in call order.
//   An append with sync does not join a group without, which would wait for more than it asked for.
//   Each append settles once: with its position when its group's one write has succeeded, otherwise
//   with the error. The next write is started before the callers of the last group run.

import type { SluiceError } from '../format/error.ts'
import { RECORD_LENGTH_SIZE, RecordList } from '../format/record-list.ts'

// Buffers above this size are not kept for the next group.
const KEPT_BUFFER_BYTES = 2 * 2 ** 20
const KEPT_LISTS = 2

// Appends that are done in place never let go of the thread by themselves. After this long without a
// turn of the event loop, the next group waits for one, as in the engine's queue.
const TURN_BUDGET_MS = 1

type Settle = (outcome: number | Promise<never>) => void

/** What the queue needs of the log. */
export interface AppendEnvironment {
  /** Bytes that a group may grow to. */
  readonly groupLimitBytes: number
  /** Makes room in the files; with `force`, begins a new one. Undefined when there is room at once. */
  makeRoom(sizeBytes: number, force: boolean): Promise<void> | undefined
  /** Appends; undefined when it is done already. A failure leaves the outcome unknown. */
  append(records: RecordList, sync: boolean): Promise<void> | undefined
  /** The records of a group are appended. Returns the position of the first of them. */
  acknowledge(records: RecordList, sync: boolean): number
  /** The error for appends while they are refused. */
  refusal(): SluiceError | undefined
  /**
   * Refuses appends from now on; returns the error for those of the group that failed, whose outcome
   * is unknown where its append had begun.
   */
  fail(cause: unknown, appendBegun: boolean): SluiceError
  /** Milliseconds, from any origin. */
  now(): number
}

class Group {
  readonly records: RecordList
  readonly sync: boolean
  /** True for a new file that was asked for, which has no records. */
  readonly isRotation: boolean
  firstPosition = 0
  /** The callers, in the order of their records. */
  readonly settles: Settle[] = []
  /** Those who wait for the group and have no record in it. */
  readonly waiters: Settle[] = []

  constructor(records: RecordList, sync: boolean, isRotation: boolean) {
    this.records = records
    this.sync = sync
    this.isRotation = isRotation
  }

  resolve(): void {
    let position = this.firstPosition
    for (const settle of this.settles) settle(position++)
    for (const settle of this.waiters) settle(position)
  }

  reject(reason: unknown): void {
    const rejection = Promise.reject(reason)
    // Those who wait hear of it; without any of them nobody has to.
    rejection.catch(() => undefined)
    for (const settle of this.settles) settle(rejection)
    for (const settle of this.waiters) settle(rejection)
  }
}

// One executor for all promises: a closure for each append would be garbage.
let lastSettle: Settle
const keepSettle = (settle: Settle): void => {
  lastSettle = settle
}

export class AppendQueue {
  readonly #environment: AppendEnvironment
  readonly #idleLists: RecordList[] = []
  // Written by callers (at the end) and by the turn (at the front).
  readonly #waiting: Group[] = []
  #isRunning = false
  // Written, its callers not woken yet.
  #written: Group | undefined
  #queuedBytes = 0
  #turnStartMs: number | undefined
  readonly #idle: (() => void)[] = []

  constructor(environment: AppendEnvironment) {
    this.#environment = environment
  }

  /** Bytes of records that wait or are being written. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Copies the record; resolves to its position. Requires: the record was checked. */
  append(record: Uint8Array, length: number, sync: boolean): Promise<number> {
    const sizeBytes = RECORD_LENGTH_SIZE + length
    const group = this.#groupFor(sync, sizeBytes)
    try {
      group.records.append(record)
      this.#queuedBytes += sizeBytes
    } finally {
      this.#startIfNew()
    }
    const promise = new Promise<number>(keepSettle)
    group.settles.push(lastSettle)
    return promise
  }

  /** Resolves when everything appended so far is durable. */
  sync(): Promise<void> {
    return this.#wait(this.#groupFor(true, 0))
  }

  /** Begins a new file behind everything appended so far. */
  rotate(): Promise<void> {
    return this.#wait(this.#begin(true, true))
  }

  /** Resolves when nothing waits or is under way. */
  async drained(): Promise<void> {
    if (!this.#isRunning) return
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve)
    })
  }

  async #wait(group: Group): Promise<void> {
    const promise = new Promise<number>(keepSettle)
    group.waiters.push(lastSettle)
    this.#startIfNew()
    await promise
  }

  // The group that takes a record of this size: the last one waiting, or a new one behind it.
  #groupFor(sync: boolean, sizeBytes: number): Group {
    const last = this.#waiting.at(-1)
    if (last !== undefined && !last.isRotation && (last.sync || !sync)) {
      const isEmpty = last.records.end === 0
      if (isEmpty || last.records.end + sizeBytes <= this.#environment.groupLimitBytes) return last
    }
    return this.#begin(sync, false)
  }

  #begin(sync: boolean, isRotation: boolean): Group {
    const group = new Group(this.#idleLists.pop() ?? new RecordList(), sync, isRotation)
    this.#waiting.push(group)
    return group
  }

  // A group that waits behind another starts when that one is done.
  #startIfNew(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    if (this.#turnMs() > TURN_BUDGET_MS) setImmediate(this.#start)
    else if (this.#waiting[0]!.sync) process.nextTick(this.#start)
    else queueMicrotask(this.#start)
  }

  // How long the event loop has been waiting for us.
  #turnMs(): number {
    const nowMs = this.#environment.now()
    if (this.#turnStartMs !== undefined) return nowMs - this.#turnStartMs
    this.#turnStartMs = nowMs
    setImmediate(this.#endTurn)
    return 0
  }

  readonly #endTurn = (): void => {
    this.#turnStartMs = undefined
  }

  readonly #start = (): void => {
    // Never rejects: every error goes to its group.
    void this.#run()
  }

  async #run(): Promise<void> {
    const environment = this.#environment
    for (let group = this.#waiting.shift(); group !== undefined; group = this.#waiting.shift()) {
      let appendBegun = false
      try {
        const room = environment.makeRoom(group.records.end, group.isRotation)
        if (room !== undefined) {
          this.#wake()
          await room
        }
        if (!group.isRotation) {
          appendBegun = true
          const job = environment.append(group.records, group.sync)
          this.#wake()
          if (job !== undefined) await job
          group.firstPosition = environment.acknowledge(group.records, group.sync)
        }
        this.#wake()
        this.#written = group
      } catch (error) {
        this.#wake()
        this.#forget(group)
        group.reject(environment.fail(error, appendBegun))
        this.#refuseWaiting()
      }
    }
    this.#isRunning = false
    this.#wake()
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  // After a failure nobody behind it has a better chance, and callers that try again at once would
  // keep the run going for ever, while resume() waits for its end.
  #refuseWaiting(): void {
    const refusal = this.#environment.refusal()
    if (refusal === undefined) return
    for (const group of this.#waiting.splice(0)) {
      this.#forget(group)
      group.reject(refusal)
    }
  }

  // Wakes the callers of the group that was written last.
  #wake(): void {
    const group = this.#written
    if (group === undefined) return
    this.#written = undefined
    this.#forget(group)
    group.resolve()
  }

  // Its bytes are written, or will never be.
  #forget(group: Group): void {
    const list = group.records
    this.#queuedBytes -= list.end
    list.clear()
    const isKept = list.bytes.length <= KEPT_BUFFER_BYTES
    if (isKept && this.#idleLists.length < KEPT_LISTS) this.#idleLists.push(list)
  }
}
