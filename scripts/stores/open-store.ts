// Any of the stores, by name.

import { openBetterSqlite3 } from './better-sqlite3-store.ts'
import { openClassicLevel } from './classic-level-store.ts'
import { openLmdb } from './lmdb-store.ts'
import { openSluiceDB } from './sluicedb-store.ts'
import type { Store, StoreName, StoreOptions } from './store.ts'

export function openStore(name: StoreName, path: string, options: StoreOptions): Promise<Store> {
  switch (name) {
    case 'sluicedb':
      return openSluiceDB(path, options)
    case 'classic-level':
      return openClassicLevel(path, options)
    case 'lmdb':
      return openLmdb(path, options)
    case 'better-sqlite3':
      return openBetterSqlite3(path, options)
  }
}
