// A process that ends while its database is in the state that it was told, by process.exit() or by having
// nothing left to do.

import { SluiceLevel } from '../../ts/index.ts'

const [location = '', step = '', how = ''] = process.argv.slice(2)

function lastly(promise: Promise<unknown>): void {
  // Whether it settles is no question here.
  promise.catch(() => undefined)
}

const db = new SluiceLevel(location)
if (step !== 'opening') {
  await db.open()
  await db.put('acknowledged', 'yes')
}
if (step === 'iterator' || step === 'read') {
  const iterator = db.iterator()
  if (step === 'read') lastly(iterator.next())
}
if (step === 'write') for (let i = 0; i < 20; i++) lastly(db.put(`${i}`, 'x', { sync: true }))
if (step === 'compaction') lastly(db.compactRange('a', 'z'))
if (step === 'closing') lastly(db.close())
if (how === 'exit') process.exit(0)
