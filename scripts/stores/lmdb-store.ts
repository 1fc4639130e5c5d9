// lmdb, with the settings in which a promise means the same as ours.
//
//   durable       its defaults, and the promise awaited is `put(...).flushed`, which resolves when
//                 the transaction is on the disk. `put(...)` itself resolves at the commit, which
//                 overlappingSync (on by default but on Windows) lets go before the flush.
//                 Rejected: overlappingSync: false. As durable, equally fast within the spread of
//                 the runs from C=1 to 256, and 7 % slower at C=4096 (Node 20.20, November 2026).
//   not durable   noSync: nothing is ever flushed.
//
// Puts of one turn of the event loop are one transaction. It reads on the calling thread, as its
// documentation advises: its getAsync is an experiment, and slower.

import { open } from 'lmdb'
import type { Store, StoreOptions } from './store.ts'

interface FlushedPromise extends Promise<boolean> {
  /** There with separateFlushed only; missing in lmdb's types. */
  readonly flushed: Promise<void>
}

export async function openLmdb(path: string, options: StoreOptions): Promise<Store> {
  const database = open<Buffer, Buffer>({
    path,
    keyEncoding: 'binary',
    encoding: 'binary',
    ...(options.sync ? { separateFlushed: true } : { noSync: true }),
  })
  const put = options.sync
    ? (key: Buffer, value: Buffer) => (database.put(key, value) as FlushedPromise).flushed
    : (key: Buffer, value: Buffer) => database.put(key, value)
  return {
    put,
    putAll: (keys, values) => Promise.all(keys.map((key, index) => put(key, values[index]!))),
    get: async (key) => database.get(key),
    getSync: (key) => database.get(key),
    scan: async (reverse, onEntry) => {
      for (const { key, value } of database.getRange({ reverse })) onEntry(key, value)
    },
    close: () => database.close(),
  }
}
