// Deletes a range, in batches, so that a large one takes bounded memory; not atomic, which nobody may
// expect.

import type { DB } from '../db/database.ts'
import { WriteBatch } from '../format/write-batch.ts'
import { boundsOf, type PrivateIteratorOptions } from './engine-source.ts'
import { throwIfAborted } from './level-signal.ts'
import { innerSnapshot } from './level-snapshot.ts'

/** Keys that one batch deletes. */
const CHUNK = 1000

/** With `sync`, durable when it resolves. Rejects with LEVEL_ABORTED when the signal of the options is aborted; what is deleted stays so. */
export async function clearRange(
  db: DB,
  options: PrivateIteratorOptions,
  sync: boolean,
): Promise<void> {
  const { reverse, limit, snapshot, signal } = options
  throwIfAborted(signal)
  const inner = innerSnapshot(snapshot)
  const iterator = db.iterator({
    ...boundsOf(options),
    reverse,
    // abstract-level says -1 for none.
    ...(limit === -1 ? {} : { limit }),
    values: false,
    fillCache: false,
    ...(inner === undefined ? {} : { snapshot: inner }),
  })
  const batch = new WriteBatch()
  try {
    for (;;) {
      const pairs = await iterator.nextv(CHUNK)
      if (pairs.length === 0) break
      throwIfAborted(signal)
      batch.clear()
      for (const [key] of pairs) batch.delete(key)
      await db.write(batch)
    }
  } finally {
    await iterator.close()
  }
  // One sync for all of it: it covers every write before it.
  if (sync) await db.write(new WriteBatch(), { sync: true })
}
