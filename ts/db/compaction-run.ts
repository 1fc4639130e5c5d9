// One compaction from its choice to the new version: numbers, job, edit.
//
//   moved:   an edit that names the file at the next level
//   merged:  numbers reserved ── job ── edit: inputs out, outputs in ── inputs are obsolete
//
// Invariants:
//   Nothing but the edit changes the version, so a run that fails before it has changed nothing.
//   What goes wrong with the manifest is the database's failure, told to fail() before move() or merge()
//   rejects; all else is the job's.

import { join } from 'node:path'
import {
  CONTROL_CANCEL,
  CONTROL_PROGRESS,
  CONTROL_SIZE,
  type CompactionJob,
  type CompactionResult,
} from '../compaction/compaction-job.ts'
import type { JobRunner } from '../compaction/job-runner.ts'
import type { Compaction } from '../compaction/picker.ts'
import { SluiceError } from '../format/error.ts'
import { tableFileName } from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { TableOptions } from '../table/table-options.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import { sortedRuns } from '../version/file-range.ts'
import { grandparentLimitBytes, type LevelLimits, totalBytes } from '../version/level-rules.ts'
import { emptyEdit } from '../version/version-edit.ts'
import type { VersionSet } from '../version/version-set.ts'

export interface RunContext {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly jobs: JobRunner
  readonly versions: VersionSet
  readonly limits: LevelLimits
  readonly table: TableOptions
  /** The oldest sequence that somebody may still read at. */
  smallestSnapshot(): number
  /** The manifest cannot be written: writes are refused from now on. */
  fail(error: unknown): void
}

const BYTES_PER_KIB = 1024

export class CompactionRun {
  readonly compaction: Compaction
  readonly #context: RunContext
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_SIZE))

  constructor(context: RunContext, compaction: Compaction) {
    this.#context = context
    this.compaction = compaction
  }

  /** Bytes of input read so far. */
  get readBytes(): number {
    return Atomics.load(this.#control, CONTROL_PROGRESS) * BYTES_PER_KIB
  }

  /** Makes a merge that is under way reject with LEVEL_ABORTED soon. */
  cancel(): void {
    Atomics.store(this.#control, CONTROL_CANCEL, 1)
  }

  /** Takes the one input down as it is. Rejects where the manifest cannot be written. */
  async move(): Promise<void> {
    const [[file]] = this.compaction.inputs
    await this.#install([file!])
  }

  /**
   * Merges the inputs. Rejects with the job's error, its outputs removed; or as move() does, its
   * outputs kept, since the edit may be durable.
   */
  async merge(): Promise<CompactionResult> {
    const { versions } = this.#context
    const numbers = await this.#guard(versions.reserveFileNumbers(this.#outputLimit()))
    const result = await this.#runJob(numbers)
    versions.returnFileNumbers(numbers.slice(result.files.length))
    await this.#install(result.files)
    return result
  }

  // Twice what the sizes ask for: the inputs may be better compressed than the outputs will be.
  #outputLimit(): number {
    const { inputs, grandparents } = this.compaction
    const { maxFileSizeBytes } = this.#context.limits
    const inputBytes = totalBytes(inputs.flat())
    return 2 * Math.ceil(inputBytes / maxFileSizeBytes) + grandparents.length + 1
  }

  async #runJob(outputNumbers: readonly number[]): Promise<CompactionResult> {
    try {
      return await this.#context.jobs.run(this.#job(outputNumbers))
    } catch (error) {
      const wasCancelled = error instanceof SluiceError && error.code === 'LEVEL_ABORTED'
      if (!wasCancelled) await this.#removeOutputs(outputNumbers)
      throw error
    }
  }

  #job(outputNumbers: readonly number[]): CompactionJob {
    const { directory, limits, table } = this.#context
    const { level, inputs, grandparents, deeper } = this.compaction
    const [upper, lower] = inputs
    return {
      kind: 'compaction',
      directory,
      // A run has one table open: a repair by C++ LevelDB puts all tables on level 0, thousands.
      inputs: [...(level === 0 ? sortedRuns(upper) : [upper]), lower].filter(
        (files) => files.length > 0,
      ),
      grandparents,
      grandparentLimitBytes: grandparentLimitBytes(limits),
      deeper,
      smallestSnapshot: this.#context.smallestSnapshot(),
      outputNumbers,
      maxFileSizeBytes: limits.maxFileSizeBytes,
      table,
      control: this.#control.buffer,
    }
  }

  // A job removes its outputs itself where it can; a thread that died could not.
  async #removeOutputs(numbers: readonly number[]): Promise<void> {
    const { fileSystem, directory } = this.#context
    await Promise.allSettled(
      numbers.map((number) => fileSystem.unlink(join(directory, tableFileName(number)))),
    )
  }

  #install(outputs: readonly FileMetadata[]): Promise<void> {
    const { level, inputs, pointer } = this.compaction
    const edit = emptyEdit()
    edit.compactPointers.push({ level, key: pointer })
    for (const [i, files] of inputs.entries()) {
      for (const { number } of files) edit.deletedFiles.push({ level: level + i, number })
    }
    for (const file of outputs) edit.newFiles.push({ level: level + 1, file })
    return this.#guard(this.#context.versions.install(edit))
  }

  async #guard<T>(writing: Promise<T>): Promise<T> {
    try {
      return await writing
    } catch (error) {
      this.#context.fail(error)
      throw error
    }
  }
}
