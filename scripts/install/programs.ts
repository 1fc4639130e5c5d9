// What a user's program does with the installed package: everything that depends on how it was
// installed. Each one takes the database's directory as its argument, opens it twice, has tables made
// and merged, which starts a worker thread, and prints one line of JSON.

export interface Answer {
  readonly kind: 'native' | 'js'
  readonly reason?: string
  readonly entries: number
  readonly value: string
}

/** What must come of it, whatever the binding. */
export const ENTRIES = 200
export const VALUE = 'value 42'

const MAIN = `
async function main(directory) {
  const db = await DB.open(directory, { createIfMissing: true })
  const key = (i) => Buffer.from('key ' + String(i).padStart(4, '0'))
  for (let round = 0; round < 2; round++) {
    const writes = []
    for (let i = 0; i < 200; i++) {
      writes.push(db.put(key(i), Buffer.from('value ' + i), { sync: i % 50 === 0 }))
    }
    await Promise.all(writes)
    await db.write(null)
  }
  await db.compactRange()
  await db.close()
  const level = new SluiceLevel(directory)
  const value = await level.get('key 0042')
  const entries = (await level.keys().all()).length
  await level.close()
  return { ...binding, entries, value }
}
`

const PRINT = `
main(process.argv[2]).then((answer) => console.log(JSON.stringify(answer)))
`

export const ESM: string = `import { DB, SluiceLevel, binding } from 'sluicedb'\n${MAIN}${PRINT}`

export const COMMON_JS: string = `const { DB, SluiceLevel, binding } = require('sluicedb')\n${MAIN}${PRINT}`

/** Only reads what another program wrote. */
export const READER: string = `
import { DB, binding } from 'sluicedb'
const db = await DB.open(process.argv[2], { readOnly: true })
let entries = 0
for await (const _entry of db.iterator()) entries++
const value = String(await db.get(Buffer.from('key 0042')))
await db.close()
console.log(JSON.stringify({ ...binding, entries, value }))
`

/** ESM's in a worker thread, which the main thread starts with this very file. */
export const IN_WORKER: string = `
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { DB, SluiceLevel, binding } from 'sluicedb'
${MAIN}
if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: process.argv[2] })
  worker.on('message', (answer) => console.log(JSON.stringify(answer)))
} else {
  main(workerData).then((answer) => parentPort.postMessage(answer))
}
`

/** For tsc, without skipLibCheck: our declarations are checked with it. */
export const TYPESCRIPT: string = `
import {
  DB,
  SluiceError,
  SluiceLevel,
  WriteBatch,
  binding,
  type DBIterator,
  type DatabaseStats,
} from 'sluicedb'
import { Log, type LogRecord } from 'sluicedb/log'

async function logged(directory: string): Promise<LogRecord[]> {
  const log: Log = await Log.open(directory, { createIfMissing: true })
  await log.append(Buffer.from('one'))
  const records: LogRecord[] = []
  for await (const record of log.read()) records.push(record)
  await log.close()
  return records
}

async function main(directory: string): Promise<object> {
  const db: DB = await DB.open(directory, { createIfMissing: true })
  for (let round = 0; round < 2; round++) {
    const batch = new WriteBatch()
    for (let i = 0; i < 200; i++) {
      batch.put(Buffer.from('key ' + String(i).padStart(4, '0')), Buffer.from('value ' + i))
    }
    await db.write(batch, { sync: true })
    await db.write(null)
  }
  await db.compactRange()
  const stats: DatabaseStats = db.stats()
  const iterator: DBIterator = db.iterator({ limit: 1 })
  await iterator.close()
  await db.close()
  const level = new SluiceLevel<string, string>(directory)
  const value: string | undefined = await level.get('key 0042')
  const entries: number = (await level.keys().all()).length
  const inner = level.sublevel('a').sublevel<string, object>('b', { valueEncoding: 'json' })
  await inner.open()
  inner.putSync('c', { d: 1 })
  // Other programs count the entries of this database.
  inner.delSync('c')
  await level.close()
  if ((await logged(directory + '-log')).length === 0) throw new Error('no record')
  // @ts-expect-error a number is no key
  await db.put(1, Buffer.alloc(0)).catch((error: unknown) => error instanceof SluiceError)
  return { ...binding, entries, value, levels: stats.levels.length }
}

main(process.argv[2]!).then((answer) => console.log(JSON.stringify(answer)))
`
