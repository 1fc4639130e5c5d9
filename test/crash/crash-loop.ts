// The crash loop: run a workload once, cut the power at every operation under every policy, and hold
// what a reopening finds against the history.
//
//   point   := the disk and the moment of the history, at one operation of the run
//   image   := a point under a policy; 'restart' is the kill of the process alone: what was not
//              synced is still only in the page cache
//   check   := open the image, unless the same bytes were opened before ── its state is legal ──
//              then, for some of those that were opened:
//                a crash in the middle of that recovery: opens, and shows the same state
//                three more calls, a crash in the middle or after: legal again
//
// Everything about an image follows from the seed of the workload, the number of the point and the
// policy, so that one line reproduces a failure.

import { CompactionCounts } from './compaction-counts.ts'
import { CURRENT_NAME } from '../../ts/format/file-name.ts'
import { CRASH_POLICIES } from './crash-image.ts'
import { manifestsMade } from './directory.ts'
import { DIRECTORY } from './engine.ts'
import {
  checkReadOnly,
  checkRepair,
  describeTools,
  noToolCounts,
  type ToolCounts,
} from './image-tools.ts'
import type { History, Writes } from './history.ts'
import { MomentDraw, type Moment } from './moment.ts'
import { mixSeed, Random } from './random.ts'
import {
  checkLeaks,
  closeClean,
  crashAndRecover,
  type Expectation,
  expectLegal,
  goOnAndCrash,
  IMAGE_KINDS,
  type ImageKind,
  lossOf,
  recover,
  type Recovered,
  successor,
} from './recovered.ts'
import { Session } from './session.ts'
import { type Phase, SimulatedDisk } from './simulated-disk.ts'
import { attempt, type OnViolation, Violation } from './violation.ts'
import { watched } from './watched.ts'
import type { Workload } from './workload.ts'

/** Of a hundred images that are opened, on how many a tool of the directory is tried first. */
const TOOL_PERCENT = 10

export interface Point extends Moment {
  readonly number: number
  /** What the run was about to do. */
  readonly label: string
}

export interface CrashCounts {
  workloads: number
  points: number
  /** Disks that were made by a crash and judged, those of a second crash included. */
  images: number
  /** Of these, the ones made by a crash in the middle of a recovery. */
  nested: number
  /** Of the images, those opened before, the same to the byte, and judged by what that showed. */
  repeated: number
  /** Of the workloads. */
  manifests: number
  readonly compactions: CompactionCounts
  readonly tools: ToolCounts
}

export function noCrashCounts(): CrashCounts {
  return {
    workloads: 0,
    points: 0,
    images: 0,
    nested: 0,
    repeated: 0,
    manifests: 0,
    compactions: new CompactionCounts(),
    tools: noToolCounts(),
  }
}

export function describeCounts(counts: CrashCounts): string {
  const { workloads, points, images, nested, repeated, manifests } = counts
  const sorts = `${nested} of crashes in recovery, ${repeated} opened before`
  const what = `${images} crash images (${sorts}) at ${points} points of ${workloads} workloads`
  const work = `${manifests} manifests, ${counts.compactions.describe()}`
  return `${what} (${work}); ${describeTools(counts.tools)}`
}

export interface CrashChoice {
  /** Only this point. */
  readonly point?: number
  /** Only points before an operation whose label matches. */
  readonly before?: RegExp
  /** Only this kind of image. */
  readonly kind?: ImageKind
  /**
   * Only points from this action of a small workload on, counted from 0; earlier ones are another
   * workload's.
   */
  readonly fromAction?: number
  /** Only one point in so many, drawn: more workloads for as many images. */
  readonly oneIn?: number
  /** Of a hundred images, how many are followed by a second crash of each sort; 50 unless told. */
  readonly secondPercent?: number
  /** Stops when so many images are done. */
  readonly limit?: number
  readonly onViolation?: OnViolation
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
  const run = await watched('the workload', runWorkload(workload, counts, choice.fromAction))
  counts.workloads++
  const random = new Random(mixSeed(workload.seed, run.points.length))
  for (const point of run.points) {
    if (choice.point !== undefined && choice.point !== point.number) continue
    if (random.below(choice.oneIn ?? 1) !== 0) continue
    if (choice.before?.test(point.label) === false) continue
    counts.points++
    for (const kind of IMAGE_KINDS) {
      if (choice.kind !== undefined && choice.kind !== kind) continue
      if (choice.limit !== undefined && counts.images >= choice.limit) return
      const where = `crash before ${point.label} --point ${point.number} --policy ${kind}`
      const check = new ImageCheck(run, point, kind, counts, choice.secondPercent ?? 50)
      await attempt(where, choice.onViolation, () => watched('the recovery', check.run()))
    }
  }
}

interface Run {
  readonly workload: Workload
  readonly history: History
  readonly points: Point[]
  /** By fingerprint, what the images showed that were opened. */
  readonly opened: Map<string, Writes>
}

async function runWorkload(workload: Workload, counts: CrashCounts, fromAction = -1): Promise<Run> {
  const disk = new SimulatedDisk(workload.seed, { latency: workload.latency })
  const session = new Session(disk, workload)
  const { history } = session
  const points: Point[] = []
  let number = 0
  let isStarted = !workload.steps.some(({ kind }) => kind === 'start')
  let isWanted = fromAction < 0
  const take = (label: string): void => {
    if (isStarted && isWanted)
      points.push({ number, label, time: history.time, disk: disk.freeze() })
    number++
  }
  disk.onOperation = (ordinal, kind, path, phase): void => {
    take(operationLabel(ordinal, kind, path, phase))
  }
  await session.open()
  for (const step of workload.steps) {
    if (step.kind === 'start') isStarted = true
    if (step.kind === 'action') isWanted = step.position >= fromAction
    await session.step(step)
  }
  await session.close()
  take('nothing more')
  counts.compactions.add(session.compactions)
  counts.manifests += manifestsMade(disk)
  checkLeaks(disk)
  return { workload, history, points, opened: new Map() }
}

function operationLabel(ordinal: number, kind: string, path: string, phase: Phase): string {
  const middle = phase === 'middle' ? 'the rest of ' : ''
  return `${middle}operation ${ordinal} (${kind} ${path})`
}

class ImageCheck {
  readonly #run: Run
  readonly #point: Point
  readonly #kind: ImageKind
  readonly #counts: CrashCounts
  readonly #secondPercent: number
  readonly #expectation: Expectation

  constructor(run: Run, point: Point, kind: ImageKind, counts: CrashCounts, secondPercent: number) {
    this.#run = run
    this.#point = point
    this.#kind = kind
    this.#counts = counts
    this.#secondPercent = secondPercent
    const { workload, history } = run
    this.#expectation = { workload, history, time: point.time, loss: lossOf(kind) }
  }

  // Of its own for each part, so that what one part draws does not depend on which others ran.
  #randomFor(part: number): Random {
    const kind = IMAGE_KINDS.indexOf(this.#kind)
    return new Random(mixSeed(this.#run.workload.seed, this.#point.number, kind, part))
  }

  async run(): Promise<void> {
    this.#counts.images++
    if (this.#kind === 'restart') {
      await this.#open(this.#point.disk.freeze())
      return
    }
    const disk = this.#point.disk.crashImage(CRASH_POLICIES[this.#kind], this.#randomFor(0))
    // Most crashes leave what another one has left before: the same bytes show the same state.
    const fingerprint = disk.fingerprint()
    const known = this.#run.opened.get(fingerprint)
    if (known === undefined) {
      this.#run.opened.set(fingerprint, await this.#open(disk))
      return
    }
    this.#counts.repeated++
    expectLegal(known, this.#expectation)
  }

  async #open(disk: SimulatedDisk): Promise<Writes> {
    // After a kill alone, two recoveries have unsynced work on the disk: the crash has more to choose.
    const draws = this.#kind === 'restart' ? 4 : 1
    const recovery = new MomentDraw(disk, this.#run.history, this.#randomFor(1), draws)
    const tools = this.#randomFor(8)
    const image = tools.percent(TOOL_PERCENT) ? disk.freeze() : undefined
    const recovered = await recover(disk, this.#expectation)
    recovery.end()
    if (image !== undefined) await this.#tryTools(image, recovered.state, tools)
    const last = this.#randomFor(2)
    if (last.percent(this.#secondPercent)) await this.#goOn(recovered, last)
    for (const [i, moment] of recovery.moments.entries()) {
      const random = this.#randomFor(3 + i)
      if (random.percent(this.#secondPercent)) {
        await this.#crashRecovery(moment, recovered.state, random)
      }
    }
    await closeClean(recovered.session, this.#randomFor(9))
    return recovered.state
  }

  async #tryTools(image: SimulatedDisk, state: Writes, random: Random): Promise<void> {
    const { workload, history } = this.#run
    const { tools } = this.#counts
    if (random.percent(50)) return checkReadOnly(image, workload, history, state, tools)
    // After a kill alone a second crash takes more than what the repair has written.
    if (this.#kind === 'restart') return
    // Without it there may be no database yet, and nothing to repair.
    if (!image.contents().has(`${DIRECTORY}/${CURRENT_NAME}`)) return
    return checkRepair(image, workload, history, random, tools)
  }

  /** A second crash, in the middle of the recovery: it changes nothing of what is recovered. */
  async #crashRecovery(recovering: Moment, state: Writes, random: Random): Promise<void> {
    const { workload, history, time, loss } = this.#expectation
    const when = 'after a crash in recovery'
    const isRestart = this.#kind === 'restart'
    const again = await crashAndRecover({ disk: recovering.disk, time }, random, {
      workload,
      history,
      when,
      // What only the page cache had is lost in part; all else is on the disk.
      ...(isRestart ? {} : { loss }),
    })
    if (!isRestart && again.state.join() !== state.join()) {
      const shows = `the first recovery shows ${state.join()}, the second ${again.state.join()}`
      throw new Violation(`${shows}; ${when}`)
    }
    await closeClean(again.session, random)
    this.#counts.images++
    this.#counts.nested++
  }

  async #goOn(recovered: Recovered, random: Random): Promise<void> {
    await goOnAndCrash(successor(recovered, this.#restarted(recovered.state)), random)
    this.#counts.images++
  }

  /** After a kill alone, the history of the process that recovered `state` is not all settled. */
  #restarted(state: Writes): History | undefined {
    if (this.#kind !== 'restart') return undefined
    const next = this.#run.history.restartedAt(this.#point.time)
    next.decide(state)
    return next
  }
}
