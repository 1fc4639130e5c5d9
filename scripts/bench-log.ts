// Measures `sluicedb/log`: durable appends per second beside callers that each write and sync.
//
//   node dist/scripts/bench-log.js [--slices 20] [--ms 200] [--size 100]
//
// For 1, 16, 256 and 4,096 callers, of which each awaits one append after the other: the two ways take
// turns, in so many slices of so many milliseconds, so that whatever else the machine does meets both.
// Then all of it is read back.
//
//   plain   fs.write to the end of one file, then fs.fdatasync, as a server without a log would
//   log     Log.append, durable
//
// The figure of a row is the median of its slices.

import fs from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Log } from '../ts/journal/index.ts'
import { count, median, ratio, table } from './figures.ts'
import { makeScratchDirectory } from './scratch.ts'

const CALLERS = [1, 16, 256, 4096]

const { values } = parseArgs({
  options: {
    slices: { type: 'string', default: '20' },
    ms: { type: 'string', default: '200' },
    size: { type: 'string', default: '100' },
  },
})
const slices = Number(values.slices)
const durationMs = Number(values.ms)
const record = Buffer.alloc(Number(values.size), 'r')
const scratch = makeScratchDirectory()

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

/** A row of the table. */
async function compare(callers: number): Promise<string[]> {
  const path = join(scratch, String(callers))
  const log = await Log.open(path, { createIfMissing: true })
  const descriptor = fs.openSync(`${path}.plain`, 'a')
  const appendPlain = (): Promise<void> =>
    new Promise((resolve, reject) => {
      fs.write(descriptor, record, (writeError) => {
        if (writeError !== null) return reject(writeError)
        fs.fdatasync(descriptor, (error) => (error ? reject(error) : resolve()))
      })
    })
  const plain: number[] = []
  const logged: number[] = []
  for (let slice = 0; slice < slices; slice++) {
    plain.push(await run(callers, appendPlain))
    logged.push(await run(callers, () => log.append(record)))
  }
  const { appends, syncs } = log.stats()
  await log.close()
  fs.closeSync(descriptor)
  const [before, now] = [median(plain), median(logged)]
  return [count(callers), count(before), count(now), ratio(now, before), count(appends / syncs)]
}

/** Records per second, of what the last row has left. */
async function readRate(path: string): Promise<number> {
  let records = 0
  const startMs = performance.now()
  for await (const { record: bytes } of Log.read(path)) {
    if (bytes.length !== record.length) throw new Error('not what was written')
    records++
  }
  return (records * 1000) / (performance.now() - startMs)
}

const rows: string[][] = []
for (const callers of CALLERS) rows.push(await compare(callers))
console.log(`durable appends of ${record.length} bytes a second, median of ${slices} slices`)
console.log(table([['callers', 'write + fdatasync', 'log', '', 'appends a sync'], ...rows]))
const rate = await readRate(join(scratch, String(CALLERS.at(-1))))
console.log(`read back: ${count(rate)} records a second`)
