// The loop of real kills: a child writes, is killed with SIGKILL at a random moment, and what it
// left is opened and judged; then the next child goes on in the same directory.
//
//   child ── killed ── a copy is kept ── opened by us, or by C++ LevelDB ── judged ── next child
//
// What has to hold, every time:
//   Everything that was acknowledged is there, synced or not: a kill takes nothing from the kernel.
//   The state is the replay of a prefix of the calls in call order; batches are in it whole.
//   Recovery drops nothing but the torn end of the last log, or of the manifest.
//   Acknowledgements come in call order.
//   DB.verify finds no error in what the child left, a compaction under way or not.
//
// When the child dies, calls that nobody heard an acknowledgement of may be in the state too: each
// writer has one of these at most, and as many whose acknowledgement was not sent yet.

import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { ClassicLevel } from 'classic-level'
import { DB, type RecoveryReport } from '../../ts/index.ts'
import { History, NOTHING } from '../crash/history.ts'
import { mixSeed, Random } from '../crash/random.ts'
import { callOf, KEY_COUNT, keyOf, type Life, lifeOf, valueOf, writeOf } from './calls.ts'
import { DoomedChild } from './doomed-child.ts'

/** The child is killed this long after so many acknowledgements, or after it was started. */
const WRITING_CALLS = [1, 1, 100, 1000] as const
const WRITING_MS = { least: 5, most: 250 }
/** Nor does it live longer than this after its first one, however slow the disk is. */
const LONGEST_MS = 1500
const STARTING_MS = { least: 0, most: 150 }
const STARTING_PERCENT = 20
/** A writer that is still there after this does not even acknowledge anything. */
const HUNG_MS = 60_000
/** How often LevelDB is the one that recovers. */
const CLASSIC_PERCENT = 15
/** How often we recover twice. */
const AGAIN_PERCENT = 15

export interface KillOptions {
  /** Need not exist. Left as it is at the end; a copy beside it, `.killed`, is removed. */
  readonly directory: string
  readonly seed: number
  readonly kills: number
  /** The child's; ours and by default its is that of this process. */
  readonly binding?: 'native' | 'js'
  readonly onKill?: (counts: KillCounts) => void
}

export interface KillCounts {
  kills: number
  /** Kills before the child acknowledged anything. */
  early: number
  acknowledged: number
  /** Calls found in the state that nobody had heard an acknowledgement of, at the least. */
  unheard: number
  tornEnds: number
  strays: number
  recoveredByClassic: number
  /** Kills that left tables which no manifest names: outputs of a flush or a compaction, or inputs. */
  midway: number
  /** Openings that found tables below level 0. */
  leveled: number
}

/** A value in the database: who wrote it, and how long it is. */
interface Found {
  readonly write: number
  readonly sizeBytes: number
}

type State = readonly (Found | undefined)[]

export class KillViolation extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'KillViolation'
  }
}

/**
 * Kills so many children. Rejects with a KillViolation that names the seed, the kill and the copy
 * of the directory as the child left it.
 */
export async function runKills(options: KillOptions): Promise<KillCounts> {
  const counts = noCounts()
  const copy = `${options.directory}.killed`
  let state: State = Array.from({ length: KEY_COUNT }, () => undefined)
  let firstWrite = 0
  for (let kill = 0; kill < options.kills; kill++) {
    const seed = mixSeed(options.seed, kill)
    const life = lifeOf(seed)
    try {
      const heard = await liveAndDie(options, life, firstWrite)
      keepCopy(options.directory, copy)
      await verify(options.directory, counts)
      const history = historyOf(life, heard, state, firstWrite)
      state = await recover(options.directory, new Random(mixSeed(seed, 1)), history, state, counts)
      count(counts, history, heard, state)
      firstWrite = history.nextWrite
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      throw new KillViolation(`seed ${options.seed}, kill ${kill}, see ${copy}: ${what}`)
    }
    options.onKill?.(counts)
  }
  rmSync(copy, { recursive: true, force: true })
  return counts
}

export function noCounts(): KillCounts {
  return {
    kills: 0,
    early: 0,
    acknowledged: 0,
    unheard: 0,
    tornEnds: 0,
    strays: 0,
    recoveredByClassic: 0,
    midway: 0,
    leveled: 0,
  }
}

/** Runs a child and kills it; returns how many of its calls were heard to be acknowledged. */
async function liveAndDie(
  { directory, binding }: KillOptions,
  life: Life,
  firstWrite: number,
): Promise<number> {
  const random = new Random(mixSeed(life.seed, 2))
  const isEarly = random.percent(STARTING_PERCENT)
  const { least, most } = isEarly ? STARTING_MS : WRITING_MS
  const delayMs = random.between(least, most)
  const child = new DoomedChild(
    new URL('writer.js', import.meta.url),
    [directory, String(life.seed), String(firstWrite)],
    binding,
  )
  if (isEarly) child.killLater(delayMs)
  const writingCalls = random.pick(WRITING_CALLS)
  return child.live(HUNG_MS, (reports) =>
    hear(reports, (heard) => {
      if (heard === 1) child.killLater(LONGEST_MS)
      if (heard === writingCalls && !isEarly) child.killLater(delayMs)
    }),
  )
}

/** Reads what the child says to its end, and counts the acknowledgements. */
async function hear(reports: Readable, onCall: (heard: number) => void): Promise<number> {
  let heard = 0
  for await (const line of createInterface({ input: reports })) {
    if (line === 'opened') continue
    for (const word of line.split(' ')) {
      if (Number(word) !== heard) throw new Error(`call ${word} acknowledged after ${heard} calls`)
      onCall(++heard)
    }
  }
  return heard
}

function keepCopy(directory: string, copy: string): void {
  rmSync(copy, { recursive: true, force: true })
  if (existsSync(directory)) cpSync(directory, copy, { recursive: true })
}

/** A kill leaves files that nothing needs, and torn ends, but no damage. */
async function verify(directory: string, counts: KillCounts): Promise<void> {
  if (!existsSync(directory) || readdirSync(directory).every((name) => /^LO(CK|G)$/.test(name))) {
    return
  }
  const { problems } = await DB.verify(directory)
  const error = problems.find(({ severity, code }) => severity === 'error' && code !== 'current')
  if (error !== undefined) throw new Error(`verify: ${error.message} in ${error.file}`)
  if (problems.some(({ code, file }) => code === 'orphan-file' && file.endsWith('.ldb'))) {
    counts.midway++
  }
}

/** What the child may have called, and what it heard. */
function historyOf(life: Life, heard: number, state: State, firstWrite: number): History {
  const base = state.map((found) => found?.write ?? NOTHING)
  const history = new History(KEY_COUNT, base, firstWrite)
  for (let index = 0; index < heard + 2 * life.writers; index++) {
    const { writes, sync } = callOf(life, index)
    const call = history.issue(writes, sync)
    if (index < heard) history.acknowledge(call)
  }
  return history
}

async function recover(
  directory: string,
  random: Random,
  history: History,
  before: State,
  counts: KillCounts,
): Promise<State> {
  const byClassic = existsSync(directory) && random.percent(CLASSIC_PERCENT)
  const read = byClassic ? readByClassic : readByUs
  const state = await read(directory, counts)
  if (byClassic) counts.recoveredByClassic++
  judge(state, history, before)
  if (random.percent(AGAIN_PERCENT)) {
    const again = await readByUs(directory, counts)
    judge(again, history, before)
    const same = again.every((found, key) => found?.write === state[key]?.write)
    if (!same) throw new Error('a second recovery gives another state')
  }
  return state
}

function judge(state: State, history: History, before: State): void {
  state.forEach((found, key) => {
    if (found === undefined) return
    const { write, sizeBytes } = found
    const expected = history.expected(write)
    const isOfBefore = before[key]?.write === write && before[key].sizeBytes === sizeBytes
    if (isOfBefore || (expected?.key === key && expected.sizeBytes === sizeBytes)) return
    throw new Error(`key ${key} has a value that nobody wrote: write ${write}, ${sizeBytes} bytes`)
  })
  const writes = state.map((found) => found?.write ?? NOTHING)
  const wrong = history.judge(writes, history.time, 'kill')
  if (wrong !== undefined) throw new Error(wrong)
}

async function readByUs(directory: string, counts: KillCounts): Promise<State> {
  const lastLog = existsSync(directory) ? lastLogOf(directory) : undefined
  const db = await DB.open(directory, { createIfMissing: true })
  try {
    checkReport(db.recovery, lastLog, counts)
    if (db.stats().levels.some(({ files }, level) => level > 0 && files > 0)) counts.leveled++
    return Array.from({ length: KEY_COUNT }, (_, key) => foundIn(db.getSync(keyOf(key)), key))
  } finally {
    await db.close()
  }
}

function checkReport(
  { dropped, lostSequences, movedToLost }: RecoveryReport,
  lastLog: string | undefined,
  counts: KillCounts,
): void {
  for (const { file, offset, reason } of dropped) {
    const name = basename(file)
    if (name !== lastLog && !name.startsWith('MANIFEST-')) {
      throw new Error(`${name} was dropped from ${offset}: ${reason}`)
    }
  }
  if (lostSequences > 0) throw new Error(`${lostSequences} sequences are lost`)
  counts.tornEnds += dropped.length
  counts.strays += movedToLost.length
}

/** By what it lists: a key too many is seen too. */
async function readByClassic(directory: string): Promise<State> {
  const level = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  await level.open()
  try {
    const values = new Map<string, Buffer>()
    for await (const [key, value] of level.iterator()) values.set(key.toString('latin1'), value)
    const state = Array.from({ length: KEY_COUNT }, (_, key) => {
      const name = keyOf(key).toString('latin1')
      const found = foundIn(values.get(name), key)
      values.delete(name)
      return found
    })
    if (values.size > 0) throw new Error(`${values.size} keys that nobody wrote`)
    return state
  } finally {
    await level.close()
  }
}

function foundIn(value: Buffer | undefined, key: number): Found | undefined {
  if (value === undefined) return undefined
  const write = writeOf(value)
  if (valueOf(write, value.length).equals(value)) return { write, sizeBytes: value.length }
  const start = value.toString('latin1', 0, 16)
  throw new Error(`key ${key} has ${value.length} bytes that nobody wrote: ${start}`)
}

function lastLogOf(directory: string): string | undefined {
  const logs = readdirSync(directory).filter((name) => name.endsWith('.log'))
  return logs.toSorted().at(-1)
}

function count(counts: KillCounts, history: History, heard: number, state: State): void {
  counts.kills++
  counts.acknowledged += heard
  if (heard === 0) counts.early++
  const lastWrite = Math.max(...state.map((found) => found?.write ?? NOTHING))
  const lastCall = history.calls.findLastIndex(({ firstWrite }) => firstWrite <= lastWrite)
  counts.unheard += Math.max(0, lastCall + 1 - heard)
}
