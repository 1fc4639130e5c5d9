// Iterators and snapshots of an open database: what they see, what they hold, how they end.

import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test, { type ExecutionContext } from 'ava'
import { DB, type DatabaseEvent, type DBOptions, type DBIteratorOptions } from '../../ts/index.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const b = (text: string): Buffer => Buffer.from(text)

async function open(t: ExecutionContext, options: DBOptions = {}): Promise<DB> {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const db = await DB.open(path, { createIfMissing: true, ...options })
  t.teardown(() => db.close())
  return db
}

async function contents(db: DB, options: DBIteratorOptions = {}): Promise<string[]> {
  const entries = await db.iterator(options).all()
  return entries.map(([key, value]) => `${key?.toString()}=${value?.toString()}`)
}

async function fill(db: DB, count: number, valueBytes = 100): Promise<void> {
  const writes = Array.from({ length: count }, (_, i) =>
    db.put(b(`k${String(i).padStart(6, '0')}`), Buffer.alloc(valueBytes, i)),
  )
  await Promise.all(writes)
}

test.afterEach.always((t) => {
  if (!t.passed) t.log(seeded())
})

test('entries come in order, from the memtable and from tables, in both directions', async (t) => {
  const db = await open(t)
  await db.put(b('b'), b('1'))
  await db.put(b('d'), b('2'))
  await db.flushMemtable()
  await db.put(b('a'), b('3'))
  await db.put(b('d'), b('4'))
  await db.flushMemtable()
  await db.put(b('c'), b('5'))
  await db.delete(b('b'))
  t.deepEqual(await contents(db), ['a=3', 'c=5', 'd=4'])
  t.deepEqual(await contents(db, { reverse: true }), ['d=4', 'c=5', 'a=3'])
  t.deepEqual(await contents(db, { values: false }), ['a=undefined', 'c=undefined', 'd=undefined'])
  t.deepEqual(await contents(db, { keys: false, limit: 2 }), ['undefined=3', 'undefined=5'])
})

test('an iterator sees the database as it was when it was made, whatever is written, flushed or compacted', async (t) => {
  const db = await open(t, { writeBufferSize: 16 * 1024 })
  await fill(db, 300)
  const before = await contents(db)
  const iterators = [db.iterator(), db.iterator({ reverse: true }), db.iterator()]
  await iterators[2]!.next()
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 300; i += 2) void db.put(b(`k${String(i).padStart(6, '0')}`), b('new'))
    for (let i = 1; i < 300; i += 2) void db.delete(b(`k${String(i).padStart(6, '0')}`))
    await db.flushMemtable()
  }
  const found = await Promise.all(iterators.map((iterator) => iterator.all()))
  const texts = found.map((entries) =>
    entries.map(([key, value]) => `${key.toString()}=${value.toString()}`),
  )
  t.deepEqual(texts[0], before)
  t.deepEqual(texts[1]!.toReversed(), before)
  t.deepEqual(texts[2], before.slice(1))
  t.is((await contents(db)).length, 150)
})

test('a snapshot is read by iterators until it is closed, and by those that were made before for ever', async (t) => {
  const db = await open(t)
  await db.put(b('k'), b('old'))
  const snapshot = db.snapshot()
  await db.put(b('k'), b('new'))
  await db.flushMemtable()
  t.deepEqual(await contents(db, { snapshot }), ['k=old'])
  t.deepEqual(await contents(db), ['k=new'])
  const iterator = db.iterator({ snapshot })
  snapshot.close()
  snapshot.close()
  t.is((await iterator.next())?.[1].toString(), 'old')
  await iterator.close()
  t.throws(() => db.iterator({ snapshot }), { code: 'LEVEL_SNAPSHOT_NOT_OPEN' })
})

test('a snapshot of another database, or something else, is a TypeError', async (t) => {
  const [db, other] = [await open(t), await open(t)]
  t.throws(() => db.iterator({ snapshot: other.snapshot() }), {
    instanceOf: TypeError,
    message: /another database/,
  })
  t.throws(() => db.iterator({ snapshot: { sequence: 1 } as never }), { instanceOf: TypeError })
})

test('what an option cannot be is refused by its name', async (t) => {
  const db = await open(t)
  for (const [name, value, type] of [
    ['limit', 'x', TypeError],
    ['limit', -1, RangeError],
    ['limit', 1.5, RangeError],
    ['keys', 1, TypeError],
    ['values', 'no', TypeError],
    ['reverse', 0, TypeError],
    ['fillCache', null, TypeError],
    ['highWaterMarkBytes', Number.NaN, RangeError],
  ] as const) {
    const error = t.throws(() => db.iterator({ [name]: value }), { instanceOf: type })
    t.regex(error.message, new RegExp(name))
  }
  t.throws(() => db.iterator({ gt: 'x' as never }), { code: 'LEVEL_INVALID_KEY' })
  t.throws(() => db.iterator(null as never), { instanceOf: TypeError })
  const iterator = db.iterator()
  t.throws(() => iterator.nextvSync(0), { instanceOf: RangeError })
  await t.throwsAsync(iterator.nextv(0.5), { instanceOf: RangeError })
  t.throws(() => iterator.seek(null as never), { code: 'LEVEL_INVALID_KEY' })
})

test('a second call while one waits for a read is refused, and the first is not disturbed', async (t) => {
  const db = await open(t)
  await fill(db, 100)
  await db.flushMemtable()
  const iterator = db.iterator()
  const first = iterator.next()
  await t.throwsAsync(iterator.next(), { code: 'LEVEL_ITERATOR_BUSY' })
  await t.throwsAsync(iterator.nextv(2), { code: 'LEVEL_ITERATOR_BUSY' })
  t.throws(() => iterator.nextSync(), { code: 'LEVEL_ITERATOR_BUSY' })
  t.throws(() => iterator.seek(b('x')), { code: 'LEVEL_ITERATOR_BUSY' })
  t.throws(() => iterator.turn(), { code: 'LEVEL_ITERATOR_BUSY' })
  t.is((await first)?.[0].toString(), 'k000000')
  t.is((await iterator.next())?.[0].toString(), 'k000001')
  await iterator.close()
})

test('calls in memory that nobody waits for share the entries out, and stay within the limit', async (t) => {
  const db = await open(t)
  await fill(db, 50)
  const iterator = db.iterator({ limit: 12 })
  const [first, second, third, fourth] = await Promise.all([
    iterator.nextv(5),
    iterator.next(),
    iterator.nextv(4),
    iterator.nextv(5),
  ])
  const entries = [...first, second!, ...third, ...fourth]
  t.deepEqual(
    entries.map(([key]) => Number(key.toString().slice(1))),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  )
  await iterator.close()
})

test('a closed iterator says so, and closing again does nothing', async (t) => {
  const db = await open(t)
  await fill(db, 10)
  const iterator = db.iterator()
  await iterator.next()
  await iterator.next()
  await iterator.close()
  await iterator.close()
  await t.throwsAsync(iterator.next(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  await t.throwsAsync(iterator.nextv(1), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  t.throws(() => iterator.nextSync(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  t.throws(() => iterator.seek(b('x')), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  t.throws(() => iterator.turn(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
})

test('closing the database closes its iterators, also those in the middle of a read', async (t) => {
  const db = await open(t)
  await fill(db, 1000)
  await db.flushMemtable()
  const iterators = Array.from({ length: 3000 }, () => db.iterator())
  t.is(db.stats().iterators.count, 3000)
  const reading = iterators.slice(0, 50).map((iterator) => iterator.next())
  const closing = db.close()
  const outcomes = await Promise.allSettled(reading)
  await closing
  for (const outcome of outcomes) {
    t.is(
      outcome.status === 'rejected' ? (outcome.reason as { code: string }).code : 'served',
      'LEVEL_ITERATOR_NOT_OPEN',
    )
  }
  for (const iterator of iterators) {
    t.throws(() => iterator.nextSync(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  }
  t.is(db.stats().iterators.count, 0)
  t.throws(() => db.iterator(), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  t.throws(() => db.snapshot(), { code: 'LEVEL_DATABASE_NOT_OPEN' })
})

test('a loop closes its iterator at its end, when it is left, and when it throws', async (t) => {
  const db = await open(t)
  await fill(db, 10)
  const [ended, left, thrown, sync] = [db.iterator(), db.iterator(), db.iterator(), db.iterator()]
  let count = 0
  for await (const [key] of ended) count += key.length > 0 ? 1 : 0
  for await (const _ of left) break
  await t.throwsAsync(async () => {
    for await (const _ of thrown) throw new Error('out')
  })
  for (const [key] of sync) if (key.toString() === 'k000003') break
  t.is(count, 10)
  for (const iterator of [ended, left, thrown, sync]) {
    t.throws(() => iterator.nextSync(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  }
  t.is(db.stats().iterators.count, 0)
})

test('entries that were gathered for an aborted call are handed out by the next one', async (t) => {
  const db = await open(t)
  await fill(db, 1000)
  await db.flushMemtable()
  const iterator = db.iterator({ highWaterMarkBytes: Infinity })
  // With its first block in memory, the aborted call gathers the rest of that before it has to wait.
  t.is((await iterator.next())?.[0].toString(), 'k000000')
  const abort = new AbortController()
  const gathering = iterator.nextv(1000, { signal: abort.signal })
  abort.abort(new Error('enough'))
  const error = await t.throwsAsync<Error>(gathering, { code: 'LEVEL_ABORTED' })
  t.is((error.cause as Error).message, 'enough')
  t.is(error.name, 'AbortError')
  await t.throwsAsync(iterator.nextv(1, { signal: abort.signal }), { code: 'LEVEL_ABORTED' })
  const keys = (await iterator.all()).map(([key]) => key.toString())
  t.is(keys.length, 999)
  t.is(keys[0], 'k000001')
})

test('a chunk ends at highWaterMarkBytes, with at least one entry', async (t) => {
  const db = await open(t)
  await fill(db, 100, 1000)
  const iterator = db.iterator({ highWaterMarkBytes: 0 })
  t.is((await iterator.nextv(50)).length, 1)
  await iterator.close()
  const larger = db.iterator({ highWaterMarkBytes: 5000 })
  t.is((await larger.nextv(50)).length, 5)
  t.is((await larger.nextv(3)).length, 3)
  await larger.close()
})

test('with one open file allowed, iterators still read many tables', async (t) => {
  const db = await open(t, { maxOpenFiles: 1 })
  for (let i = 0; i < 10; i++) {
    await db.put(b(`a${i}`), b('1'))
    await db.put(b(`b${i}`), b('2'))
    await db.flushMemtable()
  }
  t.is((await contents(db)).length, 20)
  t.is((await contents(db, { reverse: true })).length, 20)
  t.is([...db.iterator()].length, 20)
})

test('iterators under concurrent writes and flushes see exactly their moment', async (t) => {
  const db = await open(t, { writeBufferSize: 4096 })
  const random = new Random(SEED)
  const model = new Map<string, string>()
  for (let round = 0; round < 40; round++) {
    const writes: Promise<void>[] = []
    for (let i = 0; i < 40; i++) {
      const key = `k${random.below(100)}`
      if (random.percent(30)) {
        writes.push(db.delete(b(key)))
        model.delete(key)
      } else {
        writes.push(db.put(b(key), b(`${round} ${i}`)))
        model.set(key, `${round} ${i}`)
      }
    }
    await Promise.all(writes)
    const expected = [...model].map(([key, value]) => `${key}=${value}`).toSorted()
    const reverse = random.percent(50)
    const iterator = db.iterator({ reverse })
    void db.put(b('later'), b('x'))
    const meanwhile = random.percent(50) ? db.flushMemtable() : db.put(b('later'), b('y'))
    const found = (await iterator.all()).map(
      ([key, value]) => `${key.toString()}=${value.toString()}`,
    )
    await meanwhile
    await db.delete(b('later'))
    if (found.toSorted().join() !== expected.join())
      t.deepEqual(found.toSorted(), expected, `${round}`)
    t.is(found.length, expected.length)
  }
})

test('memory is not used again while an iterator reads it, and is afterwards', async (t) => {
  const db = await open(t, { writeBufferSize: 64 * 1024 })
  await fill(db, 200, 50)
  const iterator = db.iterator()
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 200; i++) void db.put(b(`z${i}`), Buffer.alloc(50, 255))
    await db.flushMemtable()
  }
  const entries = await iterator.all()
  t.is(entries.length, 200)
  for (const [i, [, value]] of entries.entries()) t.deepEqual(value, Buffer.alloc(50, i))
})

test('a forgotten iterator and a forgotten snapshot are told, and let go', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const events: DatabaseEvent[] = []
  const db = await open(t, { onEvent: (event) => events.push(event) })
  await db.put(b('k'), b('v'))
  const forget = (): void => {
    db.snapshot()
    db.iterator().nextSync()
  }
  forget()
  const told = (): string[] =>
    events.flatMap((event) => (event.type === 'forgotten' ? [event.what] : []))
  for (let i = 0; i < 100 && told().length < 2; i++) {
    collect()
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  t.deepEqual(told().toSorted(), ['iterator', 'snapshot'])
  t.is(db.stats().iterators.count, 0)
  t.is(db.stats().snapshots.count, 0)
})

test('readers that end with their database are not told as forgotten', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const events: string[] = []
  const listen = (name: string): DBOptions => ({
    onEvent: ({ type }: DatabaseEvent) => type === 'forgotten' && events.push(name),
  })
  const [closed, left] = [await open(t, listen('closed')), await open(t, listen('left'))]
  const forget = (): void => {
    for (const db of [closed, left]) {
      db.snapshot()
      db.iterator().nextSync()
    }
  }
  forget()
  await closed.close()
  // Those of the other database are forgotten at the same time, and tell when they are collected.
  for (let i = 0; i < 100 && events.length < 2; i++) {
    collect()
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  t.deepEqual(events, ['left', 'left'])
})

test('a scan of what is in memory lets other work have its turn', async (t) => {
  const large = await open(t)
  await fill(large, 3000, 1000)
  const small = await open(t)
  await fill(small, 40_000, 0)
  const ways = ['for', 'next', 'nextv'] as const
  for (const [db, way] of [large, small].flatMap((db) => ways.map((way) => [db, way] as const))) {
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const iterator = db.iterator()
    if (way === 'for') for await (const [key] of iterator) t.is(key.length, 7)
    if (way === 'next') while ((await iterator.next()) !== undefined) turns += 0
    if (way === 'nextv') while ((await iterator.nextv(100)).length > 0) turns += 0
    isOver = true
    t.true(turns >= 2, `${way}: ${turns}`)
    await iterator.close()
  }
})

test('statistics count open iterators and snapshots, and how old the oldest is', async (t) => {
  const db = await open(t)
  t.deepEqual(db.stats().iterators, { count: 0, oldestAgeMs: undefined })
  const [iterator, snapshot] = [db.iterator(), db.snapshot()]
  t.is(db.stats().iterators.count, 1)
  t.true(db.stats().iterators.oldestAgeMs! >= 0)
  t.is(db.stats().snapshots.count, 1)
  t.true(db.stats().snapshots.oldestAgeMs! >= 0)
  snapshot.close()
  await iterator.close()
  t.deepEqual(db.stats().snapshots, { count: 0, oldestAgeMs: undefined })
})

test('what an iterator alone keeps is counted, and let go with it', async (t) => {
  const db = await open(t, { writeBufferSize: 64 * 1024, compression: 'none' })
  await fill(db, 200, 100)
  const inMemory = db.iterator()
  await db.flushMemtable()
  t.is(db.stats().held.memtableBytes, 64 * 1024)
  t.is(db.stats().held.tableBytes, 0)
  const inTable = db.iterator()
  await inTable.next()
  await fill(db, 200, 100)
  await db.compactRange()
  t.true(db.stats().held.tableBytes > 20_000)
  t.is((await inTable.all()).length, 199)
  t.is((await inMemory.all()).length, 200)
  t.deepEqual(db.stats().held, { memtableBytes: 0, tableBytes: 0 })
})

test('disposal closes an iterator, with a promise or without', async (t) => {
  const db = await open(t)
  await fill(db, 3)
  const iterators = [db.iterator(), db.iterator()]
  iterators[0]![Symbol.dispose]()
  await iterators[1]![Symbol.asyncDispose]()
  t.is(db.stats().iterators.count, 0)
  for (const iterator of iterators) {
    t.throws(() => iterator.nextSync(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  }
})
