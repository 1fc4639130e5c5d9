// The environment of a database on a real disk.

import { setTimeout } from 'node:timers/promises'
import { InlineRunner } from '../compaction/job-runner.ts'
import { WorkerRunner } from '../compaction/worker-runner.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { type InfoLog, openInfoLog } from '../platform/info-log.ts'
import { binding } from '../platform/load-binding.ts'
import { NodeFileSystem } from '../platform/node-file-system.ts'
import type { Environment } from './environment.ts'

export function realFileSystem(): FileSystem {
  return new NodeFileSystem(binding)
}

/** One for each database: its workers end with it. */
export function realEnvironment(): Environment {
  const fileSystem = realFileSystem()
  const inlineJobs = new InlineRunner(fileSystem)
  return {
    fileSystem,
    jobs: new WorkerRunner(inlineJobs),
    compactionJobs: new WorkerRunner(inlineJobs),
    inlineJobs,
    now: () => performance.now(),
    delay: (durationMs) => setTimeout(durationMs),
    pause,
    openInfoLog: openLog,
  }
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  // Rejects where the signal is aborted: the wait is over then, no more.
  await Promise.allSettled([setTimeout(durationMs, undefined, { signal, ref: false })])
}

/** LOG, with the binding as its first line: a slow database has to show why. */
function openLog(directory: string): InfoLog {
  const log = openInfoLog(directory)
  log.write(`binding: ${binding.kind}, ${binding.reason ?? binding.implementation}`)
  return log
}
