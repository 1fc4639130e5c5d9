// What opening a database found, and what it dropped.

/** A part of a file that recovery did not take over. */
export interface DroppedPart {
  readonly file: string
  /** Where in the file the part begins; it goes on to the file's end. */
  readonly offset: number
  readonly droppedBytes: number
  readonly reason: string
  /** Where a copy of the whole file is kept. */
  readonly keptAs: string
}

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
