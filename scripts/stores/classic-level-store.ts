// classic-level: LevelDB in C++ behind abstract-level. Its 'view' encodings hand our bytes through.

import { ClassicLevel } from 'classic-level'
import { SCAN_CHUNK, type Store, type StoreOptions } from './store.ts'

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
    scan: async (reverse, onEntry) => {
      const iterator = database.iterator({ reverse })
      try {
        for (;;) {
          const entries = await iterator.nextv(SCAN_CHUNK)
          if (entries.length === 0) return
          for (const [key, value] of entries) onEntry(key, value)
        }
      } finally {
        await iterator.close()
      }
    },
    compact: () => database.compactRange(Buffer.alloc(0), LAST_KEY),
    close: () => database.close(),
  }
}
