// Openings and full disks: the cases that LevelDB's recovery and fault tests keep.

import test from 'ava'
import { LEVELDB_LIMITS } from '../../../ts/version/level-rules.ts'
import { CompactionWorld, DIRECTORY, SMALL_LIMITS } from '../compaction-world.ts'
import { b, getText, newWorld, scan } from './lesson.ts'

test('a log larger than a memtable becomes several tables when it is opened', async (t) => {
  const world = await newWorld()
  await world.db.close()
  let db = await world.open({ writeBufferSize: 4 * 2 ** 20 })
  const values = { big1: '1'.repeat(200_000), big2: '2'.repeat(200_000), small3: '3'.repeat(10) }
  const expected = { ...values, small4: '4'.repeat(10), big5: '5'.repeat(200_000) }
  for (const [key, value] of Object.entries(expected)) await db.put(b(key), b(value))
  t.is(db.stats().levels[0]!.files, 0)
  await db.close()
  db = await world.open({ writeBufferSize: 100_000 })
  t.true(db.recovery.tables >= 3, `${db.recovery.tables} tables`)
  for (const [key, value] of Object.entries(expected)) t.true(getText(db, key) === value, key)
  await db.close()
})

test('memtables become tables by themselves as they fill, and everything is found, also later', async (t) => {
  const world = await newWorld(SMALL_LIMITS)
  await world.db.close()
  let db = await world.open({ writeBufferSize: 10_000 })
  const keys = Array.from({ length: 500 }, (_, i) => `key ${String(i).padStart(6, '0')}`)
  for (const key of keys) await db.put(b(key), b(`${key} ${'v'.repeat(300)}`))
  t.true(db.stats().flush.count >= 10, `${db.stats().flush.count} flushes`)
  for (const key of keys) t.is(getText(db, key)?.length, key.length + 301)
  await db.close()
  db = await world.open()
  for (const key of keys) t.is(getText(db, key)?.length, key.length + 301)
  t.is((await scan(db)).length, keys.length)
  await db.close()
})

test('an opening with nothing in its log adds no table, however often', async (t) => {
  const world = await newWorld()
  await world.db.put(b('foo'), b('v1'))
  for (let i = 0; i < 5; i++) {
    await world.db.close()
    await world.open()
    t.is(getText(world.db, 'foo'), 'v1')
    t.is(world.levels, '1 0 0 0 0 0 0')
  }
  const files = [...world.disk.contents(DIRECTORY).keys()]
  t.is(files.filter((name) => name.endsWith('.log')).length, 1)
  t.is(files.filter((name) => name.includes('MANIFEST')).length, 1)
  await world.db.close()
})

// google/leveldb#474: with a write buffer of many megabytes, large values have to come through whole.
test('values larger than any buffer on their way survive a flush and an opening', async (t) => {
  const world = await newWorld()
  await world.db.close()
  let db = await world.open({ writeBufferSize: 8 * 2 ** 20 })
  for (let i = 0; i < 12; i++) await db.put(b(`key ${i}`), Buffer.alloc(1_000_003, `value ${i} `))
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 12; i++) {
      t.true(db.getSync(b(`key ${i}`))?.equals(Buffer.alloc(1_000_003, `value ${i} `)), `key ${i}`)
    }
    await db.close()
    db = await world.open()
  }
  await db.close()
})

test('a disk that stays full gathers no files, serves what there is, and goes on when it has room', async (t) => {
  const world = await newWorld({ ...LEVELDB_LIMITS, level0Files: 2 })
  await world.db.put(b('foo'), b('v1'))
  await world.db.flushMemtable()
  await world.db.put(b('bar'), b('v2'))
  const before = world.tablesOnDisk().length
  world.disk.inject({ effect: 'fail', kind: 'write', code: 'ENOSPC', path: /\.ldb$/, times: 1000 })
  await t.throwsAsync(world.db.flushMemtable(), { code: 'LEVEL_IO_ERROR' })
  for (let i = 0; i < 10; i++) {
    await t.throwsAsync(world.db.resume(), { code: 'LEVEL_IO_ERROR' })
    await t.throwsAsync(world.db.put(b('lost'), b('never')), { code: 'LEVEL_IO_ERROR' })
    t.deepEqual(await scan(world.db), ['bar=v2', 'foo=v1'])
  }
  t.true(world.tablesOnDisk().length <= before + 1, world.tablesOnDisk().join())
  world.disk.heal()
  await world.db.resume()
  await world.db.put(b('more'), b('v3'))
  await world.db.compactRange()
  await world.idle()
  t.deepEqual(world.tablesOnDisk(), world.liveTables())
  t.deepEqual(await scan(world.db), ['bar=v2', 'foo=v1', 'more=v3'])
  await world.db.close()
})

test('a disk that takes no new file fails writes without harm, and takes them when it can again', async (t) => {
  const world = await newWorld()
  await world.db.put(b('foo'), b('v1'))
  world.disk.inject({ effect: 'fail', kind: 'create', code: 'EROFS', times: 1000 })
  await t.throwsAsync(world.db.write(null), { code: 'LEVEL_IO_ERROR' })
  t.is(getText(world.db, 'foo'), 'v1')
  world.disk.heal()
  if (world.db.stats().failure !== undefined) await world.db.resume()
  await world.db.put(b('foo'), b('v2'))
  await world.db.flushMemtable()
  t.is(getText(world.db, 'foo'), 'v2')
  await world.db.close()
  const again = new CompactionWorld(world.disk, LEVELDB_LIMITS)
  await again.open()
  t.deepEqual(await scan(again.db), ['foo=v2'])
  await again.db.close()
})
