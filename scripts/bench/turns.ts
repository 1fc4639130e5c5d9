// Taking turns: so many rounds, in each of which every store has one.
//
// The order is turned round after every round, so that what drifts (the disk, the clock of the
// processor) does not fall on the same store each time.

import { spawnSync } from 'node:child_process'
import { median } from '../figures.ts'
import { STORE_NAMES } from '../stores/store.ts'
import type { StoreName } from '../stores/store.ts'

export interface Figures {
  /** Of the rounds. */
  readonly median: number
  readonly rounds: readonly number[]
}

/** A store may have no figure in a row, as it may not know that kind of work. */
export type RowFigures = Readonly<Partial<Record<StoreName, Figures>>>

export async function takeTurns(
  rounds: number,
  turn: (store: StoreName, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const store of round % 2 === 0 ? STORE_NAMES : STORE_NAMES.toReversed()) {
      settleDisk()
      await turn(store, round)
    }
  }
}

/** Writes out what earlier rounds left in the page cache, so that nobody else's round pays for it. */
export function settleDisk(): void {
  // Ignored where it fails: there is no such program on Windows, and the rounds stay comparable.
  spawnSync('sync', { stdio: 'ignore' })
}

/** Gathers the figures of one row, a round at a time. */
export class FigureTable {
  readonly #rounds = new Map<StoreName, number[]>()

  add(store: StoreName, figure: number): void {
    const rounds = this.#rounds.get(store)
    if (rounds === undefined) this.#rounds.set(store, [figure])
    else rounds.push(figure)
  }

  get figures(): RowFigures {
    return Object.fromEntries(
      [...this.#rounds].map(([store, rounds]) => [store, { median: median(rounds), rounds }]),
    )
  }
}
