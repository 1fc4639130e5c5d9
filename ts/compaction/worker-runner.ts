// Runs jobs in a worker thread that starts with the first job and keeps no process alive.
//
//   no worker ── a job ──► starting ── says that it is ready ──► running ── dies ──► no worker
//
// Invariants:
//   Every job is answered exactly once, also when the worker dies: its jobs run again in another
//   worker, and fail with the second one.
//   A worker that never came up (its file is missing, as in a bundle) is given up: jobs then run on
//   the calling thread, slower but right.
//   The worker holds the event loop only while a job is under way.

import { Worker } from 'node:worker_threads'
import { SluiceError } from '../format/error.ts'
import type { Job, JobResult } from './job.ts'
import {
  type JobRequest,
  type JobResponse,
  READY,
  reviveResult,
  unpackError,
} from './job-protocol.ts'
import type { JobRunner } from './job-runner.ts'

interface PendingJob {
  readonly job: Job
  /** Whether a worker has died under it. */
  readonly isRetry: boolean
  readonly resolve: (result: JobResult<Job>) => void
  readonly reject: (error: unknown) => void
}

export class WorkerRunner implements JobRunner {
  readonly #inline: JobRunner
  readonly #entry: URL
  readonly #pending = new Map<number, PendingJob>()
  #worker: Worker | undefined
  #isReady = false
  #startFailed = false
  #isClosed = false
  #nextId = 1

  /** `inline` runs the jobs if no worker can be had; `entry` is the worker's file. */
  constructor(inline: JobRunner, entry: URL = new URL('./worker.js', import.meta.url)) {
    this.#inline = inline
    this.#entry = entry
  }

  async run<J extends Job>(job: J): Promise<JobResult<J>> {
    if (this.#isClosed) throw new Error('the worker has been ended')
    const result = await new Promise<JobResult<Job>>((resolve, reject) => {
      this.#send({ job, isRetry: false, resolve, reject })
    })
    return result as JobResult<J>
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#worker?.terminate()
  }

  #send(pending: PendingJob): void {
    const worker = this.#startFailed ? undefined : (this.#worker ?? this.#tryStart())
    if (worker === undefined) {
      this.#inline.run(pending.job).then(pending.resolve, pending.reject)
      return
    }
    const id = this.#nextId++
    this.#pending.set(id, pending)
    worker.ref()
    const request: JobRequest = { id, job: pending.job }
    worker.postMessage(request)
  }

  // Undefined where the entry is no file that a worker could load, as in some bundles.
  #tryStart(): Worker | undefined {
    try {
      return this.#start()
    } catch {
      // Given up like one that does not come up: the job itself will tell if more is wrong.
      this.#startFailed = true
      return undefined
    }
  }

  #start(): Worker {
    // execArgv: [] because flags of the main thread such as --input-type do not fit a worker.
    const worker = new Worker(this.#entry, { execArgv: [], name: 'sluicedb' })
    this.#worker = worker
    this.#isReady = false
    let failure: unknown
    worker.on('message', (message: JobResponse | typeof READY) => {
      if (message === READY) this.#isReady = true
      else this.#answer(message)
    })
    worker.on('error', (error: unknown) => {
      failure = error
    })
    worker.on('exit', (exitCode) => {
      this.#onExit(exitCode, failure)
    })
    return worker
  }

  #answer(response: JobResponse): void {
    const pending = this.#pending.get(response.id)
    this.#pending.delete(response.id)
    if (this.#pending.size === 0) this.#worker?.unref()
    if (pending === undefined) return
    if ('error' in response) pending.reject(unpackError(response.error))
    else pending.resolve(reviveResult(response.result))
  }

  #onExit(exitCode: number, failure: unknown): void {
    this.#worker = undefined
    const jobs = [...this.#pending.values()]
    this.#pending.clear()
    const wasReady = this.#isReady
    if (!wasReady) this.#startFailed = true
    const error = new SluiceError(
      'LEVEL_IO_ERROR',
      `The worker thread ended (exit code ${exitCode}) before its job was done`,
      failure === undefined ? {} : { cause: failure },
    )
    for (const pending of jobs) {
      // Of a worker that never came up, nothing was tried yet: its jobs run in place.
      if (this.#isClosed || (pending.isRetry && wasReady)) pending.reject(error)
      else this.#send({ ...pending, isRetry: true })
    }
  }
}
