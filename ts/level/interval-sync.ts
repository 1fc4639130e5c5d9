// Syncs what was written, every so many milliseconds: the option `durability` as a number.

import type { DB } from '../db/database.ts'
import { WriteBatch } from '../format/write-batch.ts'

/** Begins; the timer that is returned ends it, and does not keep the process alive. */
export function syncEvery(db: DB, intervalMs: number): NodeJS.Timeout {
  const nothing = new WriteBatch()
  let syncedSequence = db.stats().lastSequence
  const timer = setInterval(() => {
    const { lastSequence, failure } = db.stats()
    if (lastSequence === syncedSequence || failure !== undefined) return
    syncedSequence = lastSequence
    // A failed sync is told by the event `failure`, and by every later write.
    db.write(nothing, { sync: true }).catch(() => undefined)
  }, intervalMs)
  timer.unref()
  return timer
}
