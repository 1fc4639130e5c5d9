// The tables of the benchmark.

import { count, fixed, ratio, table } from '../figures.ts'
import type { StoreName } from '../stores/store.ts'
import type { Round } from './messages.ts'
import type { RecoveringStore, RecoveryFigures } from './recovery.ts'
import type { Peer, WriteRow } from './rows.ts'
import type { RowFigures } from './write-row.ts'

const PEERS: readonly Peer[] = ['classic-level', 'lmdb']

export interface MeasuredRow {
  readonly row: WriteRow
  readonly figures: RowFigures
}

/** How often our median is the peer's, beside the goal and whether it is reached. */
export interface GoalResult {
  readonly peer: Peer
  readonly ratio: number
  readonly goal: number | undefined
  readonly reached: boolean | undefined
}

export function goalResults({ row, figures }: MeasuredRow): GoalResult[] {
  return PEERS.map((peer) => {
    const times = figures.sluicedb.median / figures[peer].median
    const goal = row.goals[peer]
    return { peer, ratio: times, goal, reached: goal === undefined ? undefined : times >= goal }
  })
}

export function describeRow(row: WriteRow): string {
  return `${row.sync ? 'durable' : 'not durable'}, C=${row.writers}`
}

export function writeTable(rows: readonly MeasuredRow[]): string {
  return table([
    ['puts/s', 'SluiceDB', 'classic-level', 'lmdb', 'x classic-level', 'x lmdb'],
    ...rows.map((measured) => [
      describeRow(measured.row),
      count(measured.figures.sluicedb.median),
      count(measured.figures['classic-level'].median),
      count(measured.figures.lmdb.median),
      ...goalResults(measured).map(describeGoal),
    ]),
  ])
}

function describeGoal(result: GoalResult): string {
  const times = ratio(result.ratio, 1)
  if (result.goal === undefined) return times
  return `${times} (goal ${result.goal}: ${result.reached ? 'reached' : 'missed'})`
}

export function recoveryTable(figures: ReadonlyMap<RecoveringStore, RecoveryFigures>): string {
  const [ours, peer] = [figures.get('sluicedb')!, figures.get('classic-level')!]
  return table([
    ['recovery', 'SluiceDB', 'classic-level', 'x classic-level'],
    ['MB of log/s', fixed(ours.median, 1), fixed(peer.median, 1), ratio(ours.median, peer.median)],
  ])
}

const ms = (value: number | undefined): string => fixed(value ?? NaN, 2)
const mb = (value: number | undefined): string => fixed((value ?? NaN) / 1e6, 0)

export function eventLoopTable(rounds: ReadonlyMap<StoreName, Round>, seconds: number): string {
  const line = (name: string, figure: (round: Round) => string): string[] => [
    name,
    ...[...rounds.values()].map(figure),
  ]
  return table([
    [`durable, C=256, ${seconds} s`, 'SluiceDB', 'classic-level', 'lmdb'],
    line('puts/s', (round) => count((round.puts / round.elapsedMs) * 1000)),
    line('event loop delay p50, ms', (round) => ms(round.observed?.p50Ms)),
    line('event loop delay p99, ms', (round) => ms(round.observed?.p99Ms)),
    line('event loop delay max, ms', (round) => ms(round.observed?.maxMs)),
    line('  p99 when idle, ms', (round) => ms(round.observed?.idleP99Ms)),
    line('rss at the end, MB', (round) => mb(round.observed?.rssBytes)),
    line('rss at most, MB', (round) => mb(round.observed?.peakRssBytes)),
    line('heap used at most, MB', (round) => mb(round.observed?.heapUsedBytes)),
  ])
}
