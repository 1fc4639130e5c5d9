// Calls that wait until a database is open, and that its closing waits for.

import { SluiceError } from '../format/error.ts'
import type { SignalOptions } from './level-signal.ts'

/** What they need of the database. */
interface Deferring {
  readonly status: string
  deferAsync<T>(act: () => Promise<T>, options: SignalOptions): Promise<T>
}

export class OpenCalls {
  readonly #db: Deferring
  /** Those under way. */
  readonly #calls = new Set<Promise<unknown>>()

  constructor(db: Deferring) {
    this.#db = db
  }

  /**
   * Calls `act` when the database is open, where it opens. Rejects with LEVEL_DATABASE_NOT_OPEN, or with
   * LEVEL_ABORTED where the signal is aborted before.
   */
  async whenOpen<T>(
    name: string,
    options: SignalOptions | undefined,
    act: () => Promise<T>,
  ): Promise<T> {
    const { status } = this.#db
    if (status === 'opening') {
      const again = (): Promise<T> => this.whenOpen(name, options, act)
      return this.#db.deferAsync(again, { signal: options?.signal })
    }
    if (status === 'open') return this.awaited(act())
    throw new SluiceError('LEVEL_DATABASE_NOT_OPEN', `Database is not open: cannot call ${name}()`)
  }

  /** The call, which ended() waits for. */
  awaited<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call)
    return call.finally(() => this.#calls.delete(call))
  }

  /** Resolves when the calls under way have ended, well or not. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#calls)
  }
}
