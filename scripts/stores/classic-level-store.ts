// classic-level: LevelDB in C++ behind abstract-level. Its 'view' encodings hand our bytes through.

import { ClassicLevel } from 'classic-level'
import type { LevelStore, StoreOptions } from './store.ts'

export async function openClassicLevel(path: string, options: StoreOptions): Promise<LevelStore> {
  const database = new ClassicLevel<Uint8Array, Uint8Array>(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    ...(options.writeBufferSize === undefined ? {} : { writeBufferSize: options.writeBufferSize }),
  })
  await database.open()
  const writeOptions = { sync: options.sync }
  return {
    put: (key, value) => database.put(key, value, writeOptions),
    putAll: (keys, values) =>
      database.batch(
        keys.map((key, index) => ({ type: 'put', key, value: values[index]! })),
        writeOptions,
      ),
    close: () => database.close(),
  }
}
