// The crash loop at the size of every test run; scripts/crash.ts runs as much as one asks for.

import test, { type ExecutionContext } from 'ava'
import type { ManifestLimits } from '../../ts/version/manifest.ts'
import { checkCrashes, type CrashCounts, describeCounts, noCrashCounts } from './crash-loop.ts'
import { mixSeed } from './random.ts'
import { messageOf } from './violation.ts'
import {
  type Action,
  ACTIONS,
  randomWorkload,
  RENEWED_AT_ONCE,
  sequences,
  smallWorkload,
} from './workload.ts'

/** As scripts/crash.ts gives them to a line that reproduces a failure. */
const SEED = Number(process.env['SLUICE_SEED'] ?? 1)
const IMAGES = 15_000
const LENGTH = 40

test.serial('any crash of a random workload leaves a prefix with all that a sync covers', (t) =>
  checkRandom(t, 1),
)

test.serial('so do drawn crashes of more random workloads', (t) => checkRandom(t, 10))

test.serial('any crash of any three actions leaves a prefix with all that a sync covers', (t) =>
  checkSequences(t, 3, ACTIONS, SEED),
)

// What is lost between two logs takes more actions to show, but few kinds of them.
test.serial('any crash of a row of puts and switches leaves a prefix', (t) =>
  checkSequences(t, 5, ['put', 'switch'], SEED),
)

test.serial('so does any crash where every edit begins a new manifest', (t) =>
  checkSequences(t, 3, ['put', 'flush', 'compact', 'resume'], SEED, RENEWED_AT_ONCE),
)

/** Random workloads until there are enough images, one crash point in `oneIn`. */
async function checkRandom(t: ExecutionContext, oneIn: number): Promise<void> {
  t.timeout(600_000)
  const counts = noCrashCounts()
  for (let i = 0; counts.images < IMAGES; i++) {
    const seed = mixSeed(SEED, oneIn, i)
    try {
      await checkCrashes(randomWorkload(seed, LENGTH), counts, { limit: IMAGES, oneIn })
    } catch (error) {
      t.fail(`${messageOf(error)} --seed ${seed} --length ${LENGTH}`)
      return
    }
  }
  report(t, counts)
  t.true(counts.images >= IMAGES)
}

/** Every sequence of up to `longest` of the actions, at every crash point, under every policy. */
async function checkSequences(
  t: ExecutionContext,
  longest: number,
  actions: readonly Action[],
  seed: number,
  manifestLimits?: ManifestLimits,
): Promise<void> {
  t.timeout(600_000)
  const counts = noCrashCounts()
  for (let length = 0; length <= longest; length++) {
    for (const sequence of sequences(length, actions)) {
      try {
        // Crashes before the last action are those of the shorter sequence.
        const choice = { fromAction: length - 1, secondPercent: 25 }
        await checkCrashes(smallWorkload(sequence, seed, manifestLimits), counts, choice)
      } catch (error) {
        const renew = manifestLimits === undefined ? '' : ' --renew'
        t.fail(`${messageOf(error)} --seed ${seed} --workload ${sequence.join()}${renew}`)
        return
      }
    }
  }
  report(t, counts)
  let workloads = 0
  for (let length = 0; length <= longest; length++) workloads += actions.length ** length
  t.is(counts.workloads, workloads)
}

function report(t: ExecutionContext, counts: CrashCounts): void {
  t.log(`seed ${SEED}: ${describeCounts(counts)}`)
}
