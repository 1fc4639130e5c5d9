// Pseudo-random numbers from one seed, so that one line reproduces a failure.
//
// splitmix32: one 32-bit word of state, good enough to choose crash points; never for keys or salts.

const TWO_TO_32 = 0x1_0000_0000

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Uniform over 0 .. 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0
    let word = this.#state
    word = Math.imul(word ^ (word >>> 16), 0x21f0_aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a_2d97)
    return (word ^ (word >>> 15)) >>> 0
  }

  /** Uniform over 0 .. limit - 1. Requires: 0 < limit <= 2^32. */
  below(limit: number): number {
    return Math.floor((this.next() / TWO_TO_32) * limit)
  }

  /** Uniform over low .. high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True `percent` times in a hundred. */
  percent(percent: number): boolean {
    return this.below(100) < percent
  }

  /** Requires: choices is not empty. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length)
    for (let i = 0; i < length; i++) bytes[i] = this.next()
    return bytes
  }
}

/** A seed made of several numbers: the same numbers give the same seed, near ones unlike seeds. */
export function mixSeed(...parts: number[]): number {
  let seed = 0x5bd1_e995
  for (const part of parts) seed = new Random(seed ^ Math.imul(part + 1, 0x85eb_ca6b)).next()
  return seed
}
