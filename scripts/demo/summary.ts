// What the demonstration tells in the end: verdicts, figures side by side, the histogram of groups.

import { count, duration, fixed, quantity, ratio, table } from '../figures.ts'
import type { CheckResult, GroupCounts } from './messages.ts'
import type { StoreRun } from './store-run.ts'

/** The same work, done by us and by the peer. */
export interface Comparison {
  readonly title: string
  readonly ours: StoreRun
  readonly peers: StoreRun
}

const SHOWN_NAMES = 5
const BAR_WIDTH = 20

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

/** Both runs' figures as one: the puts, the bytes and the time together. */
export function together(first: StoreRun, second: StoreRun): StoreRun {
  return {
    acknowledged: [...first.acknowledged, ...second.acknowledged],
    acknowledgedBytes: first.acknowledgedBytes + second.acknowledgedBytes,
    elapsedMs: first.elapsedMs + second.elapsedMs,
    groups: addGroupCounts(first.groups, second.groups),
  }
}

function addGroupCounts(
  first: GroupCounts | undefined,
  second: GroupCounts | undefined,
): GroupCounts | undefined {
  if (first === undefined || second === undefined) return first ?? second
  const [a, b] = [first.groupsByPowerOfTwo, second.groupsByPowerOfTwo]
  return {
    writes: first.writes + second.writes,
    syncs: first.syncs + second.syncs,
    groupsByPowerOfTwo: Array.from(
      { length: Math.max(a.length, b.length) },
      (_, power) => (a[power] ?? 0) + (b[power] ?? 0),
    ),
  }
}

function perSecond(value: number, run: StoreRun): number {
  return (value / run.elapsedMs) * 1000
}

export function comparisonTable(comparisons: readonly Comparison[]): string {
  return table(
    comparisons.flatMap(({ title, ours, peers }) => {
      const puts = [ours, peers].map((run) => perSecond(run.acknowledged.length, run))
      const bytes = [ours, peers].map((run) => perSecond(run.acknowledgedBytes, run) / 1e6)
      const syncs = ours.groups === undefined ? '-' : count(perSecond(ours.groups.syncs, ours))
      return [
        [title, 'SluiceDB', 'classic-level', 'ratio'],
        ['  durable puts/s', ...puts.map(count), ratio(puts[0]!, puts[1]!)],
        ['  MB/s', ...bytes.map((value) => fixed(value, 1)), ratio(bytes[0]!, bytes[1]!)],
        ['  syncs/s', syncs, '-', ''],
        ['  time', duration(ours.elapsedMs), duration(peers.elapsedMs), ''],
      ]
    }),
    '   ',
  )
}

/** How many writes shared a sync: a row per power of two, a bar per comparison. */
export function groupHistogram(comparisons: readonly Comparison[]): string {
  const columns = comparisons.map(({ ours }) => ours.groups?.groupsByPowerOfTwo ?? [])
  const powers = Math.max(...columns.map((column) => column.length))
  const rows = Array.from({ length: powers }, (_, power) => {
    const [from, to] = [2 ** power, 2 ** (power + 1) - 1]
    return [
      from === to ? `${from}` : `${from}-${to}`,
      ...columns.map((column) => bar(column, power)),
    ]
  })
  const means = comparisons.map(({ ours: { groups } }) =>
    groups === undefined
      ? ''
      : `${fixed(groups.writes / groups.syncs, 1)} on average`.padEnd(BAR_WIDTH + 8),
  )
  const titles = comparisons.map(({ title }) => title.padEnd(BAR_WIDTH + 8))
  return table([['Writes a sync', ...titles], ['', ...means], ...rows], '   ')
}

function bar(column: readonly number[], power: number): string {
  const groups = column[power] ?? 0
  const most = Math.max(1, ...column)
  const length = Math.ceil((groups / most) * BAR_WIDTH)
  return `${count(groups).padStart(7)} ${'#'.repeat(length).padEnd(BAR_WIDTH)}`
}
