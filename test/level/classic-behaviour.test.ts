// What classic-level promises beyond abstract-level's suite: what closing waits for, the lock, memory
// that is collected, threads and processes that end with everything open.

import fs from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { SluiceLevel } from '../../ts/index.ts'
import { runChild } from '../platform/child-process.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { openLevel } from './open-level.ts'

const PENDING: Readonly<Record<string, (db: SluiceLevel) => Promise<unknown>>> = {
  get: (db) => db.get('a'),
  getMany: (db) => db.getMany(['a', 'b']),
  has: (db) => db.has('a'),
  put: (db) => db.put('b', '1'),
  'put with sync': (db) => db.put('b', '1', { sync: true }),
  del: (db) => db.del('a', { sync: true }),
  batch: (db) => db.batch([{ type: 'put', key: 'b', value: '1' }], { sync: true }),
  'a chained batch': (db) => db.batch().put('b', '1').write({ sync: true }),
  clear: (db) => db.clear({ sync: true }),
  approximateSize: (db) => db.approximateSize('a', 'z'),
  compactRange: (db) => db.compactRange('a', 'z'),
}

for (const [name, call] of Object.entries(PENDING)) {
  test(`close() waits for ${name}`, async (t) => {
    const db = await openLevel(t)
    await db.put('a', '1')
    let isDone = false
    const calling = call(db).then(() => {
      isDone = true
    })
    await db.close()
    t.true(isDone)
    await calling
  })
}

test('the iterator hands out as many bytes at once as the mark is, and at least one entry', async (t) => {
  const db = await openLevel(t)
  // Entries of two bytes.
  await db.batch().put('a', '0').put('b', '1').put('c', '2').put('d', '3').write()
  for (const [highWaterMarkBytes, count] of [
    [0, 1],
    [1, 1],
    [2, 2],
    [3, 2],
    [100, 4],
    [Number.POSITIVE_INFINITY, 4],
  ] as const) {
    const iterator = db.iterator({ highWaterMarkBytes })
    t.is((await iterator.nextv(1000)).length, count, `${highWaterMarkBytes}`)
    await iterator.close()
  }
})

test('the directory is made with its parents, but only where a database may be made', async (t) => {
  const location = join(scratchDirectory(t, FAST_ROOT), 'one', 'two')
  const never = new SluiceLevel(location, { createIfMissing: false })
  const error = await t.throwsAsync<Error>(never.open())
  t.regex((error.cause as Error).message, /does not exist/)
  t.false(fs.existsSync(join(location, '..')))
  const db = new SluiceLevel(location)
  await db.open()
  t.true(fs.existsSync(location))
  await db.close()
})

test('compression makes tables smaller', async (t) => {
  const sizes: number[] = []
  for (const compression of [true, false]) {
    const db = await openLevel(t, { compression })
    await db.batch(
      Array.from({ length: 200 }, (_, i) => ({
        type: 'put',
        key: `${i}`,
        value: 'v'.repeat(1000),
      })),
    )
    await db.compactRange('0', '9')
    await db.close()
    const tables = fs.readdirSync(db.location).filter((name) => name.endsWith('.ldb'))
    sizes.push(tables.reduce((sum, name) => sum + fs.statSync(join(db.location, name)).size, 0))
  }
  t.true(sizes[0]! * 5 < sizes[1]!, sizes.join())
})

test('repair of a directory that does not exist says so, and makes none', async (t) => {
  const location = join(scratchDirectory(t, FAST_ROOT), 'missing')
  await t.throwsAsync(SluiceLevel.repair(location), { code: 'LEVEL_DATABASE_MISSING' })
  t.false(fs.existsSync(location))
})

test('databases, iterators and batches that nobody holds are collected, and what is read goes on', async (t) => {
  const location = scratchDirectory(t, FAST_ROOT)
  const { code, output } = await runChild('level/collected-child.js', [location], ['--expose-gc'])
  t.is(code, 0, output)
  t.regex(output, /^read 1000\nforgotten 20\nopened again\n$/)
})

for (const step of ['opening', 'open', 'iterator', 'read', 'write', 'compaction', 'closing']) {
  test(`a process ends by itself, or exits, with everything open: ${step}`, async (t) => {
    for (const how of ['exit', 'return']) {
      const location = scratchDirectory(t, FAST_ROOT)
      const { code, output } = await runChild('level/ending-child.js', [location, step, how])
      t.is(code, 0, `${how}: ${output}`)
      const db = new SluiceLevel(location)
      await db.open()
      if (step !== 'opening') t.is(await db.get('acknowledged'), 'yes')
      await db.close()
    }
  })
}

// ---- Threads ----

const index = new URL('../../ts/index.js', import.meta.url).href
const SOURCE = `
  const { workerData, parentPort } = require('node:worker_threads')
  import(workerData.index).then(async ({ SluiceLevel }) => {
    const db = new SluiceLevel(workerData.location)
    try {
      await db.open()
    } catch (error) {
      parentPort.postMessage([error.code, error.cause?.code, error.cause?.message])
      return
    }
    await db.put('k0', 'v', { sync: true })
    parentPort.postMessage(['open'])
    const iterator = db.iterator()
    for (let i = 1; ; i++) {
      void db.put('k' + i, 'v', { sync: i % 2 === 0 })
      void db.get('k' + i)
      await new Promise(setImmediate)
      if (i === 50) parentPort.postMessage(['busy'])
    }
  })`

function inThread(location: string): { worker: Worker; answer: () => Promise<string[]> } {
  const worker = new Worker(SOURCE, { eval: true, workerData: { index, location } })
  const answer = (): Promise<string[]> =>
    new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  return { worker, answer }
}

test('a second thread is refused with LEVEL_LOCKED while the first has the database open', async (t) => {
  const db = await openLevel(t)
  const { worker, answer } = inThread(db.location)
  const [code, cause, message] = await answer()
  await worker.terminate()
  t.is(code, 'LEVEL_DATABASE_NOT_OPEN')
  t.is(cause, 'LEVEL_LOCKED')
  t.true(message!.includes(db.location), message)
  await db.put('still', 'open')
})

test('a thread that is terminated in the middle of its work lets go of the lock', async (t) => {
  const location = scratchDirectory(t, FAST_ROOT)
  for (let round = 0; round < 3; round++) {
    const { worker, answer } = inThread(location)
    t.deepEqual(await answer(), ['open'])
    await answer()
    await worker.terminate()
    const db = new SluiceLevel(location)
    await db.open()
    t.is(await db.get('k0'), 'v')
    await db.close()
  }
})

test('the option multithreading is refused by constructor and open(), and the error says what to do', async (t) => {
  const location = join(scratchDirectory(t, FAST_ROOT), 'never')
  const options = { multithreading: true } as unknown as { multithreading: false }
  const refusal = { instanceOf: TypeError, message: /multithreading is not supported: open/ }
  t.throws(() => new SluiceLevel(location, options), refusal)
  const db = new SluiceLevel(location)
  const error = await t.throwsAsync<Error>(db.open(options))
  t.true(error.cause instanceof TypeError)
  t.false(fs.existsSync(location))
})
