// Compactions under a database: whatever moves between levels, reads see what was written, now and at
// every snapshot. The cases with a number are what LevelDB learned, in words of our own.

import test, { type ExecutionContext } from 'ava'
import { type DBSnapshot, WriteBatch } from '../../ts/index.ts'
import { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { SEED, seeded } from '../format/seed.ts'
import { CompactionWorld } from './compaction-world.ts'

const b = (text: string): Buffer => Buffer.from(text)

type Model = Map<string, string>

interface OpenView {
  readonly snapshot: DBSnapshot
  readonly model: Model
}

const text = (entries: readonly (readonly [Buffer, Buffer])[]): string[][] =>
  entries.map((entry) => entry.map(String))

const keyOf = (index: number): string => `key${String(index).padStart(3, '0')}`

/** Every key and value, both ways, and a few keys by themselves. */
async function matches(
  t: ExecutionContext,
  { db }: CompactionWorld,
  model: Model,
  snapshot?: DBSnapshot,
): Promise<void> {
  const expected = [...model].toSorted(([x], [y]) => (x < y ? -1 : 1))
  const at = snapshot === undefined ? {} : { snapshot }
  t.deepEqual(text(await db.iterator(at).all()), expected, seeded('forwards'))
  t.deepEqual(
    text(await db.iterator({ ...at, reverse: true }).all()),
    expected.toReversed(),
    seeded('backwards'),
  )
  for (const [key, value] of expected.slice(0, 20)) {
    t.deepEqual(db.getSync(b(key), at), b(value), seeded(key))
  }
}

for (const round of [1, 2, 3, 4]) {
  test(`random calls through every level leave what a map holds, at each snapshot too, ${round}`, async (t) => {
    const random = new Random(SEED * 100 + round)
    const world = new CompactionWorld(new SimulatedDisk(SEED + round), {
      level0Files: random.pick([1, 2, 4]),
      level1Bytes: 2500,
      growth: random.pick([1, 2]),
      maxFileSizeBytes: random.pick([500, 1100]),
    })
    const options = {
      writeBufferSize: 2048,
      blockSize: 128,
      compression: random.pick(['none', 'snappy'] as const),
      maxOpenFiles: random.pick([1, 1000]),
    }
    await world.open(options)
    const model: Model = new Map()
    const views: OpenView[] = []
    let deepest = 0
    let near = 0
    for (let step = 0; step < 2500; step++) {
      // Near one another for a while, so that some tables of level 0 overlap and some do not.
      if (random.percent(3)) near = random.below(180)
      const key = keyOf((near + random.below(25)) % 180)
      const what = random.below(1000)
      if (what < 700) {
        const value = `${step}`.repeat(random.between(1, 20))
        model.set(key, value)
        await world.db.put(b(key), b(value))
      } else if (what < 960) {
        model.delete(key)
        await world.db.delete(b(key))
      } else if (what < 975) {
        views.push({ snapshot: world.db.snapshot(), model: new Map(model) })
      } else if (what < 988) {
        const [view] = views.splice(random.below(Math.max(views.length, 1)), 1)
        if (view !== undefined) {
          await matches(t, world, view.model, view.snapshot)
          view.snapshot.close()
        }
      } else if (what < 993) {
        await matches(t, world, model)
      } else if (what < 997) {
        const [low, high] = [keyOf(random.below(180)), keyOf(random.below(180))].toSorted()
        await world.db.compactRange(b(low!), random.percent(30) ? undefined : b(high!))
      } else {
        for (const { snapshot } of views.splice(0)) snapshot.close()
        await world.db.close()
        await world.open(options)
      }
      deepest = Math.max(deepest, world.levels.replaceAll(/[ 0]*$/g, '').split(' ').length - 1)
    }
    for (const { snapshot, model: then } of views) {
      await matches(t, world, then, snapshot)
      snapshot.close()
    }
    await world.db.compactRange()
    await world.idle()
    await matches(t, world, model)
    t.true(deepest >= 3, seeded(`only down to level ${deepest}`))
    t.deepEqual(world.tablesOnDisk(), world.liveTables(), seeded('tables'))
    t.deepEqual(world.ofType('compaction-failed'), [])
    await world.db.close()
    t.is(world.disk.openFileCount, 0)
  })
}

// google/leveldb#178: a compaction by hand of one half of the keys brought deleted keys of the other
// back, because a table with the deletion left its level before the one with the key.
test('178: compacting one range brings back nothing of another that was deleted', async (t) => {
  const world = new CompactionWorld(new SimulatedDisk(SEED))
  await world.open({ writeBufferSize: 4096 })
  const keys = Array.from({ length: 500 }, (_, i) => String(i).padStart(4, '0'))
  for (const key of keys) await world.db.put(b(`one${key}`), b('value for range one'))
  for (const key of keys) await world.db.put(b(`two${key}`), b('value for range two'))
  const deletions = new WriteBatch()
  for (const key of keys) deletions.delete(b(`two${key}`))
  await world.db.write(deletions)
  await world.db.compactRange(b('one0000'), b(`one${keys.at(-1)}`))
  const found = await world.db.iterator({ values: false }).all()
  t.deepEqual(
    found.map(([key]) => String(key)),
    keys.map((key) => `one${key}`),
  )
  await world.db.close()
})

// The same in small: the deletion is newer and goes down first, the value lies below it.
test('a deletion stays as long as a deeper level holds what it deletes', async (t) => {
  const world = new CompactionWorld(new SimulatedDisk(SEED))
  await world.open()
  await world.table(['a', 'k', 'z'], 'old')
  await world.db.compactRange()
  await world.table(['a', 'z'], 'old')
  await world.db.compactRange()
  t.is(world.levels, '0 1 0 0 0 0 0')
  await world.db.delete(b('k'))
  await world.db.flushMemtable()
  t.is(world.db.getSync(b('k')), undefined)
  await world.db.compactRange()
  t.is(world.db.getSync(b('k')), undefined)
  await world.db.close()
})

test('what a snapshot sees stays through every compaction, and goes with it', async (t) => {
  const world = new CompactionWorld(new SimulatedDisk(SEED))
  await world.open()
  await world.table(['k', 'l'], 'first')
  const snapshot = world.db.snapshot()
  await world.table(['k'], 'second')
  await world.db.delete(b('l'))
  await world.db.compactRange()
  t.is(world.levels, '0 1 0 0 0 0 0')
  t.deepEqual(world.db.getSync(b('k'), { snapshot }), b('first'))
  t.deepEqual(world.db.getSync(b('l'), { snapshot }), b('first'))
  t.deepEqual(world.db.getSync(b('k')), b('second'))
  t.is(world.db.getSync(b('l')), undefined)
  const before = world.engine.versions.current.levels[1]![0]!
  t.deepEqual(before.largest.subarray(0, 1), b('l'))
  snapshot.close()
  await world.table(['k'], 'third')
  await world.db.compactRange()
  const after = world.engine.versions.current.levels[1]![0]!
  t.deepEqual(after.largest.subarray(0, 1), b('k'), 'the deletion and what it hid are gone')
  t.deepEqual(world.db.getSync(b('k')), b('third'))
  await world.db.close()
})
