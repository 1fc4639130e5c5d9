// Damages small databases for as long as one asks, and prints what repeats a wrong answer.
//
//   node dist/scripts/damage.js --cases 1000000 --seed 7
//   node dist/scripts/damage.js --seed 7 --image 3 --case 123
//       one case again, as a failure printed it
//   --keep-going reports a failure and goes on, to count how many there are

import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mixSeed, Random } from '../test/crash/random.ts'
import { checkDamage, noDamageCounts } from '../test/damage/damage-loop.ts'
import { makeImage } from '../test/damage/image.ts'
import { FAST_ROOT } from '../test/platform/scratch-directory.ts'

/** As in a test run, so that its failures are found again here. */
const CASES_OF_AN_IMAGE = 500

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    image: { type: 'string' },
    case: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
  },
})

const seed = Number(values.seed)
const counts = noDamageCounts()
const root = mkdtempSync(join(FAST_ROOT, 'sluicedb-damage-'))
let failures = 0

/** Adds its cases to `counts`. False after a failure that ends the run. */
async function runImage(image: number, cases: readonly number[]): Promise<boolean> {
  const directory = join(root, String(image))
  const made = await makeImage(directory, new Random(mixSeed(seed, image)), image % 2 === 1)
  rmSync(directory, { recursive: true, force: true })
  for (const number of cases) {
    try {
      await checkDamage(made, new Random(mixSeed(seed, image, number)), counts)
    } catch (error) {
      failures++
      console.log(`FAILED ${String(error)}`)
      console.log(`repeat: npm run damage -- --seed ${seed} --image ${image} --case ${number}`)
      if (!values['keep-going']) return false
    }
  }
  return true
}

async function run(): Promise<void> {
  if (values.case !== undefined) {
    await runImage(Number(values.image), [Number(values.case)])
    return
  }
  const all = Array.from({ length: CASES_OF_AN_IMAGE }, (_, i) => i)
  for (let image = 0; counts.cases < Number(values.cases); image++) {
    const left = Number(values.cases) - counts.cases
    if (!(await runImage(image, all.slice(0, left)))) return
  }
}

try {
  await run()
} finally {
  rmSync(root, { recursive: true, force: true })
}
console.log([...counts.byKind].map(([kind, count]) => `${kind} ${count}`).join(', '))
console.log(
  `${counts.cases} cases: ${counts.refused} did not open, ${counts.shorter} told a loss, ` +
    `${counts.withErrors} had errors in ${counts.failedReads} of ${counts.reads} reads; ` +
    `${failures} failures; ${process.uptime().toFixed(1)} s`,
)
process.exitCode = failures === 0 ? 0 : 1
