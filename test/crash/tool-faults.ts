// The tools of a directory while the disk fails, tried on what a crash left.
//
//   repair      says so, and every file is as it was, or it has done its work all the same; the next
//               repair, now and then behind a power cut, comes to the contents that one without a
//               fault comes to
//   read-only   says so, or shows what it shows without a fault; changes nothing

import { readState } from './contents.ts'
import { CRASH_POLICIES, POLICY_NAMES } from './crash-image.ts'
import { DIRECTORY, openReadOnlyOn, repairOn } from './engine.ts'
import { faultsOf, type StruckOperation } from './fault-plans.ts'
import type { History, Writes } from './history.ts'
import { damage, expectUnchanged, openedState } from './image-tools.ts'
import { mixSeed, Random } from './random.ts'
import { checkLeaks } from './recovered.ts'
import { Session } from './session.ts'
import { type Operation, SimulatedDisk } from './simulated-disk.ts'
import { Violation } from './violation.ts'
import type { Workload } from './workload.ts'
import { SluiceError } from '../../ts/format/error.ts'

type Tool = 'repair' | 'read-only open'

/** A directory for a tool, and what comes of it on a healthy disk. */
interface Trial {
  readonly tool: Tool
  readonly image: SimulatedDisk
  readonly workload: Workload
  readonly history: History
  readonly expected: Writes
}

export interface ToolFault extends StruckOperation {
  readonly tool: Tool
  readonly trial: Trial
}

/** Every fault of both tools on what a crash at the end of the workload leaves. */
export async function toolFaultsOf(workload: Workload): Promise<ToolFault[]> {
  const random = new Random(mixSeed(workload.seed, 2))
  const disk = new SimulatedDisk(workload.seed, { latency: workload.latency })
  const session = new Session(disk, workload)
  await session.open()
  await session.run(workload.steps)
  const image = disk.crashImage(CRASH_POLICIES[random.pick(POLICY_NAMES)], random)
  await session.close()
  if (!image.contents().has(`${DIRECTORY}/CURRENT`)) return []
  const { history } = session
  const plans: ToolFault[] = []
  for (const tool of ['repair', 'read-only open'] as const) {
    const own = image.freeze()
    if (tool === 'repair' && random.percent(80)) await damage(own, random)
    const healthy = own.freeze()
    const expected = await attemptTool(tool, healthy, workload, history)
    // Where it is refused for damage there is nothing to compare with.
    if (expected === undefined) continue
    const trial = { tool, image: own, workload, history, expected }
    for (const struck of faultsOf(traceOfTool(tool, healthy), random)) {
      plans.push({ ...struck, tool, trial })
    }
  }
  return plans
}

// What it did before the contents were looked at.
function traceOfTool(tool: Tool, disk: SimulatedDisk): readonly Operation[] {
  const end = tool === 'repair' ? endOfRepair.get(disk) : undefined
  return disk.trace.slice(0, end)
}

const endOfRepair = new WeakMap<SimulatedDisk, number>()

async function attemptTool(
  tool: Tool,
  disk: SimulatedDisk,
  workload: Workload,
  history: History,
): Promise<Writes | undefined> {
  if (tool === 'repair') {
    await repairOn(disk)
    endOfRepair.set(disk, disk.trace.length)
    return openedState(disk, workload, history)
  }
  try {
    return await readOnlyState(disk, workload, history)
  } catch (error) {
    if (codeOf(error) === 'LEVEL_CORRUPTION') return undefined
    throw error
  }
}

async function readOnlyState(
  disk: SimulatedDisk,
  workload: Workload,
  history: History,
): Promise<Writes> {
  const db = await openReadOnlyOn(disk, workload.options)
  try {
    return readState(db, history)
  } finally {
    await db.close()
  }
}

export async function checkToolFault(plan: ToolFault, random: Random): Promise<void> {
  const { trial, fault, tool } = plan
  const disk = trial.image.freeze()
  disk.inject(fault)
  await (tool === 'repair' ? checkRepair(trial, disk, random) : checkReadOnly(trial, disk))
}

async function checkRepair(
  { workload, history, expected }: Trial,
  disk: SimulatedDisk,
  random: Random,
): Promise<void> {
  const before = disk.contents()
  try {
    await repairOn(disk)
  } catch (error) {
    expectIoError(error)
    expectKept(before, disk)
  }
  if (disk.faultCount === 0) throw new Violation('the fault never struck')
  disk.heal()
  checkLeaks(disk)
  const isCut = random.percent(50)
  const next = isCut ? disk.crashImage(CRASH_POLICIES[random.pick(POLICY_NAMES)], random) : disk
  await repairOn(next)
  expectState(await openedState(next, workload, history), expected, 'the next repair')
}

async function checkReadOnly(
  { workload, history, expected }: Trial,
  disk: SimulatedDisk,
): Promise<void> {
  const before = disk.contents()
  try {
    expectState(await readOnlyState(disk, workload, history), expected, 'a read-only open')
  } catch (error) {
    expectIoError(error)
  }
  if (disk.faultCount === 0) throw new Violation('the fault never struck')
  disk.heal()
  expectUnchanged(before, disk, 'a read-only open that failed')
  expectState(await readOnlyState(disk, workload, history), expected, 'the next one')
  checkLeaks(disk)
}

// CURRENT may name the new manifest already: what this leads to is seen by the next repair.
function expectKept(before: Map<string, Buffer>, disk: SimulatedDisk): void {
  const after = disk.contents()
  for (const [path, bytes] of before) {
    if (path.endsWith('/CURRENT') || path.endsWith('/LOCK')) continue
    if (after.get(path)?.equals(bytes) !== true) {
      throw new Violation(`the failed repair changed or removed ${path}`)
    }
  }
}

function expectState(state: Writes, expected: Writes, what: string): void {
  if (state.join() === expected.join()) return
  throw new Violation(`${what} shows ${state.join()}, without a fault ${expected.join()}`)
}

function expectIoError(error: unknown): void {
  if (error instanceof Violation) throw error
  if (codeOf(error) === 'LEVEL_IO_ERROR') return
  throw new Violation('failed with another error than LEVEL_IO_ERROR', error)
}

/** Of the reason, where a database could not be opened. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof SluiceError)) return undefined
  return error.code === 'LEVEL_DATABASE_NOT_OPEN' ? codeOf(error.cause) : error.code
}
