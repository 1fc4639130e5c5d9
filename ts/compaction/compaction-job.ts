// What a compaction is told and what it answers. compact.ts runs it.

import type { TableOptions } from '../table/table-options.ts'
import type { FileMetadata } from '../version/file-metadata.ts'

/** Plain data: it is sent to the worker as it is. */
export interface CompactionJob {
  readonly kind: 'compaction'
  readonly directory: string
  /**
   * Sorted runs: the files of each are in key order and do not overlap. Files of level 0 are as many
   * runs as overlap one another, the files of a deeper level are one.
   */
  readonly inputs: readonly (readonly FileMetadata[])[]
  /** Files of the level below the output, in order: an output ends where it overlaps too many. */
  readonly grandparents: readonly FileMetadata[]
  readonly grandparentLimitBytes: number
  /**
   * The levels below the output's, each in order, at least the files that overlap the inputs: a
   * deletion is kept while one of them may hold its user key.
   */
  readonly deeper: readonly (readonly FileMetadata[])[]
  /** The oldest sequence that a snapshot still sees. */
  readonly smallestSnapshot: number
  /** File numbers for the outputs, reserved. When they run out, the last output takes the rest. */
  readonly outputNumbers: readonly number[]
  readonly maxFileSizeBytes: number
  readonly table: TableOptions
  /** Int32 cells: CONTROL_CANCEL, CONTROL_PROGRESS. */
  readonly control: SharedArrayBuffer
}

/** Set to anything but 0, it makes the job stop soon. */
export const CONTROL_CANCEL = 0
/** KiB of input read so far; written by the job. */
export const CONTROL_PROGRESS = 1
/** Bytes of CompactionJob.control. */
export const CONTROL_SIZE = 8

export interface CompactionResult {
  /** In key order; empty when every entry was dropped. */
  readonly files: readonly FileMetadata[]
  readonly readBytes: number
  readonly writtenBytes: number
  readonly droppedEntries: number
}
