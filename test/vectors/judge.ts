// Whether a report is good: what failed that is not known to fail, and what is known to and did not.

import type { Outcome, Report } from './run-vectors.ts'

export interface Judgement {
  readonly counts: Readonly<Record<Outcome['outcome'], number>>
  /** For a person; none means that the implementation passes. */
  readonly failures: readonly string[]
}

/** `known`: why vectors fail, by name. A name that was not asked says nothing. */
export function judge(report: Report, known: Readonly<Record<string, string>>): Judgement {
  const counts = { pass: 0, other: 0, fail: 0, unsupported: 0 }
  const failures: string[] = []
  for (const { name, outcome, detail } of report.outcomes) {
    counts[outcome]++
    const isKnown = known[name] !== undefined
    if (outcome === 'fail' && !isKnown) failures.push(`${name}: ${detail ?? ''}`)
    if (outcome !== 'fail' && isKnown) failures.push(`${name}: known to fail, and ${outcome}`)
  }
  if (report.complaint !== undefined) failures.push(report.complaint)
  return { counts, failures }
}
