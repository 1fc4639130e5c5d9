// What both loops do with a disk that a crash left: open it, judge what is there, and go on.

import { checkGetMany, checkScan, readState } from './contents.ts'
import { CRASH_POLICIES, POLICY_NAMES, type PolicyName } from './crash-image.ts'
import { checkDirectory, checkVerified } from './directory.ts'
import { DIRECTORY } from './engine.ts'
import { History, type Loss, type Writes } from './history.ts'
import { type Moment, MomentDraw } from './moment.ts'
import type { Random } from './random.ts'
import { Session } from './session.ts'
import type { SimulatedDisk } from './simulated-disk.ts'
import { messageOf, Violation } from './violation.ts'
import type { Workload } from './workload.ts'

/** The kill of the process alone: what was not synced is still only in the page cache. */
export type ImageKind = PolicyName | 'restart'
export const IMAGE_KINDS: readonly ImageKind[] = [...POLICY_NAMES, 'restart']

/** What a recovery has to show. */
export interface Expectation {
  readonly workload: Workload
  readonly history: History
  /** Histories of before, whose values may still be read. */
  readonly earlier?: readonly History[]
  /** The moment of the crash. */
  readonly time: number
  readonly loss: Loss
  /** Said when something is wrong. */
  readonly when?: string
}

export interface Recovered {
  /** Open. */
  readonly session: Session
  readonly state: Writes
}

/** Opens what a crash left. Throws a Violation where that fails, or shows what it must not. */
export async function recover(disk: SimulatedDisk, expectation: Expectation): Promise<Recovered> {
  const { workload, history, earlier, when } = expectation
  const session = new Session(disk, workload, history, earlier)
  try {
    await session.open()
    const state = readState(session.db, history, ...session.earlier)
    expectLegal(state, expectation)
    checkKept(session)
    checkDirectory(disk, session.db)
    const histories = [history, ...session.earlier]
    checkScan(session.db, state, histories, expectation.time % 2 === 1)
    if (expectation.time % 4 === 0) await checkGetMany(session.db, state, histories)
    return { session, state }
  } catch (error) {
    throw when === undefined ? error : new Violation(`${messageOf(error)}; ${when}`, error)
  }
}

/** Throws a Violation where the state is none that a crash may leave. */
export function expectLegal(state: Writes, { history, time, loss }: Expectation): void {
  const wrong = history.judge(state, time, loss)
  if (wrong !== undefined) throw new Violation(wrong)
}

/** What an image of this kind may have lost. */
export function lossOf(kind: ImageKind): Loss {
  return kind === 'keep-all' || kind === 'restart' ? 'kill' : 'power'
}

/** What a recovery reports as dropped is kept, where it says. */
function checkKept({ db, disk }: Session): void {
  const { dropped } = db.recovery
  if (dropped.length === 0) return
  const files = disk.contents(DIRECTORY)
  for (const { file, keptAs } of dropped) {
    if (!files.has(keptAs)) throw new Violation(`${file} was not kept`)
  }
}

/** What is known of a recovery before the crash that it follows is drawn. */
export interface Prospect extends Omit<Expectation, 'time' | 'loss' | 'when'> {
  readonly when: string
  /** What may be lost; else what the policy drawn may lose. */
  readonly loss?: Loss
}

/** Cuts the power under a drawn policy, and recovers. */
export function crashAndRecover(
  moment: Moment,
  random: Random,
  prospect: Prospect,
): Promise<Recovered> {
  const kind = random.pick(POLICY_NAMES)
  const image = moment.disk.crashImage(CRASH_POLICIES[kind], random)
  const loss = prospect.loss ?? lossOf(kind)
  const when = `${prospect.when}, ${kind}`
  return recover(image, { ...prospect, time: moment.time, loss, when })
}

/** A session that goes on with the open database, from the state that it shows. */
export function successor({ session, state }: Recovered, history?: History): Session {
  const { disk, workload } = session
  const next = history ?? new History(session.history.keyCount, state, session.history.nextWrite)
  const later = new Session(disk, workload, next, [session.history, ...session.earlier])
  later.adopt(session)
  return later
}

/** Three more calls, now and then a compaction, and a crash in the middle of them or after. */
export async function goOnAndCrash(session: Session, random: Random): Promise<void> {
  const { disk, history, earlier, workload } = session
  const draw = new MomentDraw(disk, history, random)
  session.call([{ key: 0, sizeBytes: 30 }], false)
  session.call([{ key: 1, sizeBytes: 30 }], true)
  session.call([{ key: 2, sizeBytes: 30 }], false)
  if (random.percent(20)) await session.step({ kind: 'compact' })
  await session.settle()
  draw.end()
  const [drawn] = draw.moments
  const isLate = drawn === undefined || random.percent(30)
  const moment = isLate ? { disk: disk.freeze(), time: history.time } : drawn
  const when = 'after three more calls and a crash'
  const last = await crashAndRecover(moment, random, { workload, history, earlier, when })
  await closeClean(last.session, random)
}

/** Of a hundred databases, how many are verified when they are closed. */
const VERIFIED_PERCENT = 15

/** Closes, and sees that nothing is left open, and for some that all is as it should be. */
export async function closeClean(session: Session, random: Random): Promise<void> {
  const { disk } = session
  await session.close()
  checkLeaks(disk)
  if (!random.percent(VERIFIED_PERCENT)) return
  await checkVerified(disk, disk.faultCount > 0)
  checkLeaks(disk)
}

export function checkLeaks(disk: SimulatedDisk): void {
  if (disk.openFileCount > 0) {
    throw new Violation(`left open after close: ${disk.openFiles().join()}`)
  }
  if (disk.lockCount > 0) throw new Violation('locked after close')
}
