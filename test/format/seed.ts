// The seed of the random tests of the lower floors: SLUICE_SEED repeats a run that failed.

export const SEED: number = Number(process.env['SLUICE_SEED'] ?? Date.now() % 1_000_000)

/** What a failure of a random test has to say. */
export function seeded(message = ''): string {
  return `SLUICE_SEED=${SEED} ${message}`
}
