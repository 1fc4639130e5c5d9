// Every kind of damage at the size of every test run; scripts/damage.ts runs as much as one asks for.

import { join } from 'node:path'
import test from 'ava'
import { mixSeed, Random } from '../crash/random.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { Watchdog } from '../model/watchdog.ts'
import { checkDamage, noDamageCounts } from './damage-loop.ts'
import { makeImage } from './image.ts'

const SEED = Number(process.env['SLUICE_SEED'] ?? 1)
const CASES = 5000
const IMAGES = 10
const HANG_MS = 90_000

test('whatever byte of a database is damaged, an answer is right or an error, and others are served', async (t) => {
  t.timeout(600_000)
  const counts = noDamageCounts()
  const watchdog = new Watchdog(HANG_MS)
  t.teardown(() => watchdog.close())
  const root = scratchDirectory(t, FAST_ROOT)
  for (let i = 0; i < IMAGES; i++) {
    const image = await makeImage(join(root, String(i)), new Random(mixSeed(SEED, i)), i % 2 === 1)
    t.true(image.tablesByLevel.filter((count) => count > 0).length >= 2, `image ${i}`)
    for (let j = 0; j < CASES / IMAGES; j++) {
      try {
        await checkDamage(image, new Random(mixSeed(SEED, i, j)), counts, watchdog)
      } catch (error) {
        t.fail(`SLUICE_SEED=${SEED}, image ${i}, case ${j}: ${String(error)}`)
        return
      }
    }
  }
  t.log(
    `seed ${SEED}: ${counts.cases} cases of ${counts.byKind.size} kinds: ${counts.refused} did not ` +
      `open, ${counts.shorter} told a loss, ${counts.withErrors} had errors: ` +
      `${counts.failedReads} of ${counts.reads} reads`,
  )
  t.true(counts.refused > 0 && counts.shorter > 0 && counts.withErrors > 0)
})
