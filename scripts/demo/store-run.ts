// Runs the writer over a list of files and keeps what it acknowledged.

import { Subprocess } from '../subprocess.ts'
import type { GroupCounts, StoreReport, StoreRequest } from './messages.ts'
import type { Progress } from './progress.ts'

export interface StoreRun {
  /** Positions of the puts, in the order of acknowledgement. */
  readonly acknowledged: readonly number[]
  /** Of the values of those files. */
  readonly acknowledgedBytes: number
  /** Spent on storing them. */
  readonly elapsedMs: number
  readonly groups: GroupCounts | undefined
}

/**
 * Resolves when the writer is done, or dead: it is killed as soon as `killAt` puts have been
 * acknowledged. Rejects when it failed by itself.
 */
export async function runWriter(
  request: StoreRequest,
  progress: Progress,
  killAt: number = Infinity,
): Promise<StoreRun> {
  const acknowledged: number[] = []
  let acknowledgedBytes = 0
  let elapsedMs = 0
  let groups: GroupCounts | undefined
  let killed = false

  const child = new Subprocess<StoreReport>(
    new URL('writer.js', import.meta.url),
    request,
    (report) => {
      for (const position of report.puts) {
        acknowledged.push(position)
        acknowledgedBytes += request.files[position % request.files.length]!.sizeBytes
      }
      elapsedMs = report.elapsedMs
      groups = report.groups
      progress.update(acknowledged.length)
      if (acknowledged.length < killAt || killed) return
      killed = true
      child.kill()
    },
  )
  const { code, signal } = await child.ended
  progress.stop()
  if (!killed && code !== 0) throw new Error(`the writer ended with ${signal ?? code}`)
  return { acknowledged, acknowledgedBytes, elapsedMs, groups }
}
