// Merges any tables into one sorted level: the newest entry of every user key, by sequence.
//
// Without a manifest nobody knows which table is newer: after a compaction, numbers do not follow
// sequences. The sequences in the entries do know, so everything is merged by them. Rejected: every
// table on level 0 in the order of the numbers, as RepairDB of C++ LevelDB does; a read would find an
// older value in a table with a higher number.

import { CONTROL_SIZE } from '../../compaction/compaction-job.ts'
import type { JobRunner } from '../../compaction/job-runner.ts'
import { compareBytes, makeInternalKey, TAG_SIZE } from '../../format/internal-key.ts'
import type { TableOptions } from '../../table/table-options.ts'
import type { FileMetadata } from '../../version/file-metadata.ts'
import { sortedRuns } from '../../version/file-range.ts'

/** LevelDB's size of a table that a compaction makes. */
const TABLE_BYTES = 2 * 2 ** 20
/** Runs of one merge: each has a table open. */
const MOST_RUNS = 64

export interface MergeContext {
  readonly directory: string
  readonly jobs: JobRunner
  readonly table: TableOptions
  readonly newFileNumber: () => number
  /** Hears of every table as soon as it may exist. */
  readonly onTable: (number: number) => void
}

/**
 * Merges `files` into new tables in key order, no two of which share a user key. `lastSequence` is
 * not below any of theirs. Rejects with LEVEL_IO_ERROR. Requires: none of the files is damaged.
 */
export async function mergeTables(
  context: MergeContext,
  files: readonly FileMetadata[],
  lastSequence: number,
): Promise<readonly FileMetadata[]> {
  let runs: (readonly FileMetadata[])[] = sortedRuns(files)
  while (runs.length > MOST_RUNS) {
    // Deletions stay: what they hide may be in a run that is not merged yet.
    const merged = await merge(context, runs.slice(0, MOST_RUNS), lastSequence, true)
    runs = [...runs.slice(MOST_RUNS), merged]
  }
  return runs.length === 0 ? [] : merge(context, runs, lastSequence, false)
}

async function merge(
  { directory, jobs, table, newFileNumber, onTable }: MergeContext,
  runs: readonly (readonly FileMetadata[])[],
  lastSequence: number,
  keepsDeletions: boolean,
): Promise<readonly FileMetadata[]> {
  const inputs = runs.flat()
  const inputBytes = inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  // More than it takes as a rule; the last table takes what is beyond.
  const count = 2 * Math.ceil(inputBytes / TABLE_BYTES) + 1
  const outputNumbers = Array.from({ length: count }, newFileNumber)
  for (const number of outputNumbers) onTable(number)
  const { files } = await jobs.run({
    kind: 'compaction',
    directory,
    inputs: runs,
    grandparents: [],
    grandparentLimitBytes: Number.MAX_SAFE_INTEGER,
    deeper: keepsDeletions ? [[coverOf(inputs)]] : [],
    smallestSnapshot: lastSequence,
    outputNumbers,
    maxFileSizeBytes: TABLE_BYTES,
    table,
    control: new SharedArrayBuffer(CONTROL_SIZE),
  })
  return files
}

// A file that may hold every user key of the inputs.
function coverOf(files: readonly FileMetadata[]): FileMetadata {
  const largest = files
    .map((file) => file.largest)
    .toSorted(compareUserKeys)
    .at(-1)!
  return { number: 0, sizeBytes: 0, smallest: makeInternalKey(Buffer.alloc(0), 0, 0), largest }
}

function compareUserKeys(a: Buffer, b: Buffer): number {
  return compareBytes(a, 0, a.length - TAG_SIZE, b, 0, b.length - TAG_SIZE)
}
