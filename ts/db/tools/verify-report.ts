// What a verification found. Plain data; a Findings collects it.

import { SluiceError } from '../../format/error.ts'

/**
 *   current         CURRENT does not name a manifest, or is missing
 *   manifest        the manifest is damaged, or says what cannot be
 *   missing-file    a file that the manifest names is not there
 *   file-size       a table has not the size that the manifest gives it
 *   orphan-file     a file of a database that nothing names: left by a crash, of no use
 *   table           a table's footer or index
 *   block           a data block: its checksum, its layout
 *   entry           an entry that no writer makes
 *   order           entries, or index and blocks, out of order
 *   range           a table whose first or last key is not the manifest's
 *   filter          a filter that is damaged, or hides a key of its table
 *   sequence        a sequence above the last one, or writes missing between two logs
 *   log             damage in a log
 *   log-tail        an end of a log or of the manifest that a crash cut off
 *   io              the disk refused; nothing is known about the rest
 *   not-supported   what a newer format may have added
 */
export type ProblemCode =
  | 'current'
  | 'manifest'
  | 'missing-file'
  | 'file-size'
  | 'orphan-file'
  | 'table'
  | 'block'
  | 'entry'
  | 'order'
  | 'range'
  | 'filter'
  | 'sequence'
  | 'log'
  | 'log-tail'
  | 'io'
  | 'not-supported'

export interface VerifyProblem {
  /** A warning is what a crash leaves lawfully: an open takes care of it, and nothing is wrong. */
  readonly severity: 'error' | 'warning'
  readonly code: ProblemCode
  readonly file: string
  /** Undefined where the whole file is meant. */
  readonly offset: number | undefined
  readonly message: string
}

export interface VerifyCounts {
  /** Files that were read: the manifest, tables, logs. */
  readonly files: number
  readonly tables: number
  /** Data blocks and entries of tables. */
  readonly blocks: number
  readonly entries: number
  /** Batches in logs, and the writes in these. */
  readonly records: number
  readonly writes: number
  readonly bytes: number
}

export interface VerifyReport {
  /** True when there is no problem but warnings. */
  readonly ok: boolean
  readonly problems: readonly VerifyProblem[]
  /** Problems beyond those that are listed. */
  readonly omittedProblems: number
  readonly counts: VerifyCounts
}

export interface VerifyProgress {
  readonly file: string
  /** Bytes of files that are done, and of all. */
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface VerifyOptions {
  readonly signal?: AbortSignal
  /** Called at the end of each file, and about every MiB in between. */
  readonly onProgress?: (progress: VerifyProgress) => void
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

// A damaged database of any size has a report that fits in memory.
const MOST_PROBLEMS = 1000
const PROGRESS_BYTES = 1024 * 1024

export class Findings {
  readonly counts: Mutable<VerifyCounts> = {
    files: 0,
    tables: 0,
    blocks: 0,
    entries: 0,
    records: 0,
    writes: 0,
    bytes: 0,
  }
  totalBytes = 0
  readonly #problems: VerifyProblem[] = []
  readonly #options: VerifyOptions
  #omitted = 0
  #errors = 0
  #toldBytes = 0

  constructor(options: VerifyOptions) {
    this.#options = options
  }

  error(code: ProblemCode, file: string, message: string, offset?: number): void {
    this.#errors++
    this.#add({ severity: 'error', code, file, offset, message })
  }

  warning(code: ProblemCode, file: string, message: string, offset?: number): void {
    this.#add({ severity: 'warning', code, file, offset, message })
  }

  /** What was thrown while `file` was read; `code` is what it means where it is damage. */
  caught(error: unknown, code: ProblemCode, file: string): void {
    if (!(error instanceof SluiceError)) throw error
    const { message, offset } = error
    if (error.code === 'LEVEL_ABORTED') throw error
    if (error.code === 'LEVEL_IO_ERROR') this.error('io', file, message, offset)
    else if (error.code === 'LEVEL_NOT_SUPPORTED')
      this.error('not-supported', file, message, offset)
    else this.error(code, file, message, offset)
  }

  /** Counts bytes that were read, and is where a verification ends that was aborted. */
  advance(file: string, bytes: number): void {
    const { signal } = this.#options
    if (signal?.aborted === true) {
      const cause: unknown = signal.reason
      throw new SluiceError('LEVEL_ABORTED', 'The verification was aborted', { cause })
    }
    this.counts.bytes += bytes
    if (this.counts.bytes - this.#toldBytes >= PROGRESS_BYTES) this.fileDone(file)
  }

  fileDone(file: string): void {
    this.#toldBytes = this.counts.bytes
    const { totalBytes } = this
    this.#options.onProgress?.({ file, doneBytes: this.counts.bytes, totalBytes })
  }

  report(): VerifyReport {
    return {
      ok: this.#errors === 0,
      problems: this.#problems,
      omittedProblems: this.#omitted,
      counts: this.counts,
    }
  }

  #add(problem: VerifyProblem): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(problem)
    else this.#omitted++
  }
}
