// SluiceDB itself, through DB.

import { DB, WriteBatch } from '../../ts/index.ts'
import type { LevelStore, StoreOptions } from './store.ts'

export interface SluiceStore extends LevelStore {
  readonly database: DB
}

export async function openSluiceDB(path: string, options: StoreOptions): Promise<SluiceStore> {
  const database = await DB.open(path, {
    createIfMissing: true,
    ...(options.writeBufferSize === undefined ? {} : { writeBufferSize: options.writeBufferSize }),
  })
  const writeOptions = { sync: options.sync }
  return {
    database,
    put: (key, value) => database.put(key, value, writeOptions),
    putAll: (keys, values) => {
      const batch = new WriteBatch()
      for (const [index, key] of keys.entries()) batch.put(key, values[index]!)
      return database.write(batch, writeOptions)
    },
    close: () => database.close(),
  }
}
