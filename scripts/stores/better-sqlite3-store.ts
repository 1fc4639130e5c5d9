// better-sqlite3: SQLite behind a synchronous interface, with a table of keys and values.
//
//   durable       WAL and synchronous = FULL: a transaction is on the disk when its COMMIT returns.
//   not durable   WAL and synchronous = OFF: nothing waits for the disk.
//
// It commits one transaction after the other on the calling thread, so many callers share a sync only
// where the program gathers their writes. That is done for it here: the puts of one turn of the event
// loop are one transaction. Rejected: a transaction for each put, with which any number of durable
// writers is no faster than one.
//
// It is no dependency, since its install script downloads or compiles. Where it is installed
// (`npm i --no-save better-sqlite3`) the benchmark takes it in.

import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setImmediate } from 'node:timers'
import type { Store, StoreOptions } from './store.ts'

interface Statement {
  pluck(): Statement
  raw(): Statement
  run(...values: readonly Uint8Array[]): unknown
  get(key: Uint8Array): unknown
  iterate(): IterableIterator<readonly [key: Uint8Array, value: Uint8Array]>
}

interface Database {
  pragma(text: string): unknown
  exec(text: string): unknown
  prepare(text: string): Statement
  close(): unknown
}

const KIB = 1024

function openDatabase(path: string, { sync, cacheSize }: StoreOptions): Database {
  const Constructor = createRequire(import.meta.url)('better-sqlite3') as new (
    file: string,
  ) => Database
  mkdirSync(path, { recursive: true })
  const database = new Constructor(join(path, 'entries.db'))
  database.pragma('journal_mode = WAL')
  database.pragma(`synchronous = ${sync ? 'FULL' : 'OFF'}`)
  // A negative size is one in KiB.
  if (cacheSize !== undefined) database.pragma(`cache_size = ${-Math.floor(cacheSize / KIB)}`)
  database.exec(
    'CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID',
  )
  return database
}

/** Runs its changes in transactions: all that one turn of the event loop brought in one. */
class Transactions {
  readonly #begin: Statement
  readonly #commit: Statement
  readonly #rollback: Statement
  #changes: (() => void)[] = []
  #done: Promise<void> | undefined

  constructor(database: Database) {
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#rollback = database.prepare('ROLLBACK')
  }

  /** Resolves when the transaction that `change` is in has been committed. */
  add(change: () => void): Promise<void> {
    this.#changes.push(change)
    this.#done ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          this.#run()
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
    return this.#done
  }

  #run(): void {
    const changes = this.#changes
    this.#changes = []
    this.#done = undefined
    this.#begin.run()
    try {
      for (const change of changes) change()
      this.#commit.run()
    } catch (error) {
      this.#rollback.run()
      throw error
    }
  }
}

export async function openBetterSqlite3(path: string, options: StoreOptions): Promise<Store> {
  const database = openDatabase(path, options)
  const insert = database.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?)')
  const select = database.prepare('SELECT value FROM entries WHERE key = ?').pluck()
  const forward = database.prepare('SELECT key, value FROM entries ORDER BY key').raw()
  const backward = database.prepare('SELECT key, value FROM entries ORDER BY key DESC').raw()
  const transactions = new Transactions(database)
  const getSync = (key: Buffer): Uint8Array | undefined => select.get(key) as Uint8Array | undefined
  return {
    put: (key, value) => transactions.add(() => insert.run(key, value)),
    putAll: (keys, values) =>
      transactions.add(() => {
        for (const [index, key] of keys.entries()) insert.run(key, values[index]!)
      }),
    get: async (key) => getSync(key),
    getSync,
    scan: async (reverse, onEntry) => {
      for (const [key, value] of (reverse ? backward : forward).iterate()) onEntry(key, value)
    },
    close: async () => {
      database.close()
    },
  }
}
