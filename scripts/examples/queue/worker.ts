// The worker process of the job queue's demonstration: enqueues the jobs, then does them.

import { serve } from '../../subprocess.ts'
import { JobQueue } from './job-queue.ts'
import { workUntilNothingIsDue } from './work.ts'

export interface WorkerOrder {
  readonly path: string
  readonly jobs: number
  /** Workers of one process, each with one job at a time. */
  readonly workers: number
  readonly visibilityMs: number
}

export type WorkerReport =
  | { readonly kind: 'enqueued'; readonly elapsedMs: number }
  | { readonly kind: 'done'; readonly id: string }

/** Resolves when the message has left this process, which may be killed at any time. */
function tell(message: WorkerReport): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })
}

serve(async ({ path, jobs, workers, visibilityMs }: WorkerOrder) => {
  const queue = await JobQueue.open<number>(path, { visibilityMs })
  const startMs = performance.now()
  await Promise.all(Array.from({ length: jobs }, (_, index) => queue.enqueue(index)))
  await tell({ kind: 'enqueued', elapsedMs: performance.now() - startMs })
  await workUntilNothingIsDue(queue, workers, (id) => tell({ kind: 'done', id }))
  await queue.close()
  process.disconnect()
})
