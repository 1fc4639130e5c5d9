// One round of a soak: a child lives and is killed, and what it left is opened, read whole in two
// ways, compared with the oracle, and at times compacted and measured. `DB.verify` looks at the
// files before and after. At times it is read beside the living child too.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { mixSeed, Random } from '../../test/crash/random.ts'
import { callOf } from '../../test/kill/calls.ts'
import { DoomedChild } from '../../test/kill/doomed-child.ts'
import { DB } from '../../ts/index.ts'
import { getAll, getAllSync, scanAll } from './contents.ts'
import { diskUse, type DiskUse } from './gauges.ts'
import { type Life, lifeOf } from './life.ts'
import type { Oracle } from './oracle.ts'
import { encodeOracle, type Gauges } from './reports.ts'

/** The child is killed this long after it opened the database, or after it was started. */
const WORKING_MS = { least: 200, most: [1000, 3000, 20_000] }
const STARTING_MS = { least: 0, most: [400] }
const STARTING_PERCENT = 10
/** A child that says nothing at all for so long hangs. */
const HUNG_MS = 300_000
const COMPACT_PERCENT = 20
/** How often it is opened, to be read only, beside the living child. */
const LOOK_PERCENT = 30
/** Of the database after compactRange: a log, a manifest, and blocks that are not full. */
const DISK_ALLOWANCE_BYTES = 16 * 2 ** 20
const DISK_SHARE = 1.3

export interface Round {
  readonly seed: number
  readonly directory: string
  readonly stateFile: string
}

export interface RoundResult {
  readonly acknowledged: number
  /** Calls found in the state that nobody had heard an acknowledgement of. */
  readonly unheard: number
  readonly gauges: readonly Gauges[]
  readonly disk: DiskUse
  readonly isCompacted: boolean
  /** Whether it was read beside the living child. */
  readonly isLooked: boolean
}

interface Heard {
  acknowledged: number
  readonly gauges: Gauges[]
}

/** Brings `oracle` to what the database holds afterwards. Rejects with what is wrong. */
export async function runKillRound(round: Round, oracle: Oracle): Promise<RoundResult> {
  const { seed, directory, stateFile } = round
  const life = lifeOf(seed, oracle.writes.length)
  writeFileSync(stateFile, encodeOracle(oracle))
  const { heard, isLooked } = await liveAndDie(round, life, oracle)
  for (let index = 0; index < heard.acknowledged; index++) oracle.apply(callOf(life, index))
  const random = new Random(mixSeed(seed, 3))
  // A child that was killed early may not have made one.
  if (existsSync(join(directory, 'CURRENT'))) await verify(directory, 'as it was left')
  const db = await DB.open(directory, life.options)
  try {
    const unheard = await judge(db, life, oracle, heard.acknowledged)
    const isCompacted = random.percent(COMPACT_PERCENT)
    if (isCompacted) await compactAndJudge(db, oracle, directory)
    return { ...heard, unheard, disk: diskUse(directory), isCompacted, isLooked }
  } finally {
    await db.close()
    await verify(directory, 'after it was closed')
  }
}

async function liveAndDie(
  { seed, directory, stateFile }: Round,
  life: Life,
  before: Oracle,
): Promise<{ readonly heard: Heard; readonly isLooked: boolean }> {
  const random = new Random(mixSeed(seed, 2))
  const isEarly = random.percent(STARTING_PERCENT)
  const { least, most } = isEarly ? STARTING_MS : WORKING_MS
  const delayMs = random.between(least, random.pick(most))
  const isLooking = !isEarly && random.percent(LOOK_PERCENT)
  const args = [directory, String(seed), String(life.keyCount), stateFile]
  const child = new DoomedChild(new URL('child.js', import.meta.url), args)
  const heard: Heard = { acknowledged: 0, gauges: [] }
  let look: Promise<void> | undefined
  if (isEarly) child.killLater(delayMs)
  await child.live(HUNG_MS, (reports) =>
    hear(reports, heard, () => {
      if (isEarly) return
      child.killLater(delayMs)
      if (isLooking) {
        look = sleep(delayMs / 2).then(() => lookBeside(directory, life, before.copy(), heard))
        // It is awaited when the child is gone; until then a failure of it is no unhandled one.
        look.catch(() => undefined)
      }
    }),
  )
  await look
  return { heard, isLooked: look !== undefined }
}

/** Reads the database while the child writes: it must be in the state after some number of calls. */
async function lookBeside(
  directory: string,
  life: Life,
  oracle: Oracle,
  heard: Heard,
): Promise<void> {
  const least = heard.acknowledged
  const db = await DB.open(directory, { readOnly: true })
  try {
    const most = heard.acknowledged + 2 * life.writers
    for (let index = 0; index < least; index++) oracle.apply(callOf(life, index))
    const found = await scanAll(db, life.keyCount, false)
    oracle.catchUp(found, (index) => callOf(life, least + index), most - least)
    compare('get, beside the writer', oracle, await getAll(db, life.keyCount))
    compare('scan, beside the writer', oracle, await scanAll(db, life.keyCount, true))
  } finally {
    await db.close()
  }
}

async function hear(reports: Readable, heard: Heard, onOpened: () => void): Promise<void> {
  for await (const line of createInterface({ input: reports })) {
    const space = line.indexOf(' ')
    const [word, rest] = [line.slice(0, Math.max(0, space)), line.slice(space + 1)]
    if (line === 'opened') onOpened()
    else if (word === 'acknowledged') heard.acknowledged = Number(rest)
    else if (word === 'gauges') heard.gauges.push(JSON.parse(rest) as Gauges)
    else throw new Error(`the child says ${line}`)
  }
}

async function judge(db: DB, life: Life, oracle: Oracle, acknowledged: number): Promise<number> {
  const { dropped, lostSequences } = db.recovery
  // A kill tears the end of the last log or of the manifest, and nothing else.
  if (dropped.length > 1 || lostSequences > 0) {
    throw new Error(`the recovery dropped what a kill cannot: ${JSON.stringify(db.recovery)}`)
  }
  const found = await scanAll(db, life.keyCount, false)
  // Each writer has one call under way, and as many whose acknowledgement was not said yet.
  const most = 2 * life.writers
  const unheard = oracle.catchUp(found, (index) => callOf(life, acknowledged + index), most)
  compare('getSync', oracle, getAllSync(db, life.keyCount))
  return unheard
}

async function compactAndJudge(db: DB, oracle: Oracle, directory: string): Promise<void> {
  const keyCount = oracle.writes.length
  await db.compactRange()
  compare('getSync after compactRange', oracle, getAllSync(db, keyCount))
  compare('get after compactRange', oracle, await getAll(db, keyCount))
  compare('reverse scan after compactRange', oracle, await scanAll(db, keyCount, true))
  const { bytes } = diskUse(directory)
  const allowed = oracle.liveBytes * DISK_SHARE + DISK_ALLOWANCE_BYTES
  if (bytes > allowed) {
    throw new Error(`${bytes} bytes on the disk after compactRange for ${oracle.liveBytes} live`)
  }
}

function compare(how: string, oracle: Oracle, found: Uint32Array): void {
  const difference = oracle.difference(found)
  if (difference !== undefined) throw new Error(`${how}: ${difference}`)
}

async function verify(directory: string, when: string): Promise<void> {
  const report = await DB.verify(directory)
  if (!report.ok) throw new Error(`verify ${when}: ${JSON.stringify(report.problems)}`)
}
