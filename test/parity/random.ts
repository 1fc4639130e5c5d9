// Reproducible random numbers for the parity tests.

/** The seed of this run: SLUICE_SEED, or a new one. */
export const SEED: number = Number(process.env['SLUICE_SEED'] ?? Date.now() % 2 ** 32) >>> 0

/** A generator of integers in [0, limit): xorshift32, never stuck at zero. */
export function makeRandom(seed: number): (limit: number) => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  return (limit) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % limit
  }
}
