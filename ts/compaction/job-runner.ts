// Who runs background jobs: a worker thread, or the calling thread.

import type { FileSystem } from '../platform/file-system.ts'
import { runCompactionInTurns } from './compact.ts'
import { type Job, type JobResult, runJob } from './job.ts'

export interface JobRunner {
  /** Runs the job; rejects with its error, whole, or with LEVEL_IO_ERROR when the runner died. */
  run<J extends Job>(job: J): Promise<JobResult<J>>
  /** Ends the runner. Jobs that are still under way reject. Idempotent. */
  close(): Promise<void>
}

/**
 * Runs jobs on the calling thread: for small ones, where starting a worker would cost more, for a
 * package that was bundled without its worker, and for the simulated disk.
 */
export class InlineRunner implements JobRunner {
  readonly #fileSystem: FileSystem

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  async run<J extends Job>(job: J): Promise<JobResult<J>> {
    if (job.kind === 'flush') return runJob(job, this.#fileSystem)
    // It may take seconds: others have their turn, and can cancel it.
    return (await runCompactionInTurns(job, this.#fileSystem)) as JobResult<J>
  }

  async close(): Promise<void> {
    // Nothing to end: a job is done when run() returns.
  }
}
