// What the demonstration and its child processes say to each other.

import type { CorpusFile } from './corpus.ts'

/** To the writer. */
export interface StoreRequest {
  readonly store: 'sluicedb' | 'classic-level'
  readonly path: string
  readonly root: string
  readonly files: readonly CorpusFile[]
  readonly writers: number
  /** How often the whole list is stored, each time under other keys when it is more than once. */
  readonly copies: number
  /** Least time between two reports; 0: at once, so that a kill finds nothing unreported. */
  readonly reportEveryMs: number
}

/** From the writer. A put has a position: that of its file, plus files.length per copy before. */
export interface StoreReport {
  readonly kind: 'acknowledged'
  readonly puts: readonly number[]
  /** Spent on storing so far; reading the files is not part of it. */
  readonly elapsedMs: number
  /** Of SluiceDB only. */
  readonly groups?: GroupCounts
}

/** How many writes each synced group held, as the writer knows it at that moment. */
export interface GroupCounts {
  readonly syncs: number
  readonly writes: number
  /** Groups by their number of writes: element i counts those of 2^i to 2^(i+1) - 1. */
  readonly groupsByPowerOfTwo: readonly number[]
}

/** To the checker. */
export interface CheckRequest {
  readonly path: string
  readonly root: string
  readonly files: readonly CorpusFile[]
  /** Positions of the files that were acknowledged. */
  readonly acknowledged: readonly number[]
}

/** From the checker. */
export type CheckReport =
  | { readonly kind: 'opened'; readonly openMs: number; readonly recovery: readonly string[] }
  | { readonly kind: 'progress'; readonly checked: number }
  | ({ readonly kind: 'checked' } & CheckResult)

export interface CheckResult {
  /** Acknowledged, and the bytes in the database are the file's. */
  readonly intact: number
  /** Acknowledged, but not there. */
  readonly missing: readonly string[]
  /** There, but with other bytes: the worst of all. */
  readonly wrong: readonly string[]
  /** In flight when the writer died, and found whole. They may as well be absent. */
  readonly alsoThere: readonly number[]
  /** Changed on disk meanwhile, so nothing can be said. */
  readonly changed: number
}
