// Commands that change entries. What they write has reached the disk when they end.

import type { Command } from 'commander'
import { DB } from '../db/database.ts'
import { WriteBatch } from '../format/write-batch.ts'
import { decode } from './encoding.ts'
import type { Common } from './shared-options.ts'
import { keyOptions } from './shared-options.ts'

interface PutOptions extends Common {
  readonly create?: boolean
}

export function addWriteCommands(program: Command): void {
  keyOptions(program.command('put <dir> <key> <value>').description('store a value'))
    .option('--create', 'create the database where there is none')
    .action((dir: string, key: string, value: string, options: PutOptions) =>
      writing(dir, options.create === true, (db) =>
        db.put(decode(key, options.keyEncoding), decode(value, options.valueEncoding), {
          sync: true,
        }),
      ),
    )
  keyOptions(program.command('del <dir> <keys...>').description('delete keys, all or none')).action(
    (dir: string, keys: readonly string[], options: Common) => {
      const batch = new WriteBatch()
      for (const key of keys) batch.delete(decode(key, options.keyEncoding))
      return writing(dir, false, (db) => db.write(batch, { sync: true }))
    },
  )
}

/** Runs `act` on the database, opened for writing. */
export async function writing<T>(
  dir: string,
  createIfMissing: boolean,
  act: (db: DB) => Promise<T>,
): Promise<T> {
  const db = await DB.open(dir, { createIfMissing })
  try {
    return await act(db)
  } finally {
    await db.close()
  }
}
