// Hours of mixed work on one database, in children that are killed, and what it does to memory,
// descriptors and the disk.
//
//   node dist/scripts/soak.js --minutes 240 --seed 7
//       --keys 50000            keys of the database
//       --load-every 10         rounds between two loads; 0 for none
//       --load-entries 1000000  of a load, every key of which is read again
//       --root DIRECTORY        where the database is made; by default that for temporary files
//
//   round   child: puts, batches, deletions, synced or not, reads of every kind, snapshots,
//           compactRange, reopening ── SIGKILL ── opened, read whole, compared, verified
//   load    random load, compactRange, every key by getSync, get and scans, opened again, again
//
// The exit code is 0 only when nothing was found. What a failure left is kept, and its path printed.
// The seed chooses what is done and when a child is killed, but not how far it has come by then.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mixSeed } from '../test/crash/random.ts'
import { count, fixed, median, megabytes } from './figures.ts'
import { descriptorCount } from './soak/gauges.ts'
import { type RoundResult, runKillRound } from './soak/kill-round.ts'
import { runLoadRound } from './soak/load-round.ts'
import { Oracle } from './soak/oracle.ts'
import { endAllSubprocesses } from './subprocess.ts'

const REPORT_EVERY_MS = 60_000
/** A child has memtables, caches of up to 64 MiB, three oracles and a worker. */
const MOST_CHILD_BYTES = 1.5e9
/** Beside the tables it may keep open. */
const MOST_CHILD_DESCRIPTORS = 1200
/** This process opens a database every round: what it keeps of them would show here. */
const MOST_GROWTH = 1.5
const GROWTH_ALLOWANCE_BYTES = 100e6

interface Totals {
  rounds: number
  loads: number
  acknowledged: number
  unheard: number
  compactions: number
  looks: number
  stallMs: number
  childBytes: number
  childDescriptors: number
  diskBytes: number
  liveBytes: number
  lostBytes: number
  /** Of this process, after each round. */
  readonly ownBytes: number[]
  readonly ownDescriptors: number[]
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    keys: { type: 'string', default: '50000' },
    'load-every': { type: 'string', default: '10' },
    'load-entries': { type: 'string', default: '1000000' },
    root: { type: 'string', default: tmpdir() },
  },
})

const startMs = Date.now()
const endMs = startMs + Number(values.minutes) * 60_000
const seed = Number(values.seed)
const loadEvery = Number(values['load-every'])
const scratch = mkdtempSync(join(values.root, 'sluicedb-soak-'))
const totals: Totals = {
  rounds: 0,
  loads: 0,
  acknowledged: 0,
  unheard: 0,
  compactions: 0,
  looks: 0,
  stallMs: 0,
  childBytes: 0,
  childDescriptors: 0,
  diskBytes: 0,
  liveBytes: 0,
  lostBytes: 0,
  ownBytes: [],
  ownDescriptors: [],
}

function add(result: RoundResult, oracle: Oracle): void {
  const { gauges, disk } = result
  totals.rounds++
  totals.acknowledged += result.acknowledged
  totals.unheard += result.unheard
  totals.compactions += result.isCompacted ? 1 : 0
  totals.looks += result.isLooked ? 1 : 0
  totals.stallMs += gauges.at(-1)?.stallMs ?? 0
  for (const { rssBytes, descriptors } of gauges) {
    totals.childBytes = Math.max(totals.childBytes, rssBytes)
    totals.childDescriptors = Math.max(totals.childDescriptors, descriptors)
  }
  totals.diskBytes = disk.bytes
  totals.lostBytes = disk.lostBytes
  totals.liveBytes = oracle.liveBytes
  totals.ownBytes.push(process.memoryUsage.rss())
  totals.ownDescriptors.push(descriptorCount())
}

/** Throws when a process takes more and more. */
function checkGauges(): void {
  const { childBytes, childDescriptors, ownBytes } = totals
  if (childBytes > MOST_CHILD_BYTES) throw new Error(`a child took ${megabytes(childBytes)}`)
  if (childDescriptors > MOST_CHILD_DESCRIPTORS) {
    throw new Error(`a child had ${childDescriptors} descriptors open`)
  }
  const quarter = ownBytes.length >> 2
  if (quarter < 5) return
  const [before, after] = [ownBytes.slice(quarter, 2 * quarter), ownBytes.slice(-quarter)].map(
    median,
  )
  if (after! > before! * MOST_GROWTH + GROWTH_ALLOWANCE_BYTES) {
    throw new Error(`the checking process grew from ${megabytes(before!)} to ${megabytes(after!)}`)
  }
}

function describe(): string {
  const { ownBytes, ownDescriptors } = totals
  return (
    `${fixed((Date.now() - startMs) / 60_000, 1)} min: ${totals.rounds} kills, ${totals.loads} loads, ` +
    `${count(totals.acknowledged)} calls acknowledged, ${totals.unheard} unheard of, ` +
    `${totals.compactions} compactRange judged, ${totals.looks} read beside the writer; disk ${megabytes(totals.diskBytes)} for ` +
    `${megabytes(totals.liveBytes)} live, lost/ ${megabytes(totals.lostBytes)}; children at most ` +
    `${megabytes(totals.childBytes)} and ${totals.childDescriptors} descriptors, this process ` +
    `${megabytes(ownBytes.at(-1) ?? 0)} and ${ownDescriptors.at(-1) ?? 0}; ` +
    `stalls ${fixed(totals.stallMs / 1000, 1)} s`
  )
}

async function soak(): Promise<void> {
  const oracle = Oracle.empty(Number(values.keys))
  let reportedMs = startMs
  for (let round = 0; Date.now() < endMs; round++) {
    const roundSeed = mixSeed(seed, round)
    if (loadEvery > 0 && round % loadEvery === 0) {
      const path = join(scratch, 'load')
      await runLoadRound(path, Number(values['load-entries']), roundSeed)
      rmSync(path, { recursive: true })
      totals.loads++
    }
    const paths = { directory: join(scratch, 'db'), stateFile: join(scratch, 'state') }
    try {
      add(await runKillRound({ seed: roundSeed, ...paths }, oracle), oracle)
    } catch (error) {
      throw new Error(`round ${round} (its seed ${roundSeed})`, { cause: error })
    }
    checkGauges()
    if (Date.now() - reportedMs < REPORT_EVERY_MS) continue
    reportedMs = Date.now()
    console.log(describe())
  }
}

try {
  await soak()
  rmSync(scratch, { recursive: true })
} catch (error) {
  console.log(`FAILED, seed ${seed}, what is left is in ${scratch}`)
  console.log(error)
  process.exitCode = 1
} finally {
  await endAllSubprocesses()
}
console.log(`${describe()}; seed ${seed}`)
