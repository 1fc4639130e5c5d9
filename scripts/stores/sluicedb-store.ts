// SluiceDB itself, through DB.

import { DB, WriteBatch } from '../../ts/index.ts'
import { scanInChunks, type Store, type StoreOptions } from './store.ts'

export interface SluiceStore extends Store {
  readonly database: DB
}

export async function openSluiceDB(path: string, options: StoreOptions): Promise<SluiceStore> {
  const { sync, ...sizes } = options
  const database = await DB.open(path, { createIfMissing: true, ...sizes })
  const writeOptions = { sync }
  return {
    database,
    put: (key, value) => database.put(key, value, writeOptions),
    putAll: (keys, values) => {
      const batch = new WriteBatch()
      for (const [index, key] of keys.entries()) batch.put(key, values[index]!)
      return database.write(batch, writeOptions)
    },
    get: (key) => database.get(key),
    getSync: (key) => database.getSync(key),
    scan: (reverse, onEntry) => scanInChunks(database.iterator({ reverse }), onEntry),
    compact: () => database.compactRange(),
    stalls: () => {
      const stalls = Object.values(database.stats().stalls)
      return {
        count: stalls.reduce((sum, { count }) => sum + count, 0),
        durationMs: stalls.reduce((sum, { durationMs }) => sum + durationMs, 0),
      }
    },
    close: () => database.close(),
  }
}
