// A compaction of a range that somebody asked for: which steps it takes.
//
//   level 0 in one step ── each level below in steps of some tables, from the first key to the last
//   ── up to the deepest level that held a table of the range when it began
//
// The deepest level is not rewritten by itself, and a table is never just moved: what the caller wants
// is that every deletion and every hidden entry above the deepest level goes, as in LevelDB.

import { type Compaction, deepestLevel, pickRange } from '../compaction/picker.ts'
import { SluiceError } from '../format/error.ts'
import { keyError } from '../format/user-bytes.ts'
import { type UserKeyRange, overlapping, rangeOf } from '../version/file-range.ts'
import { type LevelLimits, totalBytes } from '../version/level-rules.ts'
import type { Version } from '../version/version.ts'

export interface CompactionProgress {
  /** The level that is being compacted into the next. */
  readonly level: number
  /** Bytes of tables read so far. */
  readonly readBytes: number
  /** What `readBytes` will come to, as far as can be said now. */
  readonly totalBytes: number
}

export interface CompactRangeOptions {
  /** Ends the compaction soon when it is aborted; what is done by then stays done. */
  readonly signal?: AbortSignal
  /** Hears how far it is, some times a second and after each step. */
  readonly onProgress?: (progress: CompactionProgress) => void
}

// Files of a level that one step takes: small enough that what a flush brings need not wait long.
const FILES_PER_STEP = 4

export class ManualCompaction {
  /** Settles with the whole compaction. */
  readonly promise: Promise<void>
  readonly #range: UserKeyRange
  readonly #limits: LevelLimits
  readonly #options: CompactRangeOptions
  #resolve!: () => void
  #reject!: (error: unknown) => void
  #isOver = false
  #level = 0
  /** The level at which it ends; undefined before the first step. */
  #lastLevel: number | undefined
  /** What is left of the level. */
  #rest: UserKeyRange
  #readBytes = 0
  #totalBytes = 0

  constructor(range: UserKeyRange, limits: LevelLimits, options: CompactRangeOptions) {
    this.#range = range
    this.#rest = range
    this.#limits = limits
    this.#options = options
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get isAborted(): boolean {
    return this.#options.signal?.aborted === true
  }

  /** Whether it was ended before its end. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether somebody hears of the progress. */
  get isWatched(): boolean {
    return this.#options.onProgress !== undefined
  }

  /** The next step, or undefined when there is none; then it is settled. */
  next(version: Version): Compaction | undefined {
    if (this.isAborted) this.abort()
    if (this.#isOver) return undefined
    this.#lastLevel ??= Math.max(deepestLevel(version, this.#range), 1)
    for (; this.#level < this.#lastLevel; this.#goDown()) {
      const stepBytes = FILES_PER_STEP * this.#limits.maxFileSizeBytes
      const step = pickRange(version, this.#level, this.#rest, this.#limits, stepBytes)
      if (step === undefined) continue
      this.#totalBytes = this.#readBytes + this.#remainingBytes(version)
      return step
    }
    this.#resolve()
    return undefined
  }

  /** A step is done. */
  advance(step: Compaction, readBytes: number): void {
    this.#readBytes += readBytes
    this.report(0)
    // Files below level 0 do not overlap, so what comes next is behind; level 0 goes as a whole.
    if (step.level === 0) this.#goDown()
    else this.#rest = { ...this.#rest, smallest: rangeOf(step.inputs[0]).largest }
  }

  /** Tells how far it is, `readBytes` into the step, unless it has ended. */
  report(readBytes: number): void {
    if (this.#isOver) return
    const done = this.#readBytes + readBytes
    const total = Math.max(this.#totalBytes, done)
    try {
      this.#options.onProgress?.({ level: this.#level, readBytes: done, totalBytes: total })
    } catch (error) {
      // The caller's own: it ends the compaction that the caller asked for, and nothing else.
      this.reject(error)
    }
  }

  /** Ends it, unless it has ended. */
  reject(error: unknown): void {
    this.#isOver = true
    this.#reject(error)
  }

  abort(): void {
    const cause: unknown = this.#options.signal?.reason
    this.reject(new SluiceError('LEVEL_ABORTED', 'The compaction was aborted', { cause }))
  }

  #goDown(): void {
    this.#level++
    this.#rest = this.#range
  }

  // Each level is read with what came down to it, and with what it meets there.
  #remainingBytes(version: Version): number {
    const bytesOf = (level: number, range: UserKeyRange): number =>
      totalBytes(overlapping(version, level, range))
    let comingBytes = bytesOf(this.#level, this.#rest)
    let sum = 0
    for (let level = this.#level; level < this.#lastLevel!; level++) {
      comingBytes += bytesOf(level + 1, level === this.#level ? this.#rest : this.#range)
      sum += comingBytes
    }
    return sum
  }
}

/** What is wrong with the arguments of compactRange; undefined when they can be. */
export function compactRangeError(
  start: Uint8Array | undefined,
  end: Uint8Array | undefined,
  options: CompactRangeOptions,
): Error | undefined {
  if (typeof options !== 'object' || options === null) {
    return new TypeError('options must be an object')
  }
  for (const name of Object.keys(options)) {
    if (name !== 'signal' && name !== 'onProgress') return new TypeError(`unknown option ${name}`)
  }
  const { signal, onProgress } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    return new TypeError('signal must be an AbortSignal')
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    return new TypeError('onProgress must be a function')
  }
  for (const key of [start, end]) {
    const error = key === undefined ? undefined : keyError(key)
    if (error !== undefined) return error
  }
  return undefined
}
