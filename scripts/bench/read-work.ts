// The reading that is timed. All of it is checked: a benchmark that measures misses measures
// nothing.

import { Random } from '../../test/crash/random.ts'
import type { Store } from '../stores/store.ts'
import { checkEntry, checkStamps, checkValue, KEY_SIZE, putKey } from './entries.ts'
import type { ReadAllOrder, ReadOrder, ScanOrder, Work } from './messages.ts'

/** The clock is asked once in so many reads. */
const READS_PER_CLOCK = 64
/** Of all entries by get. */
const READERS = 64

export async function readForAWhile(store: Store, order: ReadOrder): Promise<Work> {
  const startMs = performance.now()
  const endMs = startMs + order.seconds * 1000
  const count =
    order.how === 'getSync'
      ? getSyncUntil(store, order, endMs)
      : await getUntil(store, order, endMs)
  return { count, elapsedMs: performance.now() - startMs }
}

function getSyncUntil(store: Store, { entries, among, seed }: ReadOrder, endMs: number): number {
  const random = new Random(seed)
  const stride = Math.floor(entries / among)
  const key = Buffer.allocUnsafeSlow(KEY_SIZE)
  let count = 0
  while (performance.now() < endMs) {
    for (let i = 0; i < READS_PER_CLOCK; i++) {
      const position = random.below(among) * stride
      putKey(key, 0, position)
      checkStamps(store.getSync(key), position)
    }
    count += READS_PER_CLOCK
  }
  return count
}

async function getUntil(
  store: Store,
  { entries, among, readers, seed }: ReadOrder,
  endMs: number,
): Promise<number> {
  const random = new Random(seed)
  const stride = Math.floor(entries / among)
  let count = 0
  const reader = async (): Promise<void> => {
    const key = Buffer.allocUnsafeSlow(KEY_SIZE)
    while (performance.now() < endMs) {
      for (let i = 0; i < READS_PER_CLOCK; i++) {
        const position = random.below(among) * stride
        putKey(key, 0, position)
        checkStamps(await store.get(key), position)
      }
      count += READS_PER_CLOCK
    }
  }
  await Promise.all(Array.from({ length: readers }, reader))
  return count
}

export async function readAll(store: Store, { how, entries }: ReadAllOrder): Promise<Work> {
  const startMs = performance.now()
  if (how === 'getSync') getSyncAll(store, entries)
  else await getAll(store, entries)
  return { count: entries, elapsedMs: performance.now() - startMs }
}

function getSyncAll(store: Store, entries: number): void {
  const key = Buffer.allocUnsafeSlow(KEY_SIZE)
  for (let position = 0; position < entries; position++) {
    putKey(key, 0, position)
    checkValue(store.getSync(key), position)
  }
}

async function getAll(store: Store, entries: number): Promise<void> {
  let next = 0
  const reader = async (): Promise<void> => {
    const key = Buffer.allocUnsafeSlow(KEY_SIZE)
    while (next < entries) {
      const position = next++
      putKey(key, 0, position)
      checkValue(await store.get(key), position)
    }
  }
  await Promise.all(Array.from({ length: READERS }, reader))
}

/** Throws unless the scan gives every entry once, in order. */
export async function scan(store: Store, { entries, reverse }: ScanOrder): Promise<Work> {
  const startMs = performance.now()
  let count = 0
  let last: Uint8Array | undefined
  await store.scan(reverse, (key, value) => {
    const position = checkEntry(key, value)
    if (position >= entries) throw new Error(`a scan gives entry ${position}, never written`)
    // Strictly in order and as many as there are: so every one, and once.
    if (last !== undefined && !isInOrder(last, key, reverse)) {
      throw new Error(`a scan gives entry ${position} out of order`)
    }
    last = key
    count++
  })
  const elapsedMs = performance.now() - startMs
  if (count !== entries) throw new Error(`a scan gives ${count} entries of ${entries}`)
  return { count, elapsedMs }
}

// The first byte that differs decides, and is soon found: the keys are random.
function isInOrder(before: Uint8Array, after: Uint8Array, reverse: boolean): boolean {
  for (let i = 0; i < KEY_SIZE; i++) {
    if (before[i] !== after[i]) return before[i]! < after[i]! !== reverse
  }
  return false
}
