// The child that is killed: `writer.js DIRECTORY SEED FIRST-WRITE`, many writers in one database.
//
// Call i is issued before call i + 1. What it says on descriptor 3, a line each:
//
//   opened           the database is open
//   12 13 14         these calls are acknowledged: sent when their promises have resolved, at the
//                    end of the microtasks of that turn, so before the database does anything else
//
// It ends by being killed; an error of its own ends it with an exit code.

import { writeSync } from 'node:fs'
import { DB } from '../../ts/db/database.ts'
import { openEngine } from '../../ts/db/open.ts'
import { realEnvironment } from '../../ts/db/real-environment.ts'
import { WriteBatch } from '../../ts/index.ts'
import { callOf, keyOf, lifeOf, type PlannedCall, valueOf } from './calls.ts'
import { REPORTS } from './doomed-child.ts'

const [directory = '', seed, firstWrite] = process.argv.slice(2)
const life = lifeOf(Number(seed))

// The next ones to be issued.
let nextCall = 0
let nextWrite = Number(firstWrite)
let acknowledged: number[] = []

for (;;) {
  const environment = { ...realEnvironment(), levelLimits: life.levelLimits }
  const db = new DB(directory, await openEngine(directory, life.options, environment))
  say('opened')
  const lastCall = nextCall + life.callsPerOpening
  await Promise.all(Array.from({ length: life.writers }, () => writeUntil(db, lastCall)))
  await db.close()
}

async function writeUntil(db: DB, lastCall: number): Promise<void> {
  while (nextCall < lastCall) {
    const index = nextCall++
    const settled = issue(db, callOf(life, index))
    const isSwitching = index % life.callsPerSwitch === life.callsPerSwitch - 1
    const switched = isSwitching ? db.write(null) : undefined
    await settled
    if (acknowledged.length === 0) queueMicrotask(report)
    acknowledged.push(index)
    await switched
  }
}

function issue(db: DB, { writes, sync }: PlannedCall): Promise<void> {
  const number = nextWrite
  nextWrite += writes.length
  const [first] = writes
  if (writes.length === 1 && first !== undefined) {
    const { key, sizeBytes } = first
    return sizeBytes === undefined
      ? db.delete(keyOf(key), { sync })
      : db.put(keyOf(key), valueOf(number, sizeBytes), { sync })
  }
  const batch = new WriteBatch()
  writes.forEach(({ key, sizeBytes }, i) => {
    if (sizeBytes === undefined) batch.delete(keyOf(key))
    else batch.put(keyOf(key), valueOf(number + i, sizeBytes))
  })
  return db.write(batch, { sync })
}

function report(): void {
  say(acknowledged.join(' '))
  acknowledged = []
}

// On the calling thread: a kill finds nothing that was said still on its way.
function say(line: string): void {
  writeSync(REPORTS, `${line}\n`)
}
