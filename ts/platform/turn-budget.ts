// Questions to the operating system whose answers are mostly at hand (is there a directory, how long is
// a file, what is in a small one), asked on the calling thread: a hop to the pool and back costs some
// 40 us where cores are free, and twice the wait for one where they are not. Opening a database asks
// one for each table. With this, LOCK taken without /proc/locks and the new files written side by side,
// opening a database of 300,000 entries again went from 10.5 to 0.9 times what classic-level takes
// (2026-11-21, `npm run bench -- --rows load,open`, the latter on a busy machine).
//
//   in place, while what that took since the last hop is below the budget; then one by way of the pool,
//   which gives the event loop its turn
//
// So neither many files nor a slow disk hold the event loop for longer than the budget and one answer.

const BUDGET_MS = 1

export class TurnBudget {
  readonly #now: () => number
  #spentMs = 0

  /** `now` gives milliseconds, from any origin, never going back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Asks in place where the budget allows it, else by the pool. */
  async ask<T>(inPlace: () => T, byPool: () => Promise<T>): Promise<T> {
    if (this.#spentMs > BUDGET_MS) {
      this.#spentMs = 0
      return byPool()
    }
    const startMs = this.#now()
    try {
      return inPlace()
    } finally {
      this.#spentMs += this.#now() - startMs
    }
  }
}
