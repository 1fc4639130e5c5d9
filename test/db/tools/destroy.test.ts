// Removing a database: all of it, nothing else, and nothing in between that an open could mistake.

import fs from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ClassicLevel } from 'classic-level'
import { destroyDatabase } from '../../../ts/db/tools/destroy.ts'
import { DB, SluiceError } from '../../../ts/index.ts'
import { CRASH_POLICIES, POLICY_NAMES } from '../../crash/crash-image.ts'
import { DIRECTORY, openOn } from '../../crash/engine.ts'
import { Random } from '../../crash/random.ts'
import { SimulatedDisk } from '../../crash/simulated-disk.ts'
import { SEED } from '../../format/seed.ts'
import { FAST_ROOT, scratchDirectory } from '../../platform/scratch-directory.ts'

const b = (text: string): Buffer => Buffer.from(text)

/** A database that was closed, with a table, a log and a file in lost/. */
async function makeDatabase(t: ExecutionContext): Promise<string> {
  const path = join(scratchDirectory(t, FAST_ROOT), 'parent', 'db')
  const db = await DB.open(path, { createIfMissing: true })
  await db.put(b('a'), b('1'))
  await db.flushMemtable()
  await db.put(b('b'), b('2'))
  await db.close()
  fs.mkdirSync(join(path, 'lost'))
  fs.writeFileSync(join(path, 'lost', '000003.log'), 'damaged')
  fs.writeFileSync(join(path, 'LOG.old'), 'old')
  return path
}

async function code(t: ExecutionContext, promise: Promise<unknown>): Promise<string> {
  return (await t.throwsAsync(promise, { instanceOf: SluiceError })).code
}

test('a destroyed database and its directory are gone, and its parent stays', async (t) => {
  const path = await makeDatabase(t)
  await DB.destroy(path)
  t.false(fs.existsSync(path))
  t.true(fs.existsSync(join(path, '..')))
})

test('to destroy what does not exist is fine', async (t) => {
  await t.notThrowsAsync(DB.destroy(join(scratchDirectory(t), 'none', 'db')))
})

test('files of others stay, and so do the directories that hold them', async (t) => {
  const path = await makeDatabase(t)
  // '5.ldb' is not how a table is named, and the directory '000099.ldb' is no table.
  const others = ['notes.txt', '5.ldb', 'MANIFEST-5', 'CURRENT.bak', join('lost', 'mine.txt')]
  for (const name of others) fs.writeFileSync(join(path, name), name)
  fs.mkdirSync(join(path, '000099.ldb'))
  fs.writeFileSync(join(path, '000099.ldb', '000007.ldb'), 'inside')
  await DB.destroy(path)
  t.deepEqual(fs.readdirSync(path).toSorted(), [
    '000099.ldb',
    '5.ldb',
    'CURRENT.bak',
    'MANIFEST-5',
    'lost',
    'notes.txt',
  ])
  t.deepEqual(fs.readdirSync(join(path, 'lost')), ['mine.txt'])
  t.deepEqual(fs.readdirSync(join(path, '000099.ldb')), ['000007.ldb'])
})

test('a symbolic link in the directory is not followed', async (t) => {
  const path = await makeDatabase(t)
  const elsewhere = join(path, '..', 'elsewhere')
  fs.mkdirSync(elsewhere)
  fs.writeFileSync(join(elsewhere, '000008.ldb'), 'a table of others')
  fs.rmSync(join(path, 'lost'), { recursive: true })
  fs.symlinkSync(elsewhere, join(path, 'lost'))
  fs.symlinkSync(join(elsewhere, '000008.ldb'), join(path, '000008.ldb'))
  await DB.destroy(path)
  t.deepEqual(fs.readdirSync(path), ['lost'])
  t.deepEqual(fs.readdirSync(elsewhere), ['000008.ldb'])
  t.is(fs.readFileSync(join(elsewhere, '000008.ldb'), 'utf8'), 'a table of others')
})

test('25: a database that is open is not destroyed, and takes writes as before', async (t) => {
  const path = await makeDatabase(t)
  const db = await DB.open(path)
  t.is(await code(t, DB.destroy(path)), 'LEVEL_LOCKED')
  await db.put(b('c'), b('3'), { sync: true })
  await db.close()
  const again = await DB.open(path)
  t.deepEqual(again.getSync(b('a')), b('1'))
  t.deepEqual(again.getSync(b('c')), b('3'))
  await again.close()
})

test('a path that is none is a TypeError, and one that is a file is LEVEL_IO_ERROR', async (t) => {
  await t.throwsAsync(DB.destroy(''), { instanceOf: TypeError })
  await t.throwsAsync(DB.destroy(undefined as unknown as string), { instanceOf: TypeError })
  const file = join(scratchDirectory(t), 'file')
  fs.writeFileSync(file, 'x')
  t.is(await code(t, DB.destroy(file)), 'LEVEL_IO_ERROR')
  t.is(fs.readFileSync(file, 'utf8'), 'x')
})

test('a database of LevelDB is destroyed whole', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const level = new ClassicLevel(path, { writeBufferSize: 64 * 1024 })
  for (let i = 0; i < 3000; i++) await level.put(`key ${i}`, 'v'.repeat(100))
  await level.close()
  await DB.destroy(path)
  t.false(fs.existsSync(path))
})

/** A disk with ten keys in tables and logs. */
async function tenKeys(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(SEED)
  const db = await openOn(disk, { writeBufferSize: 64 * 1024 })
  for (let i = 0; i < 10; i++) {
    await db.put(b(`k${i}`), b(`value ${i}`), { sync: true })
    if (i === 5) await db.flushMemtable()
  }
  await db.close()
  disk.plant(`${DIRECTORY}/lost/000003.log`, b('kept'))
  return disk
}

test('whenever a removal is cut short, the database is whole, or refused, or gone, and removing it again ends it', async (t) => {
  const disk = await tenKeys()
  const frozen: SimulatedDisk[] = []
  disk.onOperation = () => frozen.push(disk.freeze())
  await destroyDatabase(DIRECTORY, disk)
  frozen.push(disk.freeze())
  const seen = { whole: 0, refused: 0, gone: 0 }
  for (const moment of frozen) {
    for (const name of POLICY_NAMES) {
      for (let round = 0; round < 3; round++) {
        const random = new Random(SEED + round)
        const image = moment.crashImage(CRASH_POLICIES[name], random)
        seen[await stateOf(t, image)]++
        const again = moment.crashImage(CRASH_POLICIES[name], new Random(SEED + round))
        await destroyDatabase(DIRECTORY, again)
        t.deepEqual([...again.contents('/home').keys()], [])
      }
    }
  }
  t.log(`SLUICE_SEED=${SEED}: ${JSON.stringify(seen)}`)
  t.true(seen.whole > 0 && seen.refused > 0 && seen.gone > 0)
})

/** What an open that would create a database finds. */
async function stateOf(
  t: ExecutionContext,
  image: SimulatedDisk,
): Promise<'whole' | 'refused' | 'gone'> {
  try {
    const db = await openOn(image, { writeBufferSize: 64 * 1024 })
    const found = Array.from({ length: 10 }, (_, i) => db.getSync(b(`k${i}`))?.toString())
    const { created } = db.recovery
    await db.close()
    const whole = Array.from({ length: 10 }, (_, i) => `value ${i}`)
    t.deepEqual(found, created ? whole.map(() => undefined) : whole)
    return created ? 'gone' : 'whole'
  } catch (error) {
    const { cause } = error as SluiceError
    t.is((cause as SluiceError).code, 'LEVEL_CORRUPTION', String(error))
    return 'refused'
  }
}

for (const kind of ['read-directory', 'lock', 'unlink', 'sync-directory'] as const) {
  test(`a disk that fails '${kind}' while a database is removed is LEVEL_IO_ERROR, and another call ends it`, async (t) => {
    const unhurt = await tenKeys()
    for (let skip = 0; ; skip++) {
      const disk = unhurt.freeze()
      disk.inject({ effect: 'fail', kind, skip })
      try {
        await destroyDatabase(DIRECTORY, disk)
        // Directories that cannot be removed stay, and that is no error.
        if (disk.faultCount === 0) break
      } catch (error) {
        t.is((error as SluiceError).code, 'LEVEL_IO_ERROR')
      }
      t.is(disk.lockCount, 0)
      disk.heal()
      await destroyDatabase(DIRECTORY, disk)
      t.deepEqual([...disk.contents('/home').keys()], [])
    }
  })
}
