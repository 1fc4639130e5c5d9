// What the demonstration tells in the end: verdicts, figures side by side, the histogram of groups.

import { count, duration, fixed, quantity, ratio, table } from '../figures.ts'
import type { CheckResult, GroupCounts } from './messages.ts'

/** What one store did. */
export interface RunFigures {
  readonly puts: number
  readonly bytes: number
  readonly elapsedMs: number
  /** Unknown where a store does not tell. */
  readonly syncs: number | undefined
}

const SHOWN_NAMES = 5
const BAR_WIDTH = 40

/** The verdict on `acknowledged` files, in sentences. */
export function verdict(result: CheckResult, acknowledged: number): string[] {
  const lines = [
    `${count(result.intact)} of ${count(acknowledged)} acknowledged files are there, byte for byte.`,
  ]
  if (result.alsoThere.length > 0) {
    lines.push(
      `${count(result.alsoThere.length)} more had been in flight, and were found whole as well.`,
    )
  }
  if (result.changed > 0) {
    lines.push(`${quantity(result.changed, 'file')} changed meanwhile and could not be compared.`)
  }
  lines.push(...namesOf('MISSING', result.missing), ...namesOf('WRONG', result.wrong))
  return lines
}

function namesOf(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return []
  const shown = names.slice(0, SHOWN_NAMES).join(', ')
  return [`${what}: ${quantity(names.length, 'file')}: ${shown}`]
}

/** A table of ours and the peer's figures, with how many times ours are the peer's. */
export function comparison(ours: RunFigures, peers: RunFigures): string {
  const perSecond = (value: number, run: RunFigures): number => (value / run.elapsedMs) * 1000
  const putsRow = [ours, peers].map((run) => perSecond(run.puts, run))
  const bytesRow = [ours, peers].map((run) => perSecond(run.bytes, run) / 1e6)
  const syncs = ours.syncs === undefined ? '-' : count(perSecond(ours.syncs, ours))
  return table(
    [
      ['', 'SluiceDB', 'classic-level', 'ratio'],
      ['durable puts/s', ...putsRow.map(count), ratio(putsRow[0]!, putsRow[1]!)],
      ['MB/s', ...bytesRow.map((value) => fixed(value, 1)), ratio(bytesRow[0]!, bytesRow[1]!)],
      ['syncs/s', syncs, '-', ''],
      ['time', duration(ours.elapsedMs), duration(peers.elapsedMs), ''],
    ],
    '   ',
  )
}

/** How many writes shared a sync: a bar per power of two. */
export function groupHistogram(groups: GroupCounts): string {
  const sizes = groups.groupsByPowerOfTwo
  const most = Math.max(1, ...sizes)
  const rows = sizes.map((groupCount, power) => {
    const [from, to] = [2 ** power, 2 ** (power + 1) - 1]
    const bar = '#'.repeat(Math.ceil((groupCount / most) * BAR_WIDTH))
    return [from === to ? `${from}` : `${from}-${to}`, count(groupCount), bar.padEnd(BAR_WIDTH)]
  })
  const mean = groups.writes / Math.max(1, groups.syncs)
  return [
    `   Writes that shared a sync (${fixed(mean, 1)} on average), and how often:`,
    table(rows, '   '),
  ].join('\n')
}
