// Properties and sizes of one directory, asked of C++ LevelDB and of us: the same words, the same
// numbers.

import { ClassicLevel } from 'classic-level'
import test from 'ava'
import { DB } from '../../ts/index.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'
import { scratchDirectory } from '../platform/scratch-directory.ts'

/** The least that LevelDB takes, so that there are many tables. */
const WRITE_BUFFER_BYTES = 64 * 1024
const KEYS = 20_000

/** Files of level 0 from which either store compacts it; the other levels are far from full here. */
const LEVEL0_TRIGGER = 4

/** Opens C++ LevelDB, and waits until it has nothing to compact: then both see the same tables. */
async function openClassic(directory: string): Promise<ClassicLevel<Buffer, Buffer>> {
  const level = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: WRITE_BUFFER_BYTES,
  })
  await level.open()
  while (Number(level.getProperty('leveldb.num-files-at-level0')) >= LEVEL0_TRIGGER) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  return level
}

const keyOf = (number: number): Buffer =>
  Buffer.from(`key\u0001-${String(number).padStart(6, '0')}`)

/** Level, files and size of a line; time and bytes are what each process did. */
function sameColumns(line: string): string {
  return line.slice(0, 21)
}

/** A directory with tables on several levels and an empty log, made by C++ LevelDB. */
async function filled(directory: string): Promise<void> {
  const random = new Random(SEED)
  const level = await openClassic(directory)
  for (let i = 0; i < KEYS; i += 100) {
    const puts = Array.from({ length: 100 }, () => ({
      type: 'put' as const,
      key: keyOf(random.below(KEYS)),
      value: random.bytes(random.between(10, 300)),
    }))
    await level.batch(puts)
  }
  await level.close()
  // What was left in the log becomes a table at this opening.
  await (await openClassic(directory)).close()
}

test(seeded('sstables and file counts are those of LevelDB'), async (t) => {
  const directory = scratchDirectory(t)
  await filled(directory)
  const level = await openClassic(directory)
  const sstables = level.getProperty('leveldb.sstables')
  const counts = Array.from({ length: 8 }, (_, i) => `leveldb.num-files-at-level${i}`).map(
    (name) => [name, level.getProperty(name)] as const,
  )
  await level.close()
  t.regex(sstables, /--- level 2 ---\n \d+:/)
  const db = await DB.open(directory)
  t.is(db.property('leveldb.sstables'), sstables)
  // LevelDB's binding has the empty string where there is no such property.
  for (const [name, count] of counts) t.is(db.property(name) ?? '', count, name)
  await db.close()
})

test('stats have the heading and the columns of LevelDB', async (t) => {
  const directory = scratchDirectory(t)
  await filled(directory)
  const level = await openClassic(directory)
  const theirs = level.getProperty('leveldb.stats').split('\n')
  await level.close()
  const db = await DB.open(directory)
  const ours = db.property('leveldb.stats')!.split('\n')
  await db.close()
  t.deepEqual(ours.slice(0, 3), theirs.slice(0, 3))
  t.deepEqual(ours.slice(3).map(sameColumns), theirs.slice(3).map(sameColumns))
})

test(seeded('sizes of ranges are those of LevelDB'), async (t) => {
  const directory = scratchDirectory(t)
  await filled(directory)
  const random = new Random(SEED)
  const ranges = Array.from({ length: 200 }, (): [Buffer, Buffer] => [
    keyOf(random.below(KEYS)),
    keyOf(random.below(KEYS)),
  ])
  ranges.push([Buffer.from(' '), Buffer.from('~')], [Buffer.from('~'), Buffer.from(' ')])
  const level = await openClassic(directory)
  const theirs = await Promise.all(ranges.map(([start, end]) => level.approximateSize(start, end)))
  await level.close()
  t.true(Math.max(...theirs) > 1_000_000)
  const db = await DB.open(directory)
  t.deepEqual(await db.approximateSizes(ranges), theirs)
  await db.close()
})
