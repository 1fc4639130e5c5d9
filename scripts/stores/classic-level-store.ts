// classic-level: LevelDB in C++ behind abstract-level. Its 'view' encodings hand our bytes through.

import { ClassicLevel } from 'classic-level'
import { scanInChunks, type Store, type StoreOptions } from './store.ts'

/** Above every key of ours. */
const LAST_KEY = Buffer.alloc(64, 0xff)

export async function openClassicLevel(path: string, options: StoreOptions): Promise<Store> {
  const { sync, ...sizes } = options
  const database = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    ...sizes,
  })
  await database.open()
  const writeOptions = { sync }
  return {
    put: (key, value) => database.put(key, value, writeOptions),
    putAll: (keys, values) =>
      database.batch(
        keys.map((key, index) => ({ type: 'put', key, value: values[index]! })),
        writeOptions,
      ),
    get: (key) => database.get(key),
    getSync: (key) => database.getSync(key),
    scan: (reverse, onEntry) => scanInChunks(database.iterator({ reverse }), onEntry),
    compact: () => database.compactRange(Buffer.alloc(0), LAST_KEY),
    close: () => database.close(),
  }
}
