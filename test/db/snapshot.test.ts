// Snapshots, and reads of several keys: one moment, wherever its data has gone since.

import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DB, type DBOptions, type DBSnapshot } from '../../ts/index.ts'
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

/** What every way of reading says of the keys, which must be the same. */
async function read(
  t: ExecutionContext,
  db: DB,
  keys: string[],
  snapshot?: DBSnapshot,
): Promise<(string | undefined)[]> {
  const options = snapshot === undefined ? {} : { snapshot }
  const values = (await db.getMany(keys.map(b), options)).map((value) => value?.toString())
  for (const [i, key] of keys.entries()) {
    t.is((await db.get(b(key), options))?.toString(), values[i])
    t.is(db.getSync(b(key), options)?.toString(), values[i])
  }
  const found = new Map(
    (await db.iterator(options).all()).map(([key, value]) => [key.toString(), value.toString()]),
  )
  t.deepEqual(
    keys.map((key) => found.get(key)),
    values,
  )
  return values
}

test('a snapshot sees its moment from every read, while newer versions go to the memtable and to tables', async (t) => {
  const db = await open(t)
  await db.put(b('a'), b('1'))
  await db.put(b('b'), b('1'))
  const first = db.snapshot()
  await db.put(b('a'), b('2'))
  await db.delete(b('b'))
  const second = db.snapshot()
  await db.put(b('b'), b('3'))
  for (const where of ['memtable', 'tables']) {
    if (where === 'tables') await db.flushMemtable()
    t.deepEqual(await read(t, db, ['a', 'b', 'c'], first), ['1', '1', undefined], where)
    t.deepEqual(await read(t, db, ['a', 'b', 'c'], second), ['2', undefined, undefined], where)
    t.deepEqual(await read(t, db, ['a', 'b', 'c']), ['2', '3', undefined], where)
  }
  t.true(first.sequence < second.sequence)
})

test('random snapshots see what a copy of a map saw, over flushes', async (t) => {
  const random = new Random(SEED)
  const db = await open(t, { writeBufferSize: 8192, blockSize: 256 })
  const model = new Map<string, string>()
  const taken: { snapshot: DBSnapshot; copy: Map<string, string> }[] = []
  const keys = Array.from({ length: 30 }, (_, i) => `k${i}`)
  for (let step = 0; step < 600; step++) {
    const key = random.pick(keys)
    if (random.percent(70)) {
      model.set(key, `${step}${'.'.repeat(random.below(60))}`)
      await db.put(b(key), b(model.get(key)!))
    } else {
      model.delete(key)
      await db.delete(b(key))
    }
    if (random.percent(3)) taken.push({ snapshot: db.snapshot(), copy: new Map(model) })
    if (random.percent(2)) await db.flushMemtable()
    if (random.percent(2) && taken.length > 3)
      taken.splice(random.below(taken.length), 1)[0]!.snapshot.close()
  }
  for (const { snapshot, copy } of taken) {
    const found = await read(t, db, keys, snapshot)
    t.deepEqual(
      found,
      keys.map((key) => copy.get(key)),
      seeded(`${snapshot.sequence}`),
    )
  }
})

test('a closed snapshot, one of another database, and what is none are refused by every read', async (t) => {
  const [db, other] = [await open(t), await open(t)]
  const [closed, foreign] = [db.snapshot(), other.snapshot()]
  closed[Symbol.dispose]()
  for (const [snapshot, expected] of [
    [closed, { code: 'LEVEL_SNAPSHOT_NOT_OPEN' }],
    [foreign, { instanceOf: TypeError }],
    [null, { instanceOf: TypeError }],
    [7, { instanceOf: TypeError }],
  ] as const) {
    const options = { snapshot: snapshot as DBSnapshot }
    await t.throwsAsync(db.get(b('k'), options), expected)
    await t.throwsAsync(db.getMany([b('k')], options), expected)
    t.throws(() => db.getSync(b('k'), options), expected)
    t.throws(() => db.iterator(options), expected)
  }
})

test('getMany answers in the order of the keys, twice for a key that is there twice', async (t) => {
  const db = await open(t, { cacheSize: 0 })
  for (let i = 0; i < 200; i++) void db.put(b(`k${i}`), b(`v${i}`))
  await db.flushMemtable()
  await db.put(b('new'), b('in memory'))
  const keys = ['k7', 'new', 'none', 'k7', ...Array.from({ length: 200 }, (_, i) => `k${199 - i}`)]
  const values = await db.getMany(keys.map(b))
  t.deepEqual(
    values.map((value) => value?.toString()),
    ['v7', 'in memory', undefined, 'v7', ...Array.from({ length: 200 }, (_, i) => `v${199 - i}`)],
  )
  t.deepEqual(await db.getMany([]), [])
})

test('getMany copies its keys before it returns, and refuses what is no key and no array', async (t) => {
  const db = await open(t, { cacheSize: 0 })
  await db.put(b('k'), b('v'))
  await db.flushMemtable()
  const key = b('k')
  const reading = db.getMany([key])
  key.fill(0)
  t.is((await reading)[0]?.toString(), 'v')
  await t.throwsAsync(db.getMany([b('k'), 'k' as never]), { code: 'LEVEL_INVALID_KEY' })
  await t.throwsAsync(db.getMany('k' as never), { instanceOf: TypeError })
  await db.close()
  await t.throwsAsync(db.getMany([b('k')]), { code: 'LEVEL_DATABASE_NOT_OPEN' })
})
