// The entries of several sorted runs, in order.

import { compareInternal } from '../format/internal-key.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { CompactionJob } from './compaction-job.ts'
import { MergeRun } from './merge-run.ts'

export class Merge {
  readonly #all: readonly MergeRun[]
  /** Those that are at an entry. */
  readonly #runs: MergeRun[] = []
  #current: MergeRun | undefined

  constructor(job: CompactionJob, fileSystem: FileSystem) {
    this.#all = job.inputs.map((files) => new MergeRun(fileSystem, job.directory, files))
  }

  get readBytes(): number {
    return this.#all.reduce((sum, run) => sum + run.readBytes, 0)
  }

  /** The run that is at the smallest entry of all; undefined when there is none. */
  first(): MergeRun | undefined {
    for (const run of this.#all) if (run.next()) this.#runs.push(run)
    return this.#smallest()
  }

  /** The same for the next entry. */
  next(): MergeRun | undefined {
    const current = this.#current!
    if (!current.next()) this.#runs.splice(this.#runs.indexOf(current), 1)
    return this.#smallest()
  }

  close(): void {
    for (const run of this.#all) run.close()
  }

  #smallest(): MergeRun | undefined {
    let smallest: MergeRun | undefined
    for (const run of this.#runs) {
      if (smallest === undefined || isBelow(run, smallest)) smallest = run
    }
    this.#current = smallest
    return smallest
  }
}

function isBelow(a: MergeRun, b: MergeRun): boolean {
  const { key, keyLength } = a.entry
  return compareInternal(key, 0, keyLength, b.entry.key, 0, b.entry.keyLength) < 0
}
