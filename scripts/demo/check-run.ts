// Runs the checker and keeps what it found.

import { endedWell, Subprocess } from '../subprocess.ts'
import type { CheckReport, CheckRequest, CheckResult } from './messages.ts'
import type { Progress } from './progress.ts'

/** `onOpened` is called with the time that opening took and the lines that tell of the recovery. */
export async function runChecker(
  request: CheckRequest,
  progress: Progress,
  onOpened: (openMs: number, recovery: readonly string[]) => void,
): Promise<CheckResult> {
  let result: CheckResult | undefined
  const child = new Subprocess<CheckReport>(
    new URL('checker.js', import.meta.url),
    request,
    (report) => {
      if (report.kind === 'opened') onOpened(report.openMs, report.recovery)
      else if (report.kind === 'progress') progress.update(report.checked)
      else result = report
    },
  )
  try {
    await endedWell(child, 'the checker')
  } finally {
    progress.stop()
  }
  if (result === undefined) throw new Error('the checker ended without a result')
  return result
}
