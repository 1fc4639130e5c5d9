// A log on the simulated disk: crashes at any operation, crashes of the recovery, and faults.
//
// SLUICE_SEED repeats a run; SLUICE_LOG_RUNS says how many workloads each test has (its own number).

import test, { type ExecutionContext } from 'ava'
import { type Log, readLogIn } from '../../ts/journal/log.ts'
import { CRASH_POLICIES, POLICY_NAMES, type PolicyName } from '../crash/crash-image.ts'
import type { Fault } from '../crash/disk-fault.ts'
import { mixSeed, Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { SEED, seeded } from '../format/seed.ts'
import { History, type Moment, violation } from './history.ts'
import { contentsOf, openSimulated, recordOf, simulatedWorld } from './simulated-world.ts'

const RUNS = Number(process.env['SLUICE_LOG_RUNS'] ?? 0)

/** A log that is used at random, with its history. */
class Life {
  readonly disk: SimulatedDisk
  readonly random: Random
  readonly history = new History()
  readonly problems: string[] = []
  log: Log | undefined
  hasFaults = false
  /** Readers of another process, each with two files open at the most. */
  readers = 0
  #calls = 0
  #pending: Promise<void>[] = []

  constructor(seed: number) {
    this.disk = new SimulatedDisk(seed)
    this.random = new Random(mixSeed(seed, 1))
  }

  get options(): { maxFileSize: number; groupLimitBytes: number } {
    return { maxFileSize: 2000, groupLimitBytes: 1500 }
  }

  async open(): Promise<void> {
    const log = await openSimulated(this.disk, this.options)
    const found = await contentsOf(log).catch(async (error: unknown) => {
      await Promise.allSettled([log.close()]) // What was to be reported is.
      throw error
    })
    const { firstPosition, lastPosition } = log
    this.log = log
    const wrong = violation(this.history.moment(), found, firstPosition, lastPosition, true)
    if (wrong !== undefined) this.problems.push(`opened again, it ${wrong}`)
    this.history.reopened(found, lastPosition)
  }

  append(sync: boolean): void {
    const record = recordOf(this.#calls++, this.random)
    const refusal = this.log!.failure !== undefined
    if (!refusal) this.history.call(record)
    const told = this.log!.append(record, { sync }).then(
      (position) => {
        const wrong = this.history.acknowledge(record, position, sync)
        if (wrong !== undefined) this.problems.push(wrong)
      },
      () => undefined,
    )
    this.#pending.push(told)
  }

  async settle(): Promise<void> {
    await Promise.all(this.#pending.splice(0))
  }

  async step(): Promise<void> {
    const { random, log, history } = this
    const dice = random.below(100)
    if (dice < 60) {
      for (let burst = random.below(random.percent(80) ? 4 : 30); burst >= 0; burst--) {
        this.append(random.percent(50))
      }
      if (random.percent(50)) await this.settle()
    } else if (dice < 70) {
      const { last } = history
      await log!.sync().then(
        () => history.synced(last),
        () => undefined,
      )
    } else if (dice < 78) {
      await log!.rotate().catch(() => undefined)
    } else if (dice < 86) {
      const position = random.between(1, log!.lastPosition + 1)
      history.removing(position)
      await log!.removeBefore(position).catch(() => undefined)
    } else if (dice < 92) {
      await this.checkReading()
    } else {
      await this.close()
      await this.open()
    }
  }

  /** Reading gives what was acknowledged, from any position. */
  async checkReading(): Promise<void> {
    const { log, history } = this
    const { acknowledged } = history.moment()
    const first = log!.firstPosition
    const last = log!.lastPosition
    const from = this.random.between(first, last + 1)
    let position = from
    try {
      for await (const { position: told, record } of log!.read({ from })) {
        if (told !== position || !record.equals(acknowledged[position - 1]!)) {
          this.problems.push(`read ${told} for ${position}`)
        }
        position++
      }
      if (position !== last + 1) this.problems.push(`read up to ${position - 1} of ${last}`)
    } catch (error) {
      const isFault = (error as { code?: string }).code === 'LEVEL_IO_ERROR' && this.hasFaults
      if (!isFault) this.problems.push(`reading failed: ${String(error)}`)
    }
  }

  async close(): Promise<void> {
    await this.settle()
    const { last } = this.history
    const wasHealthy = this.log!.failure === undefined
    try {
      await this.log!.close()
      if (wasHealthy) this.history.synced(last)
    } catch {
      // It said that it may have lost what was not durable; the history knows no better.
    }
    this.log = undefined
    if (this.disk.openFileCount > this.readers)
      this.problems.push(`leaks ${this.disk.openFiles().join()}`)
    if (this.disk.lockCount > 0) this.problems.push('keeps its lock')
  }
}

interface Image {
  readonly disk: SimulatedDisk
  readonly moment: Moment
  readonly policy: PolicyName
  readonly at: string
}

/** After a kill the machine goes on, with what is not durable yet; a power cut takes of that. */
function imageOf(disk: SimulatedDisk, policy: PolicyName, random: Random): SimulatedDisk {
  return policy === 'keep-all' ? disk.freeze() : disk.crashImage(CRASH_POLICIES[policy], random)
}

/** Opens what a crash left, maybe crashes that too, and uses the log again. */
async function checkImage(
  image: Image,
  random: Random,
  depth: number,
): Promise<string | undefined> {
  const { disk, moment, policy } = image
  const inner: SimulatedDisk[] = []
  const crashAt = depth > 0 ? random.below(40) : -1
  const innerPolicy = random.pick(POLICY_NAMES)
  disk.onOperation = (ordinal) => {
    if (ordinal === crashAt) inner.push(imageOf(disk, innerPolicy, random))
  }
  const wasKilled = policy === 'keep-all'
  const options = { maxFileSize: 2000, groupLimitBytes: 1500 }
  const log = await openSimulated(disk, options)
  disk.onOperation = undefined
  const found = await contentsOf(log)
  const { firstPosition, lastPosition } = log
  const wrong = violation(moment, found, firstPosition, lastPosition, wasKilled)
  if (wrong !== undefined) return `${policy} at ${image.at}: ${wrong}`
  // What was recovered is durable, and so is what follows.
  const more = Buffer.from('more')
  if ((await log.append(more)) !== lastPosition + 1) return `appends at the wrong position`
  const cut = disk.crashImage(CRASH_POLICIES['drop-all'], random)
  await log.close()
  for (const after of [disk, cut]) {
    const again = await openSimulated(after, options)
    if (again.recovery.dropped.length > 0 && after === disk)
      return 'drops something at a clean open'
    const kept = await contentsOf(again)
    if (again.lastPosition !== lastPosition + 1) return `${image.at}: loses what it recovered`
    for (const [position, record] of found) {
      if (kept.get(position)?.equals(record) !== true) return `${image.at}: changes ${position}`
    }
    if (kept.get(lastPosition + 1)?.equals(more) !== true) return 'loses what was appended'
    await again.close()
    if (after.openFileCount + after.lockCount > 0) return `leaks ${after.openFiles().join()}`
  }
  for (const next of inner) {
    const nested = { disk: next, moment, policy: innerPolicy, at: `${image.at}, then ${crashAt}` }
    // The first crash has taken what was not durable: the second one is no kill.
    const wrongAgain = await checkImage(
      { ...nested, policy: wasKilled && innerPolicy === 'keep-all' ? 'keep-all' : 'drop-all' },
      random,
      depth - 1,
    )
    if (wrongAgain !== undefined) return `${innerPolicy} after ${policy}: ${wrongAgain}`
  }
  return undefined
}

/** Lets a log live on a disk with `faults`, and takes images on the way. Returns how many. */
async function live(t: ExecutionContext, seed: number, faults: boolean): Promise<number> {
  const life = new Life(seed)
  const { disk, random, history } = life
  const images: Image[] = []
  const imageRandom = new Random(mixSeed(seed, 2))
  disk.onOperation = (ordinal, kind, path, phase) => {
    if (!imageRandom.percent(2)) return
    const policy = imageRandom.pick(POLICY_NAMES)
    images.push({
      disk: imageOf(disk, policy, imageRandom),
      moment: history.moment(),
      policy,
      at: `${ordinal} ${kind} ${path} ${phase}`,
    })
  }
  life.hasFaults = faults
  if (faults) await openUnder(life)
  else await life.open()
  for (let step = 0; step < 25; step++) {
    if (faults && random.percent(20)) disk.inject(randomFault(random, disk.operationCount))
    await life.step().catch((error: Error & { code?: string }) => {
      // An opening may fail of a fault.
      if (!faults || error.code !== 'LEVEL_IO_ERROR') life.problems.push(`threw ${String(error)}`)
    })
    if (faults && (life.log === undefined || life.log.failure !== undefined)) {
      await recoverFromFault(life)
    }
  }
  disk.heal()
  life.hasFaults = false
  await recoverFromFault(life)
  await life.settle()
  await life.checkReading()
  await life.close()
  t.deepEqual(life.problems, [], seeded(`run ${seed}`))
  disk.onOperation = undefined
  for (const image of images) {
    const wrong = await checkImage(image, imageRandom, 2).catch(
      (error: unknown) => `${image.policy} at ${image.at}: ${String(error)}`,
    )
    if (wrong !== undefined) {
      t.fail(seeded(`run ${seed}: ${wrong}`))
      break
    }
  }
  return images.length
}

const EFFECTS = ['fail', 'applied', 'partial', 'short', 'dropped'] as const
const KINDS = ['create', 'write', 'sync', 'sync-directory', 'rename', 'unlink', 'close'] as const

function randomFault(random: Random, now: number): Fault {
  return {
    effect: random.pick(EFFECTS),
    code: random.pick(['EIO', 'ENOSPC']),
    bytes: random.below(200),
    at: now + random.below(30),
    ...(random.percent(60) ? { kind: random.pick(KINDS) } : {}),
    times: random.percent(80) ? 1 : 3,
  }
}

async function openUnder(life: Life): Promise<void> {
  for (let tries = 0; tries < 10 && life.log === undefined; tries++) {
    await life.open().catch(() => undefined)
    if (life.log === undefined && tries === 8) life.disk.heal()
  }
}

/** Resumes, or gives the log up and opens it again; in the end the disk is healthy. */
async function recoverFromFault(life: Life): Promise<void> {
  const { random, disk, history } = life
  for (let tries = 0; ; tries++) {
    if (tries > 3) disk.heal()
    if (life.log === undefined) {
      await life.open().catch(() => undefined)
      if (life.log === undefined) {
        if (disk.openFileCount + disk.lockCount > 0) life.problems.push('leaks in a failed open')
        continue
      }
    }
    if (life.log.failure === undefined) return
    await life.settle()
    if (random.percent(40)) {
      await life.close()
      continue
    }
    try {
      await life.log.resume()
      history.resumed()
      if (life.log.lastPosition !== history.last) life.problems.push('resume changed the end')
      await life.checkReading()
    } catch {
      if (tries > 8) {
        life.problems.push('cannot resume on a healthy disk')
        return
      }
    }
  }
}

test('a crash anywhere leaves a prefix with everything durable, and so does one in the recovery', async (t) => {
  let images = 0
  for (let run = 0; run < (RUNS || 60); run++) images += await live(t, mixSeed(SEED, run), false)
  t.true(images > 0)
  t.log(`${images} images, SLUICE_SEED=${SEED}`)
})

test('faults anywhere: nothing durable is lost, and after resume() nothing that was acknowledged', async (t) => {
  let images = 0
  for (let run = 0; run < (RUNS || 100); run++) images += await live(t, mixSeed(SEED, run, 3), true)
  t.log(`${images} images, SLUICE_SEED=${SEED}`)
  t.pass()
})

test('a reader beside the writer, without its lock, sees each record once, in order', async (t) => {
  for (let run = 0; run < (RUNS || 30); run++) {
    const life = new Life(mixSeed(SEED, run, 4))
    const { disk, random, history } = life
    await life.open()
    life.readers = 2
    const stop = new AbortController()
    const seen: Buffer[] = []
    const follow = async (): Promise<void> => {
      const options = { follow: true, signal: stop.signal }
      const world = simulatedWorld(disk)
      for await (const { position, record } of readLogIn(world, '/data/wal', options)) {
        if (position !== seen.length + 1) life.problems.push(`${position} after ${seen.length}`)
        seen.push(record)
        if (stop.signal.aborted) return
      }
    }
    const following = follow().catch((error: Error & { code?: string }) => {
      if (error.code !== 'LEVEL_ABORTED') life.problems.push(`following: ${String(error)}`)
    })
    for (let step = 0; step < 40; step++) {
      for (let burst = random.below(5); burst >= 0; burst--) life.append(random.percent(50))
      if (random.percent(60)) await life.settle()
      if (random.percent(15)) await life.log!.rotate()
      if (random.percent(5)) {
        await life.close()
        await life.open()
      }
      await disk.linger()
    }
    await life.settle()
    while (seen.length < history.last && life.problems.length === 0) await disk.linger()
    stop.abort()
    await following
    await life.close()
    t.deepEqual(life.problems, [], seeded(`run ${run}`))
    const { acknowledged } = history.moment()
    t.true(seen.every((record, index) => record.equals(acknowledged[index]!)))
  }
})
