// What the benchmark says to the process that drives one store, and what comes back. Each order is
// answered by exactly one report; a wrong or missing value ends the process instead.

import type { Stalls, StoreName } from '../stores/store.ts'

export interface OpenOrder {
  readonly kind: 'open'
  readonly store: StoreName
  readonly path: string
  readonly sync: boolean
  readonly cacheSize?: number
  readonly writeBufferSize?: number
}

export interface WriteOrder {
  readonly kind: 'write'
  readonly writers: number
  readonly seconds: number
  readonly observe: boolean
}

/** Puts the entries 0 .. entries - 1, in batches. */
export interface LoadOrder {
  readonly kind: 'load'
  readonly entries: number
}

/** Reads every entry once and compares every byte; fills the caches. */
export interface ReadAllOrder {
  readonly kind: 'read-all'
  readonly how: 'getSync' | 'get'
  readonly entries: number
}

export interface ReadOrder {
  readonly kind: 'read'
  readonly how: 'getSync' | 'get'
  /** Reads in flight, each awaited by its own reader. 1 for getSync. */
  readonly readers: number
  /** There are so many. */
  readonly entries: number
  /** So many of them are read, evenly spread. */
  readonly among: number
  readonly seconds: number
  readonly seed: number
}

export interface ScanOrder {
  readonly kind: 'scan'
  readonly entries: number
  readonly reverse: boolean
}

export type Order =
  | OpenOrder
  | WriteOrder
  | LoadOrder
  | ReadAllOrder
  | ReadOrder
  | ScanOrder
  /** Answered with 'work' of no count, at once where the store has no compactRange. */
  | { readonly kind: 'compact' }
  /** Waits until the process does nothing: flushes and compactions are done. */
  | { readonly kind: 'settle' }
  /** Closes the store and opens it again; what is timed is the opening. */
  | { readonly kind: 'reopen' }
  | { readonly kind: 'close' }

export type Answer =
  | { readonly kind: 'done' }
  | ({ readonly kind: 'work' } & Work)
  | ({ readonly kind: 'load' } & Load)

export interface Work {
  /** Of puts, reads or entries. */
  readonly count: number
  readonly elapsedMs: number
  /** When it was to be observed: it costs a timer every millisecond. */
  readonly observed?: Observation
}

export interface Load extends Work {
  readonly observed: Observation
  readonly longestBatchMs: number
  readonly stalls?: Stalls
}

export interface Observation {
  /** The same figure with nothing to do: what the timer itself costs. */
  readonly idleP99Ms: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly rssBytes: number
  readonly peakRssBytes: number
  readonly heapUsedBytes: number
}
