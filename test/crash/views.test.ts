// Every row of a few writes, snapshots, flushes and compactions: which entries a compaction may drop
// depends on nothing else.

import test from 'ava'
import { closeClean } from './recovered.ts'
import { Random } from './random.ts'
import { Session } from './session.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { messageOf } from './violation.ts'
import { watched } from './watched.ts'
import { sequences, type Step, type Workload } from './workload.ts'

const SEED = Number(process.env['SLUICE_SEED'] ?? 1)

const settle: Step = { kind: 'settle' }

const STEPS: Readonly<Record<string, readonly Step[]>> = {
  put: [
    {
      kind: 'call',
      writes: [
        { key: 0, sizeBytes: 20 },
        { key: 1, sizeBytes: 20 },
      ],
      sync: false,
    },
  ],
  delete: [{ kind: 'call', writes: [{ key: 0, sizeBytes: undefined }], sync: false }],
  view: [{ kind: 'view', sort: 'snapshot' }],
  flush: [{ kind: 'flush', sync: false }, settle, { kind: 'turns', count: 400 }],
  compact: [{ kind: 'compact' }, settle],
}
const NAMES = Object.keys(STEPS)

function workloadOf(names: readonly string[]): Workload {
  return {
    seed: SEED,
    keyCount: 2,
    options: {
      writeBufferSize: 4096,
      blockSize: 64,
      compression: 'none',
      cacheSize: 0,
      // Two flushes begin a compaction, and nothing stays on level 1.
      levelLimits: { level0Files: 2, level1Bytes: 1, growth: 1, maxFileSizeBytes: 50 },
    },
    latency: 1,
    // From a state in which there is something below that may show again.
    steps: ['put', 'flush', 'compact', ...names].flatMap((name) => [...STEPS[name]!, settle]),
  }
}

test('every snapshot shows what it saw after any five writes, flushes and compactions', async (t) => {
  t.timeout(600_000)
  let workloads = 0
  let merges = 0
  for (const names of sequences(5, NAMES)) {
    // Without a snapshot, or with nothing after it, there is nothing to see.
    if (!names.slice(0, -1).includes('view')) continue
    const workload = workloadOf(names)
    const session = new Session(new SimulatedDisk(SEED, { latency: 1 }), workload)
    try {
      await session.open()
      await watched('the workload', session.run(workload.steps))
      await closeClean(session, new Random(workloads))
    } catch (error) {
      t.fail(`${messageOf(error)}: ${names.join()}, seed ${SEED}`)
      return
    }
    workloads++
    merges += session.compactions.merges
  }
  t.log(`seed ${SEED}: ${workloads} workloads, ${merges} merges`)
  t.is(workloads, 5 ** 5 - 4 ** 4 * 5)
  t.true(merges > workloads / 2)
})
