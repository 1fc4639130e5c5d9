// The kinds of background jobs, and the one place that runs each.

import type { FileSystem } from '../platform/file-system.ts'
import { runCompaction } from './compact.ts'
import type { CompactionJob, CompactionResult } from './compaction-job.ts'
import { type FlushJob, type FlushResult, runFlush } from './flush-job.ts'

/** Plain data: it is sent to the worker as it is. */
export type Job = FlushJob | CompactionJob

/** What a job of this kind answers. */
export type JobResult<J extends Job> = J extends CompactionJob ? CompactionResult : FlushResult

/** Runs the job on the calling thread. Throws what the job throws. */
export function runJob<J extends Job>(job: J, fileSystem: FileSystem): JobResult<J> {
  const result =
    job.kind === 'compaction' ? runCompaction(job, fileSystem) : runFlush(job, fileSystem)
  return result as JobResult<J>
}
