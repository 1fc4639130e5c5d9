// The crash loop: run a workload once, cut the power at every operation under every policy, and hold
// what a reopening finds against the history.
//
//   point   := the disk and the moment of the history, at one operation of the run
//   image   := a point under a policy; 'restart' is the kill of the process alone: what was not
//              synced is still only in the page cache
//   check   := open the image ── its state is legal ── then, for some of them:
//                a crash in the middle of that recovery: opens, and shows the same state
//                three more calls, a crash in the middle or after: legal again
//
// Everything about an image follows from the seed of the workload, the number of the point and the
// policy, so that one line reproduces a failure.

import { CRASH_POLICIES, POLICY_NAMES, type PolicyName } from './crash-image.ts'
import { DIRECTORY } from './engine.ts'
import { History, type Loss, type Writes } from './history.ts'
import { mixSeed, Random } from './random.ts'
import { readState, Session, Violation } from './session.ts'
import { type Phase, SimulatedDisk } from './simulated-disk.ts'
import { watched } from './watched.ts'
import type { Workload } from './workload.ts'

export type ImageKind = PolicyName | 'restart'
export const IMAGE_KINDS: readonly ImageKind[] = [...POLICY_NAMES, 'restart']

export interface Point {
  readonly number: number
  /** What the run was about to do. */
  readonly label: string
  readonly time: number
  readonly disk: SimulatedDisk
}

export interface CrashCounts {
  workloads: number
  points: number
  /** Disks that were made by a crash, opened and judged, those of a second crash included. */
  images: number
  /** Of these, the ones made by a crash in the middle of a recovery. */
  nested: number
}

export function noCrashCounts(): CrashCounts {
  return { workloads: 0, points: 0, images: 0, nested: 0 }
}

export interface CrashChoice {
  /** Only this point. */
  readonly point?: number
  /** Only points before an operation whose label matches. */
  readonly before?: RegExp
  /** Only this kind of image. */
  readonly kind?: ImageKind
  /** Only points from this action of a small workload on; earlier ones are another workload's. */
  readonly fromAction?: number
  /** Only one point in so many, drawn: more workloads for as many images. */
  readonly oneIn?: number
  /** Of a hundred images, how many are followed by a second crash of each sort; 50 unless told. */
  readonly secondPercent?: number
  /** Stops when so many images are done. */
  readonly limit?: number
  /** Hears of each violation, and the loop goes on; without it the first one is thrown. */
  readonly onViolation?: (violation: Violation) => void
}

/**
 * Runs the workload and checks its images. The message of a violation ends in
 * `--point N --policy P`.
 */
export async function checkCrashes(
  workload: Workload,
  counts: CrashCounts,
  choice: CrashChoice = {},
): Promise<void> {
  const { history, points } = await watched(
    'the workload',
    runWorkload(workload, choice.fromAction),
  )
  counts.workloads++
  const random = new Random(mixSeed(workload.seed, points.length))
  for (const point of points) {
    if (choice.point !== undefined && choice.point !== point.number) continue
    if (random.below(choice.oneIn ?? 1) !== 0) continue
    if (choice.before?.test(point.label) === false) continue
    counts.points++
    for (const kind of IMAGE_KINDS) {
      if (choice.kind !== undefined && choice.kind !== kind) continue
      if (choice.limit !== undefined && counts.images >= choice.limit) return
      try {
        const check = new ImageCheck(workload, history, point, kind, counts, choice)
        await watched('the recovery', check.run())
      } catch (error) {
        const place = `before ${point.label} --point ${point.number} --policy ${kind}`
        const violation = new Violation(`${messageOf(error)}; crash ${place}`, error)
        if (choice.onViolation === undefined) throw violation
        choice.onViolation(violation)
      }
    }
  }
}

interface Run {
  readonly history: History
  readonly points: Point[]
}

async function runWorkload(workload: Workload, fromAction = 0): Promise<Run> {
  const disk = new SimulatedDisk(workload.seed, { latency: workload.latency })
  const session = new Session(disk, workload)
  const { history } = session
  const points: Point[] = []
  let number = 0
  let isWanted = fromAction <= 0
  const take = (label: string): void => {
    if (isWanted) points.push({ number, label, time: history.time, disk: disk.freeze() })
    number++
  }
  disk.onOperation = (ordinal, kind, path, phase): void => {
    take(operationLabel(ordinal, kind, path, phase))
  }
  await session.open()
  for (const step of workload.steps) {
    if (step.kind === 'action') isWanted = step.position >= fromAction
    else await session.step(step)
  }
  await session.close()
  take('nothing more')
  checkLeaks(disk)
  return { history, points }
}

/** What a recovery reports as dropped is kept, where it says. */
export function checkKept({ db, disk }: Session): void {
  const { dropped } = db.recovery
  if (dropped.length === 0) return
  const files = disk.contents(DIRECTORY)
  for (const { file, keptAs } of dropped) {
    if (!files.has(keptAs)) throw new Violation(`${file} was not kept`)
  }
}

/** What an image of this kind may have lost. */
export function lossOf(kind: ImageKind): Loss {
  return kind === 'keep-all' || kind === 'restart' ? 'kill' : 'power'
}

function operationLabel(ordinal: number, kind: string, path: string, phase: Phase): string {
  const middle = phase === 'middle' ? 'the rest of ' : ''
  return `${middle}operation ${ordinal} (${kind} ${path})`
}

export function checkLeaks(disk: SimulatedDisk): void {
  if (disk.openFileCount > 0) {
    throw new Violation(`left open after close: ${disk.openFiles().join()}`)
  }
  if (disk.lockCount > 0) throw new Violation('locked after close')
}

/** A disk and its history at one moment. */
export interface Moment {
  readonly disk: SimulatedDisk
  readonly time: number
}

/** Draws a few moments, each from all operations of a disk that `isWanted` holds for. */
export class MomentDraw {
  readonly #random: Random
  readonly #history: History
  readonly #count: number
  #seen = 0
  /** Empty where there was no operation. */
  readonly moments: Moment[] = []

  constructor(
    disk: SimulatedDisk,
    history: History,
    random: Random,
    count = 1,
    isWanted: () => boolean = () => true,
  ) {
    this.#random = random
    this.#history = history
    this.#count = count
    disk.onOperation = (): void => {
      if (isWanted()) this.#offer(disk)
    }
  }

  #offer(disk: SimulatedDisk): void {
    this.#seen++
    let frozen: SimulatedDisk | undefined
    for (let i = 0; i < this.#count; i++) {
      if (this.#random.below(this.#seen) !== 0) continue
      frozen ??= disk.freeze()
      this.moments[i] = { disk: frozen, time: this.#history.time }
    }
  }
}

class ImageCheck {
  readonly #workload: Workload
  readonly #history: History
  readonly #point: Point
  readonly #kind: ImageKind
  readonly #counts: CrashCounts
  readonly #secondPercent: number

  constructor(
    workload: Workload,
    history: History,
    point: Point,
    kind: ImageKind,
    counts: CrashCounts,
    choice: CrashChoice,
  ) {
    this.#workload = workload
    this.#history = history
    this.#point = point
    this.#kind = kind
    this.#counts = counts
    this.#secondPercent = choice.secondPercent ?? 50
  }

  // Of its own for each part, so that what one part draws does not depend on which others ran.
  #randomFor(part: number): Random {
    const kind = IMAGE_KINDS.indexOf(this.#kind)
    return new Random(mixSeed(this.#workload.seed, this.#point.number, kind, part))
  }

  async run(): Promise<void> {
    const { time } = this.#point
    const disk = this.#image()
    const session = new Session(disk, this.#workload, this.#history)
    // After a kill alone, two recoveries have unsynced work on the disk: the crash has more to choose.
    const draws = this.#kind === 'restart' ? 4 : 1
    const recovery = new MomentDraw(disk, this.#history, this.#randomFor(1), draws)
    await session.open()
    this.#counts.images++
    const state = readState(session.db, this.#history)
    this.#expectLegal(this.#history, state, time, lossOf(this.#kind))
    disk.onOperation = undefined
    checkKept(session)
    const last = this.#randomFor(2)
    if (last.percent(this.#secondPercent)) await this.#goOn(session, state, last)
    for (const [i, moment] of recovery.moments.entries()) {
      const random = this.#randomFor(3 + i)
      if (random.percent(this.#secondPercent)) {
        await this.#crashRecovery(moment.disk, state, random)
      }
    }
    await session.close()
    checkLeaks(disk)
  }

  #image(): SimulatedDisk {
    const { disk } = this.#point
    if (this.#kind === 'restart') return disk.freeze()
    return disk.crashImage(CRASH_POLICIES[this.#kind], this.#randomFor(0))
  }

  #expectLegal(history: History, state: Writes, time: number, loss: Loss): void {
    const wrong = history.judge(state, time, loss)
    if (wrong !== undefined) throw new Violation(wrong)
  }

  /** A second crash, in the middle of the recovery: it changes nothing of what is recovered. */
  async #crashRecovery(recovering: SimulatedDisk, state: Writes, random: Random): Promise<void> {
    const name = random.pick(POLICY_NAMES)
    const disk = recovering.crashImage(CRASH_POLICIES[name], random)
    const session = new Session(disk, this.#workload, this.#history)
    try {
      await session.open()
      const again = readState(session.db, this.#history)
      // What only the page cache had is lost in part; all else is on the disk.
      if (this.#kind === 'restart') {
        this.#expectLegal(this.#history, again, this.#point.time, lossOf(name))
      } else if (again.join() !== state.join()) {
        throw new Violation(`the first recovery shows ${state.join()}, the second ${again.join()}`)
      }
      await session.close()
    } catch (error) {
      throw new Violation(`${messageOf(error)}; after a crash in recovery, ${name}`, error)
    }
    this.#counts.images++
    this.#counts.nested++
    checkLeaks(disk)
  }

  /** Three more calls and another crash, in the middle of them or after. */
  async #goOn(session: Session, state: Writes, random: Random): Promise<void> {
    const { disk } = session
    const next = this.#nextHistory(state)
    const later = new Session(disk, this.#workload, next, [this.#history])
    later.adopt(session)
    const draw = new MomentDraw(disk, next, random)
    later.call([{ key: 0, sizeBytes: 30 }], false)
    later.call([{ key: 1, sizeBytes: 30 }], true)
    later.call([{ key: 2, sizeBytes: 30 }], false)
    await later.settle()
    // After the last call, or somewhere on the way.
    const [drawn] = draw.moments
    const isLate = drawn === undefined || random.percent(30)
    const moment = isLate ? { disk: disk.freeze(), time: next.time } : drawn
    disk.onOperation = undefined
    const name = random.pick(POLICY_NAMES)
    const image = moment.disk.crashImage(CRASH_POLICIES[name], random)
    const last = new Session(image, this.#workload, next)
    try {
      await last.open()
      const found = readState(last.db, next, this.#history)
      this.#expectLegal(next, found, moment.time, lossOf(name))
      await last.close()
    } catch (error) {
      throw new Violation(`${messageOf(error)}; after three more calls and a crash, ${name}`, error)
    }
    this.#counts.images++
    checkLeaks(image)
  }

  /** The history of the process that recovered `state`. */
  #nextHistory(state: Writes): History {
    if (this.#kind !== 'restart') {
      return new History(this.#workload.keyCount, state, this.#history.nextWrite)
    }
    const next = this.#history.restartedAt(this.#point.time)
    next.decide(state)
    return next
  }
}

/** The messages of the error and of its causes, on one line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { message, cause } = error
  // A violation that adds a place has the message of the one below in its own.
  if (cause === undefined || cause instanceof Violation) return message
  const below = messageOf(cause)
  return message.includes(below) ? message : `${message} (${below})`
}
