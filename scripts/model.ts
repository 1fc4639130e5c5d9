// Runs the model test for as long as one asks, and prints what repeats a failure.
//
//   node dist/scripts/model.js --operations 5000000 --seed 7
//       lives over all option sets by turns, until there are so many operations
//       --set '1 open file'     with this option set only
//       --root /dev/shm         where databases are made; by default memory where there is some
//   node dist/scripts/model.js --set '1 open file' --life 123456
//       one life again, as a failure printed it; --times 20 for one that depends on threads

import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { liveAndShrink, noModelCounts, runModel } from '../test/model/model-loop.ts'
import { OPTION_SETS, type OptionSet } from '../test/model/option-sets.ts'
import { FAST_ROOT } from '../test/platform/scratch-directory.ts'

const REPORT_EVERY_MS = 10_000

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '200000' },
    seed: { type: 'string', default: '1' },
    set: { type: 'string' },
    life: { type: 'string' },
    times: { type: 'string', default: '1' },
    root: { type: 'string', default: FAST_ROOT },
  },
})

function setsOf(name: string | undefined): readonly OptionSet[] {
  if (name === undefined) return OPTION_SETS
  const found = OPTION_SETS.filter((set) => set.name === name)
  if (found.length > 0) return found
  throw new Error(`no such option set; one of ${OPTION_SETS.map((set) => set.name).join(' | ')}`)
}

const counts = noModelCounts()
let lastReportMs = Date.now()

function report(): void {
  if (Date.now() - lastReportMs < REPORT_EVERY_MS) return
  lastReportMs = Date.now()
  console.log(`${counts.operations} operations in ${counts.lives} lives`)
}

async function run(root: string): Promise<string | undefined> {
  const sets = setsOf(values.set)
  if (values.life === undefined) {
    const operations = Number(values.operations)
    return runModel({ seed: Number(values.seed), operations, sets, root, onLife: report }, counts)
  }
  for (let i = Number(values.times); i > 0; i--) {
    const failure = await liveAndShrink(sets[0]!, Number(values.life), root, counts)
    if (failure !== undefined) return failure
  }
  return undefined
}

const root = mkdtempSync(join(values.root, 'sluicedb-model-'))
try {
  const failure = await run(root)
  if (failure !== undefined) {
    console.log(`FAILED ${failure}`)
    process.exitCode = 1
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
const kinds = [...counts.kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')
console.log(kinds)
console.log(
  `${counts.operations} operations of ${counts.kinds.size} kinds, ${counts.lives} lives over ` +
    `${counts.sets.size} option sets; ${process.uptime().toFixed(1)} s`,
)
