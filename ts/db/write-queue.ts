// The write queue: many writers, one log record.
//
//   put ── joins the last waiting group, or begins one ── its bytes are encoded there at once
//   when a group starts that nobody is before:
//     with sync     at the end of this turn of microtasks: a sync is worth gathering for
//     without       at once, as LevelDB's leader does; those that come in the same turn gather behind
//   run:   head of the queue ── gate ── sequences ── log append starts ──┬── wake the last group
//                                                                        ├── insert into memtable
//                                          append done ── publish ◄──────┘
//   writeSync: everything that waits, and then its batch, on the calling thread (write-now.ts)
//
// LevelDB's leader is the group at the head; its followers are the writers that joined it. What
// LevelDB does under a mutex happens here between two awaits.
//
// Grouping rules, LevelDB's: a group grows to groupLimitBytes; one that begins with a small write
// grows by smallGroupLimitBytes at the most; a write with sync does not join a group without; a
// forced switch is a group of its own. A write's size counts a batch header, as there.
//
// Invariants:
//   Groups commit one at a time, in the order in which they began; writes in call order (W2).
//   The sequences of a group that failed are never used again, and never published (W3).
//   Each group's promise settles once, in order, with the outcome of its one append. The writers of
//   a group share the promise, so that one settlement wakes them all.
//   The next append is started before the writers of the last group run.
//   A durable write that is acknowledged covers every write acknowledged before (W4), also one of
//   writeSync() that came between its end and its writers.

import { BATCH_HEADER_SIZE, BatchBuffer } from '../format/batch.ts'
import { SluiceError } from '../format/error.ts'
import { MAX_SEQUENCE } from '../format/internal-key.ts'
import { MAX_BATCH_COUNT } from '../format/user-bytes.ts'
import { commitNow, makeReady, type WriteNowEnvironment } from './write-now.ts'

// LevelDB's line between small writes and others, fixed there too.
const SMALL_WRITE_BYTES = 128 * 1024

// Buffers above this size are not kept for the next group: one huge batch should not be remembered.
const KEPT_BUFFER_BYTES = 2 * 2 ** 20
const KEPT_GROUPS = 2

// "The end of this turn" is process.nextTick: it runs when the microtasks are done, and so is every
// writer that is about to write. A microtask of our own was rejected: it would run between two of
// theirs.

// Writes that are done in place never let go of the thread by themselves: a loop of `await put()`
// would run on microtasks alone, and timers and sockets would wait for its end. After this long
// without a turn of the event loop, the next group waits for one.
const TURN_BUDGET_MS = 1

export interface WriteQueueLimits {
  readonly groupLimitBytes: number
  readonly smallGroupLimitBytes: number
}

/** What the queue needs of the engine. */
export interface WriteEnvironment extends WriteNowEnvironment {
  /**
   * Passes the gate with `sizeBytes` of batch in `count` writes. Undefined when there is room at
   * once; else it may yield. Rejects when the writes cannot be taken; nothing has happened then.
   */
  makeRoom(sizeBytes: number, count: number, force: boolean): Promise<void> | undefined
  /** Appends to the log; undefined when it is done already. A failure leaves the outcome unknown. */
  append(bytes: Buffer, end: number, sync: boolean): Promise<void> | undefined
}

const DONE: Promise<void> = Promise.resolve()

// A group of writes. Objects are used again, so a reference ends with the group: writers keep its
// promise, never the group.
class Group {
  readonly batch: BatchBuffer = new BatchBuffer()
  sync = false
  /** True for a forced switch, which has no writes. */
  isSwitch = false
  /** In LevelDB's count: every writer's batch with a header of its own. */
  sizeBytes = 0
  limitBytes = 0
  writers = 0
  // A group that is done before anyone waits for it, as an unsynced one often is, needs no promise
  // of its own. With that and the reuse of groups, one writer's unsynced puts went 5 % faster in the
  // median of six rounds in turns, with 128 scavenges a second where there were 151 (2026-11-20).
  #outcome: 'pending' | 'resolved' | 'rejected' = 'pending'
  #error: unknown
  #promise: Promise<void> | undefined
  #resolve: (() => void) | undefined
  #reject: ((error: unknown) => void) | undefined

  /** An empty group. */
  reset(sync: boolean, isSwitch: boolean): void {
    this.batch.clear()
    this.sync = sync
    this.isSwitch = isSwitch
    this.sizeBytes = 0
    this.limitBytes = 0
    this.writers = 0
    this.#outcome = 'pending'
    this.#error = undefined
    this.#promise = undefined
    this.#resolve = undefined
    this.#reject = undefined
  }

  /** Settles with the group. */
  get promise(): Promise<void> {
    if (this.#outcome === 'resolved') return DONE
    if (this.#outcome === 'rejected') return Promise.reject(this.#error)
    this.#promise ??= new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    return this.#promise
  }

  get isSettled(): boolean {
    return this.#outcome !== 'pending'
  }

  /** Throws what it was rejected with. */
  throwError(): void {
    if (this.#outcome === 'rejected') throw this.#error
  }

  resolve(): void {
    this.#outcome = 'resolved'
    this.#resolve?.()
  }

  reject(error: unknown): void {
    this.#outcome = 'rejected'
    this.#error = error
    this.#reject?.(error)
  }
}

export class WriteQueue {
  readonly #environment: WriteEnvironment
  readonly #limits: WriteQueueLimits
  readonly #idleGroups: Group[] = []
  // Written by writers (at the end) and by the turn (at the front).
  readonly #waiting: Group[] = []
  #isRunning = false
  // The one that the run waits for, where it waits: for room, or for its append.
  #atGate: Group | undefined
  #inFlight: Group | undefined
  // Published, its writers not woken yet.
  #committed: Group | undefined
  #nextSequence: number
  /** A durable group has ended in this turn, and its writers may not have been told. */
  #hasEndedDurable = false
  #turnStartMs: number | undefined
  #hasLedThisTurn = false
  readonly #idle: (() => void)[] = []

  /** `nextSequence` is the first one that was never used. */
  constructor(environment: WriteEnvironment, limits: WriteQueueLimits, nextSequence: number) {
    this.#environment = environment
    this.#limits = limits
    this.#nextSequence = nextSequence
  }

  /** The first sequence that no group has, acknowledged or failed. */
  get nextSequence(): number {
    return this.#nextSequence
  }

  /** Requires: key and value were checked. `recordBytes` is the size of the record. */
  put(key: Uint8Array, value: Uint8Array, sync: boolean, recordBytes: number): Promise<void> {
    const group = this.#join(sync, recordBytes, 1)
    try {
      group.batch.put(key, value)
    } finally {
      this.#startIfNew()
    }
    return group.promise
  }

  /** Requires: the key was checked. */
  delete(key: Uint8Array, sync: boolean, recordBytes: number): Promise<void> {
    const group = this.#join(sync, recordBytes, 1)
    try {
      group.batch.delete(key)
    } finally {
      this.#startIfNew()
    }
    return group.promise
  }

  /** Copies the batch. An empty one is acknowledged in its turn, synced if asked. */
  write(batch: BatchBuffer, sync: boolean): Promise<void> {
    const group = this.#join(sync, batch.end - BATCH_HEADER_SIZE, batch.count)
    try {
      group.batch.append(batch)
    } finally {
      this.#startIfNew()
    }
    return group.promise
  }

  /**
   * Writes the batch before it returns, behind every write that was called before, which are written too.
   * Throws what write() rejects with; and LEVEL_BUSY, with nothing done, where that would have to wait
   * for the event loop.
   */
  writeSync(batch: BatchBuffer, sync: boolean): void {
    const environment = this.#environment
    const groups = this.#unwritten()
    const isBeforeDurable = this.#isBeforeDurable(groups)
    const isSynced = sync || isBeforeDurable
    makeReady(environment, groups, batch, isSynced)
    const group = this.#join(isSynced, batch.end - BATCH_HEADER_SIZE, batch.count)
    try {
      group.batch.append(batch)
    } catch (error) {
      this.#startIfNew()
      throw error
    }
    if (groups.at(-1) !== group) groups.push(group)
    const switches = this.#waiting.filter(({ isSwitch }) => isSwitch)
    this.#waiting.splice(0, this.#waiting.length, ...switches)
    this.#wake()
    commitNow(
      groups,
      environment,
      (taking) => this.#takeSequences(taking),
      () => this.#inFlight?.resolve(),
    )
    if (isBeforeDurable) this.#noteDurable()
    const isSwitchDue = switches.length === 0 && this.#atGate?.isSwitch !== true
    if (isSwitchDue && environment.isOverfull()) {
      this.#begin(false, true)
      this.#startIfNew()
    }
    group.throwError()
    this.#keep(group)
  }

  /** Forces a switch of log and memtable behind everything written so far. */
  switch(): Promise<void> {
    const group = this.#begin(false, true)
    this.#startIfNew()
    return group.promise
  }

  /** Resolves when no write waits or is under way. */
  async drained(): Promise<void> {
    if (!this.#isRunning) return
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve)
    })
  }

  // What writeSync() has to write first, oldest first.
  #unwritten(): Group[] {
    const gate = this.#atGate
    const all = gate === undefined || gate.isSettled ? this.#waiting : [gate, ...this.#waiting]
    return all.filter(({ isSwitch }) => !isSwitch)
  }

  // Whether writers of durable writes are told later than a write that is done now, and take it for
  // durable then, as whatever was acknowledged before theirs (W4).
  #isBeforeDurable(groups: readonly Group[]): boolean {
    if (this.#hasEndedDurable || this.#inFlight?.sync === true) return true
    return groups.some(({ sync }) => sync)
  }

  // Its writers hear of it in this turn of the event loop.
  #noteDurable(): void {
    if (this.#hasEndedDurable) return
    this.#hasEndedDurable = true
    setImmediate(this.#forgetDurable)
  }

  readonly #forgetDurable = (): void => {
    this.#hasEndedDurable = false
  }

  // The group that takes a write of this size: the last one waiting, or a new one behind it.
  #join(sync: boolean, recordBytes: number, count: number): Group {
    const sizeBytes = BATCH_HEADER_SIZE + recordBytes
    const last = this.#waiting.at(-1)
    const joins =
      last !== undefined &&
      !last.isSwitch &&
      (last.sync || !sync) &&
      last.sizeBytes + sizeBytes <= last.limitBytes &&
      last.batch.count + count <= MAX_BATCH_COUNT
    const group = joins ? last : this.#begin(sync, false)
    if (!joins) group.limitBytes = this.#limitFor(sizeBytes)
    group.sizeBytes += sizeBytes
    group.writers++
    return group
  }

  #limitFor(firstBytes: number): number {
    const { groupLimitBytes, smallGroupLimitBytes } = this.#limits
    if (firstBytes > SMALL_WRITE_BYTES) return groupLimitBytes
    return Math.min(groupLimitBytes, firstBytes + smallGroupLimitBytes)
  }

  #begin(sync: boolean, isSwitch: boolean): Group {
    const group = this.#idleGroups.pop() ?? new Group()
    group.reset(sync, isSwitch)
    this.#waiting.push(group)
    return group
  }

  // A group that waits behind another starts when that one is done.
  #startIfNew(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    const turnMs = this.#turnMs()
    if (turnMs > TURN_BUDGET_MS) {
      setImmediate(this.#start)
    } else if (this.#waiting[0]!.sync || this.#hasLedThisTurn) {
      process.nextTick(this.#start)
    } else {
      this.#hasLedThisTurn = true
      queueMicrotask(this.#endMicrotaskTurn)
      this.#start()
    }
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

  readonly #endMicrotaskTurn = (): void => {
    this.#hasLedThisTurn = false
  }

  readonly #start = (): void => {
    // Never rejects: #commit gives every error to its group.
    void this.#run()
  }

  // One turn: commits groups until none waits. An append that is done in place needs no await, so a
  // turn of such groups runs through at once.
  async #run(): Promise<void> {
    const environment = this.#environment
    for (let group = this.#waiting.shift(); group !== undefined; group = this.#waiting.shift()) {
      let appendBegun = false
      let job: Promise<void> | undefined
      try {
        const room = environment.makeRoom(group.batch.end, group.batch.count, group.isSwitch)
        if (room !== undefined) {
          this.#wake()
          this.#atGate = group
          await room
          this.#atGate = undefined
          // Written by writeSync() meanwhile.
          if (group.isSettled) continue
        }
        if (!group.isSwitch) {
          const sequence = this.#takeSequences(group)
          const startMs = group.sync ? environment.now() : 0
          appendBegun = true
          job = environment.append(group.batch.bytes, group.batch.end, group.sync)
          this.#wake()
          environment.insert(group.batch, sequence)
          if (job !== undefined) {
            this.#inFlight = group
            await job
            this.#inFlight = undefined
          }
          // Settled by writeSync(), which has published it with what came behind it.
          if (!group.isSettled) environment.publish(sequence + group.batch.count - 1)
          const durationMs = group.sync ? environment.now() - startMs : undefined
          environment.countGroup(group.writers, group.batch.end, durationMs)
        }
        this.#wake()
        this.#committed = group
      } catch (error) {
        this.#atGate = undefined
        this.#wake()
        // Where something else failed under the job: nothing may follow before its end.
        if (job !== undefined) await Promise.allSettled([job])
        this.#inFlight = undefined
        if (group.isSettled && !appendBegun) continue
        group.reject(appendBegun ? environment.fail(error) : error)
        this.#refuseWaiting()
      }
    }
    this.#isRunning = false
    this.#wake()
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  // After a failure nobody behind it has a better chance, and the run ends here: writers that try
  // again at once would keep it going for ever, and resume() waits for its end.
  #refuseWaiting(): void {
    const refusal = this.#environment.refusal()
    if (refusal === undefined) return
    for (const group of this.#waiting.splice(0)) group.reject(refusal)
  }

  // Burned from here on, whatever becomes of the group.
  #takeSequences(group: Group): number {
    const sequence = this.#nextSequence
    const next = sequence + group.batch.count
    if (next > MAX_SEQUENCE) {
      throw new SluiceError('LEVEL_INVALID_VALUE', 'The database has used up its sequences')
    }
    this.#nextSequence = next
    group.batch.seal(sequence)
    return sequence
  }

  // Wakes the writers of the group that was committed last, and takes the group back.
  #wake(): void {
    const group = this.#committed
    if (group === undefined) return
    this.#committed = undefined
    if (group.sync) this.#noteDurable()
    group.resolve()
    this.#keep(group)
  }

  // For another group. Requires: it is settled, and neither waits nor is at the gate or in flight.
  #keep(group: Group): void {
    const isKept = group.batch.bytes.length <= KEPT_BUFFER_BYTES
    if (isKept && this.#idleGroups.length < KEPT_GROUPS) this.#idleGroups.push(group)
  }
}
