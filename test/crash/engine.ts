// The engine in a simulated world: disk, clock and runner follow from the disk's seed alone.

import type { Job, JobResult } from '../../ts/compaction/job.ts'
import { InlineRunner, type JobRunner } from '../../ts/compaction/job-runner.ts'
import { DB } from '../../ts/db/database.ts'
import type { Engine } from '../../ts/db/engine.ts'
import type { Environment } from '../../ts/db/environment.ts'
import type { DBOptions } from '../../ts/db/options.ts'
import { openDatabase, openEngine } from '../../ts/db/open.ts'
import type { RepairOptions, RepairReport } from '../../ts/db/tools/repair-report.ts'
import { repairDatabase } from '../../ts/db/tools/repair.ts'
import { NO_INFO_LOG } from '../../ts/platform/info-log.ts'
import type { LevelLimits } from '../../ts/version/level-rules.ts'
import type { ManifestLimits } from '../../ts/version/manifest.ts'
import { passTurns, type SimulatedDisk } from './simulated-disk.ts'

export type Database = DB

export const DIRECTORY = '/home/db'

export interface EngineOptions extends Pick<
  DBOptions,
  'writeBufferSize' | 'blockSize' | 'compression' | 'maxOpenFiles' | 'cacheSize' | 'onEvent'
> {
  /** LevelDB's unless told. */
  readonly levelLimits?: LevelLimits
  /** The default unless told. */
  readonly manifestLimits?: ManifestLimits
}

/** Opens the one database of the disk, and creates it where there is none. */
export async function openOn(disk: SimulatedDisk, options: EngineOptions): Promise<Database> {
  const { levelLimits: _levels, manifestLimits: _manifest, ...rest } = options
  const checked = { createIfMissing: true, ...rest }
  const engine = await openEngine(DIRECTORY, checked, environmentOf(disk, options))
  const db = new DB(DIRECTORY, engine)
  engines.set(db, engine)
  return db
}

/** Opens it read-only. Rejects where there is none, as DB.open does. */
export async function openReadOnlyOn(
  disk: SimulatedDisk,
  options: EngineOptions,
): Promise<Database> {
  const { levelLimits: _levels, manifestLimits: _manifest, ...rest } = options
  const environment = environmentOf(disk, options)
  return new DB(DIRECTORY, await openDatabase(DIRECTORY, { readOnly: true, ...rest }, environment))
}

export function repairOn(disk: SimulatedDisk, options: RepairOptions = {}): Promise<RepairReport> {
  return repairDatabase(DIRECTORY, options, environmentOf(disk))
}

const engines = new WeakMap<Database, Engine>()

/** The engine under a database that openOn() opened. */
export function engineOf(db: Database): Engine {
  return engines.get(db)!
}

function environmentOf(disk: SimulatedDisk, limits: EngineOptions = {}): Environment {
  const { levelLimits, manifestLimits } = limits
  const inlineJobs = new InlineRunner(disk)
  return {
    fileSystem: disk,
    jobs: new DelayedRunner(inlineJobs, disk),
    compactionJobs: new DelayedRunner(inlineJobs, disk),
    inlineJobs,
    now: watchedClock(disk),
    delay: () => passTurns(20),
    pause: (durationMs, signal) => pauseUnless(durationMs, signal, disk),
    ...(levelLimits === undefined ? {} : { levelLimits }),
    ...(manifestLimits === undefined ? {} : { manifestLimits }),
    openInfoLog: () => NO_INFO_LOG,
  }
}

// As long as a few slow operations: what is tried again meets a disk that has changed.
async function pauseUnless(
  durationMs: number,
  signal: AbortSignal,
  disk: SimulatedDisk,
): Promise<void> {
  for (let i = 0; i < 10 && !signal.aborted; i++) await disk.linger()
  if (!signal.aborted) disk.elapsedMs += durationMs
}

// A loop over settled promises never lets the event loop turn, so nothing outside could stop it; but
// whoever waits looks at the clock.
const MOST_LOOKS_WITHOUT_OPERATION = 100_000

function watchedClock(disk: SimulatedDisk): () => number {
  let looks = 0
  let operations = 0
  return () => {
    if (disk.operationCount !== operations) {
      operations = disk.operationCount
      looks = 0
    }
    if (++looks > MOST_LOOKS_WITHOUT_OPERATION) throw new Error('the engine spins without an end')
    return disk.elapsedMs
  }
}

/**
 * A worker as the database sees it: a job begins later, and is answered later still. In life a flush
 * takes as long as some hundred syncs of a log; here now and then, so that either may be first.
 */
class DelayedRunner implements JobRunner {
  readonly #runner: JobRunner
  readonly #disk: SimulatedDisk

  constructor(runner: JobRunner, disk: SimulatedDisk) {
    this.#runner = runner
    this.#disk = disk
  }

  async run<J extends Job>(job: J): Promise<JobResult<J>> {
    await this.#disk.linger()
    try {
      return await this.#runner.run(job)
    } finally {
      await this.#disk.pause()
    }
  }

  close(): Promise<void> {
    return this.#runner.close()
  }
}
