// A process that lets go of databases, iterators and batches without closing them (--expose-gc).

import { setImmediate as nextTurn } from 'node:timers/promises'
import { SluiceLevel } from '../../ts/index.ts'

const [location = ''] = process.argv.slice(2)
const collect = (globalThis as { gc?: () => void }).gc!

/** An iterator of a database that nothing else holds. */
async function iteratorOfLost(): Promise<{ all(): Promise<unknown[]>; db: SluiceLevel }> {
  const db = new SluiceLevel(location)
  await db.open()
  await db.batch(Array.from({ length: 1000 }, (_, i) => ({ type: 'put', key: `${i}`, value: 'v' })))
  return db.iterator({ highWaterMarkBytes: 0 })
}

const iterator = await iteratorOfLost()
for (let i = 0; i < 5; i++) {
  collect()
  await nextTurn()
}
console.log(`read ${(await iterator.all()).length}`)
const { db } = iterator

// Attached to the database: they stay until it closes, so that closing closes them.
for (let i = 0; i < 10; i++) {
  db.iterator()
  db.batch().put('never', 'written')
  db.snapshot()
}
collect()
await nextTurn()
console.log(`forgotten ${db.stats().iterators.count + db.stats().snapshots.count}`)
await db.close()
await db.open()
if ((await db.get('never')) !== undefined) throw new Error('a batch that was not written is there')
console.log('opened again')
await db.close()
