// What recovery found, in sentences.

import { basename } from 'node:path'
import type { RecoveryReport } from '../../ts/index.ts'
import { megabytes, quantity } from '../figures.ts'

export function describeRecovery(report: RecoveryReport): string[] {
  const lines = [
    `Recovery read ${quantity(report.logs, 'log')} (${megabytes(report.logBytes)}), found ` +
      `${quantity(report.writes, 'write')} in ${quantity(report.records, 'record')}, ` +
      `and made ${quantity(report.tables, 'table')} of them.`,
  ]
  for (const part of report.dropped) {
    lines.push(
      `It dropped ${quantity(part.droppedBytes, 'byte')} of ${basename(part.file)} ` +
        `at ${part.offset}: ${part.reason}; the file is kept as ${basename(part.keptAs)}.`,
    )
  }
  if (report.dropped.length === 0) lines.push('Nothing was dropped.')
  if (report.lostSequences > 0) {
    lines.push(`${quantity(report.lostSequences, 'sequence number')} of the manifest are lost.`)
  }
  return lines
}
