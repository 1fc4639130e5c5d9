// The model at the size of every test run; scripts/model.ts runs as much as one asks for.

import test from 'ava'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { noModelCounts, runModel } from './model-loop.ts'
import { OPERATION_KINDS } from './operations.ts'
import { OPTION_SETS } from './option-sets.ts'

const SEED = Number(process.env['SLUICE_SEED'] ?? 1)
const OPERATIONS = 200_000

test('a database answers as a sorted map of many versions, whatever is done to it', async (t) => {
  t.timeout(600_000)
  const counts = noModelCounts()
  const root = scratchDirectory(t, FAST_ROOT)
  const failure = await runModel({ seed: SEED, operations: OPERATIONS, root }, counts)
  if (failure !== undefined) {
    t.fail(`SLUICE_SEED=${SEED} ${failure}`)
    return
  }
  t.log(
    `seed ${SEED}: ${counts.operations} operations of ${counts.kinds.size} kinds, ` +
      `${counts.lives} lives over ${counts.sets.size} option sets`,
  )
  t.true(counts.operations >= OPERATIONS)
  t.is(counts.sets.size, OPTION_SETS.length)
  t.true(OPERATION_KINDS.length >= 25)
  t.is(counts.kinds.size, OPERATION_KINDS.length + 1)
})
