// A compaction: tables of one level and the next become new tables of the next.
//
//   open the inputs ── merge ── drop ── build the outputs, cut at size and overlap ── sync ── answer
//
// A pure function of (job, file system), as the flush is, and synchronous like it.
//
// Invariants:
//   Every input byte that is used was checksummed. Damage fails the job: an entry that cannot be read
//   is never left out, because what it hid below would come back.
//   All versions of a user key go to one output, so no file boundary falls between them. LevelDB may
//   cut there, which made its boundary inputs necessary (google/leveldb#320). The price: an output
//   grows past its size by the versions of one key.
//   Outputs and their directory entries are durable when the job answers (W13).
//   A job that fails or is cancelled leaves no output behind where it can remove it.

import { SluiceError } from '../format/error.ts'
import type { FileSystem } from '../platform/file-system.ts'
import {
  CONTROL_CANCEL,
  CONTROL_PROGRESS,
  type CompactionJob,
  type CompactionResult,
} from './compaction-job.ts'
import { CompactionOutputs } from './compaction-outputs.ts'
import { DropRules } from './drop-rules.ts'
import { Merge } from './merge.ts'

/** Entries between two looks at the cancel cell. */
const CANCEL_INTERVAL = 256
/** More bytes than any two keys share. */
const ALL = 0x7fff_ffff

/**
 * Runs the job. Throws LEVEL_ABORTED when it was cancelled, LEVEL_CORRUPTION with file and offset
 * when an input is damaged, LEVEL_IO_ERROR.
 */
export function runCompaction(job: CompactionJob, fileSystem: FileSystem): CompactionResult {
  const outputs = new CompactionOutputs(job, fileSystem)
  try {
    const merge = new Merge(job, fileSystem)
    try {
      const droppedEntries = copyEntries(job, merge, outputs)
      outputs.finish()
      const { files, writtenBytes } = outputs
      return { files, readBytes: merge.readBytes, writtenBytes, droppedEntries }
    } finally {
      merge.close()
    }
  } catch (error) {
    outputs.remove()
    throw error
  }
}

/** Moves what is to be kept from the inputs to the outputs; returns how many entries were dropped. */
function copyEntries(job: CompactionJob, merge: Merge, outputs: CompactionOutputs): number {
  const rules = new DropRules(job.smallestSnapshot, job.deeper)
  const control = new Int32Array(job.control)
  let droppedEntries = 0
  let untilLook = 0
  // How many bytes the user keys of this entry and the last one added begin with in common: of
  // ascending keys, the least that any two neighbours between them share.
  let shared = 0
  for (let run = merge.first(); run !== undefined; run = merge.next()) {
    if (untilLook-- === 0) {
      untilLook = CANCEL_INTERVAL
      look(control, merge.readBytes)
    }
    if (run.offset < shared) shared = run.offset
    const { isNewUserKey } = merge
    if (isNewUserKey) outputs.beforeUserKey(run)
    if (rules.drops(run, isNewUserKey)) {
      droppedEntries++
    } else {
      outputs.add(run, shared)
      shared = ALL
    }
  }
  look(control, merge.readBytes)
  return droppedEntries
}

function look(control: Int32Array, readBytes: number): void {
  Atomics.store(control, CONTROL_PROGRESS, readBytes >>> 10)
  if (Atomics.load(control, CONTROL_CANCEL) !== 0) {
    throw new SluiceError('LEVEL_ABORTED', 'The compaction was cancelled')
  }
}
