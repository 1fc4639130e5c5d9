// What a piece of work does to the rest of its process: event loop delay and memory.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { IntervalHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Observation } from './messages.ts'

/** The least that the monitor takes; its figures are never below it. */
const MONITOR_RESOLUTION_MS = 1
const IDLE_MS = 1000
const MEMORY_EVERY_MS = 100
const NS_PER_MS = 1e6

export async function observe<T>(
  work: () => Promise<T>,
): Promise<T & { readonly observed: Observation }> {
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
  const done = await work()
  delay.disable()
  clearInterval(sampler)
  const observed = {
    idleP99Ms,
    p50Ms: percentile(delay, 50),
    p99Ms: percentile(delay, 99),
    maxMs: delay.max / NS_PER_MS,
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes,
    heapUsedBytes,
  }
  return { ...done, observed }
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
