// putSync, delSync and batchSync of a database and of its sublevels.

import test from 'ava'
import { type DatabaseOptions, SluiceLevel } from '../../ts/index.ts'
import { openLevel, openSublevel } from './open-level.ts'

test('what they write is read at once, and durable with sync', async (t) => {
  const db = await openLevel(t)
  db.putSync('a', '1')
  t.is(db.getSync('a'), '1')
  t.is(db.stats().write.syncs.count, 0)
  db.putSync('a', '2', { sync: true })
  t.is(db.stats().write.syncs.count, 1)
  db.batchSync([
    { type: 'del', key: 'a' },
    { type: 'put', key: 'b', value: '3' },
  ])
  t.deepEqual(db.iterator().allSync(), [['b', '3']])
  db.delSync('b', { sync: true })
  t.is(db.getSync('b'), undefined)
  t.is(db.stats().write.syncs.count, 2)
  t.is(db.stats().write.writes, 4)
  db.batchSync([])
  t.is(db.stats().write.writes, 4)
})

test("the option durability 'sync' goes for them too", async (t) => {
  const db = await openLevel(t, { durability: 'sync' })
  db.putSync('a', '1')
  db.batchSync([{ type: 'put', key: 'b', value: '1' }], { sync: false })
  t.is(db.stats().write.syncs.count, 1)
})

test('they come behind what was called before', async (t) => {
  const db = await openLevel(t)
  const before = [db.put('k', 'before', { sync: true }), db.put('other', '1')]
  db.putSync('k', 'now')
  t.is(db.getSync('other'), '1')
  t.is(db.getSync('k'), 'now')
  await Promise.all(before)
  t.is(await db.get('k'), 'now')
})

test('encodings are those of the database, and of the call where it says so', async (t) => {
  const options: DatabaseOptions<string, object> = { valueEncoding: 'json' }
  const db = await openLevel<object>(t, options)
  db.putSync('a', { x: 1 })
  t.deepEqual(await db.get('a'), { x: 1 })
  db.putSync<Buffer, string>(Buffer.from([1, 2]), 'raw', {
    keyEncoding: 'buffer',
    valueEncoding: 'utf8',
  })
  t.is(
    db.getSync<Buffer, string>(Buffer.from([1, 2]), {
      keyEncoding: 'buffer',
      valueEncoding: 'utf8',
    }),
    'raw',
  )
  db.batchSync<string, string>([{ type: 'put', key: '00ff', value: 'x' }], {
    keyEncoding: 'hex',
    valueEncoding: 'utf8',
  })
  t.true(await db.has(Buffer.from([0, 255]), { keyEncoding: 'buffer' }))
})

test('prewrite hooks see them, may change them and add to them', async (t) => {
  const db = await openLevel(t)
  const seen: unknown[] = []
  db.hooks.prewrite.add((op, batch) => {
    seen.push([op.type, op.key])
    if (op.type === 'put') batch.add({ type: 'put', key: `copy of ${op.key}`, value: op.value })
  })
  db.putSync('a', '1')
  db.delSync('gone')
  db.batchSync([{ type: 'put', key: 'b', value: '2' }])
  t.deepEqual(seen, [
    ['put', 'a'],
    ['del', 'gone'],
    ['put', 'b'],
  ])
  t.deepEqual(db.keys().allSync(), ['a', 'b', 'copy of a', 'copy of b'])
})

test('a hook that throws is LEVEL_HOOK_ERROR, and nothing is written', async (t) => {
  const db = await openLevel(t)
  db.hooks.prewrite.add(() => {
    throw new Error('no')
  })
  t.throws(() => db.putSync('a', '1'), { code: 'LEVEL_HOOK_ERROR' })
  t.throws(() => db.batchSync([{ type: 'del', key: 'a' }]), { code: 'LEVEL_HOOK_ERROR' })
  t.is(db.stats().write.writes, 0)
})

test('the event write tells of them', async (t) => {
  const db = await openLevel(t)
  const told: unknown[] = []
  db.on('write', (operations: { type: string; key: string; value?: string }[]) => {
    told.push(operations.map(({ type, key, value }) => [type, key, value]))
  })
  db.putSync('a', '1')
  db.batchSync([
    { type: 'put', key: 'b', value: '2' },
    { type: 'del', key: 'a' },
  ])
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(told, [
    [['put', 'a', '1']],
    [
      ['put', 'b', '2'],
      ['del', 'a', undefined],
    ],
  ])
})

test('a sublevel writes under its prefix, by its own hooks and encodings, and those of each level above', async (t) => {
  const db = await openLevel(t)
  const sublevel = await openSublevel<object>(db, 'outer', { valueEncoding: 'json' })
  const keys: string[] = []
  db.hooks.prewrite.add((op) => keys.push(`root ${op.key}`))
  sublevel.hooks.prewrite.add((op) => keys.push(`sub ${op.key}`))
  sublevel.putSync('a', { x: 1 }, { sync: true })
  sublevel.batchSync([{ type: 'put', key: 'b', value: { x: 2 } }])
  t.deepEqual(db.iterator().allSync(), [
    ['!outer!a', '{"x":1}'],
    ['!outer!b', '{"x":2}'],
  ])
  t.deepEqual(keys, ['sub a', 'root !outer!a', 'sub b', 'root !outer!b'])
  t.is(db.stats().write.syncs.count, 1)
  sublevel.delSync('a')
  t.is(sublevel.getSync('a'), undefined)
  db.batchSync([{ type: 'put', key: 'c', value: { x: 3 }, sublevel }] as never)
  t.deepEqual(sublevel.iterator().allSync(), [
    ['b', { x: 2 }],
    ['c', { x: 3 }],
  ])
})

test('a sublevel of a sublevel writes and reads so too', async (t) => {
  const db = await openLevel(t)
  const outer = await openSublevel(db, 'outer')
  const inner = outer.sublevel<string, object>('inner', { valueEncoding: 'json' })
  await inner.open()
  inner.putSync('a', { x: 1 })
  t.deepEqual(inner.iterator().allSync(), [['a', { x: 1 }]])
  t.deepEqual(db.keys().allSync(), ['!outer!!inner!a'])
})

test('wrong arguments and a database that is not open are refused, and leave nothing open', async (t) => {
  const db = await openLevel(t)
  t.throws(() => db.putSync(null as never, '1'), { code: 'LEVEL_INVALID_KEY' })
  t.throws(() => db.putSync('a', undefined as never), { code: 'LEVEL_INVALID_VALUE' })
  t.throws(() => db.batchSync('a' as never), { instanceOf: TypeError })
  const noObject = { instanceOf: TypeError, message: 'An operation must be an object' }
  t.throws(() => db.batchSync([null as never]), noObject)
  t.throws(() => db.batchSync([{ type: 'get', key: 'a' } as never]), { instanceOf: TypeError })
  t.throws(
    () =>
      db.batchSync([
        { type: 'put', key: 'a', value: '1' },
        { type: 'put', key: null as never, value: '1' },
      ]),
    { code: 'LEVEL_INVALID_KEY' },
  )
  t.is(db.getSync('a'), undefined)
  await db.close()
  t.throws(() => db.putSync('a', '1'), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  t.throws(() => db.batchSync([]), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  const opening = new SluiceLevel(db.location)
  t.throws(() => opening.delSync('a'), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  t.throws(() => opening.sublevel('x').putSync('a', '1'), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  await opening.close()
})
