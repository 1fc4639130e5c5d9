// Appends to the log in argv[2] until it is killed, and reports each position that was acknowledged.
//
// The record of position p says so, and is as long as p asks for: whoever reads it knows it.

import fs from 'node:fs'
import { Log } from '../../ts/journal/index.ts'
import { REPORTS } from '../kill/doomed-child.ts'
import { recordAt } from './positioned-record.ts'

const CALLERS = 20

const [, , path] = process.argv as [string, string, string]
const log = await Log.open(path, { createIfMissing: true, maxFileSize: 64 * 1024 })
let calls = log.lastPosition
fs.writeSync(REPORTS, `${log.lastPosition}\n`)

async function caller(sync: boolean): Promise<void> {
  for (;;) {
    const expected = ++calls
    const position = await log.append(recordAt(expected), { sync })
    if (position !== expected) throw new Error(`${position} for ${expected}`)
    fs.writeSync(REPORTS, `${position}\n`)
    if (position % 500 === 0) await log.removeBefore(position - 400)
  }
}

await Promise.all(Array.from({ length: CALLERS }, (_, i) => caller(i % 4 > 0)))
