// The rows of the write benchmark, and how many times the peers' figure each is to reach.

import type { StoreName } from '../stores/store.ts'

export type Peer = Exclude<StoreName, 'sluicedb'>

export interface WriteRow {
  readonly name: string
  /** Each writer awaits its own put before the next. */
  readonly writers: number
  readonly sync: boolean
  readonly goals: Readonly<Partial<Record<Peer, number>>>
}

export const WRITE_ROWS: readonly WriteRow[] = [
  { name: 'durable-1', writers: 1, sync: true, goals: { 'classic-level': 1.1 } },
  { name: 'durable-16', writers: 16, sync: true, goals: { 'classic-level': 4, lmdb: 2 } },
  { name: 'durable-256', writers: 256, sync: true, goals: { 'classic-level': 27, lmdb: 4 } },
  { name: 'durable-4096', writers: 4096, sync: true, goals: { 'classic-level': 30, lmdb: 1.6 } },
  { name: 'not-durable-1', writers: 1, sync: false, goals: { 'classic-level': 10 } },
  {
    name: 'not-durable-256',
    writers: 256,
    sync: false,
    goals: { 'classic-level': 2.2, lmdb: 2.2 },
  },
]

/** The other measurements, by the same kind of name. */
export const OTHER_ROWS = ['recovery', 'event-loop'] as const

export const ROW_NAMES: readonly string[] = [...WRITE_ROWS.map((row) => row.name), ...OTHER_ROWS]
