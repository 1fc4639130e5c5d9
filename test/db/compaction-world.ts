// A database over the simulated disk whose compactions a test holds, fails or lets through, and whose
// waits between two attempts end when the test says so.

import { setImmediate } from 'node:timers/promises'
import type { CompactionJob, CompactionResult } from '../../ts/compaction/compaction-job.ts'
import type { Job, JobResult } from '../../ts/compaction/job.ts'
import { InlineRunner, type JobRunner } from '../../ts/compaction/job-runner.ts'
import { DB } from '../../ts/db/database.ts'
import type { Engine } from '../../ts/db/engine.ts'
import type { DatabaseEvent } from '../../ts/db/event.ts'
import { openEngine } from '../../ts/db/open.ts'
import type { DBOptions } from '../../ts/db/options.ts'
import { NO_INFO_LOG } from '../../ts/platform/info-log.ts'
import type { LevelLimits } from '../../ts/version/level-rules.ts'
import type { SimulatedDisk } from '../crash/simulated-disk.ts'

export const DIRECTORY = '/home/db'

/** Small enough that a test reaches every level. */
export const SMALL_LIMITS: LevelLimits = {
  level0Files: 4,
  level1Bytes: 4000,
  growth: 2,
  maxFileSizeBytes: 1200,
}

/** What a test makes of a job: its result, or an error. `run` does what the worker would do. */
export type Script = (
  job: CompactionJob,
  run: () => Promise<CompactionResult>,
) => Promise<CompactionResult>

export class ScriptedRunner implements JobRunner {
  readonly #inline: InlineRunner
  /** Every job so far. */
  readonly jobs: CompactionJob[] = []
  /** What becomes of the next job; lets it through where there is none. */
  readonly scripts: Script[] = []
  isClosed = false

  constructor(inline: InlineRunner) {
    this.#inline = inline
  }

  async run<J extends Job>(job: J): Promise<JobResult<J>> {
    if (job.kind !== 'compaction') throw new Error('a flush among the compactions')
    const merging: CompactionJob = job
    this.jobs.push(merging)
    const run = (): Promise<CompactionResult> => this.#inline.run(merging)
    const script = this.scripts.shift() ?? ((_job, inner) => inner())
    return (await script(merging, run)) as JobResult<J>
  }

  close(): Promise<void> {
    this.isClosed = true
    return Promise.resolve()
  }
}

/** Lets the event loop turn: everything on the disk goes on. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate()
}

interface Pause {
  readonly durationMs: number
  isOver: boolean
  readonly end: () => void
}

export class CompactionWorld {
  readonly disk: SimulatedDisk
  readonly events: DatabaseEvent[] = []
  /** Waits between two attempts, in their order. */
  readonly pauses: Pause[] = []
  nowMs = 1000
  engine!: Engine
  db!: DB
  runner!: ScriptedRunner
  readonly #limits: LevelLimits

  constructor(disk: SimulatedDisk, limits: LevelLimits = SMALL_LIMITS) {
    this.disk = disk
    this.#limits = limits
  }

  async open(options: DBOptions = {}): Promise<DB> {
    const inlineJobs = new InlineRunner(this.disk)
    this.runner = new ScriptedRunner(inlineJobs)
    const environment = {
      fileSystem: this.disk,
      jobs: inlineJobs,
      compactionJobs: this.runner,
      inlineJobs,
      now: () => this.nowMs,
      delay: () => turns(3),
      pause: (durationMs: number, signal: AbortSignal) => this.#pause(durationMs, signal),
      levelLimits: this.#limits,
      openInfoLog: () => NO_INFO_LOG,
    }
    const onEvent = (event: DatabaseEvent): void => void this.events.push(event)
    const all = { createIfMissing: true, writeBufferSize: 64 * 1024, ...options, onEvent }
    this.engine = await openEngine(DIRECTORY, all, environment)
    this.db = new DB(DIRECTORY, this.engine)
    return this.db
  }

  /** A table of level 0 with the keys, each with `value` or the key itself. */
  async table(keys: readonly string[], value?: string): Promise<void> {
    for (const key of keys) await this.db.put(Buffer.from(key), Buffer.from(value ?? key))
    await this.db.flushMemtable()
  }

  /** So many tables of level 0 that overlap. */
  async tables(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.table(['a', `b${i}`, 'z'], `value ${i}`)
  }

  get levels(): string {
    return this.engine.versions.current.levels.map(({ length }) => length).join(' ')
  }

  /** The numbers of the tables that are on the disk, in order. */
  tablesOnDisk(): number[] {
    return [...this.disk.contents(DIRECTORY).keys()]
      .filter((path) => path.endsWith('.ldb'))
      .map((path) => Number.parseInt(path.slice(DIRECTORY.length + 1), 10))
      .toSorted((a, b) => a - b)
  }

  liveTables(): number[] {
    return [...this.engine.versions.liveFileNumbers()].toSorted((a, b) => a - b)
  }

  ofType<T extends DatabaseEvent['type']>(type: T): Extract<DatabaseEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as never
  }

  /** Lets turns pass until it holds. Throws when it never does. */
  async until(what: string, holds: () => boolean): Promise<void> {
    for (let passed = 0; !holds(); passed++) {
      if (passed > 2000) throw new Error(`never: ${what}`)
      await turns(1)
    }
  }

  /** Until nothing is being compacted, and what was removed is gone. */
  async idle(): Promise<void> {
    await turns(60)
    await this.until('idle', () => this.engine.compactor.runningLevel === undefined)
    await turns(60)
  }

  #pause(durationMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const pause: Pause = {
        durationMs,
        isOver: false,
        end: () => {
          pause.isOver = true
          resolve()
        },
      }
      this.pauses.push(pause)
      if (signal.aborted) pause.end()
      signal.addEventListener('abort', pause.end)
    })
  }
}

/** A job that is held until the test lets it go, or somebody cancels it. */
export class Held {
  readonly script: Script
  isReached = false
  #let!: (how: Script) => void
  readonly #released: Promise<Script>

  constructor() {
    this.#released = new Promise((resolve) => {
      this.#let = resolve
    })
    this.script = async (job, run) => {
      this.isReached = true
      const how = await this.#released
      return how(job, run)
    }
  }

  release(how: Script = (_job, run) => run()): void {
    this.#let(how)
  }
}
