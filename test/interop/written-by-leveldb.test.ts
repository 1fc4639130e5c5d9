// We read what C++ LevelDB wrote: its logs, its level-0 tables, and the deeper levels that its
// compaction made.

import test from 'ava'
import { talkToChild } from '../platform/child-process.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { type Call, Contents, del, put } from './contents.ts'
import { leftCalls } from './left-calls.ts'
import { ClassicStore, filesOf, OurStore, type StoreOptions } from './stores.ts'

/** The least that LevelDB takes. */
const SMALL_BUFFER = 64 * 1024

interface Case {
  readonly title: string
  readonly options?: StoreOptions
  readonly fill: (write: (...calls: Call[]) => Promise<void>, store: ClassicStore) => Promise<void>
  /** What the levels have to be when we open it, so that the case is what its title says. */
  readonly levels: (files: readonly number[]) => boolean
}

const nothing = (files: readonly number[]): boolean => files.every((count) => count === 0)
const anything = (): boolean => true
const deep = (files: readonly number[]): boolean => files.slice(1).some((count) => count > 0)

function entries(from: number, to: number, sizeBytes: number): Call[] {
  return Array.from({ length: to - from }, (_, i) => [
    put(
      `key-${String((from + i) % 1000).padStart(4, '0')}`,
      Buffer.alloc(sizeBytes, `${from + i} `),
    ),
  ])
}

const cases: readonly Case[] = [
  { title: 'an empty database', fill: async () => undefined, levels: nothing },
  {
    title: 'a log only, with deletions and batches',
    fill: (write) => write(...entries(0, 300, 50), ...leftCalls(), [del('key-0007')]),
    levels: (files) => files[0] === 1 && nothing(files.slice(1)),
  },
  {
    title: 'the empty key and the empty value',
    fill: (write) => write([put('', 'of the empty key')], [put('empty', '')], [put('', '')]),
    levels: anything,
  },
  {
    title: 'a value over many log blocks',
    fill: (write) => write([put('huge', Buffer.alloc(1_300_001, 'huge'))], [put('z', '1')]),
    levels: anything,
  },
  {
    title: 'level-0 tables under a log',
    options: { writeBufferSize: SMALL_BUFFER },
    // Two overlapping memtables: the first goes down a level, the second cannot follow it.
    fill: (write) => write(...entries(0, 1600, 100), [del('key-0003')], [del('key-0999')]),
    levels: (files) => files[0]! > 0,
  },
  ...[true, false].map((compress): Case => ({
    title: `deeper levels after a compaction, compression ${compress ? 'on' : 'off'}`,
    options: { writeBufferSize: SMALL_BUFFER, compress },
    fill: async (write, store) => {
      await write(...entries(0, 3000, 700), [del('key-0003')], [del('key-0500')])
      await store.rewrite()
      await write(...entries(100, 200, 60), [del('key-0150')], [put('key-0500', 'again')])
    },
    levels: deep,
  })),
  {
    title: 'every level that its compaction made by itself, with overwrites and deletions',
    options: { writeBufferSize: SMALL_BUFFER, blockSize: 300, blockRestartInterval: 4 },
    fill: async (write) => {
      for (let round = 0; round < 6; round++) {
        await write(...entries(round * 150, round * 150 + 800, 300))
        await write(...Array.from({ length: 50 }, (_, i) => [del(`key-0${100 + round * 50 + i}`)]))
      }
    },
    levels: deep,
  },
]

for (const { title, options, fill, levels } of cases) {
  test(`we read ${title}`, async (t) => {
    const directory = scratchDirectory(t, FAST_ROOT)
    const contents = new Contents()
    const store = await ClassicStore.open(directory, options)
    await fill(async (...calls) => {
      for (const call of calls) {
        contents.apply(call)
        await store.write(call)
      }
    }, store)
    t.is(await store.difference(contents), undefined)
    await store.close()

    const ours = await OurStore.open(directory)
    t.deepEqual(ours.complaints, [])
    const found = ours.db.stats().levels.map(({ files }) => files)
    t.true(levels(found), `files by level: ${found.join()}`)
    t.is(await ours.difference(contents), undefined)
    await ours.close()
    // What we did to it is as good for LevelDB.
    const after = await ClassicStore.open(directory, options)
    t.is(await after.difference(contents), undefined)
    await after.close()
  })
}

test('we recover the log of a LevelDB that was killed', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const child = talkToChild('interop/write-child.js', ['classic', directory, 'wait'])
  t.is(await child.ask(''), 'written')
  // The log is all there is: LevelDB has had no reason to make a table of it.
  t.is(filesOf(directory, '.ldb').length, 0)
  await child.kill()
  const contents = new Contents()
  for (const call of leftCalls()) contents.apply(call)
  const ours = await OurStore.open(directory)
  t.deepEqual(ours.complaints, [])
  t.is(await ours.difference(contents), undefined)
  await ours.close()
})
