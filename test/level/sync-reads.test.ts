// Iterators that read on the calling thread.

import test from 'ava'
import { openLevel, openSublevel } from './open-level.ts'
import { SluiceLevel } from '../../ts/index.ts'

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

async function filled(...args: Parameters<typeof openLevel>): Promise<SluiceLevel> {
  const db = (await openLevel(...args)) as SluiceLevel
  for (const letter of LETTERS) db.putSync(letter, letter.toUpperCase())
  return db
}

test('entries, keys and values are read one by one, some at a time, or all', async (t) => {
  const db = await filled(t)
  const entries = db.iterator()
  t.deepEqual(entries.nextSync(), ['a', 'A'])
  t.deepEqual(entries.nextvSync(2), [
    ['b', 'B'],
    ['c', 'C'],
  ])
  t.is(entries.allSync().length, 4)
  const keys = db.keys({ gt: 'b', reverse: true })
  t.is(keys.nextSync(), 'g')
  t.deepEqual(keys.nextvSync(2), ['f', 'e'])
  t.deepEqual(keys.allSync(), ['d', 'c'])
  const values = db.values()
  t.is(values.nextSync(), 'A')
  t.deepEqual(values.nextvSync(0), ['B'])
  t.deepEqual(values.allSync(), ['C', 'D', 'E', 'F', 'G'])
  const none = db.iterator({ keys: false, values: false })
  t.deepEqual(none.nextSync(), [undefined, undefined] as never)
  await none.close()
})

test('a loop reads to the end and closes the iterator, however it ends', async (t) => {
  const db = await filled(t)
  for (const make of [() => db.iterator(), () => db.keys(), () => db.values()]) {
    const whole = make()
    let count = 0
    for (const item of whole) count += item === undefined ? 0 : 1
    t.is(count, LETTERS.length)
    t.throws(() => whole.nextSync(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
    const part = make()
    for (const item of part) if (item !== undefined) break
    t.throws(() => part.nextSync(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  }
  t.is(db.stats().iterators.count, 0)
})

test('reads with and without a promise take turns, and share limit, count and seek', async (t) => {
  const db = await filled(t)
  const iterator = db.keys({ limit: 5 })
  t.is(iterator.nextSync(), 'a')
  t.is(await iterator.next(), 'b')
  t.deepEqual(iterator.nextvSync(1), ['c'])
  t.is(iterator.count, 3)
  iterator.seek('f')
  t.deepEqual(await iterator.nextv(10), ['f', 'g'])
  t.is(iterator.nextSync(), undefined)
  t.is(await iterator.next(), undefined)
  t.is(iterator.count, 5)
  t.is(iterator.limit, 5)
  await iterator.close()
})

test('an iterator of a sublevel has the keys of the sublevel alone', async (t) => {
  const db = await filled(t)
  const sublevel = await openSublevel(db, 'x')
  for (const letter of LETTERS) sublevel.putSync(letter, letter)
  db.putSync('!x"', 'behind it')
  t.deepEqual(sublevel.keys().allSync(), LETTERS)
  t.deepEqual(await sublevel.keys().all(), LETTERS)
  t.deepEqual(sublevel.keys({ gt: 'b', lte: 'd' }).allSync(), ['c', 'd'])
  t.deepEqual(await sublevel.keys({ gte: 'b', lt: 'd', reverse: true }).all(), ['c', 'b'])
  const iterator = sublevel.iterator<Buffer, string>({ keyEncoding: 'buffer' })
  iterator.seek(Buffer.from('f'))
  t.deepEqual(iterator.nextSync(), [Buffer.from('f'), 'f'])
  t.deepEqual(await iterator.nextv(2), [[Buffer.from('g'), 'g']])
  await iterator.close()
  const inner = sublevel.sublevel('y')
  await inner.open()
  await inner.put('k', 'v')
  t.deepEqual(await inner.iterator().all(), [['k', 'v']])
  t.deepEqual(await db.keys({ gte: '!x!!' }).next(), '!x!!y!k')
})

test('what cannot be decoded is LEVEL_DECODE_ERROR', async (t) => {
  const db = await filled(t)
  const iterator = db.iterator<string, object>({ valueEncoding: 'json' })
  t.throws(() => iterator.nextSync(), { code: 'LEVEL_DECODE_ERROR' })
  await iterator.close()
})

test('an aborted iterator reads no more, whichever way it is asked', async (t) => {
  const db = await filled(t)
  const controller = new AbortController()
  const iterator = db.keys({ signal: controller.signal })
  t.is(iterator.nextSync(), 'a')
  controller.abort()
  t.throws(() => iterator.nextSync(), { code: 'LEVEL_ABORTED', name: 'AbortError' })
  t.throws(() => iterator.nextvSync(3), { code: 'LEVEL_ABORTED' })
  await t.throwsAsync(iterator.next(), { code: 'LEVEL_ABORTED' })
  await iterator.close()
})

test('an iterator that was made while the database opened says why it cannot read so', async (t) => {
  const filledDb = await filled(t)
  const location = filledDb.location
  await filledDb.close()
  const db = new SluiceLevel(location)
  const early = db.keys()
  t.throws(() => early.nextSync(), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  t.throws(() => [...early], { code: 'LEVEL_DATABASE_NOT_OPEN' })
  await db.open()
  t.throws(() => early.allSync(), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  t.deepEqual(await early.all(), LETTERS)
  await db.close()
})

test('disposal closes: a database, its iterators, snapshots and chained batches', async (t) => {
  const db = await filled(t)
  const iterators = [db.iterator(), db.keys(), db.values()]
  const snapshot = db.snapshot()
  const batch = db.batch().put('never', '1')
  t.is(db.stats().snapshots.count, 1)
  for (const resource of [...iterators, snapshot, batch]) resource[Symbol.dispose]()
  t.is(db.stats().snapshots.count, 0)
  t.is(db.stats().iterators.count, 0)
  for (const iterator of iterators) {
    t.throws(() => iterator.nextSync(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  }
  t.throws(() => batch.put('a', '1'), { code: 'LEVEL_BATCH_NOT_OPEN' })
  await t.throwsAsync(db.get('a', { snapshot }), { code: 'LEVEL_SNAPSHOT_NOT_OPEN' })
  const later = [db.iterator(), db.snapshot(), db.batch()]
  for (const resource of later) await resource[Symbol.asyncDispose]()
  await db[Symbol.asyncDispose]()
  t.is(db.status, 'closed')
})
