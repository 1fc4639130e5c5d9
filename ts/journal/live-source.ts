// A log as its own readers see it: what is acknowledged, and to be told of more.

import type { FileSystem } from '../platform/file-system.ts'
import { abortedError } from './aborted.ts'
import type { LogTail } from './log-tail.ts'
import type { LogSource } from './record-reader.ts'

/** Tells readers that wait that there is more, or that the log is closed. */
export class Arrivals {
  #isOver = false
  #waiting: (() => void)[] = []

  get isOver(): boolean {
    return this.#isOver
  }

  /** Wakes all who wait. */
  tell(): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** Nothing will come any more. */
  end(): void {
    this.#isOver = true
    this.tell()
  }

  /** Resolves at the next of them. Rejects with LEVEL_ABORTED when the signal is aborted. */
  next(signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const abort = (): void => reject(abortedError(signal!))
      this.#waiting.push(() => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      signal?.addEventListener('abort', abort, { once: true })
    })
  }
}

export class LiveSource implements LogSource {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly #tail: LogTail
  readonly #arrivals: Arrivals
  readonly #signal: AbortSignal | undefined

  constructor(
    fileSystem: FileSystem,
    directory: string,
    tail: LogTail,
    arrivals: Arrivals,
    signal: AbortSignal | undefined,
  ) {
    this.fileSystem = fileSystem
    this.directory = directory
    this.#tail = tail
    this.#arrivals = arrivals
    this.#signal = signal
  }

  async files(): Promise<readonly number[]> {
    return this.#tail.files
  }

  endOf(number: number): number | undefined {
    return number === this.#tail.files.at(-1) ? this.#tail.acknowledgedBytes : undefined
  }

  lastPosition(): number {
    return this.#tail.lastPosition
  }

  async changed(position: number): Promise<boolean> {
    if (position < this.#tail.lastPosition) return true
    if (this.#arrivals.isOver) return false
    await this.#arrivals.next(this.#signal)
    return true
  }

  check(): void {
    if (this.#signal?.aborted === true) throw abortedError(this.#signal)
  }
}
