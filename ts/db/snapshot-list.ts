// The snapshots that are open: which sequences a compaction must keep, and for how long they have.
//
// Invariant: sequences never go back, so the list, in the order of opening, is in the order of
// sequences too, and the oldest is the first.

/** One open snapshot. */
export interface SnapshotHandle {
  readonly sequence: number
  /** Gives it up. Idempotent. */
  release(): void
}

interface OpenSnapshot {
  readonly sequence: number
  readonly openedAtMs: number
}

export class SnapshotList {
  readonly #now: () => number
  readonly #open = new Set<OpenSnapshot>()

  /** `now` gives milliseconds that never go back. */
  constructor(now: () => number) {
    this.#now = now
  }

  get count(): number {
    return this.#open.size
  }

  /** Opens one. Requires: `sequence` is not below any that was acquired before. */
  acquire(sequence: number): SnapshotHandle {
    const snapshot = { sequence, openedAtMs: this.#now() }
    this.#open.add(snapshot)
    return { sequence, release: () => this.#open.delete(snapshot) }
  }

  /** The smallest sequence that a snapshot reads at; undefined when none is open. */
  oldest(): number | undefined {
    return this.#first()?.sequence
  }

  /** For how long the oldest has been open, in milliseconds; undefined when none is. */
  oldestAgeMs(): number | undefined {
    const first = this.#first()
    return first === undefined ? undefined : this.#now() - first.openedAtMs
  }

  #first(): OpenSnapshot | undefined {
    for (const snapshot of this.#open) return snapshot
    return undefined
  }
}
