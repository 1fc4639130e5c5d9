// The tables of the benchmark, as cells: printed in columns, or as Markdown.

import { count, fixed, ratio } from '../figures.ts'
import { STORE_NAMES } from '../stores/store.ts'
import type { StoreName } from '../stores/store.ts'
import type { Work } from './messages.ts'
import type { RecoveringStore, RecoveryFigures } from './recovery.ts'
import { type Peer, PEERS, type Row } from './rows.ts'
import type { RowFigures } from './turns.ts'

export interface MeasuredRow {
  readonly row: Row
  readonly figures: RowFigures
}

export interface Section {
  readonly title: string
  /** The first row is the heading. */
  readonly cells: readonly (readonly string[])[]
}

/** The rows of databases with so many entries. */
export interface MeasuredSize {
  readonly entries: number
  readonly rows: readonly MeasuredRow[]
}

/** How often our median is the peer's, beside the goal and whether it is reached. */
export interface GoalResult {
  readonly peer: Peer
  readonly ratio: number
  readonly goal: number | undefined
  readonly reached: boolean | undefined
}

const STORE_TITLES: Readonly<Record<StoreName, string>> = {
  sluicedb: 'SluiceDB',
  'classic-level': 'classic-level',
  lmdb: 'lmdb',
  'better-sqlite3': 'better-sqlite3',
}
const TITLES: readonly string[] = STORE_NAMES.map((store) => STORE_TITLES[store])
const NOTHING = '-'

export function goalResults({ row, figures }: MeasuredRow): GoalResult[] {
  return PEERS.filter((peer) => figures[peer] !== undefined).map((peer) => {
    const times = figures.sluicedb!.median / figures[peer]!.median
    const goal = row.goals[peer]
    const reached =
      goal === undefined ? undefined : row.unit === 'per second' ? times >= goal : times <= goal
    return { peer, ratio: times, goal, reached }
  })
}

/** Undefined where there is no such goal. */
export function isAtMost({ row, figures }: MeasuredRow): boolean | undefined {
  return row.atMost === undefined ? undefined : figures.sluicedb!.median <= row.atMost
}

export function figureText({ unit }: Row, figure: number | undefined): string {
  if (figure === undefined) return NOTHING
  return unit === 'per second' || figure >= 1000 ? count(figure) : fixed(figure, 1)
}

export function rowsSection(title: string, rows: readonly MeasuredRow[]): Section {
  const peers = PEERS.map((peer) => `x ${peer}`)
  return {
    title,
    cells: [['', ...TITLES, ...peers], ...rows.map((measured) => rowCells(measured))],
  }
}

/** The rows that README.md shows, in its words and without goals and ratios. */
export function briefSection(rows: readonly MeasuredRow[]): Section {
  const cells = rows.flatMap(({ row, figures }) => {
    const { brief } = row
    if (brief === undefined) return []
    return [[brief, ...STORE_NAMES.map((store) => figureText(row, figures[store]?.median))]]
  })
  return { title: '', cells: [['', ...TITLES], ...cells] }
}

function rowCells(measured: MeasuredRow): string[] {
  const { row, figures } = measured
  const results = goalResults(measured)
  const isReached = isAtMost(measured)
  const goal =
    isReached === undefined ? '' : ` (goal at most ${row.atMost}: ${isReached ? 'met' : 'missed'})`
  return [
    row.unit === 'per second' ? row.title : `${row.title}, ${row.unit}`,
    ...STORE_NAMES.map(
      (store) => figureText(row, figures[store]?.median) + (store === 'sluicedb' ? goal : ''),
    ),
    ...PEERS.map((peer) =>
      describeGoal(
        row,
        results.find((result) => result.peer === peer),
      ),
    ),
  ]
}

function describeGoal({ unit }: Row, result: GoalResult | undefined): string {
  if (result === undefined) return NOTHING
  const times = ratio(result.ratio, 1)
  if (result.goal === undefined) return times
  const bound = unit === 'per second' ? '' : 'at most '
  return `${times} (goal ${bound}${result.goal}: ${result.reached ? 'met' : 'missed'})`
}

/** How the rates change from the smallest database to each larger one. */
export function growthSection(sizes: readonly MeasuredSize[]): Section {
  const [base, ...larger] = sizes.toSorted((a, b) => a.entries - b.entries)
  const cells = larger.flatMap(({ entries, rows }) =>
    rows
      .filter(({ row }) => row.unit === 'per second')
      .map(({ row, figures }) => {
        const before = base!.rows.find((one) => one.row === row)?.figures
        const change = (store: StoreName): string => {
          const [now, then] = [figures[store], before?.[store]]
          return now && then ? ratio(now.median, then.median) : NOTHING
        }
        return [`${row.title}, ${count(entries)}`, ...STORE_NAMES.map(change)]
      }),
  )
  return {
    title: `Rates, as times those at ${count(base!.entries)} entries`,
    cells: [['', ...TITLES], ...cells],
  }
}

export function recoverySection(figures: ReadonlyMap<RecoveringStore, RecoveryFigures>): Section {
  const [ours, peer] = [figures.get('sluicedb')!, figures.get('classic-level')!]
  return {
    title: 'Recovery',
    cells: [
      ['', 'SluiceDB', 'classic-level', 'x classic-level'],
      [
        'MB of log/s',
        fixed(ours.median, 1),
        fixed(peer.median, 1),
        ratio(ours.median, peer.median),
      ],
    ],
  }
}

const ms = (value: number | undefined): string => fixed(value ?? NaN, 2)
const mb = (value: number | undefined): string => fixed((value ?? NaN) / 1e6, 0)

export function eventLoopSection(rounds: ReadonlyMap<StoreName, Work>, seconds: number): Section {
  const line = (name: string, figure: (work: Work) => string): string[] => [
    name,
    ...[...rounds.values()].map(figure),
  ]
  return {
    title: `The process during durable writes, C=256, ${seconds} s`,
    cells: [
      ['', ...TITLES],
      line('puts/s', (work) => count((work.count / work.elapsedMs) * 1000)),
      line('event loop delay p50, ms', (work) => ms(work.observed?.p50Ms)),
      line('event loop delay p99, ms', (work) => ms(work.observed?.p99Ms)),
      line('event loop delay at most, ms', (work) => ms(work.observed?.maxMs)),
      line('  p99 when idle, ms', (work) => ms(work.observed?.idleP99Ms)),
      line('rss at the end, MB', (work) => mb(work.observed?.rssBytes)),
      line('rss at most, MB', (work) => mb(work.observed?.peakRssBytes)),
      line('heap used at most, MB', (work) => mb(work.observed?.heapUsedBytes)),
    ],
  }
}

export function markdownOf({ title, cells }: Section): string {
  const [heading, ...rows] = cells
  const rule = markdownLine(heading!.map((_, column) => (column === 0 ? '---' : '---:')))
  const lines = [markdownLine(heading!), rule, ...rows.map(markdownLine)]
  const head = title === '' ? [] : [`**${title}**`, '']
  return [...head, ...lines, ''].join('\n')
}

function markdownLine(row: readonly string[]): string {
  return `| ${row.map((cell) => cell.trim()).join(' | ')} |`
}
