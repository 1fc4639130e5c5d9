// The fault loop at the size of every test run; scripts/crash.ts runs as much as one asks for.

import test from 'ava'
import { checkFaults, describeFaults, noFaultCounts } from './fault-loop.ts'
import { mixSeed } from './random.ts'
import { messageOf } from './violation.ts'
import { randomWorkload } from './workload.ts'

const SEED = Number(process.env['SLUICE_SEED'] ?? 1)
const FAULTS = 10_000
const ONE_IN = 5
/** Short, since every fault takes a run of its own. */
const LENGTH = 20

test.serial(
  'any failing operation is reported, harms nothing, and can be recovered from',
  async (t) => {
    t.timeout(600_000)
    const counts = noFaultCounts()
    for (let i = 0; counts.faults < FAULTS; i++) {
      const seed = mixSeed(SEED, i)
      try {
        await checkFaults(randomWorkload(seed, LENGTH), counts, { limit: FAULTS, oneIn: ONE_IN })
      } catch (error) {
        t.fail(`${messageOf(error)} --seed ${seed} --length ${LENGTH}`)
        return
      }
    }
    t.log(`seed ${SEED}: ${describeFaults(counts)}`)
    t.true(counts.faults >= FAULTS && counts.refusals > 0 && counts.failedOpens > 0)
    t.true(counts.ofTools > 0)
  },
)
