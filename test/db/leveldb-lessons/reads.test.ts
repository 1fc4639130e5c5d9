// Where a read has to look, and in which order: the cases that LevelDB's own tests keep.

import test from 'ava'
import { b, getText, newWorld, scan, sunk } from './lesson.ts'

test('an empty database has nothing, in memory, in tables, and after it was opened again', async (t) => {
  let world = await newWorld()
  for (let i = 0; i < 2; i++) {
    t.is(getText(world.db, ''), undefined)
    t.is(getText(world.db, 'foo'), undefined)
    t.deepEqual(await world.db.getMany([b(''), b('foo')]), [undefined, undefined])
    t.deepEqual(await scan(world.db), [])
    t.deepEqual(await scan(world.db, true), [])
    await world.db.flushMemtable()
    await world.db.compactRange()
    t.is(world.levels, '0 0 0 0 0 0 0')
    world = await sunk(world, 1)
  }
  await world.db.close()
})

test('the empty key is one like any other, on every level', async (t) => {
  let world = await newWorld()
  await world.db.put(b(''), b('v1'))
  t.is(getText(world.db, ''), 'v1')
  for (const level of [1, 2, 6] as const) {
    world = await sunk(world, level)
    t.is(world.engine.versions.current.levels[level]!.length, 1)
    t.is(getText(world.db, ''), 'v1')
    t.deepEqual(await scan(world.db, true), ['=v1'])
  }
  await world.db.put(b(''), b('v2'))
  t.deepEqual(await scan(world.db), ['=v2'])
  await world.db.delete(b(''))
  t.is(getText(world.db, ''), undefined)
  t.deepEqual(await scan(world.db), [])
  await world.db.close()
})

test('of tables of level 0 the newest answers, whatever range each of them has', async (t) => {
  const world = await newWorld()
  // The second table has the larger range, and is older than what is put behind it.
  await world.table(['bar', 'foo'], 'v1')
  await world.table(['a', 'foo', 'z'], 'v2')
  t.is(world.levels, '2 0 0 0 0 0 0')
  t.is(getText(world.db, 'foo'), 'v2')
  t.is(getText(world.db, 'bar'), 'v1')
  t.deepEqual(await scan(world.db), ['a=v2', 'bar=v1', 'foo=v2', 'z=v2'])
  await world.db.close()
})

test('a level answers before those below it, and one that is empty does not end the search', async (t) => {
  let world = await newWorld()
  await world.table(['a', 'foo', 'z'], 'at level 2')
  world = await sunk(world, 2)
  t.is(world.levels, '0 0 1 0 0 0 0')
  await world.table(['a', 'z'], 'at level 0')
  t.is(getText(world.db, 'foo'), 'at level 2')
  t.is(getText(world.db, 'missing'), undefined)
  world = await sunk(world, 1)
  await world.table(['foo'], 'at level 0')
  t.is(world.levels, '1 1 1 0 0 0 0')
  t.is(getText(world.db, 'foo'), 'at level 0')
  t.is(getText(world.db, 'a'), 'at level 0')
  t.deepEqual(await scan(world.db, true), ['z=at level 0', 'foo=at level 0', 'a=at level 0'])
  await world.db.close()
})

test('of a level with several tables the right one is asked, at both of its ends', async (t) => {
  let world = await newWorld()
  for (const keys of [
    ['a', 'c'],
    ['f', 'h'],
    ['x', 'z'],
  ]) {
    await world.table(keys)
    world = await sunk(world, 1)
  }
  t.is(world.levels, '0 3 0 0 0 0 0')
  for (const key of ['a', 'c', 'f', 'h', 'x', 'z']) t.is(getText(world.db, key), key)
  for (const key of ['', 'b', 'd', 'g', 'k', 'y', 'zz']) t.is(getText(world.db, key), undefined)
  await world.db.close()
})

test('a deletion in a newer table hides what every deeper level has', async (t) => {
  let world = await newWorld()
  await world.table(['a', 'foo', 'z'], 'old')
  world = await sunk(world, 2)
  await world.table(['a', 'foo'], 'newer')
  world = await sunk(world, 1)
  await world.db.delete(b('foo'))
  await world.db.flushMemtable()
  t.is(world.levels, '1 1 1 0 0 0 0')
  t.is(getText(world.db, 'foo'), undefined)
  t.deepEqual(await scan(world.db), ['a=newer', 'z=old'])
  t.deepEqual(await scan(world.db, true), ['z=old', 'a=newer'])
  await world.db.close()
})

test('snapshots of one moment are the same, and closing one leaves the other', async (t) => {
  const world = await newWorld()
  const empty = world.db.snapshot()
  await world.db.put(b('foo'), b('v1'))
  const [first, second, third] = [world.db.snapshot(), world.db.snapshot(), world.db.snapshot()]
  await world.db.put(b('foo'), b('v2'))
  const read = (snapshot: typeof first): string | undefined =>
    world.db.getSync(b('foo'), { snapshot })?.toString()
  t.deepEqual([read(empty), read(first), read(second), read(third)], [undefined, 'v1', 'v1', 'v1'])
  first.close()
  await world.db.compactRange()
  t.deepEqual([read(empty), read(second), read(third)], [undefined, 'v1', 'v1'])
  second.close()
  third.close()
  await world.db.put(b('foo'), b('v3'))
  await world.db.compactRange()
  t.deepEqual([read(empty), getText(world.db, 'foo')], [undefined, 'v3'])
  t.deepEqual(await world.db.iterator({ snapshot: empty }).all(), [])
  empty.close()
  await world.db.close()
})

test('a filter spares nearly every read of a key that is not there, and costs none that is', async (t) => {
  const world = await newWorld()
  await world.db.close()
  const db = await world.open({ cacheSize: 0, writeBufferSize: 4 * 2 ** 20 })
  const keys = Array.from({ length: 2000 }, (_, i) => b(`key ${String(i).padStart(6, '0')}`))
  for (const key of keys) await db.put(key, key)
  await db.compactRange()
  // Every hundredth key again, in a table above.
  for (let i = 0; i < keys.length; i += 100) await db.put(keys[i]!, keys[i]!)
  await db.flushMemtable()
  t.is(world.levels, '1 1 0 0 0 0 0')
  t.is(db.getSync(b('key 000000 and more')), undefined)

  const readsOf = (action: () => void): number => {
    const from = world.disk.trace.length
    action()
    return world.disk.trace.slice(from).filter(({ kind }) => kind === 'read').length
  }
  const present = readsOf(() => {
    for (const key of keys) t.deepEqual(db.getSync(key), key)
  })
  t.true(present >= keys.length, `${present}`)
  t.true(present <= keys.length * 1.02, `${present} reads of ${keys.length} keys`)
  const missing = readsOf(() => {
    for (const key of keys) t.is(db.getSync(Buffer.concat([key, b('.missing')])), undefined)
  })
  t.true(
    missing <= keys.length * 0.03,
    `${missing} reads of ${keys.length} keys that are not there`,
  )
  await db.close()
})
