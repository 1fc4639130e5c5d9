// Commands that change entries. What they write has reached the disk when they end.

import type { Command } from 'commander'
import { DB } from '../db/database.ts'
import { WriteBatch } from '../format/write-batch.ts'
import { decode } from './encoding.ts'
import { makeOutput, type Streams } from './output.ts'
import { type Common, examples, keyOptions } from './shared-options.ts'

interface PutOptions extends Common {
  readonly create?: boolean
}

export function addWriteCommands(program: Command, streams: Streams): void {
  examples(
    keyOptions(program.command('put <dir> <key> <value>').description('store a value')).option(
      '--create',
      'create the database where there is none',
    ),
    'sluicedb put ./data city Utrecht',
    'sluicedb put ./data 00ff "" --key-encoding hex --create',
  ).action(async (dir: string, key: string, value: string, options: PutOptions) => {
    const [keyBytes, valueBytes] = [
      decode(key, options.keyEncoding),
      decode(value, options.valueEncoding),
    ]
    await writing(dir, options.create === true, (db) =>
      db.put(keyBytes, valueBytes, { sync: true }),
    )
    makeOutput(options.json === true, streams).result({ stored: 1 }, [])
  })
  examples(
    keyOptions(program.command('del <dir> <keys...>').description('delete keys, all or none')),
    'sluicedb del ./data city user:17',
  ).action(async (dir: string, keys: readonly string[], options: Common) => {
    const batch = new WriteBatch()
    for (const key of keys) batch.delete(decode(key, options.keyEncoding))
    await writing(dir, false, (db) => db.write(batch, { sync: true }))
    makeOutput(options.json === true, streams).result({ deleted: keys.length }, [])
  })
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
