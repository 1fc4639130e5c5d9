// The crash loop at the size of every test run; scripts/crash.ts runs as much as one asks for.

import test from 'ava'
import { checkCrashes, messageOf, noCrashCounts, type CrashCounts } from './crash-loop.ts'
import { mixSeed } from './random.ts'
import { randomWorkload, sequences, smallWorkload } from './workload.ts'

/** As scripts/crash.ts gives them to a line that reproduces a failure. */
const SEED = Number(process.env['SLUICE_SEED'] ?? 1)
const RANDOM_IMAGES = 14_000
const RANDOM_LENGTH = 60

test.serial(
  'any crash of a random workload leaves a prefix with all that a sync covers',
  async (t) => {
    t.timeout(300_000)
    const counts = noCrashCounts()
    for (let i = 0; counts.images < RANDOM_IMAGES; i++) {
      const seed = mixSeed(SEED, i)
      try {
        await checkCrashes(randomWorkload(seed, RANDOM_LENGTH), counts, { limit: RANDOM_IMAGES })
      } catch (error) {
        t.fail(`${messageOf(error)} --seed ${seed} --length ${RANDOM_LENGTH}`)
        return
      }
    }
    report(t, counts)
    t.true(counts.images >= RANDOM_IMAGES)
  },
)

test.serial(
  'any crash of any two actions leaves a prefix with all that a sync covers',
  async (t) => {
    t.timeout(300_000)
    const counts = noCrashCounts()
    for (const length of [0, 1, 2]) {
      for (const actions of sequences(length)) {
        const workload = smallWorkload(actions, SEED)
        // Crashes before the last action are those of the shorter sequence.
        const choice = { fromAction: length - 1, secondPercent: 25 }
        try {
          await checkCrashes(workload, counts, choice)
        } catch (error) {
          t.fail(`${messageOf(error)} --seed ${SEED} --workload ${actions.join()}`)
          return
        }
      }
    }
    report(t, counts)
    t.is(counts.workloads, 1 + 8 + 64)
  },
)

function report(t: { log(line: string): void }, counts: CrashCounts): void {
  const { workloads, points, images, nested } = counts
  t.log(
    `seed ${SEED}: ${images} crash images (${nested} of crashes in recovery), ` +
      `${points} points of ${workloads} workloads`,
  )
}
