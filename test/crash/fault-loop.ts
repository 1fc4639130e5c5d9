// The fault loop: run a workload once to know its operations, then once more for every operation and
// every way in which it can fail, and see that the engine says so, harms nothing and recovers.
//
//   run    := the steps, while the disk fails as told: every call settles, what fails is
//             LEVEL_IO_ERROR, reads go on and are right
//   then   := one of   resume   heal the disk, resume(): what was acknowledged is there, what failed
//                               is not
//                      reopen   heal, close, open
//                      crash    cut the power as things stand, open
//   then   := three more calls, a crash, and the history judges again
//   and    := a crash at some moment after the fault: in what follows on it, in resume(), in a
//             second opening
//   tools  := a repair of what a crash left, or a read-only open of it, while the disk fails
//             (tool-faults.ts)

import { CompactionCounts } from './compaction-counts.ts'
import { manifestsMade } from './directory.ts'
import type { Fault } from './disk-fault.ts'
import { describeFault, faultsOf, type StruckOperation } from './fault-plans.ts'
import { type Moment, MomentDraw } from './moment.ts'
import { mixSeed, Random } from './random.ts'
import {
  checkLeaks,
  closeClean,
  crashAndRecover,
  goOnAndCrash,
  type Recovered,
  successor,
} from './recovered.ts'
import { Session } from './session.ts'
import { type Operation, SimulatedDisk } from './simulated-disk.ts'
import { checkToolFault, toolFaultsOf } from './tool-faults.ts'
import { attempt, type OnViolation, Violation } from './violation.ts'
import { watched } from './watched.ts'
import type { Workload } from './workload.ts'

export type Ending = 'resume' | 'reopen' | 'crash'
const ENDINGS: readonly Ending[] = ['resume', 'reopen', 'crash']

const CREATION_EVERY = 8
/** Of the faults of repairs and read-only opens: each is much like its neighbour. */
const TOOLS_ONE_IN = 4

export interface FaultCounts {
  workloads: number
  /** Runs with a fault that struck. */
  faults: number
  byEffect: Map<string, number>
  /** Of these, those that struck a repair or a read-only open. */
  ofTools: number
  /** Runs in which the engine refused writes afterwards. */
  refusals: number
  failedOpens: number
  manifests: number
  readonly compactions: CompactionCounts
}

export function describeFaults(counts: FaultCounts): string {
  const { workloads, faults, byEffect, ofTools, refusals, failedOpens, compactions } = counts
  const effects = [...byEffect].map(([effect, count]) => `${count} ${effect}`).join(', ')
  return (
    `${faults} faults in ${workloads} workloads, ${ofTools} of tools (${effects}); ${refusals} ended refusing writes, ` +
    `${failedOpens} opens failed; ${counts.manifests} manifests, ${compactions.describe()}`
  )
}

export function noFaultCounts(): FaultCounts {
  return {
    workloads: 0,
    faults: 0,
    byEffect: new Map(),
    ofTools: 0,
    refusals: 0,
    failedOpens: 0,
    manifests: 0,
    compactions: new CompactionCounts(),
  }
}

export interface FaultChoice {
  /** Only this fault, by its number. */
  readonly fault?: number
  /** Only this one of the tools. */
  readonly toolFault?: number
  /** Only one fault in so many, drawn: more workloads for as many faults. */
  readonly oneIn?: number
  /** Stops when so many faults are done. */
  readonly limit?: number
  readonly onViolation?: OnViolation
}

/** Runs the workload with every fault. The message of a violation ends in `--fault N`. */
export async function checkFaults(
  workload: Workload,
  counts: FaultCounts,
  choice: FaultChoice = {},
): Promise<void> {
  const trace = await watched('the workload', traceOf(workload))
  counts.workloads++
  const random = new Random(mixSeed(workload.seed, trace.length, 1))
  for (const [number, plan] of plansFor(trace, workload.seed).entries()) {
    if (choice.toolFault !== undefined) break
    if (choice.fault !== undefined && choice.fault !== number) continue
    if (random.below(choice.oneIn ?? 1) !== 0) continue
    if (choice.limit !== undefined && counts.faults >= choice.limit) return
    const run = new FaultRun(workload, plan, new Random(mixSeed(workload.seed, number)), counts)
    const where = `${describe(plan)} --fault ${number}`
    await attempt(where, choice.onViolation, () => watched('the run', run.run()))
    count(counts, plan.fault)
  }
  await checkToolFaults(workload, counts, choice)
}

/** Those of the tools have names of their own: the faults of a workload keep their numbers. */
async function checkToolFaults(
  workload: Workload,
  counts: FaultCounts,
  choice: FaultChoice,
): Promise<void> {
  if (choice.fault !== undefined) return
  const random = new Random(mixSeed(workload.seed, 3))
  const plans = await watched('the tools', toolFaultsOf(workload))
  for (const [number, plan] of plans.entries()) {
    if (choice.toolFault === undefined && random.below(TOOLS_ONE_IN * (choice.oneIn ?? 1)) !== 0) {
      continue
    }
    if (choice.toolFault !== undefined && choice.toolFault !== number) continue
    if (choice.limit !== undefined && counts.faults >= choice.limit) return
    const own = new Random(mixSeed(workload.seed, number, 4))
    const where = `${describeFault(plan)} of a ${plan.tool} --tool-fault ${number}`
    await attempt(where, choice.onViolation, () => watched('the run', checkToolFault(plan, own)))
    count(counts, plan.fault)
    counts.ofTools++
  }
}

function count(counts: FaultCounts, { effect }: Fault): void {
  counts.faults++
  counts.byEffect.set(effect, (counts.byEffect.get(effect) ?? 0) + 1)
}

interface Plan extends StruckOperation {
  readonly ending: Ending
}

function describe(plan: Plan): string {
  return `${describeFault(plan)}, then ${plan.ending}`
}

/** The operations that are to fail. */
async function traceOf(workload: Workload): Promise<Operation[]> {
  const disk = new SimulatedDisk(workload.seed, { latency: workload.latency })
  const session = new Session(disk, workload)
  await session.open()
  // Every creation does the same, so one workload in a few fails it.
  let firstOperation = workload.seed % CREATION_EVERY === 0 ? 0 : disk.operationCount
  for (const step of workload.steps) {
    if (step.kind === 'start') firstOperation = disk.operationCount
    await session.step(step)
  }
  // Not those of the close: the run with a fault ends in another way.
  const trace = disk.trace.slice(firstOperation)
  await session.close()
  return trace
}

function plansFor(trace: readonly Operation[], seed: number): Plan[] {
  const random = new Random(mixSeed(seed, trace.length))
  return [...faultsOf(trace, random)].map((struck) => ({ ...struck, ending: random.pick(ENDINGS) }))
}

class FaultRun {
  readonly #workload: Workload
  readonly #plan: Plan
  readonly #random: Random
  readonly #counts: FaultCounts

  constructor(workload: Workload, plan: Plan, random: Random, counts: FaultCounts) {
    this.#workload = workload
    this.#plan = plan
    this.#random = random
    this.#counts = counts
  }

  async run(): Promise<void> {
    const { fault, ending } = this.#plan
    const workload = this.#workload
    const disk = new SimulatedDisk(workload.seed, { latency: workload.latency })
    const session = new Session(disk, workload)
    session.faultsAllowed = true
    disk.inject(fault)
    const isStruck = (): boolean => disk.faultCount > 0
    const draw = new MomentDraw(disk, session.history, this.#random, 1, isStruck)
    await session.openStubbornly()
    await session.run(workload.steps)
    if (session.refusesWrites) this.#counts.refusals++
    this.#counts.failedOpens += session.failedOpens
    this.#counts.compactions.add(session.compactions)
    this.#counts.manifests += manifestsMade(disk)
    if (disk.faultCount === 0) throw new Violation('the fault never struck')
    const last = await this.#end(session, ending)
    draw.end()
    await goOnAndCrash(last, this.#random)
    await closeClean(last, this.#random)
    for (const moment of draw.moments) {
      const { session: found } = await this.#crash(
        moment,
        session,
        'after a crash at a moment after the fault',
      )
      await closeClean(found, this.#random)
    }
  }

  async #end(session: Session, ending: Ending): Promise<Session> {
    const { disk, history } = session
    if (ending === 'crash') {
      const { time } = history
      const image = disk.freeze()
      disk.heal()
      await session.close()
      checkLeaks(disk)
      const moment = { disk: image, time }
      return successor(await this.#crash(moment, session, 'after a crash as things stood'))
    }
    disk.heal()
    // Now and then the disk fails once more, in the middle of the way back.
    if (this.#random.percent(50)) this.#failAgain(disk)
    if (ending === 'resume') {
      await session.resume()
      await this.#heal(session)
      await session.resume()
    } else {
      // The calls that failed may make close() report it; the open must succeed.
      await session.close()
      await session.openStubbornly()
      await this.#heal(session)
      if (session.refusesWrites) await session.resume()
    }
    return session
  }

  // What was struck before may be told after: a compaction of all has to wait for it.
  async #heal(session: Session): Promise<void> {
    session.disk.heal()
    await session.step({ kind: 'compact' })
    await session.settle()
    session.faultsAllowed = false
  }

  #failAgain(disk: SimulatedDisk): void {
    disk.inject({
      effect: this.#random.pick(['fail', 'fail', 'applied', 'partial', 'dropped']),
      code: this.#random.pick(['EIO', 'ENOSPC']),
      at: disk.operationCount + this.#random.below(40),
      bytes: this.#random.below(60),
      times: this.#random.pick([1, 1, 2, Infinity]),
    })
  }

  #crash(moment: Moment, session: Session, when: string): Promise<Recovered> {
    const { workload, history, earlier } = session
    return crashAndRecover(moment, this.#random, { workload, history, earlier, when })
  }
}
