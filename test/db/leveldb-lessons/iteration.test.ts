// Iterators where LevelDB's went wrong, or could: ends, deletions, sizes, changes of the way.

import test, { type ExecutionContext } from 'ava'
import type { DBIterator } from '../../../ts/index.ts'
import { SMALL_LIMITS } from '../compaction-world.ts'
import { b, newWorld, scan, sunk } from './lesson.ts'

function show(entry: [Buffer, Buffer] | undefined): string {
  return entry === undefined ? 'end' : `${entry[0].toString()}=${entry[1].toString()}`
}

async function checkWay(
  t: ExecutionContext,
  iterator: DBIterator,
  steps: readonly (readonly [seek: string | undefined, expected: string])[],
): Promise<void> {
  for (const [seek, expected] of steps) {
    if (seek !== undefined) iterator.seek(b(seek))
    t.is(show(await iterator.next()), expected, seek ?? 'next')
  }
  await iterator.close()
}

test('one entry is found by every seek that may find it, and by no other', async (t) => {
  const world = await newWorld()
  await world.db.put(b('b'), b('vb'))
  await checkWay(t, world.db.iterator(), [
    [undefined, 'b=vb'],
    [undefined, 'end'],
    [undefined, 'end'],
    ['', 'b=vb'],
    ['a', 'b=vb'],
    ['b', 'b=vb'],
    ['c', 'end'],
    ['a', 'b=vb'],
  ])
  await checkWay(t, world.db.iterator({ reverse: true }), [
    [undefined, 'b=vb'],
    [undefined, 'end'],
    ['', 'end'],
    ['a', 'end'],
    ['b', 'b=vb'],
    ['c', 'b=vb'],
    [undefined, 'end'],
  ])
  await world.db.close()
})

test('what is written while an iterator is open is not for it, wherever it goes', async (t) => {
  const world = await newWorld()
  for (const key of ['a', 'b', 'c']) await world.db.put(b(key), b(`v${key}`))
  const forward = world.db.iterator()
  const backward = world.db.iterator({ reverse: true })
  t.is(show(await forward.next()), 'a=va')
  await world.db.put(b('a'), b('va2'))
  await world.db.put(b('a2'), b('va3'))
  await world.db.put(b('b'), b('vb2'))
  await world.db.delete(b('c'))
  await world.db.compactRange()
  await checkWay(t, forward, [
    [undefined, 'b=vb'],
    [undefined, 'c=vc'],
    [undefined, 'end'],
    ['a', 'a=va'],
    ['a1', 'b=vb'],
  ])
  await checkWay(t, backward, [
    [undefined, 'c=vc'],
    ['b', 'b=vb'],
    [undefined, 'a=va'],
    [undefined, 'end'],
  ])
  await world.db.close()
})

test('small and large values are mixed', async (t) => {
  const world = await newWorld()
  const values = { a: 'va', b: 'b'.repeat(100_000), c: 'vc', d: 'd'.repeat(100_000), e: 've' }
  const expected = Object.entries(values).map(([key, value]) => `${key}=${value}`)
  for (const [key, value] of Object.entries(values)) await world.db.put(b(key), b(value))
  for (let i = 0; i < 2; i++) {
    t.true((await scan(world.db)).join() === expected.join())
    t.true((await scan(world.db, true)).join() === expected.toReversed().join())
    await world.db.compactRange()
  }
  await world.db.close()
})

test('a deleted key is passed, to the one before it and to the one behind it, also after a compaction', async (t) => {
  let world = await newWorld()
  for (const key of ['ka', 'kb', 'kc']) await world.db.put(b(key), b(`v${key}`))
  await world.db.delete(b('kb'))
  for (let i = 0; i < 3; i++) {
    t.deepEqual(await scan(world.db), ['ka=vka', 'kc=vkc'])
    t.deepEqual(await scan(world.db, true), ['kc=vkc', 'ka=vka'])
    await checkWay(t, world.db.iterator({ reverse: true }), [
      ['kc', 'kc=vkc'],
      [undefined, 'ka=vka'],
      ['kb', 'ka=vka'],
    ])
    await checkWay(t, world.db.iterator(), [['kb', 'kc=vkc']])
    if (i === 0) await world.db.flushMemtable()
    else world = await sunk(world, 1)
  }
  await world.db.close()
})

// google/leveldb#200: a step back that followed steps forward over entries newer than the iterator.
test('a way that turns round beside newer entries meets its own entries alone', async (t) => {
  const world = await newWorld()
  for (const key of ['1', '2', '3', '4', '5']) await world.db.put(b(key), b('b'))
  const before = world.db.snapshot()
  await world.db.put(b('25'), b('cd'))
  for (const key of ['2', '3']) await world.db.put(b(key), b('newer'))
  await checkWay(t, world.db.iterator({ snapshot: before }), [
    ['5', '5=b'],
    ['2', '2=b'],
    [undefined, '3=b'],
    ['25', '3=b'],
  ])
  await checkWay(t, world.db.iterator({ snapshot: before, reverse: true }), [
    ['5', '5=b'],
    ['25', '2=b'],
    [undefined, '1=b'],
    ['3', '3=b'],
    [undefined, '2=b'],
  ])
  before.close()
  await world.db.close()
})

test('a thousand versions and deletions of one key are passed on the way to its neighbours', async (t) => {
  const world = await newWorld(SMALL_LIMITS)
  await world.db.put(b('a'), b('first'))
  await world.db.put(b('z'), b('last'))
  const held = world.db.snapshot()
  for (let i = 0; i < 1000; i++) {
    if (i % 7 === 3) await world.db.delete(b('m'))
    else await world.db.put(b('m'), b(`version ${i}`))
    if (i % 150 === 149) await world.db.flushMemtable()
  }
  t.deepEqual(await scan(world.db), ['a=first', 'm=version 999', 'z=last'])
  t.deepEqual(await scan(world.db, true), ['z=last', 'm=version 999', 'a=first'])
  const old = await world.db.iterator({ snapshot: held, reverse: true }).all()
  t.deepEqual(old.map(show), ['z=last', 'a=first'])
  held.close()
  await world.db.close()
})
