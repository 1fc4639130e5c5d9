// What the benchmark says to the process that drives one store, and what comes back. Each order is
// answered by exactly one report.

import type { StoreName } from '../stores/store.ts'

export type Order =
  | {
      readonly kind: 'open'
      readonly store: StoreName
      readonly path: string
      readonly sync: boolean
    }
  | {
      readonly kind: 'round'
      readonly writers: number
      readonly seconds: number
      readonly observe: boolean
    }
  | { readonly kind: 'close' }

export type Answer =
  | { readonly kind: 'opened' }
  | ({ readonly kind: 'round' } & Round)
  | { readonly kind: 'closed' }

export interface Round {
  readonly puts: number
  readonly elapsedMs: number
  /** When the round was to be observed: it costs a timer every millisecond. */
  readonly observed?: Observation
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
