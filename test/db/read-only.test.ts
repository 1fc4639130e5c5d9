// A database that is only read: nothing is written, no lock is asked for, and beside a writer it shows
// one state of it, and goes on showing it.

import fs from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ClassicLevel } from 'classic-level'
import { DB, type DBOptions, SluiceError, WriteBatch } from '../../ts/index.ts'
import { openReadOnly } from '../../ts/db/read-only-open.ts'
import { checkOptions } from '../../ts/db/options.ts'
import type { FileSystem } from '../../ts/platform/file-system.ts'
import { DIRECTORY, openOn } from '../crash/engine.ts'
import { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { SEED } from '../format/seed.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { b, changed, closedDatabase, directoryOf, type Files, nameOf } from './tools/directories.ts'

const READ_ONLY = { readOnly: true } as const

test.afterEach.always((t) => {
  if (!t.passed) t.log(`SLUICE_SEED=${SEED}`)
})

/** Everything about a directory that a reader could have changed: names, bytes, times. */
function fingerprint(path: string): Map<string, string> {
  return new Map(
    fs.readdirSync(path).map((name) => {
      const { mtimeMs, ino, size } = fs.statSync(join(path, name))
      return [name, `${ino} ${size} ${mtimeMs}`]
    }),
  )
}

async function openCode(
  t: ExecutionContext,
  path: string,
  options: DBOptions = READ_ONLY,
): Promise<string> {
  const error = await t.throwsAsync(DB.open(path, options), { instanceOf: SluiceError })
  t.is(error.code, 'LEVEL_DATABASE_NOT_OPEN')
  return (error.cause as SluiceError).code
}

/** Ten keys in a table, ten in the log, of which some overwrite and delete. */
function sample(t: ExecutionContext): Promise<Files> {
  return closedDatabase(t, {}, async (db) => {
    for (let i = 0; i < 10; i++) await db.put(b(`key ${i}`), b(`in table ${i}`))
    await db.flushMemtable()
    for (let i = 5; i < 14; i++) await db.put(b(`key ${i % 10}`), b(`in log ${i}`))
    await db.delete(b('key 4'))
  })
}

test('a database is read without a lock and without a change to any file', async (t) => {
  const path = directoryOf(t, await sample(t))
  const before = fingerprint(path)
  fs.chmodSync(path, 0o555)
  t.teardown(() => fs.chmodSync(path, 0o755))
  const [one, two] = await Promise.all([DB.open(path, READ_ONLY), DB.open(path, READ_ONLY)])
  for (const db of [one, two]) {
    t.deepEqual(await db.get(b('key 0')), b('in log 10'))
    t.deepEqual(db.getSync(b('key 9')), b('in log 9'))
    t.is(await db.get(b('key 4')), undefined)
    t.deepEqual(await db.getMany([b('key 3'), b('key 12')]), [b('in log 13'), undefined])
    const entries = await db.iterator({ gte: b('key 3'), reverse: true }).all()
    t.deepEqual(
      entries.map(([key, value]) => `${key.toString()} = ${value.toString()}`),
      [9, 8, 7, 6, 5].map((i) => `key ${i} = in log ${i}`).concat('key 3 = in log 13'),
    )
    const snapshot = db.snapshot()
    t.deepEqual(await db.get(b('key 5'), { snapshot }), b('in log 5'))
    snapshot.close()
    t.is(db.property('leveldb.num-files-at-level0'), '1')
    t.deepEqual(await db.approximateSizes([[b('zz'), b('zzz')]]), [0])
    t.like(db.stats(), { lastSequence: 20, memtable: { entries: 10 }, failure: undefined })
    t.like(db.recovery, { created: false, logs: 1, writes: 10, tables: 0, dropped: [] })
  }
  await one.close()
  await two.close()
  t.throws(() => one.getSync(b('key 0')), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  t.deepEqual(fingerprint(path), before)
})

test('whatever would write is not supported, and wrong arguments are told first', async (t) => {
  const path = directoryOf(t, await sample(t))
  const db = await DB.open(path, READ_ONLY)
  const batch = new WriteBatch()
  batch.put(b('a'), b('1'))
  for (const call of [
    () => db.put(b('a'), b('1')),
    () => db.delete(b('a')),
    () => db.write(batch, { sync: true }),
    () => db.write(null),
    () => db.flushMemtable(),
    () => db.compactRange(),
    () => db.resume(),
  ]) {
    const error = await t.throwsAsync(call(), { instanceOf: SluiceError }, String(call))
    t.is(error.code, 'LEVEL_NOT_SUPPORTED', String(call))
  }
  await t.throwsAsync(db.put(undefined as unknown as Buffer, b('1')), { code: 'LEVEL_INVALID_KEY' })
  await db.close()
  for (const options of [{ createIfMissing: true }, { errorIfExists: true }, { readOnly: 1 }]) {
    const wrong = { readOnly: true, ...options } as DBOptions
    await t.throwsAsync(DB.open(path, wrong), { instanceOf: TypeError })
  }
})

test('a missing database is not made, and a damaged one is refused', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  t.is(await openCode(t, join(directory, 'none')), 'LEVEL_DATABASE_MISSING')
  t.is(await openCode(t, directory), 'LEVEL_DATABASE_MISSING')
  t.deepEqual(fs.readdirSync(directory), [])
  // What a creation leaves that was killed: there was no database yet.
  const unborn = directoryOf(t, new Map([['MANIFEST-000001', b('')]]))
  t.is(await openCode(t, unborn), 'LEVEL_DATABASE_MISSING')
  t.deepEqual(fs.readdirSync(unborn), ['MANIFEST-000001'])
  const files = await sample(t)
  const gone = (pattern: RegExp): Files => changed(files, pattern, () => undefined)
  for (const damaged of [
    gone(/^CURRENT$/),
    gone(/^MANIFEST-/),
    gone(/\.ldb$/),
    gone(/\.log$/),
    changed(files, /\.ldb$/, (bytes) => bytes.subarray(1)),
    changed(files, /^CURRENT$/, () => b('../x\n')),
  ]) {
    const path = directoryOf(t, damaged)
    const before = fingerprint(path)
    t.is(await openCode(t, path), 'LEVEL_CORRUPTION')
    t.deepEqual(fingerprint(path), before)
  }
})

test('the torn end of the last log is its end; damage with more behind it is told and not repaired', async (t) => {
  const files = await sample(t)
  const torn = changed(files, /\.log$/, (bytes) => bytes.subarray(0, bytes.length - 1))
  const db = await DB.open(directoryOf(t, torn), READ_ONLY)
  t.deepEqual(db.recovery.dropped, [])
  t.deepEqual(db.getSync(b('key 4')), b('in table 4'))
  t.deepEqual(db.getSync(b('key 3')), b('in log 13'))
  await db.close()
  const log = nameOf(files, /\.log$/)
  const damaged = changed(files, /\.log$/, (bytes) => {
    bytes[bytes.indexOf('in log 7')]! ^= 1
    return bytes
  })
  const path = directoryOf(t, damaged)
  const before = fingerprint(path)
  const other = await DB.open(path, READ_ONLY)
  t.like(other.recovery.dropped[0], { file: join(path, log), keptAs: join(path, log) })
  t.deepEqual(other.getSync(b('key 6')), b('in log 6'))
  t.deepEqual(other.getSync(b('key 7')), b('in table 7'))
  t.deepEqual(other.getSync(b('key 8')), b('in table 8'))
  await other.close()
  t.deepEqual(fingerprint(path), before)
})

test('a database of LevelDB is read while LevelDB has it open', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const level = new ClassicLevel(path, { writeBufferSize: 64 * 1024 })
  for (let i = 0; i < 3000; i++) await level.put(`key ${i}`, `${i} ${'v'.repeat(80)}`)
  const db = await DB.open(path, READ_ONLY)
  for (let i = 0; i < 3000; i++) {
    if (db.getSync(b(`key ${i}`))?.toString() !== `${i} ${'v'.repeat(80)}`) t.fail(`key ${i}`)
  }
  await level.put('key 0', 'changed')
  t.not(db.getSync(b('key 0'))?.toString(), 'changed')
  await db.close()
  // It had kept nothing from the writer.
  await level.compactRange('key 0', 'key 9')
  t.is(await level.get('key 0'), 'changed')
  await level.close()
})

test('beside a writer that flushes and compacts, every open shows a prefix, and keeps it', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const writer = await DB.open(path, {
    createIfMissing: true,
    writeBufferSize: 16 * 1024,
    maxFileSize: 16 * 1024,
  })
  const writes = { count: 0, areDone: false }
  const writing = (async () => {
    while (!writes.areDone) {
      const batch = new WriteBatch()
      // All keys of a batch have one value, so that half a batch would show.
      for (let key = 0; key < 20; key++)
        batch.put(b(`key ${key}`), b(`${writes.count} ${'x'.repeat(99)}`))
      batch.put(b('written'), b(String(writes.count)))
      await writer.write(batch)
      writes.count++
    }
  })()
  const open: { db: DB; at: string }[] = []
  const check = ({ db, at }: { db: DB; at: string }): void => {
    t.is(db.getSync(b('written'))!.toString(), at)
    const entries = [...db.iterator({ lt: b('l') })]
    t.is(entries.length, 20)
    t.deepEqual(new Set(entries.map(([, value]) => value.toString().split(' ')[0])), new Set([at]))
  }
  while (writes.count === 0) await new Promise((resolve) => setImmediate(resolve))
  for (let round = 0; round < 40; round++) {
    const before = writes.count
    const db = await DB.open(path, READ_ONLY)
    const at = db.getSync(b('written'))!.toString()
    // What was acknowledged before the open began is there.
    t.true(Number(at) >= before - 1, `${at} of ${before}`)
    open.push({ db, at })
    for (const one of open) check(one)
    if (open.length > 5) await open.shift()!.db.close()
    await new Promise((resolve) => setImmediate(resolve))
  }
  writes.areDone = true
  await writing
  await writer.compactRange()
  for (const one of open) check(one)
  t.true(writer.stats().flush.count > 3, 'nothing was flushed meanwhile')
  await writer.close()
  for (const one of open) {
    check(one)
    await one.db.close()
  }
})

test('a table beyond maxOpenFiles that the writer has removed is an I/O error that says so', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const writer = await DB.open(path, { createIfMissing: true })
  for (let i = 0; i < 3; i++) {
    await writer.put(b(`key ${i}`), b(`value ${i}`))
    await writer.put(b('all'), b(`value ${i}`))
    await writer.flushMemtable()
  }
  const db = await DB.open(path, { readOnly: true, maxOpenFiles: 1 })
  await writer.compactRange()
  await writer.close()
  const outcomes = await Promise.all(
    [0, 1, 2].map(async (i) => {
      try {
        return (await db.get(b(`key ${i}`)))?.toString()
      } catch (error) {
        t.regex((error as Error).message, /removed by the database's writer/)
        return (error as SluiceError).code
      }
    }),
  )
  t.deepEqual(outcomes, ['LEVEL_IO_ERROR', 'LEVEL_IO_ERROR', 'value 2'])
  await db.close()
})

test('at whatever moment of a writer it begins, a read-only open shows a prefix of the writes', async (t) => {
  for (let round = 0; round < 30; round++) {
    const disk = new SimulatedDisk(SEED + round)
    const random = new Random(SEED + round)
    const db = await openOn(disk, { writeBufferSize: 1024 })
    const writes = { begun: 0, acknowledged: 0, areDone: false }
    const writing = (async () => {
      while (writes.begun < 60) {
        const number = writes.begun++
        await db.put(b(`key ${number % 7}`), b(`${number} ${'x'.repeat(random.below(90))}`), {
          sync: random.percent(30),
        })
        writes.acknowledged = number + 1
        if (random.percent(5)) await db.flushMemtable()
      }
      writes.areDone = true
    })()
    const environment = { fileSystem: disk, now: () => 0, delay: () => disk.linger() }
    const options = checkOptions(READ_ONLY)
    let opens = 0
    while (!writes.areDone) {
      const least = writes.acknowledged
      const engine = await openReadOnly(DIRECTORY, options, environment)
      const most = writes.begun
      const sequence = engine.versions.lastSequence
      const found = Array.from({ length: 7 }, (_, key) => {
        const value = engine.points.getSync(b(`key ${key}`), sequence, true)
        return value === undefined ? -1 : Number(value.toString().split(' ')[0])
      })
      await engine.close()
      opens++
      // With P writes seen, key k has the last number below P that leaves k.
      const seen = Math.max(...found) + 1
      t.true(seen >= least && seen <= most, `${seen} of ${least} to ${most}, round ${round}`)
      const expected = found.map((_, key) => {
        const last = seen - 1 - ((((seen - 1 - key) % 7) + 7) % 7)
        return last < 0 ? -1 : last
      })
      t.deepEqual(found, expected)
      await disk.linger()
    }
    await writing
    await db.close()
    t.deepEqual(disk.openFiles(), [])
    t.true(opens > 0)
  }
})

test('no more tables are held open than the descriptors of the process allow', async (t) => {
  const disk = new SimulatedDisk(SEED)
  const writer = await openOn(disk, {})
  for (let i = 0; i < 3; i++) {
    await writer.put(b('key'), b(`value ${i}`))
    await writer.flushMemtable()
  }
  await writer.close()
  const fileSystem: FileSystem = Object.assign(disk, { descriptorLimit: 10 })
  const environment = { fileSystem, now: () => 0, delay: () => disk.linger() }
  const engine = await openReadOnly(DIRECTORY, checkOptions(READ_ONLY), environment)
  t.is(disk.openFileCount, 2)
  t.deepEqual(engine.points.getSync(b('key'), engine.versions.lastSequence, true), b('value 2'))
  await engine.close()
  t.is(disk.openFileCount, 0)
})
