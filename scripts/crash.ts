// Runs the crash and the fault loop for as long as one asks, and prints a line for every failure
// that runs it alone again.
//
//   node dist/scripts/crash.js --images 1000000 --faults 500000 --seed 7
//       random workloads until so many images and faults are checked
//       --one-in 10 draws one crash point or fault in ten, and so runs ten times the workloads
//       --steps 200 makes the workloads of the crashes longer: levels fill
//   node dist/scripts/crash.js --small 3
//       every sequence of up to three actions, all crash points, all policies
//   node dist/scripts/crash.js --small 7 --actions put,switch
//       longer ones, of these actions only
//       --renew begins a new manifest with every edit
//   node dist/scripts/crash.js --seed 7 --length 40 --point 12 --policy torn
//   node dist/scripts/crash.js --seed 1 --workload put,flush,sync --point 12 --policy torn
//   node dist/scripts/crash.js --seed 7 --length 20 --fault 31
//   node dist/scripts/crash.js --seed 7 --length 20 --tool-fault 31
//       one failure again
//   --keep-going reports a failure and goes on, to count how many there are

import { parseArgs } from 'node:util'
import {
  checkCrashes,
  type CrashChoice,
  describeCounts,
  noCrashCounts,
} from '../test/crash/crash-loop.ts'
import { checkFaults, describeFaults, noFaultCounts } from '../test/crash/fault-loop.ts'
import { mixSeed } from '../test/crash/random.ts'
import { IMAGE_KINDS } from '../test/crash/recovered.ts'
import { messageOf } from '../test/crash/violation.ts'
import {
  type Action,
  ACTIONS,
  parseActions,
  randomWorkload,
  RENEWED_AT_ONCE,
  sequences,
  smallWorkload,
  type Workload,
} from '../test/crash/workload.ts'

const CRASH_LENGTH = 40
const FAULT_LENGTH = 20

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '0' },
    faults: { type: 'string', default: '0' },
    small: { type: 'string' },
    actions: { type: 'string', default: ACTIONS.join() },
    steps: { type: 'string', default: String(CRASH_LENGTH) },
    'one-in': { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    length: { type: 'string' },
    workload: { type: 'string' },
    point: { type: 'string' },
    policy: { type: 'string' },
    fault: { type: 'string' },
    'tool-fault': { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
    renew: { type: 'boolean', default: false },
  },
})

const seed = Number(values.seed)
const manifestLimits = values.renew ? RENEWED_AT_ONCE : undefined
const oneIn = Number(values['one-in'])
const crashes = noCrashCounts()
const faults = noFaultCounts()
let failures = 0
let lastReportMs = Date.now()

/** Runs one check; a failure is printed with what reproduces it. */
async function attempt(
  line: string,
  check: (onViolation: (error: unknown) => void) => Promise<void>,
): Promise<void> {
  const onViolation = (error: unknown): void => {
    failures++
    console.log(`FAILED ${messageOf(error)} ${line}`)
    if (values.trace) console.log(error)
    if (!values['keep-going']) finish()
  }
  await check(onViolation).catch(onViolation)
  if (Date.now() - lastReportMs > 10_000) {
    lastReportMs = Date.now()
    console.log(`${crashes.images} images, ${faults.faults} faults, ${failures} failures`)
  }
}

function finish(): never {
  if (crashes.images > 0) console.log(describeCounts(crashes))
  if (faults.faults > 0) console.log(describeFaults(faults))
  console.log(`${failures} failures; seed ${seed}; ${process.uptime().toFixed(1)} s`)
  process.exit(failures === 0 ? 0 : 1)
}

function small(actions: readonly Action[]): Workload {
  return smallWorkload(actions, seed, manifestLimits)
}

/** The one workload that --workload or --length names. */
function namedWorkload(): Workload {
  if (values.workload !== undefined) return small(parseActions(values.workload))
  return randomWorkload(seed, Number(values.length ?? CRASH_LENGTH))
}

async function runOne(): Promise<void> {
  const line = `--seed ${seed}`
  if (values['tool-fault'] !== undefined) {
    const toolFault = Number(values['tool-fault'])
    return attempt(line, (onViolation) =>
      checkFaults(namedWorkload(), faults, { toolFault, onViolation }),
    )
  }
  if (values.fault !== undefined) {
    const choice = values.fault === 'all' ? {} : { fault: Number(values.fault) }
    return attempt(line, (onViolation) =>
      checkFaults(namedWorkload(), faults, { ...choice, onViolation }),
    )
  }
  const kind = IMAGE_KINDS.find((known) => known === values.policy)
  if (values.policy !== undefined && kind === undefined) {
    throw new Error(`no such policy: ${values.policy}; one of ${IMAGE_KINDS.join()}`)
  }
  const choice: CrashChoice = {
    ...(values.point === undefined ? {} : { point: Number(values.point) }),
    ...(kind === undefined ? {} : { kind }),
  }
  return attempt(line, (onViolation) =>
    checkCrashes(namedWorkload(), crashes, { ...choice, onViolation }),
  )
}

async function runSmall(mostActions: number): Promise<void> {
  for (let length = 0; length <= mostActions; length++) {
    for (const actions of sequences(length, parseActions(values.actions))) {
      const line = `--seed ${seed} --workload ${actions.join()}${values.renew ? ' --renew' : ''}`
      await attempt(line, (onViolation) =>
        checkCrashes(small(actions), crashes, {
          fromAction: length - 1,
          onViolation,
        }),
      )
    }
  }
}

async function runMany(images: number, faultCount: number): Promise<void> {
  const length = Number(values.steps)
  for (let i = 0; crashes.images < images; i++) {
    const own = mixSeed(seed, oneIn, i)
    const line = `--seed ${own} --length ${length}`
    const workload = randomWorkload(own, length)
    await attempt(line, (onViolation) =>
      checkCrashes(workload, crashes, { limit: images, oneIn, onViolation }),
    )
  }
  for (let i = 0; faults.faults < faultCount; i++) {
    const own = mixSeed(seed, i)
    const line = `--seed ${own} --length ${FAULT_LENGTH}`
    const workload = randomWorkload(own, FAULT_LENGTH)
    await attempt(line, (onViolation) =>
      checkFaults(workload, faults, { limit: faultCount, oneIn, onViolation }),
    )
  }
}

if (values.small !== undefined) await runSmall(Number(values.small))
await runMany(Number(values.images), Number(values.faults))
const isOne = values.length !== undefined || values.workload !== undefined
if (isOne) await runOne()
finish()
