// The thread of watchdog.ts.

import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import type { WatchedMemory } from './watchdog.ts'

const { memory, hangMs } = workerData as WatchedMemory
const steps = new Int32Array(memory, 0, 1)
const text = Buffer.from(memory, 4)
let seen = 0

setInterval(() => {
  const now = Atomics.load(steps, 0)
  if (now === seen) {
    const what = text.toString('utf8').replaceAll('\0', '')
    writeSync(2, `FAILED no step for ${hangMs / 1000} s: ${what}\n`)
    process.kill(process.pid, 'SIGKILL')
  }
  seen = now
}, hangMs)
