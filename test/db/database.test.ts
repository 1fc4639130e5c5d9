// A database on a real disk: reads wherever the data is, events, counters and LOG.

import fs from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DB, type DatabaseEvent, type DBOptions, WriteBatch } from '../../ts/index.ts'
import { openInfoLog } from '../../ts/platform/info-log.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'
import { runChild } from '../platform/child-process.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const b = (text: string): Buffer => Buffer.from(text)

function newPath(t: ExecutionContext): string {
  return join(scratchDirectory(t, FAST_ROOT), 'db')
}

async function open(path: string, options: DBOptions = {}): Promise<DB> {
  return DB.open(path, { createIfMissing: true, ...options })
}

async function check(
  t: ExecutionContext,
  db: DB,
  expected: Record<string, string | undefined>,
): Promise<void> {
  for (const [key, value] of Object.entries(expected)) {
    t.is((await db.get(b(key)))?.toString(), value, key)
    t.is(db.getSync(b(key))?.toString(), value, key)
  }
}

// Whatever a random part did, this repeats it.
test.afterEach.always((t) => {
  if (!t.passed) t.log(`SLUICE_SEED=${SEED}`)
})

test('blocks are kept within the cache, counted, and not kept where a read says so', async (t) => {
  const path = newPath(t)
  const db = await open(path, { cacheSize: 100_000 })
  t.like(db.stats().cache, { capacityBytes: 100_000, usedBytes: 0, hits: 0, misses: 0 })
  await db.put(b('k'), b('v'))
  await db.flushMemtable()
  t.deepEqual(db.getSync(b('k'), { fillCache: false }), b('v'))
  t.deepEqual(await db.get(b('k'), { fillCache: false }), b('v'))
  t.like(db.stats().cache, { usedBytes: 0, hits: 0, misses: 2 })
  t.deepEqual(await db.get(b('k')), b('v'))
  t.deepEqual(db.getSync(b('k')), b('v'))
  t.like(db.stats().cache, { hits: 1, misses: 3 })
  t.true(db.stats().cache!.usedBytes > 0)
  for (const options of [null, { fillCache: 1 }] as never[]) {
    await t.throwsAsync(db.get(b('k'), options), { instanceOf: TypeError })
    t.throws(() => db.getSync(b('k'), options), { instanceOf: TypeError })
  }
  await db.close()
  const without = await open(path, { cacheSize: 0 })
  t.deepEqual(without.getSync(b('k')), b('v'))
  t.is(without.stats().cache, undefined)
  await without.close()
})

test('checksums are looked at unless the option says that they are not', async (t) => {
  const path = newPath(t)
  const db = await open(path, { compression: 'none' })
  await db.put(b('k'), b('value'))
  await db.flushMemtable()
  await db.close()
  const table = join(
    path,
    fs.readdirSync(path).find((name) => name.endsWith('.ldb'))!,
  )
  const bytes = fs.readFileSync(table)
  bytes[bytes.indexOf('value')] = 0x56
  fs.writeFileSync(table, bytes)
  const strict = await open(path)
  t.throws(() => strict.getSync(b('k')), { code: 'LEVEL_CORRUPTION' })
  await strict.close()
  const trusting = await open(path, { verifyChecksums: false })
  t.is(trusting.getSync(b('k'))?.toString(), 'Value')
  await trusting.close()
})

test('a key is read from the memtable, from tables, and after the database was opened again', async (t) => {
  const path = newPath(t)
  const db = await open(path)
  const expected = { a: '1', b: undefined, c: '', missing: undefined }
  await Promise.all([
    db.put(b('a'), b('1')),
    db.put(b('b'), b('2')),
    db.put(b('c'), b('')),
    db.delete(b('b')),
  ])
  await check(t, db, expected)
  t.is(db.stats().memtable.entries, 4)
  await db.flushMemtable()
  t.is(db.stats().memtable.entries, 0)
  t.is(db.stats().levels[0]!.files, 1)
  await check(t, db, expected)
  await db.close()
  const again = await open(path)
  await check(t, again, expected)
  await again.close()
})

test('the newest write of a key is read, wherever the older ones are', async (t) => {
  const path = newPath(t)
  let db = await open(path)
  const steps: [string, string | undefined][] = [
    ['1', '1'],
    ['2', '2'],
    ['-', undefined],
    ['3', '3'],
    ['-', undefined],
  ]
  for (const [write, expected] of steps) {
    for (const place of ['memtable', 'table', 'reopened']) {
      if (place === 'memtable') await (write === '-' ? db.delete(b('k')) : db.put(b('k'), b(write)))
      if (place === 'table') await db.flushMemtable()
      if (place === 'reopened') {
        await db.close()
        db = await open(path)
      }
      await check(t, db, { k: expected })
    }
  }
  await db.close()
})

test('reads go on from a memtable that is being written as a table', async (t) => {
  const db = await open(newPath(t))
  for (let i = 0; i < 500; i++) void db.put(b(`k${i}`), Buffer.alloc(1000, i))
  const flush = db.flushMemtable()
  let sawFrozen = false
  for (let i = 0; i < 500; i++) {
    if (i % 50 === 0) await db.write(new WriteBatch())
    sawFrozen ||= db.stats().frozenMemtable !== undefined
    if (sawFrozen) t.deepEqual(db.getSync(b(`k${i}`)), Buffer.alloc(1000, i))
  }
  t.true(sawFrozen)
  await flush
  t.is(db.stats().frozenMemtable, undefined)
  for (let i = 0; i < 500; i++) t.deepEqual(await db.get(b(`k${i}`)), Buffer.alloc(1000, i))
  await db.close()
})

test('a batch is applied in order and together, and can be used again', async (t) => {
  const db = await open(newPath(t))
  const batch = new WriteBatch()
    .put(b('a'), b('1'))
    .put(b('a'), b('2'))
    .delete(b('b'))
    .put(b('b'), b('3'))
    .delete(b('a'))
  await Promise.all([db.put(b('b'), b('0')), db.write(batch)])
  await check(t, db, { a: undefined, b: '3' })
  t.is(db.stats().lastSequence, 6)
  await db.write(batch.clear().put(b('c'), b('4')), { sync: true })
  await db.write(batch, { sync: true })
  await check(t, db, { c: '4' })
  t.is(db.stats().lastSequence, 8)
  await db.write(new WriteBatch(), { sync: true })
  t.is(db.stats().lastSequence, 8)
  await db.close()
})

test('what a reader gets is its own', async (t) => {
  const db = await open(newPath(t))
  await db.put(b('k'), b('value'))
  for (let round = 0; round < 2; round++) {
    for (const value of [await db.get(b('k')), db.getSync(b('k'))]) {
      t.is(value!.toString(), 'value')
      value!.fill(0)
    }
    await db.flushMemtable()
  }
  await db.close()
})

test('write(null) freezes the memtable, and an empty one makes no table', async (t) => {
  const path = newPath(t)
  const db = await open(path)
  await db.write(null)
  await db.flushMemtable()
  t.is(db.stats().levels[0]!.files, 0)
  await db.put(b('k'), b('v'))
  await db.write(null)
  t.is(db.stats().memtable.entries, 0)
  await check(t, db, { k: 'v' })
  await db.flushMemtable()
  t.is(db.stats().levels[0]!.files, 1)
  t.is(db.stats().flush.count, 1)
  await db.close()
  const again = await open(path)
  await check(t, again, { k: 'v' })
  await again.close()
})

test('a batch without writes behind a flush is no sign of a loss', async (t) => {
  const path = newPath(t)
  const db = await open(path)
  await db.put(b('k'), b('v'))
  await db.flushMemtable()
  await db.write(new WriteBatch())
  await db.close()
  const again = await open(path)
  t.like(again.recovery, { records: 1, writes: 0, lostSequences: 0 })
  await check(t, again, { k: 'v' })
  await again.close()
})

test('random writes over many memtables, flushes and openings are what a map holds', async (t) => {
  const random = new Random(SEED)
  const path = newPath(t)
  const model = new Map<string, Buffer>()
  for (let round = 0; round < 6; round++) {
    const db = await open(path, {
      writeBufferSize: 4096,
      blockSize: 256,
      compression: random.pick(['none', 'snappy']),
    })
    const written: Promise<void>[] = []
    for (let i = 0; i < 300; i++) {
      const key = `k${random.below(150)}`
      const value = random.bytes(random.below(random.pick([10, 200, 6000])))
      if (random.percent(25)) {
        model.delete(key)
        written.push(db.delete(b(key)))
      } else {
        model.set(key, value)
        written.push(db.put(b(key), value, { sync: random.percent(5) }))
      }
      if (random.percent(10)) await written.at(-1)
      if (random.percent(2)) written.push(db.flushMemtable())
    }
    await Promise.all(written)
    for (let i = 0; i < 150; i++)
      t.deepEqual(db.getSync(b(`k${i}`)), model.get(`k${i}`), seeded(`${round} k${i}`))
    t.deepEqual(db.recovery.dropped, [], seeded())
    await db.close()
  }
})

test('a batch larger than a memtable is taken, and read', async (t) => {
  const path = newPath(t)
  const db = await open(path, { writeBufferSize: 1024 })
  await db.put(b('small'), b('1'))
  const batch = new WriteBatch()
  for (let i = 0; i < 50; i++) batch.put(b(`k${i}`), Buffer.alloc(1000, i))
  await db.write(batch)
  await db.put(b('after'), b('2'))
  for (let i = 0; i < 50; i++) t.deepEqual(await db.get(b(`k${i}`)), Buffer.alloc(1000, i))
  await check(t, db, { small: '1', after: '2' })
  await db.close()
  const again = await open(path)
  for (let i = 0; i < 50; i++) t.deepEqual(again.getSync(b(`k${i}`)), Buffer.alloc(1000, i))
  await again.close()
})

test('recovery and flushes are told, with what stats say of them', async (t) => {
  const path = newPath(t)
  const events: DatabaseEvent[] = []
  const db = await open(path, { onEvent: (event) => events.push(event) })
  t.true(db.recovery.created)
  await db.put(b('k'), b('v'))
  await db.flushMemtable()
  await db.put(b('l'), b('v'))
  await db.close()
  t.deepEqual(
    events.map(({ type }) => type),
    ['recovery', 'flush'],
  )
  const again = await open(path, { onEvent: (event) => events.push(event) })
  t.like(again.recovery, {
    created: false,
    logs: 1,
    records: 1,
    writes: 1,
    dropped: [],
    lostSequences: 0,
    tables: 1,
  })
  t.deepEqual(again.recovery, again.stats().recovery)
  await again.close()
  const last = events.at(-1)
  t.true(last?.type === 'recovery' && last.report === again.recovery)
})

test('a listener that throws does not stop the database', async (t) => {
  // What it throws is the process's, so this is a child's test.
  const { output, code } = await runChild('db/throwing-listener-child.js', [newPath(t)])
  t.is(output, 'uncaught: listener\nvalue v\n')
  t.is(code, 0)
})

test('stats count writes, groups, syncs and bytes', async (t) => {
  const db = await open(newPath(t))
  await Promise.all(
    Array.from({ length: 10 }, (_, i) => db.put(b(`k${i}`), b('v'), { sync: true })),
  )
  await db.put(b('k'), b('v'))
  const { write, memtable, lastSequence, failure, stalls } = db.stats()
  t.like(write, { writes: 11, groups: 2, bytes: 12 + 10 * 6 + 12 + 5 })
  t.deepEqual(write.groupSizes, [1, 0, 0, 1])
  t.is(write.syncs.count, 1)
  t.true(write.syncs.maxMs > 0)
  t.deepEqual([memtable.entries, lastSequence, failure], [11, 11, undefined])
  t.deepEqual(Object.keys(stalls).toSorted(), ['level0-delay', 'level0-stop', 'memtable'])
  await db.close()
})

test('a read that is under way when the database is closed settles', async (t) => {
  const db = await open(newPath(t))
  for (let i = 0; i < 20; i++) await db.put(b(`k${i}`), Buffer.alloc(5000, i))
  await db.flushMemtable()
  const reads = Array.from({ length: 20 }, (_, i) => db.get(b(`k${i}`)))
  const [outcomes] = await Promise.all([Promise.allSettled(reads), db.close()])
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') t.deepEqual(outcome.value, Buffer.alloc(5000, i))
    else t.is((outcome.reason as { code?: string }).code, 'LEVEL_DATABASE_NOT_OPEN')
  }
})

test('only files of a database are left after a close, and none but what it needs', async (t) => {
  const path = newPath(t)
  for (let i = 0; i < 3; i++) {
    const db = await open(path)
    await db.put(b(`k${i}`), b('v'))
    await db.close()
  }
  const names = fs.readdirSync(path).map((name) => name.replace(/\d{6}/, 'N'))
  t.deepEqual(names.toSorted(), [
    'CURRENT',
    'LOCK',
    'LOG',
    'LOG.old',
    'MANIFEST-N',
    'N.ldb',
    'N.ldb',
    'N.log',
  ])
})

test('LOG is one line an event, and the one before it is LOG.old', async (t) => {
  const path = newPath(t)
  const db = await open(path)
  await db.put(b('k'), b('v'))
  await db.flushMemtable()
  await db.close()
  const lines = fs.readFileSync(join(path, 'LOG'), 'utf8').trimEnd().split('\n')
  for (const line of lines) t.regex(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S/)
  t.deepEqual(
    lines.map((line) => line.split(' ')[1]),
    ['binding:', 'open:', 'flush:', 'close'],
  )
  await (await open(path)).close()
  t.deepEqual(fs.readFileSync(join(path, 'LOG.old'), 'utf8').trimEnd().split('\n'), lines)
})

test('LOG does not grow without a limit', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const log = openInfoLog(directory)
  const limit = 1024 * 1024
  let largest = 0
  for (let i = 0; i < 100; i++) {
    for (let line = 0; line < 200; line++) log.write('x'.repeat(200))
    await log.close()
    for (const name of fs.readdirSync(directory))
      largest = Math.max(largest, fs.statSync(join(directory, name)).size)
  }
  t.deepEqual(fs.readdirSync(directory).toSorted(), ['LOG', 'LOG.old'])
  t.true(largest > limit / 2)
  t.true(largest <= limit + 200 * 230, String(largest))
})

test('40: a process that exits in the middle of writes loses nothing that it acknowledged', async (t) => {
  for (const mode of ['plain', 'sync', 'large']) {
    const path = newPath(t)
    const { output, code } = await runChild('db/exiting-child.js', [path, mode])
    t.is(code, 3, output)
    const acknowledged = output.trimEnd().split('\n').at(-1)!
    t.regex(acknowledged, /^acknowledged \d+$/, output)
    const count = Number(acknowledged.split(' ')[1])
    t.true(count > 0)
    const db = await DB.open(path)
    for (let i = 0; i < count; i++) {
      if (db.getSync(b(`k${i}`)) === undefined) t.fail(`${mode}: k${i} of ${count} is lost`)
    }
    await db.put(b('after'), b('v'))
    await db.close()
  }
})
