// What opening a database found, and what it dropped.

import type { DroppedPart } from '../log/lost-directory.ts'

export interface RecoveryReport {
  /** True when the database was created by this open. */
  readonly created: boolean
  /** Log files that were read. */
  readonly logs: number
  /** Groups of writes found in them, and the writes in these. */
  readonly records: number
  readonly writes: number
  readonly logBytes: number
  /** Level-0 tables made of what was recovered. */
  readonly tables: number
  /** Nothing here means that every byte of every log was taken over. */
  readonly dropped: readonly DroppedPart[]
  /**
   * How many sequences the manifest knew of that no log and no table has any more: writes without
   * sync that a power cut took. 0 after a clean close or a kill.
   */
  readonly lostSequences: number
  /** Unknown tables and manifests that were moved out of the way, not deleted. */
  readonly movedToLost: readonly string[]
  readonly durationMs: number
}
