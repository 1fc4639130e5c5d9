// What compactions must drop, keep and never bring back: the lessons of LevelDB's tests and issues.

import test from 'ava'
import { WriteBatch } from '../../../ts/index.ts'
import { LEVELDB_LIMITS, type LevelLimits } from '../../../ts/version/level-rules.ts'
import { Random } from '../../crash/random.ts'
import { SEED, seeded } from '../../format/seed.ts'
import { type CompactionWorld, SMALL_LIMITS } from '../compaction-world.ts'
import { b, entriesFor, getText, newWorld, reopen, scan, sunk } from './lesson.ts'

const MIDDLE_LIMITS: LevelLimits = { ...SMALL_LIMITS, level1Bytes: 20_000, maxFileSizeBytes: 4000 }

test('a hidden value stays while a snapshot sees it, and goes with the next compaction', async (t) => {
  const world = await newWorld()
  const big = 'v'.repeat(50_000)
  await world.db.put(b('foo'), b(big))
  const snapshot = world.db.snapshot()
  await world.db.put(b('foo'), b('tiny'))
  await world.db.put(b('pastfoo'), b('v'))
  await world.db.flushMemtable()
  t.deepEqual(entriesFor(world, 'foo'), ['tiny', big])
  await world.db.compactRange()
  t.deepEqual(entriesFor(world, 'foo'), ['tiny', big])
  t.true(world.db.getSync(b('foo'), { snapshot })?.equals(b(big)))
  const [before] = await world.db.approximateSizes([[b(''), b('pastfoo')]])
  snapshot.close()
  await world.db.put(b('foo2'), b('v'))
  await world.db.compactRange(undefined, b('x'))
  t.deepEqual(entriesFor(world, 'foo'), ['tiny'])
  const [after] = await world.db.approximateSizes([[b(''), b('pastfoo')]])
  t.true(after! < before! / 2, `${before} bytes, then ${after}`)
  await world.db.close()
})

test('a deletion stays while a deeper level holds its key, and goes when it has met it', async (t) => {
  let world = await newWorld()
  await world.table(['a', 'foo', 'z'], 'v1')
  world = await sunk(world, 2)
  await world.db.delete(b('foo'))
  await world.db.flushMemtable()
  t.deepEqual(entriesFor(world, 'foo'), ['DEL', 'v1'])
  // With another table to merge with: alone it would only move.
  await world.table(['a', 'z'], 'v2')
  world = await sunk(world, 1)
  t.is(world.levels, '0 1 1 0 0 0 0')
  t.deepEqual(entriesFor(world, 'foo'), ['DEL', 'v1'])
  t.is(getText(world.db, 'foo'), undefined)
  await world.db.compactRange()
  t.deepEqual(entriesFor(world, 'foo'), [])
  t.deepEqual(await scan(world.db), ['a=v2', 'z=v2'])
  await world.db.close()
})

test('a value above its deletion hides both, and nothing older comes back when they merge', async (t) => {
  let world = await newWorld()
  await world.table(['a', 'foo', 'z'], 'v1')
  world = await sunk(world, 2)
  await world.db.delete(b('foo'))
  await world.db.put(b('foo'), b('v2'))
  await world.db.flushMemtable()
  t.deepEqual(entriesFor(world, 'foo'), ['v2', 'DEL', 'v1'])
  world = await sunk(world, 1)
  t.is(getText(world.db, 'foo'), 'v2')
  await world.db.compactRange()
  t.deepEqual(entriesFor(world, 'foo'), ['v2'])
  await world.db.close()
})

test('a table that only overlaps by its range does not keep what lies in it from being found', async (t) => {
  let world = await newWorld()
  await world.table(['100', '500', '999'], 'old')
  world = await sunk(world, 2)
  // Two tables of level 0, of which the older one covers the newer one's range.
  await world.table(['300', '500', '900'], 'middle')
  await world.table(['200', '600'], 'new')
  await world.db.delete(b('600'))
  await world.db.flushMemtable()
  t.is(world.levels, '3 0 1 0 0 0 0')
  await world.db.compactRange(b('0'), b('1'))
  await world.db.compactRange(b('600'), b('600'))
  t.is(getText(world.db, '600'), undefined)
  t.is(getText(world.db, '500'), 'middle')
  t.is(getText(world.db, '200'), 'new')
  await world.db.close()
})

// google/leveldb#44: a level-0 table went down without an older one that overlapped it.
test('keys that are put, deleted and put again between openings neither vanish nor return', async (t) => {
  const world = await newWorld({ ...LEVELDB_LIMITS, level0Files: 2 })
  await reopenAfter(world, async () => world.db.put(b('b'), b('v')))
  await reopenAfter(world, async () => {
    await world.db.delete(b('b'))
    await world.db.delete(b('e'))
  })
  await reopenAfter(world, async () => world.db.delete(b('a')))
  await reopenAfter(world, async () => world.db.put(b('a'), b('v')))
  await reopenAfter(world, async () => undefined)
  t.deepEqual(await scan(world.db), ['a=v'])
  await world.idle()
  t.deepEqual(await scan(world.db), ['a=v'])
  await world.db.close()
})

test('the empty key beside deletions of keys that never were survives every opening', async (t) => {
  const world = await newWorld({ ...LEVELDB_LIMITS, level0Files: 2 })
  const rounds: readonly (readonly (readonly [key: string, value?: string])[])[] = [
    [['', '']],
    [['e'], ['', '']],
    [['c', 'cv']],
    [['', '']],
    [['', '']],
    [['d', 'dv']],
    [['', '']],
    [['d'], ['b']],
  ]
  for (const round of rounds) {
    await reopenAfter(world, async () => {
      for (const [key, value] of round) {
        await (value === undefined ? world.db.delete(b(key)) : world.db.put(b(key), b(value)))
      }
    })
    await world.idle()
  }
  t.deepEqual(await scan(world.db), ['=', 'c=cv'])
  t.deepEqual(await scan(world.db, true), ['c=cv', '='])
  await world.db.close()
})

async function reopenAfter(world: CompactionWorld, action: () => Promise<void>): Promise<void> {
  await action()
  await reopen(world)
}

function groupKey(group: number, i: number): Buffer {
  return b(`${group}/${String(i).padStart(5, '0')}`)
}

// google/leveldb#178: a compaction by hand stopped short, and deleted keys were there again.
test('a compaction of one half by hand leaves the other half as it was, and brings nothing back', async (t) => {
  const world = await newWorld(MIDDLE_LIMITS)
  const count = 3000
  for (let i = 0; i < count; i++) {
    await world.db.put(groupKey(1, i), b(`value ${i}`))
    await world.db.put(groupKey(2, i), b(`value ${i}`))
  }
  for (let from = 0; from < count; from += 100) {
    const batch = new WriteBatch()
    for (let i = from; i < from + 100; i++) batch.delete(groupKey(2, i))
    await world.db.write(batch)
  }
  await world.db.compactRange(groupKey(1, 0), groupKey(1, count))
  await world.idle()
  const keys = await world.db.iterator({ values: false }).all()
  t.is(keys.length, count)
  t.true(keys.every(([key], i) => key.equals(groupKey(1, i))))
  const [key] = (await world.db.iterator({ reverse: true, limit: 1 }).all())[0]!
  t.deepEqual(key, groupKey(1, count - 1))
  await world.db.close()
})

// google/leveldb#320: of two tables that shared a user key, one went down alone.
test('random writes under many snapshots are the same before and behind every compaction', async (t) => {
  const random = new Random(SEED)
  const world = await newWorld(SMALL_LIMITS)
  const map = new Map<string, string>()
  const held: { snapshot: ReturnType<typeof world.db.snapshot>; map: Map<string, string> }[] = []
  for (let i = 0; i < 2500; i++) {
    const key = `key ${random.below(40)}`
    if (random.percent(20)) {
      map.delete(key)
      await world.db.delete(b(key))
    } else {
      map.set(key, `value ${i} ${'x'.repeat(random.below(60))}`)
      await world.db.put(b(key), b(map.get(key)!))
    }
    if (random.percent(4)) held.push({ snapshot: world.db.snapshot(), map: new Map(map) })
    if (held.length > 12) held.splice(random.below(held.length), 1)[0]!.snapshot.close()
    if (random.percent(2)) await world.db.flushMemtable()
    if (random.percent(1)) await world.db.compactRange(b(`key ${random.below(40)}`), b('key 5'))
    if (i % 250 !== 249) continue
    for (const { snapshot, map: then } of held) {
      const found = await world.db.iterator({ snapshot }).all()
      const expected = [...then].toSorted(([x], [y]) => (x < y ? -1 : 1))
      t.deepEqual(
        found.map(([k, v]) => [k.toString(), v.toString()]),
        expected,
        seeded(`write ${i}`),
      )
    }
  }
  for (const { snapshot } of held) snapshot.close()
  await world.db.close()
})

test('the same key again and again never makes many tables', async (t) => {
  const world = await newWorld(SMALL_LIMITS)
  for (let i = 0; i < 60; i++) {
    await world.table(['key'], `${i}`.padEnd(3000, 'x'))
    const count = world.engine.versions.current.fileCount
    t.true(count <= 7 + 12, `${count} tables`)
  }
  await world.idle()
  await world.db.compactRange()
  t.is(world.engine.versions.current.fileCount, 1)
  t.is(entriesFor(world, 'key').length, 1)
  await world.db.close()
})

test('a compaction of much makes several tables, in order, without an overlap', async (t) => {
  const world = await newWorld({ ...LEVELDB_LIMITS, maxFileSizeBytes: 50_000 })
  const random = new Random(SEED)
  const values = Array.from({ length: 80 }, () => random.bytes(10_000))
  for (const [i, value] of values.entries()) await world.db.put(b(`key ${100 + i}`), value)
  await world.db.compactRange()
  const files = world.engine.versions.current.levels[1]!
  // A table ends with the entry that brings it to the limit.
  for (const { sizeBytes } of files.slice(0, -1)) {
    t.true(sizeBytes >= 50_000 && sizeBytes < 50_000 + 10_000 + 1000, `${sizeBytes} bytes`)
  }
  t.true(files.length > 10, `${files.length} tables`)
  for (const [i, value] of values.entries())
    t.deepEqual(world.db.getSync(b(`key ${100 + i}`)), value)
  await world.db.close()
})

test('no table comes to overlap much more of the next level than ten of its tables', async (t) => {
  const world = await newWorld(MIDDLE_LIMITS)
  const random = new Random(SEED)
  // A dense middle, and pairs of keys far outside of it that would span it all.
  for (let i = 0; i < 800; i++) {
    await world.db.put(b(`B${String(random.below(500)).padStart(5, '0')}`), random.bytes(100))
    if (i % 100 === 99) {
      await world.table(['A', 'C'], `${i}`)
      await world.idle()
    }
  }
  const { levels } = world.engine.versions.current
  let widest = 0
  for (let level = 1; level < levels.length - 1; level++) {
    for (const { smallest, largest } of levels[level]!) {
      const below = levels[level + 1]!.filter(
        (file) =>
          Buffer.compare(userKey(file.smallest), userKey(largest)) <= 0 &&
          Buffer.compare(userKey(file.largest), userKey(smallest)) >= 0,
      )
      widest = Math.max(
        widest,
        below.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      )
    }
  }
  t.true(levels.filter((files) => files.length > 0).length >= 2, world.levels)
  t.true(widest <= 20 * MIDDLE_LIMITS.maxFileSizeBytes, seeded(`${widest} bytes`))
  await world.db.close()
})

function userKey(internalKey: Buffer): Buffer {
  return internalKey.subarray(0, internalKey.length - 8)
}

test('what compactions replace leaves the directory: the tables on disk are those of the version', async (t) => {
  const world = await newWorld(SMALL_LIMITS)
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 10; i++) await world.table([`a${i}`, `m${round}`, 'z'], `round ${round}`)
    await world.db.compactRange()
    await world.idle()
    t.deepEqual(world.tablesOnDisk(), world.liveTables())
  }
  await world.db.close()
})
