// Workers of the job queue, each with one job at a time.

import { ClaimLostError, type JobQueue } from './job-queue.ts'

/** So many workers claim jobs and do them, until no job is due. */
export async function workUntilNothingIsDue(
  queue: JobQueue<number>,
  workers: number,
  work: (id: string) => Promise<void>,
): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let job = await queue.claim(); job !== undefined; job = await queue.claim()) {
      await work(job.id)
      // After the work and never before it: whoever dies in between leaves the job to another.
      await queue.ack(job).catch(ignoreLostClaim)
    }
  }
  await Promise.all(Array.from({ length: workers }, worker))
}

// It took longer than the claim held: another worker has the job, or has done it.
function ignoreLostClaim(error: unknown): void {
  if (!(error instanceof ClaimLostError)) throw error
}
