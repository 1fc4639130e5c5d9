// What SluiceLevel does beyond abstract-level's suite: ClassicLevel's options, errors and methods,
// and its own.

import fs from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ClassicLevel } from 'classic-level'
import { SluiceLevel } from '../../ts/level/sluice-level.ts'
import type { DatabaseOptions } from '../../ts/level/level-options.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

interface Coded extends Error {
  readonly code?: string
  readonly cause?: Coded
}

async function openIn(
  t: ExecutionContext,
  options: DatabaseOptions<string, string> = {},
): Promise<SluiceLevel> {
  const db = new SluiceLevel(scratchDirectory(t, FAST_ROOT), options)
  await db.open()
  t.teardown(() => db.close())
  return db
}

/** Opens and returns what it is rejected with. */
async function openError(location: string, options: object = {}): Promise<Coded | undefined> {
  const db = new SluiceLevel(location, options)
  try {
    await db.open()
  } catch (error) {
    return error as Coded
  }
  await db.close()
  return undefined
}

test('the location must be a string with something in it, and is kept as it is', async (t) => {
  for (const location of ['', undefined, null, 7, {}]) {
    t.throws(() => new SluiceLevel(location as string), { instanceOf: TypeError })
    await t.throwsAsync(SluiceLevel.destroy(location as string), { instanceOf: TypeError })
    await t.throwsAsync(SluiceLevel.repair(location as string), { instanceOf: TypeError })
  }
  const directory = `${scratchDirectory(t, FAST_ROOT)}/./x`
  const db = new SluiceLevel(directory)
  t.is(db.location, directory)
  await db.close()
})

test('options that cannot be are refused by the constructor', (t) => {
  const location = join(scratchDirectory(t), 'never')
  const refused: [object, string][] = [
    [{ blockRestartInterval: 0 }, 'RangeError'],
    [{ writeBufferSize: -1 }, 'RangeError'],
    [{ maxOpenFiles: 0 }, 'RangeError'],
    [{ cacheSize: Number.NaN }, 'RangeError'],
    [{ compression: 'yes' }, 'TypeError'],
    [{ multithreading: true }, 'TypeError'],
    [{ durability: 'maybe' }, 'TypeError'],
    [{ durability: 0 }, 'RangeError'],
  ]
  for (const [options, name] of refused) {
    t.throws(() => new SluiceLevel(location, options), { name }, JSON.stringify(options))
  }
  t.false(fs.existsSync(location))
})

test('readOnly needs no other option, and goes with none that makes a database', async (t) => {
  const writer = await openIn(t)
  await writer.put('a', '1', { sync: true })
  const reader = new SluiceLevel(writer.location, { readOnly: true, durability: 1000 })
  t.is(await reader.get('a'), '1')
  await t.throwsAsync(reader.put('a', '2'), { code: 'LEVEL_NOT_SUPPORTED' })
  await reader.close()
  const options = { readOnly: true, createIfMissing: true }
  t.throws(() => new SluiceLevel(writer.location, options), { instanceOf: TypeError })
  const error = await openError(join(writer.location, 'missing'), { readOnly: true })
  t.is(error?.cause?.code, 'LEVEL_DATABASE_MISSING')
})

test('the manifest is that of classic-level', async (t) => {
  const ours = await openIn(t)
  const classic = new ClassicLevel(scratchDirectory(t))
  t.deepEqual(ours.supports, classic.supports)
  await classic.close()
})

test('an open that fails says why by the code of its cause', async (t) => {
  const db = await openIn(t)
  const locked = await openError(db.location)
  t.is(locked?.code, 'LEVEL_DATABASE_NOT_OPEN')
  t.is(locked?.cause?.code, 'LEVEL_LOCKED')
  await db.close()

  const exists = await openError(db.location, { errorIfExists: true })
  t.is(exists?.code, 'LEVEL_DATABASE_NOT_OPEN')
  t.is(exists?.cause?.code, 'LEVEL_DATABASE_EXISTS')

  const location = join(scratchDirectory(t), 'missing')
  const missing = await openError(location, { createIfMissing: false })
  t.is(missing?.code, 'LEVEL_DATABASE_NOT_OPEN')
  t.is(missing?.cause?.code, 'LEVEL_DATABASE_MISSING')
  t.false(fs.existsSync(location))
})

test('what it writes, classic-level reads, and the other way round', async (t) => {
  const ours = await openIn(t)
  await ours.batch([
    { type: 'put', key: 'a', value: '1' },
    { type: 'put', key: 'ü', value: '2' },
  ])
  await ours.close()
  const classic = new ClassicLevel(ours.location)
  t.deepEqual(await classic.iterator().all(), [
    ['a', '1'],
    ['ü', '2'],
  ])
  await classic.put('b', '3')
  await classic.close()
  await ours.open()
  t.deepEqual(await ours.iterator().all(), [
    ['a', '1'],
    ['b', '3'],
    ['ü', '2'],
  ])
})

test('a write is seen by a read that is called after it, without waiting for it', async (t) => {
  const db = await openIn(t)
  const writes = [db.put('k', '1'), db.put('k', '2'), db.del('gone'), db.put('k', '3')]
  await writes[1]
  t.not(await db.get('k'), '1')
  await Promise.all(writes)
  t.is(db.getSync('k'), '3')
})

test('destroy removes the database and leaves what is not its own', async (t) => {
  const db = await openIn(t)
  await db.put('a', '1')
  await t.throwsAsync(SluiceLevel.destroy(db.location), { code: 'LEVEL_LOCKED' })
  await db.close()
  const foreign = join(db.location, 'foreign.txt')
  fs.writeFileSync(foreign, 'x')
  await SluiceLevel.destroy(db.location)
  t.deepEqual(fs.readdirSync(db.location), ['foreign.txt'])
  fs.unlinkSync(foreign)
  await SluiceLevel.destroy(db.location)
  t.false(fs.existsSync(db.location))
  await t.notThrowsAsync(SluiceLevel.destroy(db.location))
})

test('repair brings a database back whose CURRENT is gone', async (t) => {
  const db = await openIn(t)
  await db.put('a', '1', { sync: true })
  await db.close()
  fs.unlinkSync(join(db.location, 'CURRENT'))
  t.is((await openError(db.location))?.cause?.code, 'LEVEL_CORRUPTION')
  await SluiceLevel.repair(db.location)
  await db.open()
  t.is(await db.get('a'), '1')
})

test('approximateSize and compactRange want both ends, wait for the opening, and end with it', async (t) => {
  const db = new SluiceLevel(scratchDirectory(t, FAST_ROOT))
  const early = db.approximateSize('a', 'z')
  const compaction = db.compactRange('a', 'z')
  t.is(await early, 0)
  await compaction
  for (const name of ['approximateSize', 'compactRange'] as const) {
    await t.throwsAsync(
      async () => (db as unknown as Record<string, (a: string) => unknown>)[name]!('a'),
      {
        instanceOf: TypeError,
      },
    )
  }
  const value = 'v'.repeat(1000)
  for (let i = 0; i < 500; i++) await db.put(`key-${i}`, value)
  await db.compactRange('', '~')
  const size = await db.approximateSize('key-', 'key-~')
  t.true(size > 0 && size < 500 * 1100, `${size}`)
  t.is(await db.approximateSize('x', 'y'), 0)
  await db.close()
  await t.throwsAsync(db.approximateSize('a', 'z'), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  await t.throwsAsync(db.compactRange('a', 'z'), { code: 'LEVEL_DATABASE_NOT_OPEN' })
})

test('getProperty knows the properties of LevelDB', async (t) => {
  const db = await openIn(t)
  t.is(db.getProperty('leveldb.num-files-at-level0'), '0')
  t.regex(db.getProperty('leveldb.stats'), /Level/)
  t.is(db.getProperty('leveldb.nothing'), '')
  t.throws(() => db.getProperty(undefined as unknown as string), { instanceOf: TypeError })
  await db.close()
  t.throws(() => db.getProperty('leveldb.stats'), { code: 'LEVEL_DATABASE_NOT_OPEN' })
})

test('iterators left open are closed with the database', async (t) => {
  const db = await openIn(t)
  for (let i = 0; i < 100; i++) await db.put(`${i}`.padStart(3, '0'), 'x')
  const iterators = Array.from({ length: 300 }, () => db.iterator())
  const reads = iterators.map((iterator) => iterator.next())
  await db.close()
  for (const read of await Promise.allSettled(reads)) {
    if (read.status === 'fulfilled') t.deepEqual(read.value, ['000', 'x'])
    else t.is((read.reason as Coded).code, 'LEVEL_ITERATOR_NOT_OPEN')
  }
  await t.throwsAsync(iterators[0]!.next(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
})

test('highWaterMarkBytes 0 and a large one give the same entries', async (t) => {
  const db = await openIn(t)
  for (let i = 0; i < 50; i++) await db.put(`${i}`.padStart(2, '0'), 'x'.repeat(i))
  const all = await db.iterator().all()
  for (const highWaterMarkBytes of [0, 1, 2 ** 20]) {
    t.deepEqual(await db.iterator({ highWaterMarkBytes }).all(), all)
  }
  t.is(all.length, 50)
})

test('a snapshot of another database is refused', async (t) => {
  const one = await openIn(t)
  const two = await openIn(t)
  const snapshot = two.snapshot()
  await t.throwsAsync(one.get('a', { snapshot }), { instanceOf: TypeError })
  await t.throwsAsync(one.iterator({ snapshot }).next(), { instanceOf: TypeError })
  await snapshot.close()
})

test('wrong options of an iterator that waits for the open are told by its reads, and hold nobody up', async (t) => {
  const db = new SluiceLevel(scratchDirectory(t, FAST_ROOT))
  const options = { highWaterMarkBytes: -1 }
  const early = [db.iterator(options), db.keys(options), db.values(options)]
  early[0]!.seek('a')
  const reads = early.map((iterator) => iterator.next())
  const get = db.get('a')
  await db.open()
  for (const read of [...reads, db.iterator(options).next()]) {
    await t.throwsAsync(read as Promise<unknown>, { instanceOf: RangeError })
  }
  t.is(await get, undefined)
  await db.close()
  t.is(db.status, 'closed')
})

test("durability 'sync' syncs every write that does not say otherwise", async (t) => {
  const db = await openIn(t, { durability: 'sync' })
  await db.put('a', '1')
  t.is(db.stats().write.syncs.count, 1)
  await db.put('a', '2', { sync: false })
  t.is(db.stats().write.syncs.count, 1)
  await db.batch().put('b', '1').write()
  t.is(db.stats().write.syncs.count, 2)
  await db.clear({ sync: false })
  t.is(db.stats().write.syncs.count, 2)
})

test('flushed() and clear with sync end in one sync', async (t) => {
  const db = await openIn(t)
  await Promise.all([db.put('a', '1'), db.put('b', '1')])
  t.is(db.stats().write.syncs.count, 0)
  await db.flushed()
  t.is(db.stats().write.syncs.count, 1)
  await db.clear({ sync: true })
  t.is(db.stats().write.syncs.count, 2)
  t.deepEqual(await db.keys().all(), [])
})

test('with an interval, what was written is synced without being asked', async (t) => {
  const db = await openIn(t, { durability: 5 })
  await db.put('a', '1')
  while (db.stats().write.syncs.count === 0) await new Promise((resolve) => setImmediate(resolve))
  t.pass()
})

test('the recovery is told by an event, and a failure is no error event without a listener', async (t) => {
  const db = new SluiceLevel(scratchDirectory(t, FAST_ROOT))
  const told = new Promise((resolve) => db.once('recovery', resolve))
  await db.open()
  t.is(((await told) as { type: string }).type, 'recovery')
  await db.close()
})

test('a failure is told by its event, reads go on, and resume() takes writes again', async (t) => {
  const db = await openIn(t)
  const told: string[] = []
  for (const name of ['failure', 'resume', 'error']) db.on(name, () => told.push(name))
  db.removeAllListeners('error')
  await db.put('a', '1')
  const log = fs.readdirSync(db.location).find((name) => name.endsWith('.log'))!
  fs.unlinkSync(join(db.location, log))
  await t.throwsAsync(db.put('b', '1', { sync: true }), { code: 'LEVEL_IO_ERROR' })
  t.throws(() => db.putSync('b', '1'), { code: 'LEVEL_IO_ERROR' })
  t.deepEqual(told, ['failure'])
  t.is(db.stats().failure?.code, 'LEVEL_IO_ERROR')
  t.is(await db.get('a'), '1')
  await db.resume()
  await db.put('b', '2', { sync: true })
  t.deepEqual(told, ['failure', 'resume'])
  t.is(db.stats().failure, undefined)
  t.deepEqual(await db.iterator().all(), [
    ['a', '1'],
    ['b', '2'],
  ])
})

test('a write that waits is told by the event stall, with its cause and for how long', async (t) => {
  const db = await openIn(t, { writeBufferSize: 2048 })
  const stalls: { cause: string; durationMs: number }[] = []
  db.on('stall', (event: { cause: string; durationMs: number }) => stalls.push(event))
  for (let i = 0; i < 20; i++) await db.put(`${i}`, 'v'.repeat(1500))
  t.true(stalls.length > 0)
  const causes = Object.keys(db.stats().stalls)
  for (const { cause, durationMs } of stalls) {
    t.true(causes.includes(cause) && durationMs >= 0, `${cause} ${durationMs}`)
  }
})

test('writes that are not awaited apply in the order of their calls, of whatever kind they are', async (t) => {
  const db = await openIn(t)
  const writes: Promise<void>[] = []
  for (let i = 0; i < 200; i++) {
    const value = `${i}`
    const sync = i % 3 === 0
    if (i % 4 === 0) writes.push(db.put('k', value, { sync }))
    else if (i % 4 === 1) writes.push(db.batch([{ type: 'put', key: 'k', value }], { sync }))
    else if (i % 4 === 2) writes.push(db.batch().put('k', value).write({ sync }))
    else writes.push(db.del('k'), db.put('k', value))
    // Read your writes: what was acknowledged, or something later.
    if (i % 20 === 19) {
      await writes.at(-1)
      t.is(db.getSync('k'), value)
    }
  }
  await Promise.all(writes)
  t.is(await db.get('k'), '199')
})
