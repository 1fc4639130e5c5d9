// The process that drives one store, alone in it, so that no store pays for another's memory,
// threads or compiled code.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { IntervalHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { report, serve } from '../subprocess.ts'
import { openStore } from '../stores/open-store.ts'
import type { Store } from '../stores/store.ts'
import { keyAt, valueAt } from './entries.ts'
import type { Answer, Observation, Order, Round } from './messages.ts'

/** The least that the monitor takes; its figures are never below it. */
const MONITOR_RESOLUTION_MS = 1
const IDLE_MS = 1000
const MEMORY_EVERY_MS = 100
const NS_PER_MS = 1e6

let store: Store | undefined
let position = 0

/** So many writers put, each awaiting its own put, until the time is up and the last has settled. */
async function putForAWhile(writers: number, seconds: number): Promise<Round> {
  const target = store!
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  let puts = 0
  const writer = async (): Promise<void> => {
    // Asked before each put rather than set by a timer: a store that resolves without going
    // through the event loop would let no timer run.
    while (performance.now() < endMs) {
      const at = position++
      await target.put(keyAt(at), valueAt(at))
      puts++
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
  return { puts, elapsedMs: performance.now() - startMs }
}

async function observedRound(writers: number, seconds: number): Promise<Round> {
  const idleP99Ms = await idleDelay()
  const delay = monitorEventLoopDelay({ resolution: MONITOR_RESOLUTION_MS })
  let peakRssBytes = 0
  let heapUsedBytes = 0
  const sampler = setInterval(() => {
    const { rss, heapUsed } = process.memoryUsage()
    peakRssBytes = Math.max(peakRssBytes, rss)
    heapUsedBytes = Math.max(heapUsedBytes, heapUsed)
  }, MEMORY_EVERY_MS)
  delay.enable()
  const round = await putForAWhile(writers, seconds)
  delay.disable()
  clearInterval(sampler)
  const observed: Observation = {
    idleP99Ms,
    p50Ms: percentile(delay, 50),
    p99Ms: percentile(delay, 99),
    maxMs: delay.max / NS_PER_MS,
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes,
    heapUsedBytes,
  }
  return { ...round, observed }
}

async function idleDelay(): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: MONITOR_RESOLUTION_MS })
  delay.enable()
  await sleep(IDLE_MS)
  delay.disable()
  return percentile(delay, 99)
}

function percentile(delay: IntervalHistogram, percent: number): number {
  return delay.percentile(percent) / NS_PER_MS
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case 'open':
      store = await openStore(order.store, order.path, { sync: order.sync })
      return answer({ kind: 'opened' })
    case 'round': {
      const run = order.observe ? observedRound : putForAWhile
      return answer({ kind: 'round', ...(await run(order.writers, order.seconds)) })
    }
    case 'close':
      await store?.close()
      answer({ kind: 'closed' })
      return process.disconnect()
  }
}

function answer(message: Answer): void {
  report(message)
}

serve(obey)
