// The writing that is timed: puts of many writers, and a load in batches.

import type { Store } from '../stores/store.ts'
import { KEY_SIZE, keyAt, putKey, putValue, VALUE_SIZE, valueAt } from './entries.ts'
import type { Load, LoadOrder, Work, WriteOrder } from './messages.ts'
import { observe } from './observation.ts'

const BATCH_COUNT = 1000

let position = 0

/** So many writers put, each awaiting its own put, until the time is up and the last has settled. */
export async function putForAWhile(
  store: Store,
  { writers, seconds }: Pick<WriteOrder, 'writers' | 'seconds'>,
): Promise<Work> {
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  let count = 0
  const writer = async (): Promise<void> => {
    // Asked before each put rather than set by a timer: a store that resolves without going
    // through the event loop would let no timer run.
    while (performance.now() < endMs) {
      const at = position++
      await store.put(keyAt(at), valueAt(at))
      count++
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
  return { count, elapsedMs: performance.now() - startMs }
}

/** One batch after the other, each awaited; keys in random order. */
export async function load(store: Store, { entries }: LoadOrder): Promise<Load> {
  const keys = Array.from({ length: BATCH_COUNT }, () => Buffer.allocUnsafeSlow(KEY_SIZE))
  const values = Array.from({ length: BATCH_COUNT }, () => Buffer.allocUnsafeSlow(VALUE_SIZE))
  const done = await observe(async () => {
    const startMs = performance.now()
    let longestBatchMs = 0
    for (let first = 0; first < entries; first += BATCH_COUNT) {
      const count = Math.min(BATCH_COUNT, entries - first)
      for (let i = 0; i < count; i++) {
        putKey(keys[i]!, 0, first + i)
        putValue(values[i]!, first + i)
      }
      const batchMs = performance.now()
      if (count === BATCH_COUNT) await store.putAll(keys, values)
      else await store.putAll(keys.slice(0, count), values.slice(0, count))
      longestBatchMs = Math.max(longestBatchMs, performance.now() - batchMs)
    }
    return { count: entries, elapsedMs: performance.now() - startMs, longestBatchMs }
  })
  const stalls = store.stalls?.()
  return { ...done, ...(stalls === undefined ? {} : { stalls }) }
}
