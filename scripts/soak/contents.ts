// Reading a database whole, every key, byte and order checked on the way: of each key the write that
// made its value, 0 where it has none, to be compared with the oracle.

import type { DB, DBSnapshot } from '../../ts/index.ts'
import { keyOf, numberOfKey, writeOf } from './life.ts'

const CHUNK = 1000
const READS_IN_FLIGHT = 64

/** By an iterator. Rejects where it gives a key that nobody wrote, or one out of order. */
export async function scanAll(
  db: DB,
  keyCount: number,
  reverse: boolean,
  snapshot?: DBSnapshot,
): Promise<Uint32Array> {
  const found = new Uint32Array(keyCount)
  const iterator = db.iterator({ reverse, ...(snapshot === undefined ? {} : { snapshot }) })
  let last = reverse ? keyCount : -1
  try {
    for (;;) {
      const entries = await iterator.nextv(CHUNK)
      if (entries.length === 0) return found
      for (const [name, value] of entries) {
        const key = numberOfKey(name)
        if (!(key < keyCount) || (reverse ? key >= last : key <= last)) {
          throw new Error(`a scan gives ${name.toString('latin1')} after key ${last}`)
        }
        found[key] = writeOf(key, value)
        last = key
      }
    }
  } finally {
    await iterator.close()
  }
}

export function getAllSync(db: DB, keyCount: number, snapshot?: DBSnapshot): Uint32Array {
  const options = snapshot === undefined ? {} : { snapshot }
  return Uint32Array.from({ length: keyCount }, (_, key) => {
    const value = db.getSync(keyOf(key), options)
    return value === undefined ? 0 : writeOf(key, value)
  })
}

/** By get, many at a time. */
export async function getAll(
  db: DB,
  keyCount: number,
  snapshot?: DBSnapshot,
): Promise<Uint32Array> {
  const options = snapshot === undefined ? {} : { snapshot }
  const found = new Uint32Array(keyCount)
  let next = 0
  const reader = async (): Promise<void> => {
    while (next < keyCount) {
      const key = next++
      const value = await db.get(keyOf(key), options)
      if (value !== undefined) found[key] = writeOf(key, value)
    }
  }
  await Promise.all(Array.from({ length: READS_IN_FLIGHT }, reader))
  return found
}
