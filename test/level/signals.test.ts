// AbortSignals on what takes long.

import test from 'ava'
import { SluiceLevel } from '../../ts/index.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { openLevel } from './open-level.ts'

const ABORTED = { code: 'LEVEL_ABORTED', name: 'AbortError' }

test('a signal that is aborted before the call refuses it, and nothing is done', async (t) => {
  const db = await openLevel(t)
  db.putSync('a', '1')
  const signal = AbortSignal.abort(new Error('enough'))
  const calls = [
    db.flushed({ signal }),
    db.clear({ signal }),
    db.compactRange('a', 'z', { signal }),
    db.approximateSize('a', 'z', { signal }),
    SluiceLevel.verify(db.location, { signal }),
  ]
  for (const call of calls.slice(0, -1)) {
    const error = await t.throwsAsync(call as Promise<unknown>, ABORTED)
    t.is((error?.cause as Error | undefined)?.message, 'enough')
  }
  // Open: the lock is asked for first.
  await t.throwsAsync(calls.at(-1) as Promise<unknown>)
  t.is(db.getSync('a'), '1')
  t.is(db.stats().write.syncs.count, 0)
})

test('what is no signal is refused rather than never heard', async (t) => {
  const db = await openLevel(t)
  db.putSync('a', '1')
  const signal = { aborted: true } as AbortSignal
  const refusal = { instanceOf: TypeError, message: 'signal must be an AbortSignal' }
  await t.throwsAsync(db.flushed({ signal }), refusal)
  await t.throwsAsync(db.clear({ signal }), refusal)
  await t.throwsAsync(db.approximateSize('a', 'z', { signal }), refusal)
  t.is(db.getSync('a'), '1')
})

test('while the database opens, an aborted call does not wait for it', async (t) => {
  const db = new SluiceLevel(scratchDirectory(t, FAST_ROOT))
  const controller = new AbortController()
  const { signal } = controller
  const calls = [
    db.flushed({ signal }),
    db.compactRange('a', 'z', { signal }),
    db.approximateSize('a', 'z', { signal }),
  ]
  controller.abort()
  for (const call of calls) await t.throwsAsync(call as Promise<unknown>, ABORTED)
  await db.open()
  await db.close()
})

test('clear() ends between two batches, and what is deleted stays so', async (t) => {
  const db = await openLevel(t)
  db.batchSync(Array.from({ length: 5000 }, (_, i) => ({ type: 'put', key: `${i}`, value: '' })))
  const controller = new AbortController()
  const clearing = db.clear({ signal: controller.signal })
  while (db.stats().write.writes === 1) await new Promise((resolve) => setImmediate(resolve))
  controller.abort()
  await t.throwsAsync(clearing, ABORTED)
  const left = db.keys().allSync().length
  t.true(left > 0 && left < 5000, `${left}`)
})

test('flushed() is given up at once, and the sync goes on', async (t) => {
  const db = await openLevel(t)
  const controller = new AbortController()
  const flushing = db.flushed({ signal: controller.signal })
  controller.abort()
  await t.throwsAsync(flushing, ABORTED)
  await db.flushed({ signal: new AbortController().signal })
  t.is(db.stats().write.syncs.count, 1)
})

test('verify() of a closed database is given up', async (t) => {
  const db = await openLevel(t)
  await db.close()
  const signal = AbortSignal.abort()
  await t.throwsAsync(SluiceLevel.verify(db.location, { signal }), ABORTED)
})
