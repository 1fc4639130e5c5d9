// The database that one side writes and the other reads: tables, and a log that was not flushed.

import { DB } from '../../ts/db/database.ts'

const ENTRIES = 2000

function keyAt(index: number): Buffer {
  return Buffer.from(`key ${String(index).padStart(6, '0')}`)
}

function valueAt(index: number): Buffer {
  return Buffer.from(`value ${index} `.repeat(1 + (index % 20)))
}

export async function writeDatabase(path: string): Promise<void> {
  const db = await DB.open(path, { createIfMissing: true })
  for (let index = 0; index < ENTRIES; index++) {
    const isLast = index % 500 === 499
    const written = db.put(keyAt(index), valueAt(index), { sync: isLast })
    if (isLast) await written
    if (index === ENTRIES >> 1) await db.flushMemtable()
  }
  await db.compactRange(keyAt(0), keyAt(ENTRIES >> 2))
  await db.close()
}

/** Throws where anything is not as writeDatabase wrote it. */
export async function checkDatabase(path: string): Promise<void> {
  const db = await DB.open(path)
  let index = 0
  for await (const [key, value] of db.iterator()) {
    if (!key.equals(keyAt(index)) || !value.equals(valueAt(index))) {
      throw new Error(`entry ${index} is ${String(key)}`)
    }
    index++
  }
  if (index !== ENTRIES) throw new Error(`${index} entries`)
  for (let at = 0; at < ENTRIES; at += 97) {
    if (db.getSync(keyAt(at))?.equals(valueAt(at)) !== true) throw new Error(`no entry ${at}`)
  }
  await db.close()
}
