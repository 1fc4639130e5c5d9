// The process that drives one store, alone in it, so that no store pays for another's memory,
// threads or compiled code.

import { setTimeout as sleep } from 'node:timers/promises'
import { report, serve } from '../subprocess.ts'
import { openStore } from '../stores/open-store.ts'
import type { Store } from '../stores/store.ts'
import type { Answer, OpenOrder, Order, Work, WriteOrder } from './messages.ts'
import { observe } from './observation.ts'
import { readAll, readForAWhile, scan } from './read-work.ts'
import { load, putForAWhile } from './write-work.ts'

/** The process is quiet when it took less than this share of a processor, so often in a row. */
const QUIET_SHARE = 0.03
const QUIET_TIMES = 3
const QUIET_EVERY_MS = 200
/** A store that never comes to rest is measured as it is. */
const LONGEST_SETTLING_MS = 600_000

let store: Store | undefined
let opening: OpenOrder | undefined

async function open(order: OpenOrder): Promise<Store> {
  const { kind: _, store: name, path, ...options } = order
  opening = order
  store = await openStore(name, path, options)
  return store
}

function write(order: WriteOrder): Promise<Work> {
  const work = (): Promise<Work> => putForAWhile(store!, order)
  return order.observe ? observe(work) : work()
}

// By the time that the processor spent on this process: no store can be asked in the same way.
async function settle(): Promise<Work> {
  const startMs = performance.now()
  let quiet = 0
  while (quiet < QUIET_TIMES && performance.now() - startMs < LONGEST_SETTLING_MS) {
    const before = process.cpuUsage()
    const beforeMs = performance.now()
    await sleep(QUIET_EVERY_MS)
    const { user, system } = process.cpuUsage(before)
    const isQuiet = (user + system) / 1000 < QUIET_SHARE * (performance.now() - beforeMs)
    quiet = isQuiet ? quiet + 1 : 0
  }
  return { count: 0, elapsedMs: performance.now() - startMs }
}

async function reopen(): Promise<Work> {
  await store!.close()
  const startMs = performance.now()
  await open(opening!)
  return { count: 1, elapsedMs: performance.now() - startMs }
}

async function compact(): Promise<Work> {
  const startMs = performance.now()
  await store!.compact?.()
  return { count: 0, elapsedMs: performance.now() - startMs }
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case 'open':
      await open(order)
      return answer({ kind: 'done' })
    case 'write':
      return answer({ kind: 'work', ...(await write(order)) })
    case 'load':
      return answer({ kind: 'load', ...(await load(store!, order)) })
    case 'read-all':
      return answer({ kind: 'work', ...(await readAll(store!, order)) })
    case 'read':
      return answer({ kind: 'work', ...(await readForAWhile(store!, order)) })
    case 'scan':
      return answer({ kind: 'work', ...(await scan(store!, order)) })
    case 'compact':
      return answer({ kind: 'work', ...(await compact()) })
    case 'settle':
      return answer({ kind: 'work', ...(await settle()) })
    case 'reopen':
      return answer({ kind: 'work', ...(await reopen()) })
    case 'close':
      await store!.close()
      answer({ kind: 'done' })
      return process.disconnect()
  }
}

function answer(message: Answer): void {
  report(message)
}

serve(obey)
