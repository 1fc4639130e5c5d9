// The world of an engine: everything it uses that is not its own state. Tests give it a simulated
// disk, a clock that stands still and a runner on the calling thread.

import type { JobRunner } from '../compaction/job-runner.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { InfoLog } from '../platform/info-log.ts'
import type { LevelLimits } from '../version/level-rules.ts'
import type { ManifestLimits } from '../version/manifest.ts'

export interface Environment {
  readonly fileSystem: FileSystem
  /** Runs flushes while the database is open. */
  readonly jobs: JobRunner
  /** Runs compactions: in another thread than `jobs`, so that no flush waits behind one. */
  readonly compactionJobs: JobRunner
  /** Runs flushes on the calling thread: those of recovery that are too small for a worker. */
  readonly inlineJobs: JobRunner
  /** Milliseconds, from any origin, never going back. */
  readonly now: () => number
  readonly delay: (durationMs: number) => Promise<void>
  /** A wait in the background: keeps no process alive, and ends early where the signal is aborted. */
  readonly pause: (durationMs: number, signal: AbortSignal) => Promise<void>
  /** Level sizes other than LevelDB's. */
  readonly levelLimits?: LevelLimits
  /** Other sizes of the manifest than the default. */
  readonly manifestLimits?: ManifestLimits
  /** Opens the database's LOG in `directory`. */
  readonly openInfoLog: (directory: string) => InfoLog
}
