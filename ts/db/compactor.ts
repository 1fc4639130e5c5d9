// The compactor: one compaction at a time, as long as the version needs one or somebody asks for one.
//
//   idle ── schedule() ──► what is next? ── nothing ──► idle
//                              │      ▲
//                              ▼      │ done, or refused for damage
//                            run it ──┤
//                              │      │ after a wait that doubles, or woken by a flush; at once with
//                              │      │ something else, where the error names a table of the inputs
//                              └──► failed: told, nothing changed
//
// What is asked for and what is needed take turns, so that a long compaction of a range does not let
// level 0 fill up.
//
// Invariants:
//   A job that fails changes nothing, so the version is whole whatever happens.
//   Damage: the table, or where the error names none all of the job's, is left out of every later
//   compaction; what does not need it still runs. So is a table that cannot be read, for a while. A
//   failure of the manifest stops everything, as for a
//   flush: while the database has failed, or between stop() and start(), nothing begins.
//   Whoever waits for level 0 is woken by every end of a step, by stop() and by a failure.

import type { CompactionResult } from '../compaction/compaction-job.ts'
import { type Compaction, pickCompaction, pickFromLevel } from '../compaction/picker.ts'
import { ioError, SluiceError } from '../format/error.ts'
import type { UserKeyRange } from '../version/file-range.ts'
import { levelScore, totalBytes } from '../version/level-rules.ts'
import { AvoidedTables } from './avoided-tables.ts'
import { CompactionRun, type RunContext } from './compaction-run.ts'
import type { DatabaseEvent } from './event.ts'
import { Level0Pace } from './level0-pace.ts'
import { type CompactRangeOptions, ManualCompaction } from './manual-compaction.ts'
import type { Counters } from './stats.ts'
import { COMPACTION, traced } from './tracing.ts'

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000
const PROGRESS_INTERVAL_MS = 100

export interface CompactorContext extends RunContext {
  readonly now: () => number
  readonly pause: (durationMs: number, signal: AbortSignal) => Promise<void>
  /** The error for whoever asks while the database has failed; undefined while it has not. */
  refusal(): SluiceError | undefined
  /** Takes tables that the current version no longer has. */
  addObsolete(numbers: readonly number[]): void
  readonly counters: Counters
  tell(event: DatabaseEvent): void
}

/** What is next: the step of somebody's, or one that the version needs. */
interface Work {
  readonly compaction: Compaction
  readonly manual: ManualCompaction | undefined
}

export class Compactor {
  readonly pace: Level0Pace = new Level0Pace()
  readonly #context: CompactorContext
  readonly #avoided: AvoidedTables
  readonly #manual: ManualCompaction[] = []
  #wasManual = false
  #isStopped = false
  #isClosed = false
  #isLooping = false
  #loopEnd: Promise<void> = Promise.resolve()
  #work: Work | undefined
  #run: CompactionRun | undefined
  /** While it waits after a failure. */
  #waitingSinceMs: number | undefined
  #wait = new AbortController()
  #retryMs = FIRST_RETRY_MS
  #lastError: SluiceError | undefined
  #level0Waiters: (() => void)[] = []

  constructor(context: CompactorContext) {
    this.#context = context
    this.#avoided = new AvoidedTables(context.now)
  }

  /** The level whose tables are being compacted; undefined when none are. */
  get runningLevel(): number | undefined {
    return this.#run?.compaction.level
  }

  /** Looks whether something is to do: after a flush, or when something was asked for. */
  schedule(): void {
    this.#wait.abort()
    if (this.#isLooping || this.#isStopped || this.#context.refusal() !== undefined) return
    this.#isLooping = true
    this.#loopEnd = this.#loop()
  }

  /**
   * Resolves when something may have changed level 0, or the database has failed.
   * Rejects with the error of the last attempt where nothing is under way that could: then there is
   * no use in waiting, and whoever comes a second later makes the next attempt.
   */
  level0Changed(): Promise<void> {
    const sinceMs = this.#waitingSinceMs
    if (sinceMs !== undefined && this.#context.now() - sinceMs < FIRST_RETRY_MS) {
      return Promise.reject(this.#fullError())
    }
    if (sinceMs !== undefined) this.#avoided.endRests()
    this.schedule()
    if (!this.#isLooping) return Promise.reject(this.#fullError())
    return new Promise((resolve) => {
      this.#level0Waiters.push(resolve)
    })
  }

  /** Wakes those who wait for level 0, who look again; from outside, when the database has failed. */
  wakeLevel0Waiters(): void {
    const waiters = this.#level0Waiters
    this.#level0Waiters = []
    for (const resolve of waiters) resolve()
  }

  /** Compacts what is in the range. Rejects with LEVEL_ABORTED, or with what a step failed with. */
  compactRange(range: UserKeyRange, options: CompactRangeOptions): Promise<void> {
    const manual = new ManualCompaction(range, this.#context.limits, options)
    // A loop that does not run would never come to it.
    const refusal = this.#context.refusal() ?? (this.#isClosed ? closedError() : undefined)
    if (refusal !== undefined) manual.reject(refusal)
    else if (manual.isAborted) manual.abort()
    if (manual.isOver) return manual.promise
    const { signal } = options
    const onAbort = (): void => {
      if (this.#work?.manual === manual) this.#run?.cancel()
      else this.#dropAborted()
    }
    signal?.addEventListener('abort', onAbort)
    this.#manual.push(manual)
    this.schedule()
    return manual.promise.finally(() => signal?.removeEventListener('abort', onAbort))
  }

  /** Stops for good. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.stop()
  }

  /** Cuts short what is under way and resolves at its end. Compactions that were asked for reject. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#run?.cancel()
    this.#wait.abort()
    this.wakeLevel0Waiters()
    await this.#loopEnd
    this.#rejectManual(this.#context.refusal() ?? closedError())
  }

  /** Goes on after stop(), unless it is closed; damaged tables get another chance. */
  start(): void {
    if (this.#isClosed) return
    this.#isStopped = false
    this.#avoided.clear()
    this.#context.counters.setRefusedTables(0)
    this.#retryMs = FIRST_RETRY_MS
    this.schedule()
  }

  // Never rejects: what is wrong with the choice itself is a failure of the database.
  async #loop(): Promise<void> {
    try {
      for (;;) {
        const work = this.#next()
        if (work === undefined) {
          const restMs = this.#restMs()
          // No await before this: whoever called schedule() sees that there is nothing to wait for.
          if (restMs === undefined) break
          await this.#waitFor(restMs)
          continue
        }
        this.#work = work
        await this.#step(work)
        this.#work = undefined
        this.wakeLevel0Waiters()
      }
    } catch (error) {
      this.#context.fail(error)
    }
    this.#isLooping = false
    this.wakeLevel0Waiters()
    const refusal = this.#context.refusal()
    if (refusal !== undefined) this.#rejectManual(refusal)
  }

  #next(): Work | undefined {
    if (this.#isStopped || this.#context.refusal() !== undefined) return undefined
    const own = this.#wasManual ? this.#pickLevel0() : undefined
    this.#wasManual = false
    if (own !== undefined) return { compaction: own, manual: undefined }
    const manual = this.#nextManual()
    if (manual !== undefined) return manual
    const { versions, limits } = this.#context
    const { current, compactPointers } = versions
    const compaction = pickCompaction(current, compactPointers, limits, this.#avoided.has)
    return compaction && { compaction, manual: undefined }
  }

  // Between two steps of somebody's, whatever other levels ask for: writes wait for this one alone.
  #pickLevel0(): Compaction | undefined {
    const { versions, limits } = this.#context
    const { current, compactPointers } = versions
    if (levelScore(current, 0, limits) < 1) return undefined
    return pickFromLevel(current, 0, compactPointers, limits, this.#avoided.has)
  }

  #nextManual(): Work | undefined {
    for (let manual = this.#manual[0]; manual !== undefined; manual = this.#manual[0]) {
      const compaction = manual.next(this.#context.versions.current)
      const damage = compaction && this.#avoided.damageOf(compaction.inputs.flat())
      if (compaction !== undefined && damage === undefined) {
        this.#wasManual = true
        return { compaction, manual }
      }
      if (damage !== undefined) manual.reject(damage)
      this.#manual.shift()
    }
    return undefined
  }

  // Rejects never: the outcome is told, and what comes next looks at the state.
  async #step(work: Work): Promise<void> {
    const run = new CompactionRun(this.#context, work.compaction)
    this.#run = run
    try {
      await this.#execute(run, work.manual)
      this.#retryMs = FIRST_RETRY_MS
      this.#lastError = undefined
    } catch (error) {
      this.#run = undefined
      await this.#onError(work, ioError('compact', this.#context.directory, error))
    }
    this.#run = undefined
  }

  async #execute(run: CompactionRun, manual: ManualCompaction | undefined): Promise<void> {
    const context = this.#context
    const { level, inputs, isMove } = run.compaction
    const startMs = context.now()
    const moved = isMove && manual === undefined
    const inputFiles = inputs.flat()
    const event = { type: 'compaction', level, moved, inputFiles: inputFiles.length } as const
    if (moved) {
      await run.move()
      context.counters.countTrivialMove()
      const durationMs = context.now() - startMs
      this.pace.compacted(level, 1, durationMs)
      context.tell({ ...event, outputFiles: 1, readBytes: 0, writtenBytes: 0, durationMs })
      return
    }
    const merging = told(run, context.directory)
    const { files, writtenBytes } = await reporting(merging, run, manual, context)
    const durationMs = context.now() - startMs
    const work = { readBytes: totalBytes(inputFiles), writtenBytes, durationMs }
    this.pace.compacted(level, inputs[0].length, durationMs)
    this.#avoided.forget(inputFiles)
    context.addObsolete(inputFiles.map(({ number }) => number))
    context.counters.countCompaction({ outputLevel: level + 1, ...work })
    context.tell({ ...event, outputFiles: files.length, ...work })
    manual?.advance(run.compaction, work.readBytes)
  }

  async #onError({ compaction, manual }: Work, error: SluiceError): Promise<void> {
    // Cut short, or with the database failed: what comes next sees to whoever waits.
    if (error.code === 'LEVEL_ABORTED' || this.#context.refusal() !== undefined) return
    this.#lastError = error
    this.#context.counters.countCompactionFailure()
    const inputs = compaction.inputs.flat()
    const isDamage = error.code === 'LEVEL_CORRUPTION' || error.code === 'LEVEL_NOT_SUPPORTED'
    if (isDamage) {
      this.#avoided.addDamaged(inputs, error)
      this.#context.counters.setRefusedTables(this.#avoided.damagedCount)
    }
    const mayRetry = !isDamage && manual === undefined
    const restMs = mayRetry ? this.#avoided.rest(inputs, error) : undefined
    const retryMs = restMs ?? (mayRetry ? this.#retryMs : undefined)
    this.#context.tell({ type: 'compaction-failed', level: compaction.level, error, retryMs })
    if (manual !== undefined) this.#drop(manual, error)
    if (mayRetry && restMs === undefined) await this.#waitForRetry()
  }

  async #waitForRetry(): Promise<void> {
    const durationMs = this.#retryMs
    this.#retryMs = Math.min(2 * durationMs, LAST_RETRY_MS)
    await this.#waitFor(durationMs)
  }

  // With nothing else to do: undefined where nothing rests that could be tried again later.
  #restMs(): number | undefined {
    const isOver = this.#isStopped || this.#context.refusal() !== undefined
    return isOver ? undefined : this.#avoided.restMs()
  }

  async #waitFor(durationMs: number): Promise<void> {
    this.#waitingSinceMs = this.#context.now()
    this.#wait = new AbortController()
    this.wakeLevel0Waiters()
    if (!this.#isStopped) await this.#context.pause(durationMs, this.#wait.signal)
    this.#waitingSinceMs = undefined
  }

  #drop(manual: ManualCompaction, error: SluiceError): void {
    this.#manual.splice(this.#manual.indexOf(manual), 1)
    manual.reject(error)
  }

  // The one at work is left: its step sees to it.
  #dropAborted(): void {
    for (const manual of this.#manual.filter(({ isAborted }) => isAborted)) {
      if (this.#work?.manual === manual) continue
      this.#manual.splice(this.#manual.indexOf(manual), 1)
      manual.abort()
    }
  }

  #rejectManual(error: SluiceError): void {
    for (const manual of this.#manual.splice(0)) manual.reject(error)
  }

  #fullError(): SluiceError {
    const cause = this.#lastError ?? this.#avoided.someError
    const { code = 'LEVEL_IO_ERROR', message = 'there is none', file, offset } = cause ?? {}
    return new SluiceError(code, `Level 0 is full and its compaction failed: ${message}`, {
      ...(file === undefined ? {} : { file }),
      ...(offset === undefined ? {} : { offset }),
      cause,
    })
  }
}

// Tells whoever asked for the compaction how far it is, until it is done.
async function reporting<T>(
  merging: Promise<T>,
  run: CompactionRun,
  manual: ManualCompaction | undefined,
  { pause }: CompactorContext,
): Promise<T> {
  if (manual?.isWatched !== true) return merging
  const end = new AbortController()
  const report = async (): Promise<void> => {
    while (!end.signal.aborted) {
      await pause(PROGRESS_INTERVAL_MS, end.signal)
      if (!end.signal.aborted) manual.report(run.readBytes)
    }
  }
  const reported = report()
  try {
    return await merging
  } finally {
    end.abort()
    await reported
  }
}

function closedError(): SluiceError {
  return new SluiceError('LEVEL_DATABASE_NOT_OPEN', 'The database was closed')
}

/** The merge, and whoever traces compactions told of it. */
function told(run: CompactionRun, path: string): Promise<CompactionResult> {
  if (!COMPACTION.hasSubscribers) return run.merge()
  const { level, inputs } = run.compaction
  const inputFiles = inputs.flat()
  return traced(
    COMPACTION,
    { path, level, inputFiles: inputFiles.length },
    () => run.merge(),
    ({ files, writtenBytes }) => ({
      outputFiles: files.length,
      readBytes: totalBytes(inputFiles),
      writtenBytes,
    }),
  )
}
