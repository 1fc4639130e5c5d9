// A compaction: tables of one level and the next become new tables of the next.
//
//   open the inputs ── merge ── drop ── build the outputs, cut at size and overlap ── sync ── answer
//
// A pure function of (job, file system), as the flush is, and synchronous like it; or in turns, where
// no worker can be had.
//
// Invariants:
//   Every input byte that is used was checksummed. Damage fails the job: an entry that cannot be read
//   is never left out, because what it hid below would come back.
//   All versions of a user key go to one output, so no file boundary falls between them. LevelDB may
//   cut there, which made its boundary inputs necessary (google/leveldb#320). The price: an output
//   grows past its size by the versions of one key.
//   Outputs and their directory entries are durable when the job answers (W13).
//   A job that fails or is cancelled leaves no output behind where it can remove it.

import { setImmediate } from 'node:timers/promises'
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
import type { MergeRun } from './merge-run.ts'

/** Entries between two looks at the cancel cell. */
const CANCEL_INTERVAL = 256
/** More bytes than any two keys share. */
const ALL = 0x7fff_ffff

/** Looks between two turns of the event loop, where it is the caller's: some 5 ms of work. */
const LOOKS_A_TURN = 32

/**
 * Runs the job. Throws LEVEL_ABORTED when it was cancelled, LEVEL_CORRUPTION with file and offset
 * when an input is damaged, LEVEL_IO_ERROR.
 */
export function runCompaction(job: CompactionJob, fileSystem: FileSystem): CompactionResult {
  const compaction = new RunningCompaction(job, fileSystem)
  for (;;) {
    const result = compaction.advance(Number.POSITIVE_INFINITY)
    if (result !== undefined) return result
  }
}

/** The same on a thread that others need, who get their turn in between. Rejects as the other throws. */
export async function runCompactionInTurns(
  job: CompactionJob,
  fileSystem: FileSystem,
): Promise<CompactionResult> {
  const compaction = new RunningCompaction(job, fileSystem)
  for (;;) {
    const result = compaction.advance(LOOKS_A_TURN)
    if (result !== undefined) return result
    await setImmediate()
  }
}

class RunningCompaction {
  readonly #outputs: CompactionOutputs
  readonly #merge: Merge
  readonly #rules: DropRules
  readonly #control: Int32Array
  #run: MergeRun | undefined
  #isBegun = false
  #droppedEntries = 0
  /**
   * How many bytes the user keys of this entry and the last one added begin with in common: of
   * ascending keys, the least that any two neighbours between them share.
   */
  #shared = 0

  constructor(job: CompactionJob, fileSystem: FileSystem) {
    this.#outputs = new CompactionOutputs(job, fileSystem)
    this.#merge = new Merge(job, fileSystem)
    this.#rules = new DropRules(job.smallestSnapshot, job.deeper)
    this.#control = new Int32Array(job.control)
  }

  /**
   * Goes on for so many looks at the cancel cell; the result when it is done. When it throws, its
   * files are closed and its outputs removed.
   */
  advance(looks: number): CompactionResult | undefined {
    try {
      if (!this.#copyEntries(looks)) return undefined
      this.#outputs.finish()
    } catch (error) {
      this.#merge.close()
      this.#outputs.remove()
      throw error
    }
    this.#merge.close()
    const { files, writtenBytes } = this.#outputs
    const { readBytes } = this.#merge
    return { files, readBytes, writtenBytes, droppedEntries: this.#droppedEntries }
  }

  /** Moves what is to be kept from the inputs to the outputs. False where it is to go on. */
  #copyEntries(looks: number): boolean {
    const merge = this.#merge
    const outputs = this.#outputs
    const rules = this.#rules
    let looksLeft = looks
    let untilLook = 0
    let shared = this.#shared
    let run = this.#isBegun ? this.#run : merge.first()
    this.#isBegun = true
    for (; run !== undefined; run = merge.next()) {
      if (untilLook-- === 0) {
        if (looksLeft-- === 0) {
          this.#run = run
          this.#shared = shared
          return false
        }
        untilLook = CANCEL_INTERVAL
        look(this.#control, merge.readBytes)
      }
      if (run.offset < shared) shared = run.offset
      const { isNewUserKey } = merge
      if (isNewUserKey) outputs.beforeUserKey(run)
      if (rules.drops(run, isNewUserKey)) {
        this.#droppedEntries++
      } else {
        outputs.add(run, shared)
        shared = ALL
      }
    }
    look(this.#control, merge.readBytes)
    return true
  }
}

function look(control: Int32Array, readBytes: number): void {
  Atomics.store(control, CONTROL_PROGRESS, readBytes >>> 10)
  if (Atomics.load(control, CONTROL_CANCEL) !== 0) {
    throw new SluiceError('LEVEL_ABORTED', 'The compaction was cancelled')
  }
}
