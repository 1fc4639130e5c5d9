// A child of the lifetime tests: does something rude to the binding that SLUICEDB_BINDING names and
// ends. The parent looks at how it ended.
//
//   terminate DIRECTORY ROUNDS   worker.terminate() at random moments of durable appends
//   exit DIRECTORY DELAY         process.exit(0) while a job is in flight
//   collect DIRECTORY ROUNDS     logs, buffers and promises dropped in mid-job (--expose-gc)
//   leak DIRECTORY JOBS          many jobs; prints descriptors and memory before and after

import fs from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { binding } from '../../ts/platform/load-binding.ts'

const [what = '', directory = '', countText = '0'] = process.argv.slice(2)
const count = Number(countText)
const bytes = Buffer.allocUnsafeSlow(100_000).fill('x')

async function terminate(): Promise<void> {
  const module = new URL('../../ts/platform/load-binding.js', import.meta.url).href
  // Appends, syncs, directory syncs, creations and locks, always some of them in flight.
  const source = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.module).then(async ({ binding }) => {
      const bytes = Buffer.allocUnsafeSlow(50_000).fill('y')
      parentPort.postMessage('ready')
      for (let i = 0; ; i++) {
        const path = workerData.directory + '/' + (i % 3) + '.log'
        const log = await binding.createLog(path)
        void binding.syncDirectory(workerData.directory)
        const lock = binding.lock(path + '.LOCK').catch(() => undefined)
        for (let j = 0; j < 5; j++) await log.append(bytes, 0, bytes.length, j % 2 === 0)
        void log.close()
        void (await lock)?.release()
      }
    })`
  for (let round = 0; round < count; round++) {
    const workerData = { module, directory: fs.mkdtempSync(join(directory, 'worker-')) }
    const worker = new Worker(source, { eval: true, workerData })
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    await delay((round * 7) % 12)
    await worker.terminate()
  }
  console.log(fs.readdirSync('/proc/self/fd').length)
}

async function exit(): Promise<void> {
  const log = await binding.createLog(join(directory, 'exit.log'))
  const job = log.append(bytes, 0, bytes.length, true)
  job.then(
    () => undefined,
    () => undefined,
  )
  void binding.syncDirectory(directory)
  if (count > 0) await nextTurn()
  process.exit(0)
}

async function dropOneInMidJob(path: string): Promise<void> {
  const log = await binding.createLog(path)
  const own = Buffer.allocUnsafeSlow(100_000).fill('z')
  void log.append(own, 0, own.length, true)
}

async function collect(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error('needs --expose-gc')
  for (let round = 0; round < count; round++) {
    await dropOneInMidJob(join(directory, `${round}.log`))
    for (let i = 0; i < 3; i++) {
      globalThis.gc()
      // New memory where the old would be, if it had been given back.
      Buffer.allocUnsafeSlow(100_000).fill(round)
      await nextTurn()
    }
  }
}

async function appendMany(jobs: number): Promise<void> {
  for (let done = 0; done < jobs;) {
    const log = await binding.createLog(join(directory, 'leak.log'))
    for (let i = 0; i < 500 && done < jobs; i++, done++) {
      await log.append(bytes, 0, 100 + (done % 300), false)
    }
    // The native log may also be left to the collector; node:fs closes no descriptor for anyone.
    if (binding.kind === 'js' || done % 1000 === 0) await log.close()
    await (await binding.lock(join(directory, 'LOCK'))).release()
  }
  // A collected log closes its descriptor in a later turn.
  for (let i = 0; i < 10; i++) {
    globalThis.gc?.()
    await nextTurn()
  }
}

function state(): number[] {
  return [fs.readdirSync('/proc/self/fd').length, process.memoryUsage.rss()]
}

async function leak(): Promise<void> {
  // Twice as warm-up: the heap settles first.
  await appendMany(count)
  await appendMany(count)
  const before = state()
  await appendMany(count)
  console.log(JSON.stringify({ before, after: state() }))
}

if (what === 'terminate') await terminate()
else if (what === 'exit') await exit()
else if (what === 'collect') await collect()
else if (what === 'leak') await leak()
else throw new Error(`unknown: ${what}`)
