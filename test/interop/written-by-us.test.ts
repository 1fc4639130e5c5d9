// C++ LevelDB reads what we wrote: every entry of every directory that the write path can leave.

import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { runChild } from '../platform/child-process.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { type Call, Contents, del, put } from './contents.ts'
import { leftCalls } from './left-calls.ts'
import { ClassicStore, filesOf, OurStore, type StoreOptions } from './stores.ts'

const BLOCK = 32 * 1024
const onPosix = process.platform === 'win32' ? test.skip : test

/** A database that is being filled. */
interface Filling {
  readonly store: OurStore
  /** Issues the calls in one go, in order, so that they meet in groups. */
  readonly write: (...calls: Call[]) => Promise<void>
}

interface Case {
  readonly title: string
  readonly options?: StoreOptions
  readonly fill: (filling: Filling) => Promise<void>
  /** How many tables and bytes of log the closed directory has to have, so that the case is what it says. */
  readonly tables?: (count: number) => boolean
  readonly logBytes?: (size: number) => boolean
}

const none = (count: number): boolean => count === 0
const one = (count: number): boolean => count === 1
const several = (count: number): boolean => count > 1
const some = (count: number): boolean => count > 0

function entries(from: number, to: number, sizeBytes = 100): Call[] {
  return Array.from({ length: to - from }, (_, i) => [
    put(
      `key-${String((from + i) % 1000).padStart(4, '0')}`,
      Buffer.alloc(sizeBytes, `${from + i} `),
    ),
  ])
}

const cases: readonly Case[] = [
  { title: 'an empty database', fill: async () => undefined, tables: none, logBytes: none },
  {
    title: 'data in the log only',
    fill: ({ write }) => write(...entries(0, 500)),
    tables: none,
    logBytes: some,
  },
  {
    title: 'one table and an empty log',
    fill: async ({ store, write }) => {
      await write(...entries(0, 500))
      await store.db.flushMemtable()
    },
    tables: one,
    logBytes: none,
  },
  {
    title: 'overlapping tables, a log above them, overwrites and deletions in each',
    fill: async ({ store, write }) => {
      for (let round = 0; round < 3; round++) {
        await write(...entries(round * 100, round * 100 + 300), [del(`key-${round * 100 + 150}`)])
        await write([del('never-there')], [del(`key-0${round}50`)])
        await store.db.flushMemtable()
      }
      await write(...entries(250, 350, 20), [del('key-0300'), put('key-0301', 'new')])
    },
    tables: (count) => count === 3,
    logBytes: some,
  },
  {
    title: 'tables in a manifest that was begun anew again and again',
    options: { manifestLimits: { sizeBytes: 0, growth: 1 } },
    fill: async ({ store, write }) => {
      for (let round = 0; round < 20; round++) {
        await write(...entries(round * 20, round * 20 + 60), [del(`key-00${round + 10}`)])
        await store.db.flushMemtable()
      }
    },
    tables: some,
    logBytes: none,
  },
  {
    title: 'a forced switch that nobody waited for',
    fill: async ({ store, write }) => {
      await write(...entries(0, 100))
      await store.db.write(null)
      await write(...entries(50, 150))
    },
    tables: one,
    logBytes: some,
  },
  {
    title: 'many switches of a memtable of 1 KiB, with concurrent writers',
    options: { writeBufferSize: 1024 },
    fill: async ({ write }) => {
      for (let i = 0; i < 1500; i += 30) await write(...entries(i, i + 30, 50))
    },
    // How many are left is for compactions to say, which run beside the writers.
    tables: some,
  },
  {
    title: 'batches: repeated keys, a key deleted and put again, and one without a write',
    fill: async ({ write }) => {
      await write(
        [put('a', '1'), put('a', '2'), del('a')],
        [put('b', '1'), del('b'), put('b', '2')],
      )
      await write([], [put('c', '3'), put('d', '4')], [del('d'), del('d')])
    },
  },
  {
    title: 'the empty key and the empty value',
    fill: async ({ store, write }) => {
      await write([put('', 'of the empty key')], [put('empty', '')], [put('x', '')])
      await store.db.flushMemtable()
      await write([put('later', ''), del('x')])
    },
  },
  {
    title: 'the empty key, deleted in a later table',
    fill: async ({ store, write }) => {
      await write([put('', '')])
      await store.db.flushMemtable()
      await write([del('')])
      await store.db.flushMemtable()
    },
    tables: several,
  },
  {
    title: 'keys of every byte, and keys that are prefixes of each other',
    fill: async ({ store, write }) => {
      const keys = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]))
      const long = Array.from({ length: 64 }, (_, i) => Buffer.alloc(i + 1, 0xff))
      await write(...[...keys, ...long].map((key): Call => [put(key, key)]))
      await store.db.flushMemtable()
      await write(...keys.map((key): Call => [put(Buffer.concat([key, key]), 'twice')]))
    },
  },
  {
    title: 'records that end 0 to 8 bytes before the end of a log block',
    fill: async ({ write }) => {
      for (let left = 0; left <= 8; left++) await writeUpTo(write, left)
      await write([put('behind', 'them')])
    },
    tables: none,
  },
  {
    title: 'values over many log blocks, in the log',
    fill: ({ write }) =>
      write(
        [put('small', '1')],
        [put('huge', Buffer.alloc(40 * BLOCK + 5, 'huge'))],
        [put('z', '2')],
      ),
    tables: none,
  },
  {
    title: 'values over many log blocks, in a table without compression',
    options: { compress: false },
    fill: async ({ store, write }) => {
      await write([put('huge', Buffer.alloc(40 * BLOCK + 5, 'huge'))], [put('z', '2')])
      await store.db.flushMemtable()
    },
    tables: one,
  },
  {
    title: 'batches larger than the memtable',
    options: { writeBufferSize: 4096 },
    fill: async ({ write }) => {
      await write(entries(0, 200, 100).flat(), [put('between', '1')], entries(100, 300, 90).flat())
      await write([put('key-0120', Buffer.alloc(100_000, 'x')), del('key-0121')])
    },
  },
  ...[true, false].flatMap((compress) =>
    [0, 10].map((filterBitsPerKey): Case => ({
      title: `tables with ${filterBitsPerKey} filter bits, compression ${compress ? 'on' : 'off'}`,
      options: { compress, filterBitsPerKey },
      fill: async ({ store, write }) => {
        await write(...entries(0, 1000, 333), [put('random', noise(20_000))])
        await store.db.flushMemtable()
      },
      tables: one,
    })),
  ),
  ...[
    { blockSize: 64, blockRestartInterval: 1 },
    { blockSize: 4 * 2 ** 20, blockRestartInterval: 65_536 },
    { blockSize: 1000, blockRestartInterval: 3 },
  ].map((options): Case => ({
    title: `tables of blocks of ${options.blockSize} bytes, a restart every ${options.blockRestartInterval}`,
    options,
    fill: async ({ store, write }) => {
      await write(...entries(0, 1000, 40), [put('big', Buffer.alloc(300_000, 'b'))])
      await store.db.flushMemtable()
      await write(...entries(500, 700, 41))
    },
    tables: one,
  })),
]

for (const { title, options, fill, tables, logBytes } of cases) {
  test(`LevelDB reads ${title}`, async (t) => {
    const directory = scratchDirectory(t, FAST_ROOT)
    const store = await OurStore.open(directory, options)
    const contents = new Contents()
    await fill({ store, write: writerInto(store, contents) })
    t.is(await store.difference(contents), undefined)
    await store.close()
    if (tables !== undefined) t.true(tables(filesOf(directory, '.ldb').length), 'tables')
    if (logBytes !== undefined) t.true(logBytes(logSize(directory)), 'bytes of log')
    await checkBothWays(t, directory, contents)
  })
}

test('LevelDB reads a database that was opened and closed again and again', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const contents = new Contents()
  for (let round = 0; round < 4; round++) {
    const store = await OurStore.open(directory)
    t.deepEqual(store.complaints, [])
    await writerInto(store, contents)(...entries(round * 70, round * 70 + 100))
    await store.close()
  }
  t.is(filesOf(directory, '.ldb').length, 3)
  await checkBothWays(t, directory, contents)
})

for (const [how, last, isGrown] of [
  ['unsynced', 'exit', false],
  // Such a log was made longer ahead, and nobody cut it: it ends in zeroes.
  ['synced', 'exit-synced', true],
] as const) {
  test(`LevelDB reads what a process wrote ${how} that ended without close`, async (t) => {
    const directory = scratchDirectory(t, FAST_ROOT)
    const { code, output } = await runChild('interop/write-child.js', ['ours', directory, last])
    t.is(code, 0, output)
    const [log] = filesOf(directory, '.log')
    t.is(readFileSync(join(directory, log!)).at(-1) === 0, isGrown)
    const contents = new Contents()
    for (const call of leftCalls()) contents.apply(call)
    await checkBothWays(t, directory, contents)
  })
}

// What a crash may leave of the last record, which has 50,000 bytes over two fragments or more.
for (const [where, damage] of [
  ['cut before its last byte', (_start: number, end: number) => ({ cutAt: end - 1 })],
  ['cut in its second fragment', (_start: number, end: number) => ({ cutAt: end - 5000 })],
  ['cut in its first fragment', (start: number) => ({ cutAt: start + 1000 })],
  ['cut in its header', (start: number) => ({ cutAt: start + 3 })],
  ['zeroes from its middle on', (_start: number, end: number) => ({ zeroFrom: end - 5000 })],
  ['zeroes from its first byte on', (start: number) => ({ zeroFrom: start })],
] as const) {
  for (const first of ['LevelDB', 'we']) {
    test(`a last record, ${where}, is left out by both, ${first} first`, async (t) => {
      const directory = scratchDirectory(t, FAST_ROOT)
      const store = await OurStore.open(directory)
      const contents = new Contents()
      await writerInto(store, contents)(...entries(0, 50))
      const path = join(directory, filesOf(directory, '.log')[0]!)
      const startBytes = statSync(path).size
      await store.write([put('torn', Buffer.alloc(50_000, 't'))])
      await store.close()
      damageLog(path, damage(startBytes, statSync(path).size))
      contents.apply([del('torn')])
      if (first === 'we') {
        const ours = await OurStore.open(directory)
        for (const complaint of ours.complaints) {
          t.regex(complaint, new RegExp(`dropped from ${startBytes}:`))
        }
        // Zeroes where a record might have begun are what a log that was grown ahead ends in.
        t.is(ours.complaints.length, where === 'zeroes from its first byte on' ? 0 : 1)
        await writerInto(ours, contents)([put('after', 'the damage')])
        await ours.close()
      }
      await checkBothWays(t, directory, contents)
    })
  }
}

onPosix('LevelDB reads a database that went on after a failure and resume()', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const store = await OurStore.open(directory)
  const contents = new Contents()
  const write = writerInto(store, contents)
  await write(...entries(0, 300))
  await store.db.flushMemtable()
  await write(...entries(200, 400, 30))
  // A log that is not in the directory any more cannot be synced for good. The last one: the flushed
  // one may still be there.
  rmSync(join(directory, filesOf(directory, '.log').at(-1)!))
  const unsyncable = store.write([put('unknown', 'outcome')], true)
  await t.throwsAsync(unsyncable, { code: 'LEVEL_IO_ERROR' })
  await t.throwsAsync(store.write([put('refused', '1')]), { code: 'LEVEL_IO_ERROR' })
  await store.db.resume()
  contents.apply([del('unknown'), del('refused')])
  t.is(await store.difference(contents), undefined)
  await write(...entries(350, 450, 35), [put('resumed', 'yes')])
  await store.close()
  await checkBothWays(t, directory, contents)
})

function writerInto(store: OurStore, contents: Contents): Filling['write'] {
  return async (...calls) => {
    for (const call of calls) contents.apply(call)
    await Promise.all(calls.map((call) => store.write(call)))
  }
}

/** LevelDB has it all; so have we after LevelDB made it its own, and LevelDB after us. */
async function checkBothWays(
  t: ExecutionContext,
  directory: string,
  contents: Contents,
): Promise<void> {
  const before = await ClassicStore.open(directory)
  t.is(await before.difference(contents), undefined)
  await before.close()
  const ours = await OurStore.open(directory)
  t.deepEqual(ours.complaints, [])
  t.is(await ours.difference(contents), undefined)
  await ours.close()
  const after = await ClassicStore.open(directory)
  await after.rewrite()
  t.is(await after.difference(contents), undefined)
  await after.close()
}

function logSize(directory: string): number {
  return filesOf(directory, '.log').reduce(
    (sum, name) => sum + statSync(join(directory, name)).size,
    0,
  )
}

/** A record that begins where a block does, or in its last bytes, and ends `left` before its end. */
async function writeUpTo(write: Filling['write'], left: number): Promise<void> {
  const key = `left-${left}`
  // Header of the record, of the batch, of the put: type, key length, key, value length.
  const overheadBytes = 7 + 12 + 1 + 1 + key.length + 3
  await write([put(key, Buffer.alloc(BLOCK - left - overheadBytes, `${left}`))])
}

function damageLog(path: string, damage: { cutAt?: number; zeroFrom?: number }): void {
  if (damage.cutAt !== undefined) truncateSync(path, damage.cutAt)
  if (damage.zeroFrom !== undefined) {
    const bytes = readFileSync(path).fill(0, damage.zeroFrom)
    writeFileSync(path, bytes)
  }
}

/** Bytes that do not compress, the same ones every time. */
function noise(length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length)
  let word = 1
  for (let i = 0; i < length; i++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = word >>> 24
  }
  return bytes
}
