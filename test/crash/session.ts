// One program using one database on a simulated disk: runs the steps of a workload and writes down
// in the history what was called and what came back.

import type { DatabaseEvent } from '../../ts/db/event.ts'
import { SluiceError } from '../../ts/format/error.ts'
import { WriteBatch } from '../../ts/format/write-batch.ts'
import { CompactionCounts } from './compaction-counts.ts'
import { type Database, engineOf, openOn } from './engine.ts'
import { keyOf, readState, valueOf } from './contents.ts'
import { type Call, History, type KeyWrite, type Writes } from './history.ts'
import { mixSeed, Random } from './random.ts'
import { passTurns, type SimulatedDisk } from './simulated-disk.ts'
import { Violation } from './violation.ts'
import { View } from './view.ts'
import type { Step, ViewSort, Workload } from './workload.ts'

const MOST_VIEWS = 4

export class Session {
  readonly disk: SimulatedDisk
  readonly history: History
  readonly workload: Workload
  readonly earlier: readonly History[]
  failedOpens = 0
  /** Set while the disk may fail: calls may then be rejected, with LEVEL_IO_ERROR. */
  faultsAllowed = false
  readonly compactions: CompactionCounts = new CompactionCounts()
  /** Rejections seen. */
  rejections: SluiceError[] = []
  #db: Database | undefined
  #pending: Promise<void>[] = []
  readonly #views: View[] = []
  readonly #random: Random
  /** Between the engine's events 'failure' and 'resume'. */
  #refusesWrites = false

  /** `earlier`: histories of before, whose values may still be read. */
  constructor(
    disk: SimulatedDisk,
    workload: Workload,
    history: History = new History(workload.keyCount),
    earlier: readonly History[] = [],
  ) {
    this.disk = disk
    this.workload = workload
    this.history = history
    this.earlier = earlier
    this.#random = new Random(mixSeed(workload.seed, workload.keyCount))
  }

  /** Requires: open. */
  get db(): Database {
    if (this.#db === undefined) throw new Error('the session has no database')
    return this.#db
  }

  get refusesWrites(): boolean {
    return this.#refusesWrites
  }

  async open(): Promise<void> {
    this.#refusesWrites = false
    const onEvent = (event: DatabaseEvent): void => {
      if (event.type === 'failure') this.#refusesWrites = true
      if (event.type === 'resume') this.#refusesWrites = false
      this.compactions.count(event)
    }
    this.#db = await openOn(this.disk, { ...this.workload.options, onEvent })
  }

  /** Takes over the open database of another session. */
  adopt(session: Session): void {
    this.#db = session.db
  }

  /** Closes the database. With a broken disk it may report an error, and is closed all the same. */
  async close(): Promise<void> {
    const db = this.db
    this.#db = undefined
    // Left open: closing the database ends them.
    this.#views.length = 0
    try {
      await db.close()
    } catch (error) {
      this.#checkError(error, 'close')
    }
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.step(step)
  }

  async step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'call':
        this.call(step.writes, step.sync, step.now)
        return
      case 'flush':
        this.#track(this.db.write(null, { sync: step.sync }), 'write(null)')
        return
      case 'compact':
        return this.#compact(step.first, step.last)
      case 'turns':
        return passTurns(step.count)
      case 'settle':
        return this.settle()
      case 'reopen':
        return this.reopen()
      case 'resume':
        return this.resume()
      case 'view':
        return this.#openView(step.sort)
      case 'leave':
        return this.#views.shift()?.close()
      case 'start':
      case 'action':
        return
    }
  }

  /** Issues a call without waiting for it; with `now`, on this thread where that can be. */
  call(writes: readonly KeyWrite[], sync: boolean, now = false): void {
    const call = this.history.issue(writes, sync)
    this.#pending.push(this.#issue(call, now))
  }

  /** Waits until every call has settled, and checks what the running database shows. */
  async settle(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    await Promise.all(pending)
    this.checkReads()
    for (const view of this.#views) await this.#look(view)
  }

  async #openView(sort: ViewSort): Promise<void> {
    await this.settle()
    if (this.#views.length === MOST_VIEWS) return
    const histories = [this.history, ...this.earlier]
    this.#views.push(new View(this.db, sort, this.history.runningState(), histories))
  }

  async #look(view: View): Promise<void> {
    try {
      await view.look(this.#random)
    } catch (error) {
      // As any read; what it shows next time is held against the same state.
      this.#checkError(error, `a ${view.sort}`)
    }
  }

  /** Requires: no call is pending. */
  checkReads(): void {
    let state
    try {
      state = this.#read()
    } catch (error) {
      // A read of a broken disk may fail; the next one tells.
      return this.#checkError(error, 'getSync')
    }
    const wrong = this.history.judgeRunning(state)
    if (wrong !== undefined) throw new Violation(`the running database is wrong: ${wrong}`)
  }

  async reopen(): Promise<void> {
    await this.settle()
    await this.close()
    await this.openStubbornly()
  }

  /**
   * Opens, and where a broken disk does not let it: checks that the attempt did no harm, heals the
   * disk and opens again. What the database shows then decides what became of failed calls.
   */
  async openStubbornly(): Promise<void> {
    const before = this.disk.contents('/')
    const firstOperation = this.disk.operationCount
    const faultsBefore = this.disk.faultCount
    try {
      await this.open()
    } catch (error) {
      this.#checkError(error, 'open')
      if (this.disk.faultCount === faultsBefore) throw new Violation('open failed by itself', error)
      this.#checkHarmless(before, firstOperation)
      this.failedOpens++
      this.disk.heal()
      await this.open()
    }
    this.decide()
  }

  /** A failed open removed and changed nothing, created nothing after a failed read, kept nothing. */
  #checkHarmless(before: Map<string, Buffer>, firstOperation: number): void {
    const after = this.disk.contents('/')
    for (const [path, bytes] of before) {
      const now = after.get(path)
      if (now === undefined) throw new Violation(`the failed open removed ${path}`)
      // CURRENT may name the new manifest already; that both lead to the same is judged later.
      if (/CURRENT$|\.dbtmp$/.test(path) || now.equals(bytes)) continue
      throw new Violation(`the failed open changed ${path}`)
    }
    const struck = this.disk.lastFault
    const created = this.disk.trace.some(
      ({ ordinal, kind }) => ordinal >= firstOperation && kind === 'create' && ordinal <= struck,
    )
    for (const path of after.keys()) {
      if (created || before.has(path) || path.endsWith('/LOCK')) continue
      throw new Violation(`the failed open created ${path}`)
    }
    if (this.disk.openFileCount > 0) {
      throw new Violation(`the failed open left open: ${this.disk.openFiles().join()}`)
    }
    if (this.disk.lockCount > 0) throw new Violation('the failed open kept the lock')
  }

  /** After a recovery: what failed before is in or out from now on. */
  decide(): void {
    const state = this.#readHealed()
    const wrong = this.history.judge(state, this.history.time, 'kill')
    if (wrong !== undefined) throw new Violation(`after reopening: ${wrong}`)
    this.history.decide(state)
  }

  async resume(): Promise<void> {
    await this.settle()
    try {
      await this.db.resume()
    } catch (error) {
      return this.#checkError(error, 'resume')
    }
    // What failed is out, and stays out: resume() saved what was visible, and only that.
    const state = this.#readHealed()
    const wrong = this.history.judgeRunning(state)
    if (wrong !== undefined) throw new Violation(`after resume(): ${wrong}`)
    this.history.decide(state)
  }

  #read(): Writes {
    return readState(this.db, this.history, ...this.earlier)
  }

  /** The state, where it has to be known: the disk is healed if it refuses the read. */
  #readHealed(): Writes {
    try {
      return this.#read()
    } catch (error) {
      this.#checkError(error, 'getSync')
      this.disk.heal()
      return this.#read()
    }
  }

  async #issue(call: Call, now: boolean): Promise<void> {
    const mustFail = this.#refusesWrites
    try {
      if (!now || !this.#writeNow(call)) await this.#start(call)
    } catch (error) {
      this.#checkError(error, `call ${call.index}`)
      this.history.fail(call, mustFail)
      return
    }
    if (mustFail) throw new Violation(`call ${call.index} was acknowledged after a failure`)
    this.history.acknowledge(call)
  }

  #start(call: Call): Promise<void> {
    const { sync, writes, firstWrite } = call
    const [first] = writes
    if (writes.length === 1 && first !== undefined) {
      const key = keyOf(first.key)
      return first.sizeBytes === undefined
        ? this.db.delete(key, { sync })
        : this.db.put(key, valueOf(firstWrite, first.sizeBytes), { sync })
    }
    return this.db.write(batchOf(call), { sync })
  }

  /** False where it would have to wait, and nothing was done. */
  #writeNow(call: Call): boolean {
    try {
      this.db.writeSync(batchOf(call), { sync: call.sync })
      return true
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'LEVEL_BUSY') return false
      throw error
    }
  }

  #compact(first: number | undefined, last: number | undefined): void {
    const start = first === undefined ? undefined : keyOf(first)
    const end = last === undefined ? undefined : keyOf(last)
    const range = { smallest: start, largest: end }
    this.#track(engineOf(this.db).compactRange(range, {}), 'compactRange')
  }

  #track(promise: Promise<void>, what: string): void {
    this.#pending.push(
      promise.catch((error: unknown) => {
        this.#checkError(error, what)
      }),
    )
  }

  #checkError(thrown: unknown, what: string): void {
    if (thrown instanceof Violation) throw thrown
    if (!this.faultsAllowed) throw new Violation(`${what} failed on a healthy disk`, thrown)
    let error = thrown
    if (what === 'open' && error instanceof SluiceError) {
      if (error.code !== 'LEVEL_DATABASE_NOT_OPEN')
        throw new Violation(`open: ${error.code}`, error)
      error = error.cause
    }
    if (!(error instanceof SluiceError) || error.code !== 'LEVEL_IO_ERROR') {
      throw new Violation(`${what} failed with another error than LEVEL_IO_ERROR`, thrown)
    }
    if (!namesFile(error)) throw new Violation(`the error of ${what} names no file`, thrown)
    this.rejections.push(error)
  }
}

function batchOf({ writes, firstWrite }: Call): WriteBatch {
  const batch = new WriteBatch()
  writes.forEach(({ key, sizeBytes }, i) => {
    if (sizeBytes === undefined) batch.delete(keyOf(key))
    else batch.put(keyOf(key), valueOf(firstWrite + i, sizeBytes))
  })
  return batch
}

/** A refusal names the file by way of the failure that it gives as its cause. */
function namesFile(error: SluiceError): boolean {
  return error.file !== undefined || (error.cause instanceof SluiceError && namesFile(error.cause))
}
