// Syncs what was written, every so many milliseconds: the option `durability` as a number.

import type { DB } from '../db/database.ts'
import { WriteBatch } from '../format/write-batch.ts'

export class IntervalSync {
  readonly #db: DB
  readonly #timer: NodeJS.Timeout
  #syncedSequence: number

  /** Begins. It does not keep the process alive. */
  constructor(db: DB, intervalMs: number) {
    this.#db = db
    this.#syncedSequence = db.stats().lastSequence
    this.#timer = setInterval(() => {
      const { lastSequence } = db.stats()
      if (lastSequence === this.#syncedSequence) return
      this.#syncedSequence = lastSequence
      void this.#sync()
    }, intervalMs)
    this.#timer.unref()
  }

  /**
   * Ends it, and syncs once more: what was written since the last time has nobody else who will.
   * Never rejects. Requires: the database is open.
   */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sync()
  }

  // A failed sync is told by the event `failure`, and by every later write.
  async #sync(): Promise<void> {
    if (this.#db.stats().failure !== undefined) return
    await Promise.allSettled([this.#db.write(new WriteBatch(), { sync: true })])
  }
}
