// Tables in LevelDB's bytes, from our builder and from LevelDB's.

import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { ClassicLevel } from 'classic-level'
import type { SluiceError } from '../../ts/format/error.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { BLOCK_TRAILER_SIZE, TYPE_SNAPPY } from '../../ts/table/format.ts'
import { TableBuilder } from '../../ts/table/table-builder.ts'
import { Table } from '../../ts/table/table.ts'
import { Random } from '../crash/random.ts'
import {
  PLAIN,
  SEED,
  buildTable,
  entry,
  lookupOf,
  randomEntries,
  scan,
  userKeyOf,
} from './entries.ts'
import type { Entry } from './entries.ts'
import { MemoryRandomAccessFile, MemoryWritableFile, systemError } from './memory-file.ts'

function open(bytes: Buffer): Table {
  return Table.openSync(new MemoryRandomAccessFile(bytes), 5, { crc32c })
}

interface ClassicOptions {
  readonly compression: boolean
  readonly blockSize?: number
  readonly blockRestartInterval?: number
}

/**
 * The tables that classic-level makes of the entries, in order of their numbers: it writes them to
 * its log, and opening the database again makes level-0 tables of the log.
 */
async function classicTables(
  entries: readonly Entry[],
  options: ClassicOptions,
): Promise<Buffer[]> {
  const directory = await mkdtemp(join(tmpdir(), 'sluicedb-table-'))
  try {
    const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
    const settings = { ...encodings, ...options, writeBufferSize: 64 << 20 }
    const first = new ClassicLevel<Buffer, Buffer>(directory, settings)
    await first.open()
    const batch = first.batch()
    for (const one of entries) {
      if (one.key.at(-8) === 0) batch.del(userKeyOf(one))
      else batch.put(userKeyOf(one), one.value)
    }
    await batch.write()
    await first.close()
    const second = new ClassicLevel<Buffer, Buffer>(directory, settings)
    await second.open()
    await second.close()
    const names = (await readdir(directory)).filter((name) => name.endsWith('.ldb')).toSorted()
    return await Promise.all(names.map((name) => readFile(join(directory, name))))
  } finally {
    await rm(directory, { recursive: true })
  }
}

// keys.mjs:  import { ClassicLevel } from 'classic-level'
//            let db = new ClassicLevel('golden', { compression: false })
//            await db.put('apple', '1'); await db.put('apricot', '22'); await db.del('banana')
//            await db.close()
//            db = new ClassicLevel('golden', { compression: false }); await db.open(); await db.close()
// node keys.mjs && xxd -p golden/000005.ldb
const GOLDEN = [
  '000d016170706c65010100000000000031020d027269636f7401020000000000003232000e0062616e616e6100',
  '03000000000000000000000100000000f5e1704c4245000ca002d00f0600000000090000000b0006536a940022',
  '0266696c7465722e6c6576656c64622e4275696c74696e426c6f6f6d46696c7465723241120000000001000000',
  '0087c47b020009026301ffffffffffffff003c0000000001000000000a9859f3582f8c01160000000000000000',
  '00000000000000000000000000000000000000000000000000000057fb808b247547db',
].join('')

const GOLDEN_ENTRIES = [
  entry('apple', 1, 1, '1'),
  entry('apricot', 2, 1, '22'),
  entry('banana', 3, 0),
]

test('three entries become the bytes that LevelDB writes for them', (t) => {
  t.is(buildTable(GOLDEN_ENTRIES).toString('hex'), GOLDEN)
})

test('the bytes that LevelDB wrote for three entries are read back', (t) => {
  const table = open(Buffer.from(GOLDEN, 'hex'))
  t.deepEqual(scan(table), GOLDEN_ENTRIES)
  t.is(table.filterDamage, undefined)
})

test('uncompressed tables are the very bytes of LevelDB, whatever the entries', async (t) => {
  const random = new Random(SEED)
  for (const [count, maxValueBytes, blockSize, blockRestartInterval] of [
    [1, 10, 4096, 16],
    [1000, 200, 4096, 16],
    [3000, 30, 4096, 16],
    [60, 50_000, 4096, 16],
    [2000, 100, 1024, 1],
    [2000, 100, 65_536, 7],
    [3, 3_000_000, 4096, 16],
  ] as const) {
    const entries = randomEntries(random, count, maxValueBytes)
    const options = { blockSize, blockRestartInterval }
    const tables = await classicTables(entries, { ...options, compression: false })
    t.true(tables.length > 0)
    for (const bytes of tables) {
      const parsed = scan(open(bytes))
      t.true(parsed.length > 0)
      const same = buildTable(parsed, options).equals(bytes)
      t.true(same, `seed ${SEED}: ${count} entries, blocks of ${blockSize}`)
    }
  }
})

test('compressed tables hold the blocks of LevelDB, and compress nearly the same ones', async (t) => {
  const random = new Random(SEED)
  const entries = randomEntries(random, 3000, 400)
  for (const theirs of await classicTables(entries, { compression: true })) {
    const parsed = scan(open(theirs))
    const ours = buildTable(parsed, { compression: 'snappy' })
    t.deepEqual(scan(open(ours)), parsed, `seed ${SEED}`)
    // Encoders differ in their output by a little: blocks compare by what they hold, which the same
    // number of blocks, cut and separated alike, and equal entries imply; and one that saves about
    // an eighth may be compressed by one of them only.
    const [ourTypes, theirTypes] = [blockTypes(ours), blockTypes(theirs)]
    t.is(ourTypes.length, theirTypes.length, `seed ${SEED}`)
    const unlike = ourTypes.split('').filter((type, i) => type !== theirTypes[i])
    t.true(unlike.length <= ourTypes.length / 50, `seed ${SEED}: ${unlike.length}`)
    t.true(ours.length < buildTable(parsed).length)
  }
})

/** Whether each data block is compressed, found by its place behind the one before. */
function blockTypes(bytes: Buffer): string {
  const file = new MemoryRandomAccessFile(bytes)
  const reads: [number, number][] = []
  const read = file.readSync.bind(file)
  file.readSync = (position, length) => {
    reads.push([position, length])
    return read(position, length)
  }
  const table = Table.openSync(file, 5, { crc32c })
  reads.length = 0
  scan(table)
  return reads.map(([at, length]) => bytes[at + length - BLOCK_TRAILER_SIZE]).join('')
}

test('a block is kept uncompressed unless that saves more than an eighth', (t) => {
  const random = new Random(SEED)
  const noise = [0, 1].map((i) => ({ ...entry(`k${i}`, 1, 1), value: random.bytes(5000) }))
  t.is(blockTypes(buildTable(noise, { compression: 'snappy' })), '00')
  const little = {
    ...entry('k0', 1, 1),
    value: Buffer.concat([random.bytes(4600), Buffer.alloc(400)]),
  }
  t.is(blockTypes(buildTable([little], { compression: 'snappy' })), '0', 'saves about 7 %')
  const more = {
    ...entry('k0', 1, 1),
    value: Buffer.concat([random.bytes(4200), Buffer.alloc(800)]),
  }
  t.is(blockTypes(buildTable([more], { compression: 'snappy' })), '1', 'saves about 15 %')
  const text = [entry('k0', 1, 1, 'word '.repeat(1000)), ...noise.slice(1)]
  t.is(blockTypes(buildTable(text, { compression: 'snappy' })), `${TYPE_SNAPPY}0`)
})

test('what is counted is what was added and appended', (t) => {
  const file = new MemoryWritableFile()
  const builder = new TableBuilder(file, PLAIN, crc32c)
  t.is(builder.entryCount, 0)
  t.is(builder.sizeBytes, 0)
  const sizes = new Set([0])
  for (let i = 0; i < 100; i++) {
    const { key } = entry(String(i).padStart(3, '0'), 1, 1)
    builder.add(key, 0, key.length, Buffer.alloc(100), 0, 100)
    t.is(builder.entryCount, i + 1)
    sizes.add(builder.sizeBytes)
  }
  t.is(sizes.size, 1 + 2, 'nothing, then each data block')
  t.is(file.appendCount, 0)
  builder.finish()
  t.is(builder.sizeBytes, file.contents().length)
  t.is(file.appendCount, 1, 'blocks are appended together')
})

test('blocks are appended before too many are gathered', (t) => {
  const file = new MemoryWritableFile()
  const builder = new TableBuilder(file, PLAIN, crc32c)
  const sizes = [100, 40_000, 40_000, 200_000, 10, 70_000]
  for (const [i, size] of sizes.entries()) {
    const { key } = entry(`k${i}`, 1, 1)
    builder.add(key, 0, key.length, Buffer.alloc(size, i), 0, size)
    t.true(builder.sizeBytes - file.contents().length < 64 * 1024)
  }
  builder.finish()
  const found = scan(open(file.contents())).map(({ value }) => value)
  t.deepEqual(
    found,
    sizes.map((size, i) => Buffer.alloc(size, i)),
  )
})

test('a table without entries is read back as such', (t) => {
  for (const filterBitsPerKey of [0, 10]) {
    const table = open(buildTable([], { filterBitsPerKey }))
    t.deepEqual(scan(table), [])
    t.is(table.getSync(lookupOf(entry('a', 1, 1).key)), undefined)
  }
})

test('a key out of order, repeated or too short is refused', (t) => {
  const builder = new TableBuilder(new MemoryWritableFile(), PLAIN, crc32c)
  const add = ({ key, value }: Entry): void =>
    builder.add(key, 0, key.length, value, 0, value.length)
  add(entry('b', 5, 1))
  t.throws(() => add(entry('b', 5, 1)), { message: /not in ascending order/ })
  t.throws(() => add(entry('b', 6, 1)), { message: /not in ascending order/ })
  t.throws(() => add(entry('a', 1, 1)), { message: /not in ascending order/ })
  t.throws(() => add({ key: Buffer.alloc(7, 0xff), value: Buffer.alloc(0) }), {
    message: /8 bytes/,
  })
  add(entry('b', 4, 1))
  builder.finish()
  t.throws(() => add(entry('c', 1, 1)), { message: 'the table is finished' })
  t.throws(() => builder.finish(), { message: 'the table is finished' })
})

test('keys and values are taken from ranges, also of shared memory', (t) => {
  const shared = Buffer.from(new SharedArrayBuffer(4096))
  const plain = new TableBuilder(new MemoryWritableFile(), PLAIN, crc32c)
  const file = new MemoryWritableFile()
  const builder = new TableBuilder(file, PLAIN, crc32c)
  for (const one of [entry('a', 1, 1, 'x'.repeat(3000)), entry('b'.repeat(100), 1, 1, 'y')]) {
    shared.fill(0xee)
    shared.set(one.key, 5)
    shared.set(one.value, 600)
    builder.add(shared, 5, 5 + one.key.length, shared, 600, 600 + one.value.length)
    plain.add(one.key, 0, one.key.length, one.value, 0, one.value.length)
  }
  builder.finish()
  plain.finish()
  t.deepEqual(
    scan(open(file.contents())).map((one) => one.value.length),
    [3000, 1],
  )
  t.is(builder.sizeBytes, plain.sizeBytes)
})

test('a failed append is an I/O error that keeps its errno', (t) => {
  const file = new MemoryWritableFile('db/000009.ldb')
  file.appendSync = () => {
    throw systemError('ENOSPC')
  }
  const builder = new TableBuilder(file, PLAIN, crc32c)
  const { key } = entry('a', 1, 1)
  const error = t.throws<SluiceError>(
    () => {
      builder.add(key, 0, key.length, Buffer.alloc(5000), 0, 5000)
      builder.finish()
    },
    { code: 'LEVEL_IO_ERROR' },
  )
  t.is(error.file, 'db/000009.ldb')
  t.is((error.cause as { code: string }).code, 'ENOSPC')
})
