// The tools of a directory, tried on what a crash left.
//
//   read-only   sees what a real open sees, or refuses with the damage; changes no byte
//   repair      a dry run changes no byte; a repair leaves a database that opens, in which every value
//               is one that a call wrote; where it was not needed nothing has changed; where it was cut
//               short by a crash, the next one comes to the same contents

import { SluiceError } from '../../ts/format/error.ts'
import { readState } from './contents.ts'
import { DIRECTORY, openOn, openReadOnlyOn, repairOn } from './engine.ts'
import type { History, Writes } from './history.ts'
import { MomentDraw } from './moment.ts'
import type { Random } from './random.ts'
import { checkVerified } from './directory.ts'
import { CRASH_POLICIES, POLICY_NAMES } from './crash-image.ts'
import { checkLeaks } from './recovered.ts'
import type { SimulatedDisk } from './simulated-disk.ts'
import { Violation } from './violation.ts'
import type { Workload } from './workload.ts'

export interface ToolCounts {
  readOnly: number
  /** Of these, those that were refused for damage, or because there is no database. */
  refused: number
  repairs: number
  /** Of these, those that changed the database. */
  needed: number
}

export function noToolCounts(): ToolCounts {
  return { readOnly: 0, refused: 0, repairs: 0, needed: 0 }
}

export function describeTools({ readOnly, refused, repairs, needed }: ToolCounts): string {
  return `${readOnly} opened read-only (${refused} refused), ${repairs} repaired (${needed} needed it)`
}

/** Opens the image read-only. `state` is what a real open shows. */
export async function checkReadOnly(
  image: SimulatedDisk,
  workload: Workload,
  history: History,
  state: Writes,
  counts: ToolCounts,
): Promise<void> {
  counts.readOnly++
  const before = image.contents()
  try {
    const db = await openReadOnlyOn(image, workload.options)
    const seen = readState(db, history)
    await db.close()
    if (seen.join() !== state.join()) {
      throw new Violation(`read-only shows ${seen.join()}, a real open ${state.join()}`)
    }
  } catch (error) {
    const hasDatabase = before.has(`${DIRECTORY}/CURRENT`)
    if (!isRefusal(error, hasDatabase)) throw error
    counts.refused++
  }
  expectUnchanged(before, image, 'opening it read-only')
}

function isRefusal(error: unknown, hasDatabase: boolean): boolean {
  const cause = error instanceof SluiceError ? error.cause : undefined
  if (!(cause instanceof SluiceError)) return false
  return (
    cause.code === 'LEVEL_CORRUPTION' || (!hasDatabase && cause.code === 'LEVEL_DATABASE_MISSING')
  )
}

/** Repairs the image, after it was damaged where `random` wants it. Requires: CURRENT is there. */
export async function checkRepair(
  image: SimulatedDisk,
  workload: Workload,
  history: History,
  random: Random,
  counts: ToolCounts,
): Promise<void> {
  counts.repairs++
  if (random.percent(50)) await damage(image, random)
  const before = image.contents()
  const planned = await repairOn(image, { dryRun: true })
  expectUnchanged(before, image, 'a dry run of a repair')
  const draw = new MomentDraw(image, history, random)
  const { isNeeded } = await repairOn(image)
  draw.end()
  if (isNeeded !== planned.isNeeded) throw new Violation('a dry run says another thing')
  if (isNeeded) counts.needed++
  else expectUnchanged(before, image, 'a repair that was not needed')
  const state = await openedState(image, workload, history)
  const [moment] = draw.moments
  if (moment === undefined) return
  const policy = CRASH_POLICIES[random.pick(POLICY_NAMES)]
  const cut = moment.disk.crashImage(policy, random)
  await repairOn(cut)
  const again = await openedState(cut, workload, history)
  if (again.join() !== state.join()) {
    const shows = `a repair leads to ${state.join()}, one that was cut short to ${again.join()}`
    throw new Violation(shows)
  }
}

/** Takes CURRENT or the manifest away. */
export async function damage(image: SimulatedDisk, random: Random): Promise<void> {
  const names = [...image.contents(DIRECTORY).keys()]
  const victims = names.filter((name) => /CURRENT|MANIFEST/.test(name))
  await image.unlink(random.pick(victims))
  await image.syncDirectory(DIRECTORY)
}

/** What the image shows when it is opened; it has to be sound. */
export async function openedState(
  disk: SimulatedDisk,
  workload: Workload,
  history: History,
): Promise<Writes> {
  const db = await openOn(disk, workload.options)
  const state = readState(db, history)
  await db.close()
  checkLeaks(disk)
  await checkVerified(disk)
  return state
}

// LOCK is made by whoever takes it, and LOG says who was there.
export function expectUnchanged(
  before: Map<string, Buffer>,
  disk: SimulatedDisk,
  what: string,
): void {
  const after = disk.contents()
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    if (path.endsWith('/LOCK')) continue
    const [was, is] = [before.get(path), after.get(path)]
    if (was === undefined || is === undefined || !was.equals(is)) {
      throw new Violation(`${what} changed ${path}`)
    }
  }
  checkLeaks(disk)
}
