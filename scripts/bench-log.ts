// Measures `sluicedb/log`: durable appends per second beside callers that each write and sync.
//
//   node dist/scripts/bench-log.js [--rounds 3] [--seconds 2] [--size 100]
//
// Steps, in each round and for 1, 16, 256 and 4,096 callers: every caller awaits one append after the
// other, for so many seconds; the two ways take turns. Then all of it is read back.
//
//   plain   fs.write to the end of one file, then fs.fdatasync, as a server without a log would
//   log     Log.append, durable
//
// The figure of a row is the median of its rounds.

import fs from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Log } from '../ts/journal/index.ts'
import { count, median, ratio, table } from './figures.ts'
import { makeScratchDirectory } from './scratch.ts'

const CALLERS = [1, 16, 256, 4096]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    size: { type: 'string', default: '100' },
  },
})
const rounds = Number(values.rounds)
const durationMs = Number(values.seconds) * 1000
const record = Buffer.alloc(Number(values.size), 'r')
const scratch = makeScratchDirectory()

interface Rate {
  readonly perSecond: number
  readonly perSync: number
}

/** `callers` times `append`, one after the other each, until the time is over. */
async function run(callers: number, append: () => Promise<unknown>): Promise<number> {
  let appends = 0
  const startMs = performance.now()
  const endMs = startMs + durationMs
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await append()
      appends++
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return (appends * 1000) / (performance.now() - startMs)
}

async function runPlain(callers: number, path: string): Promise<Rate> {
  const descriptor = fs.openSync(path, 'a')
  const append = (): Promise<void> =>
    new Promise((resolve, reject) => {
      fs.write(descriptor, record, (writeError) => {
        if (writeError !== null) return reject(writeError)
        fs.fdatasync(descriptor, (error) => (error ? reject(error) : resolve()))
      })
    })
  const perSecond = await run(callers, append)
  fs.closeSync(descriptor)
  return { perSecond, perSync: 1 }
}

async function runLog(callers: number, path: string): Promise<Rate> {
  const log = await Log.open(path, { createIfMissing: true })
  const perSecond = await run(callers, () => log.append(record))
  const { appends, syncs } = log.stats()
  await log.close()
  return { perSecond, perSync: appends / syncs }
}

async function readRate(path: string): Promise<{ records: number; perSecond: number }> {
  let records = 0
  const startMs = performance.now()
  for await (const { record: bytes } of Log.read(path)) {
    if (bytes.length !== record.length) throw new Error('not what was written')
    records++
  }
  return { records, perSecond: (records * 1000) / (performance.now() - startMs) }
}

const plain = new Map<number, number[]>(CALLERS.map((callers) => [callers, []]))
const logged = new Map<number, Rate[]>(CALLERS.map((callers) => [callers, []]))
const reads: number[] = []
for (let round = 0; round < rounds; round++) {
  for (const callers of CALLERS) {
    const path = join(scratch, `${round}-${callers}`)
    plain.get(callers)!.push((await runPlain(callers, `${path}.plain`)).perSecond)
    logged.get(callers)!.push(await runLog(callers, path))
    if (callers === CALLERS.at(-1)) reads.push((await readRate(path)).perSecond)
    fs.rmSync(`${path}.plain`)
    fs.rmSync(path, { recursive: true })
  }
}

console.log(`durable appends of ${record.length} bytes a second, median of ${rounds} rounds`)
console.log(
  table([
    ['callers', 'write + fdatasync', 'log', '', 'appends a sync'],
    ...CALLERS.map((callers) => {
      const before = median(plain.get(callers)!)
      const now = median(logged.get(callers)!.map(({ perSecond }) => perSecond))
      const perSync = median(logged.get(callers)!.map((rate) => rate.perSync))
      return [count(callers), count(before), count(now), ratio(now, before), count(perSync)]
    }),
  ]),
)
console.log(`read back: ${count(median(reads))} records a second`)
