// The failure of a database or a log: one, sticky, of whatever came first; while it is set, writes are refused.
//
// Invariant: only resume() clears it, once what was acknowledged is safe in new files.

import { ioError, SluiceError } from '../format/error.ts'

export class Failure {
  readonly #directory: string
  readonly #onFailure: (error: SluiceError) => void
  #error: SluiceError | undefined

  /** `onFailure` hears of every failure that is the first. */
  constructor(directory: string, onFailure: (error: SluiceError) => void) {
    this.#directory = directory
    this.#onFailure = onFailure
  }

  get error(): SluiceError | undefined {
    return this.#error
  }

  /** Returns the first failure, which stays. */
  set(cause: unknown): SluiceError {
    if (this.#error !== undefined) return this.#error
    this.#error = ioError('write to', this.#directory, cause)
    this.#onFailure(this.#error)
    return this.#error
  }

  /** The same for a group whose append failed; returns the error for its writers. */
  setByGroup(cause: unknown, logPath: string): SluiceError {
    if (cause instanceof SluiceError && cause.code !== 'LEVEL_IO_ERROR') {
      this.set(cause)
      return cause
    }
    const error = ioError('append to', logPath, cause)
    this.set(error)
    return new SluiceError(
      'LEVEL_IO_ERROR',
      `${error.message}; whether the write is in the log is unknown`,
      { file: logPath, cause },
    )
  }

  /** The error for those who come later; undefined while there is no failure. */
  refusal(): SluiceError | undefined {
    const failure = this.#error
    if (failure === undefined) return undefined
    return new SluiceError(
      'LEVEL_IO_ERROR',
      `Writes are refused until resume(), since: ${failure.message}`,
      { cause: failure },
    )
  }

  clear(): void {
    this.#error = undefined
  }
}
