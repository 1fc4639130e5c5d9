// The rows of the benchmark, and what each is to reach: so many times a peer's figure, or a figure
// that it must not be above.

import { STORE_NAMES, type StoreName } from '../stores/store.ts'

export type Peer = Exclude<StoreName, 'sluicedb'>

export const PEERS: readonly Peer[] = STORE_NAMES.filter((store) => store !== 'sluicedb')

export interface Row {
  readonly name: string
  readonly title: string
  readonly unit: 'per second' | 'ms' | 'MB'
  /** How many times the peer's figure: at least, or at most where less is better. */
  readonly goals: Readonly<Partial<Record<Peer, number>>>
  readonly atMost?: number
  /** The words under which it stands in README.md; a row without them is in docs/ only. */
  readonly brief?: string
}

export interface WriteRow extends Row {
  /** Each writer awaits its own put before the next. */
  readonly writers: number
  readonly sync: boolean
}

function writeRow(writers: number, sync: boolean, goals: Row['goals'], brief?: string): WriteRow {
  const name = `${sync ? 'durable' : 'not-durable'}-${writers}`
  const title = `${sync ? 'durable' : 'not durable'}, C=${writers}`
  const row = { name, title, unit: 'per second', goals, writers, sync } as const
  return brief === undefined ? row : { ...row, brief }
}

export const WRITE_ROWS: readonly WriteRow[] = [
  writeRow(1, true, { 'classic-level': 1.1 }, 'durable puts/s, 1 writer'),
  writeRow(16, true, { 'classic-level': 4, lmdb: 2 }),
  writeRow(256, true, { 'classic-level': 27, lmdb: 4 }, 'durable puts/s, 256 writers'),
  writeRow(4096, true, { 'classic-level': 30, lmdb: 1.6 }),
  writeRow(1, false, { 'classic-level': 10 }),
  writeRow(
    256,
    false,
    { 'classic-level': 2.2, lmdb: 2.2 },
    'puts/s that are not durable, 256 writers',
  ),
]

type DataRow =
  | 'load'
  | 'loadDelay'
  | 'loadDelayMost'
  | 'idleDelay'
  | 'longestBatch'
  | 'settled'
  | 'size'
  | 'openLoaded'
  | 'open'
  | 'getSync'
  | 'get64'
  | 'getHot'
  | 'scan'
  | 'scanReverse'
  | 'getSyncCached'
  | 'scanCompacted'

/** Those of a database that was loaded; the load comes with any of them. */
export const DATA_ROWS: Readonly<Record<DataRow, Row>> = {
  load: {
    name: 'load',
    title: 'random load, batches of 1000',
    brief: 'load in batches of 1,000, entries/s',
    unit: 'per second',
    goals: { 'classic-level': 1.5 },
  },
  loadDelay: {
    name: 'load',
    title: '  event loop delay meanwhile, p99',
    unit: 'ms',
    goals: {},
    atMost: 3,
  },
  loadDelayMost: {
    name: 'load',
    title: '  event loop delay meanwhile, at most',
    unit: 'ms',
    goals: {},
  },
  idleDelay: {
    name: 'load',
    title: '  event loop delay before, at rest, p99',
    unit: 'ms',
    goals: {},
  },
  longestBatch: {
    name: 'load',
    title: '  longest wait for one batch',
    unit: 'ms',
    goals: {},
  },
  settled: {
    name: 'load',
    title: '  until flush and compaction rest',
    unit: 'ms',
    goals: {},
  },
  size: {
    name: 'load',
    title: 'size on disk',
    brief: 'size on disk, MB',
    unit: 'MB',
    goals: { 'classic-level': 1.05 },
  },
  openLoaded: {
    name: 'open',
    title: 'open, with a log to replay',
    unit: 'ms',
    goals: {},
  },
  open: {
    name: 'open',
    title: 'open after close',
    brief: 'open after close, ms',
    unit: 'ms',
    goals: {},
    atMost: 5,
  },
  getSync: {
    name: 'get-sync',
    title: 'getSync over all, 8 MiB cache',
    brief: 'reads/s all over it, 8 MiB of cache',
    unit: 'per second',
    goals: { 'classic-level': 2, lmdb: 1 },
  },
  get64: {
    name: 'get-64',
    title: 'get over all, 64 in flight',
    unit: 'per second',
    goals: { 'classic-level': 1, lmdb: 1 },
  },
  getHot: {
    name: 'get-hot',
    title: 'getSync, hot set of 1000',
    brief: 'reads/s of 1,000 hot keys',
    unit: 'per second',
    goals: { 'classic-level': 1, lmdb: 1 },
  },
  scan: {
    name: 'scan',
    title: 'scan, nextv(1000)',
    brief: 'scan, entries/s',
    unit: 'per second',
    goals: { 'classic-level': 6, lmdb: 2 },
  },
  scanReverse: {
    name: 'scan-reverse',
    title: 'scan in reverse, nextv(1000)',
    unit: 'per second',
    goals: {},
  },
  getSyncCached: {
    name: 'get-sync-cached',
    title: 'getSync over all, all in the cache',
    unit: 'per second',
    goals: { lmdb: 1.5 },
  },
  scanCompacted: {
    name: 'scan-compacted',
    title: 'scan, nextv(1000), after compactRange',
    unit: 'per second',
    goals: { 'classic-level': 6, lmdb: 2 },
  },
}

/** The other measurements, by the same kind of name. */
const OTHER_ROWS = ['recovery', 'event-loop', 'http-server']

export const DATA_ROW_NAMES: ReadonlySet<string> = new Set(
  Object.values(DATA_ROWS).map(({ name }) => name),
)

export const ROW_NAMES: readonly string[] = [
  ...WRITE_ROWS.map(({ name }) => name),
  ...DATA_ROW_NAMES,
  ...OTHER_ROWS,
]
