// What a repair did, or with `dryRun` would do. Plain data.

import type { VerifyProgress } from './verify-report.ts'

export interface RepairOptions {
  /** Decide and report everything, and write nothing. Default false. */
  readonly dryRun?: boolean
  /**
   * Called as verify calls it, while every table is looked at. What is written behind that, where
   * something is wrong, is not in it.
   */
  readonly onProgress?: (progress: VerifyProgress) => void
}

/**
 *   kept        it stays as it is
 *   rewritten   all of it is in new tables
 *   salvaged    what could be read of it is in new tables; the file is kept in lost/
 *   dropped     nothing of it could be read; the file is kept in lost/
 *   missing     the manifest names it, and it is not there
 *   unknown     no manifest that can be read names it; moved to lost/
 *   removed     it is known to be of no use: its contents were deleted or moved before
 */
export type RepairOutcome =
  | 'kept'
  | 'rewritten'
  | 'salvaged'
  | 'dropped'
  | 'missing'
  | 'unknown'
  | 'removed'

export interface RepairedFile {
  readonly file: string
  readonly outcome: RepairOutcome
  /** Entries of a table, or writes of a log, that the repaired database takes over from it. */
  readonly entries: number
  readonly reason: string | undefined
}

/** A part of a file that could not be saved. */
export interface RepairLoss {
  readonly file: string
  readonly offset: number
  readonly bytes: number
  readonly reason: string
  /**
   * The keys of a lost block of a table lie above `above` and not above `upTo`, as far as the index
   * tells. Where a newer value or a deletion was lost, an older value may show again in this range.
   */
  readonly above: Buffer | undefined
  readonly upTo: Buffer | undefined
}

export interface RepairReport {
  readonly dryRun: boolean
  /** False where nothing was wrong: then nothing was changed. */
  readonly isNeeded: boolean
  /**
   * kept     the manifest is the truth: tables stay at their levels, deleted data stays deleted
   * merged   no manifest fits the directory: everything that could be read was merged into one level
   */
  readonly levels: 'kept' | 'merged'
  /** Why the manifest was not used, or had to be completed. */
  readonly manifestProblem: string | undefined
  readonly files: readonly RepairedFile[]
  readonly losses: readonly RepairLoss[]
  /** Sums over the files and the losses. */
  readonly keptEntries: number
  readonly lostBytes: number
  readonly lastSequence: number
}
