// Runs the writer over a list of files and keeps what it acknowledged.

import { Subprocess } from '../subprocess.ts'
import type { GroupCounts, StoreReport, StoreRequest } from './messages.ts'
import type { Progress } from './progress.ts'

export interface StoreRun {
  /** Positions in request.files, in the order of acknowledgement. */
  readonly acknowledged: readonly number[]
  /** Of the values of those files. */
  readonly acknowledgedBytes: number
  /** From the first put to the last acknowledgement. */
  readonly elapsedMs: number
  readonly groups: GroupCounts | undefined
}

/**
 * Resolves when the writer is done, or dead: it is killed as soon as `killAt` files have been
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
      if (report.kind !== 'acknowledged') return
      for (const position of report.files) {
        acknowledged.push(position)
        acknowledgedBytes += request.files[position]!.sizeBytes
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
