// Moments of a run at which the power may be cut, drawn without keeping all of them.

import type { History } from './history.ts'
import type { Random } from './random.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

/** A disk and its history at one moment. */
export interface Moment {
  readonly disk: SimulatedDisk
  readonly time: number
}

/** Draws a few moments, each from all operations of a disk that `isWanted` holds for. */
export class MomentDraw {
  readonly #disk: SimulatedDisk
  readonly #random: Random
  readonly #history: History
  readonly #count: number
  #seen = 0
  /** Empty where there was no operation. */
  readonly moments: Moment[] = []

  constructor(
    disk: SimulatedDisk,
    history: History,
    random: Random,
    count = 1,
    isWanted: () => boolean = () => true,
  ) {
    this.#disk = disk
    this.#random = random
    this.#history = history
    this.#count = count
    disk.onOperation = (): void => {
      if (isWanted()) this.#offer()
    }
  }

  /** Takes no more moments. */
  end(): void {
    this.#disk.onOperation = undefined
  }

  #offer(): void {
    this.#seen++
    let frozen: SimulatedDisk | undefined
    for (let i = 0; i < this.#count; i++) {
      if (this.#random.below(this.#seen) !== 0) continue
      frozen ??= this.#disk.freeze()
      this.moments[i] = { disk: frozen, time: this.#history.time }
    }
  }
}
