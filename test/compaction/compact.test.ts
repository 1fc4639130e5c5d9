// The compaction job: what it keeps, where it cuts, and how it fails.

import { join } from 'node:path'
import test from 'ava'
import { runCompaction, runCompactionInTurns } from '../../ts/compaction/compact.ts'
import {
  CONTROL_CANCEL,
  CONTROL_PROGRESS,
  CONTROL_SIZE,
} from '../../ts/compaction/compaction-job.ts'
import type { SluiceError } from '../../ts/format/error.ts'
import { oldTableFileName, tableFileName } from '../../ts/format/file-name.ts'
import { sequenceOfKey } from '../../ts/format/internal-key.ts'
import type { FileMetadata } from '../../ts/version/file-metadata.ts'
import { Random, mixSeed } from '../crash/random.ts'
import type { SimulatedDisk } from '../crash/simulated-disk.ts'
import { SEED, seeded } from '../format/seed.ts'
import { type Entry, entry, userKeyOf } from '../table/entries.ts'
import {
  cut,
  deal,
  DIRECTORY,
  emptyDisk,
  isSameUserKey,
  jobOf,
  kept,
  mixedEntries,
  readAt,
  readTable,
  writeTable,
} from './compaction-inputs.ts'

test('runs are merged into one table, and hidden entries and useless deletions are left out', async (t) => {
  const disk = await emptyDisk()
  const newer = writeTable(disk, 5, [entry('a', 9, 1, 'new'), entry('b', 8, 0), entry('d', 7, 0)])
  const older = writeTable(disk, 6, [entry('a', 3, 1, 'old'), entry('b', 2, 1, 'gone')])
  const oldest = writeTable(disk, 7, [entry('c', 1, 1, 'kept')])
  const below = writeTable(disk, 8, [entry('d', 1, 1, 'deeper')])
  const job = jobOf([[newer], [older, oldest]], { deeper: [[below]] })
  const result = runCompaction(job, disk)
  t.is(result.files.length, 1)
  const table = result.files[0]!
  t.deepEqual(readTable(disk, table), [
    entry('a', 9, 1, 'new'),
    entry('c', 1, 1, 'kept'),
    entry('d', 7, 0),
  ])
  t.is(result.droppedEntries, 3)
  t.is(table.number, 100)
  t.deepEqual(table.smallest, entry('a', 9, 1).key)
  t.deepEqual(table.largest, entry('d', 7, 0).key)
  t.is(table.sizeBytes, await disk.fileSize(join(DIRECTORY, tableFileName(100))))
  t.is(result.writtenBytes, table.sizeBytes)
  t.true(result.readBytes > 0)
  t.is(new Int32Array(job.control)[CONTROL_PROGRESS], result.readBytes >> 10)
})

/** Whether the table has the very bytes that its entries have where they are added one by one. */
function isAsBuilt(
  disk: SimulatedDisk,
  { number }: FileMetadata,
  entries: readonly Entry[],
): boolean {
  writeTable(disk, 9000, entries)
  const files = disk.contents(DIRECTORY)
  const [merged, built] = [number, 9000].map((one) =>
    files.get(join(DIRECTORY, tableFileName(one))),
  )
  return merged!.equals(built!)
}

test('random runs lose exactly what the rules drop, and no reader at a snapshot sees a difference', async (t) => {
  for (let round = 0; round < 300; round++) {
    const random = new Random(mixSeed(SEED, round))
    const disk = await emptyDisk()
    const deep = deal(random, mixedEntries(random, 30), 3).filter((run) => run.length > 0)
    const upper = mixedEntries(random, random.below(150), 31)
    const runCount = random.between(1, 9)
    const table = {
      blockSize: random.pick([1, 64, 300, 4096]),
      blockRestartInterval: random.pick([1, 2, 16]),
      compression: random.pick(['none', 'snappy'] as const),
    }
    let number = 5
    const write = (entries: readonly Entry[]): FileMetadata =>
      writeTable(disk, number++, entries, table)
    const inputs = deal(random, upper, runCount).map((run) => cut(random, run).map(write))
    const deeper = deep.map((run) => cut(random, run).map(write))
    const smallestSnapshot = random.below(200)
    const maxFileSizeBytes = random.pick([1, 700, 1 << 20])
    const job = jobOf(inputs, {
      deeper,
      smallestSnapshot,
      maxFileSizeBytes,
      outputNumbers: Array.from({ length: random.pick([2, 200]) }, (_, i) => 1000 + i),
    })
    const { files, droppedEntries } = runCompaction(job, disk)
    const tables = files.map((file) => readTable(disk, file))
    const all = tables.flat()
    t.deepEqual(all, kept(upper, smallestSnapshot, deeper), seeded(`round ${round}`))
    t.is(droppedEntries, upper.length - all.length)
    for (const [i, file] of files.entries()) {
      t.is(file.number, 1000 + i)
      t.deepEqual(file.smallest, tables[i]![0]!.key)
      t.deepEqual(file.largest, tables[i]!.at(-1)!.key)
      t.true(isAsBuilt(disk, file, tables[i]!), seeded(`round ${round}: other bytes`))
      const next = tables[i + 1]
      if (next === undefined) continue
      t.false(isSameUserKey(tables[i]!.at(-1)!, next[0]!), seeded(`round ${round}: cut in a key`))
      t.true(file.sizeBytes >= maxFileSizeBytes, seeded(`round ${round}: cut too early`))
    }
    for (const sequence of [smallestSnapshot, smallestSnapshot + 7, 500]) {
      const before = readAt([...deep.flat(), ...upper], sequence)
      t.deepEqual(readAt([...deep.flat(), ...all], sequence), before, seeded(`round ${round}`))
    }
  }
})

test('an entry stays while a snapshot may see it', async (t) => {
  const disk = await emptyDisk()
  const versions = [9, 7, 5, 3].map((sequence) => entry('k', sequence, 1, `${sequence}`))
  const input = writeTable(disk, 5, [...versions, entry('x', 8, 0)])
  for (const [smallestSnapshot, sequences] of [
    [2, [9, 7, 5, 3, 8]],
    [3, [9, 7, 5, 3, 8]],
    [6, [9, 7, 5, 8]],
    [7, [9, 7, 8]],
    [8, [9, 7]],
    [9, [9]],
  ] as const) {
    const { files } = runCompaction(jobOf([[input]], { smallestSnapshot }), disk)
    const found = readTable(disk, files[0]!).map(({ key }) => sequenceOfKey(key, key.length))
    t.deepEqual(found, [...sequences], `snapshot ${smallestSnapshot}`)
  }
})

test('a copy of an entry, as a repair can leave it, is kept once', async (t) => {
  const disk = await emptyDisk()
  const entries = [entry('a', 9, 1, 'x'), entry('b', 8, 1, 'y')]
  const inputs = [5, 6, 7].map((number) => [writeTable(disk, number, entries)])
  const { files, droppedEntries } = runCompaction(jobOf(inputs, { smallestSnapshot: 1 }), disk)
  t.deepEqual(readTable(disk, files[0]!), entries)
  t.is(droppedEntries, 4)
})

test('nothing left means no file', async (t) => {
  const disk = await emptyDisk()
  const input = writeTable(disk, 5, [entry('a', 9, 0), entry('a', 8, 1, 'x')])
  const result = runCompaction(jobOf([[input]]), disk)
  t.deepEqual(result.files, [])
  t.is(result.droppedEntries, 2)
  t.deepEqual(await disk.readDirectory(DIRECTORY), [tableFileName(5)])
})

function grandparent(smallest: string, largest: string, sizeBytes: number): FileMetadata {
  const [low, high] = [smallest, largest].map((userKey) => entry(userKey, 5, 1).key)
  return { number: 0, sizeBytes, smallest: low!, largest: high! }
}

test('an output ends when the grandparents that it passed are too many, in front of a new user key', async (t) => {
  const disk = await emptyDisk()
  const input = writeTable(disk, 5, [
    entry('b', 9, 1),
    entry('d', 9, 1),
    entry('f', 9, 1),
    entry('f', 8, 1),
    entry('h', 9, 1),
    entry('j', 9, 1),
  ])
  const job = jobOf([[input]], {
    smallestSnapshot: 0,
    grandparentLimitBytes: 100,
    grandparents: [
      // Behind it begins the first key: it counts for nothing.
      grandparent('a', 'a', 30),
      grandparent('b', 'c', 60),
      grandparent('c1', 'e', 40),
      // Ends between the two versions of f, which stay together.
      { ...grandparent('e1', 'f', 1), largest: entry('f', 9, 1).key },
      grandparent('g', 'i', 101),
    ],
  })
  const { files } = runCompaction(job, disk)
  const userKeys = files.map((file) =>
    readTable(disk, file)
      .map((one) => userKeyOf(one).toString())
      .join(''),
  )
  t.deepEqual(userKeys, ['bdff', 'h', 'j'])
})

test('when the reserved numbers run out, the last output takes the rest', async (t) => {
  const disk = await emptyDisk()
  const input = writeTable(
    disk,
    5,
    ['a', 'b', 'c', 'd'].map((userKey) => entry(userKey, 9, 1, 'v'.repeat(5000))),
  )
  const job = jobOf([[input]], { maxFileSizeBytes: 1, outputNumbers: [100, 101] })
  const { files } = runCompaction(job, disk)
  t.deepEqual(
    files.map((file) => readTable(disk, file).length),
    [1, 3],
  )
})

test('inputs under the old table name are found', async (t) => {
  const disk = await emptyDisk()
  const input = writeTable(disk, 5, [entry('a', 9, 1, 'x')])
  await disk.rename(join(DIRECTORY, tableFileName(5)), join(DIRECTORY, oldTableFileName(5)))
  t.is(runCompaction(jobOf([[input]]), disk).files.length, 1)
  const missing = { ...input, number: 6 }
  const error = t.throws<SluiceError>(() => runCompaction(jobOf([[input], [missing]]), disk), {
    code: 'LEVEL_IO_ERROR',
  })
  t.is(error.file, join(DIRECTORY, tableFileName(6)))
})

test('any byte of an input can be damaged: the job fails, or its result is the same', async (t) => {
  const disk = await emptyDisk()
  const random = new Random(mixSeed(SEED, 7))
  const entries = mixedEntries(random, 60)
  for (const compression of ['none', 'snappy'] as const) {
    const input = writeTable(disk, 5, entries, { blockSize: 200, compression })
    const path = join(DIRECTORY, tableFileName(5))
    const whole = await disk.readFile(path)
    const job = jobOf([[input]], { smallestSnapshot: 0 })
    let failureCount = 0
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 1 << random.below(8)
      await disk.writeFile(path, damaged)
      try {
        const { files } = runCompaction(job, disk)
        // Filters and what pads the footer are not read.
        t.deepEqual(
          files.map((file) => readTable(disk, file)).flat(),
          entries,
          seeded(`byte ${at}`),
        )
        disk.unlinkSync(join(DIRECTORY, tableFileName(100)))
      } catch (error) {
        t.like(error, { code: 'LEVEL_CORRUPTION', file: path }, seeded(`byte ${at}`))
        t.is(typeof (error as SluiceError).offset, 'number')
        t.deepEqual(await disk.readDirectory(DIRECTORY), [tableFileName(5)])
        failureCount++
      }
    }
    t.true(failureCount > whole.length / 2, `${failureCount}`)
  }
})

test('blocks that stand in the place of each other are damage', async (t) => {
  const disk = await emptyDisk()
  const path = join(DIRECTORY, tableFileName(5))
  const letters = 'abcdefgh'.split('')
  const input = writeTable(
    disk,
    5,
    letters.map((letter) => entry(letter.repeat(3), 9, 1, letter.repeat(30))),
    { blockSize: 1 },
  )
  const whole = await disk.readFile(path)
  const size = whole.indexOf('bbb') - whole.indexOf('aaa')
  const start = whole.indexOf('aaa') - 3
  for (let first = 0; first < letters.length; first++) {
    for (let second = 0; second < letters.length; second++) {
      if (first === second) continue
      const damaged = Buffer.from(whole)
      // The second block in the place of the first, where the others are as they were.
      whole.copy(damaged, start + first * size, start + second * size, start + (second + 1) * size)
      await disk.writeFile(path, damaged)
      t.throws(() => runCompaction(jobOf([[input]]), disk), { code: 'LEVEL_CORRUPTION' })
    }
  }
})

test('a block of another table is damage, also between the keys of its neighbours', async (t) => {
  const disk = await emptyDisk()
  const path = join(DIRECTORY, tableFileName(5))
  const tableOf = async (...userKeys: string[]): Promise<Buffer> => {
    const entries = userKeys.map((userKey) => entry(userKey, 9, 1, 'x'.repeat(30)))
    writeTable(disk, 5, entries, { blockSize: 1 })
    return disk.readFile(path)
  }
  const whole = await tableOf('aaa', 'ccc')
  const start = whole.indexOf('aaa') - 3
  const size = whole.indexOf('ccc') - whole.indexOf('aaa')
  const input = { number: 5, sizeBytes: whole.length, smallest: Buffer.of(), largest: Buffer.of() }
  for (const [userKey, place, message] of [
    ['bzz', 0, /ends above its place/],
    ['aab', 1, /begins below its place/],
  ] as const) {
    const foreign = await tableOf(userKey)
    const damaged = Buffer.from(whole)
    foreign.copy(damaged, start + place * size, start, start + size)
    await disk.writeFile(path, damaged)
    t.throws(() => runCompaction(jobOf([[input]]), disk), { code: 'LEVEL_CORRUPTION', message })
  }
})

test('an entry that is no internal key, or of no known type, is damage', async (t) => {
  const disk = await emptyDisk()
  const path = join(DIRECTORY, tableFileName(5))
  for (const [type, sequence] of [
    [2, 9],
    [255, 9],
  ] as const) {
    const input = writeTable(disk, 5, [entry('a', sequence, type, 'x')])
    const error = t.throws<SluiceError>(() => runCompaction(jobOf([[input]]), disk), {
      code: 'LEVEL_CORRUPTION',
    })
    t.is(error.file, path)
    t.is(error.offset, 0)
  }
  const large = entry('a', 9, 1, 'x')
  large.key.fill(0xff, 2)
  const input = writeTable(disk, 5, [large])
  t.throws(() => runCompaction(jobOf([[input]]), disk), { message: /sequence/ })
})

test('files of a run that are out of order are damage', async (t) => {
  const disk = await emptyDisk()
  const low = writeTable(disk, 5, [entry('a', 9, 1, 'x'), entry('c', 8, 1)])
  const high = writeTable(disk, 6, [entry('c', 9, 1, 'y')])
  const other = writeTable(disk, 7, [entry('b', 9, 1, 'y')])
  const prefix = writeTable(disk, 8, [entry('', 1, 1, 'y')])
  for (const run of [
    [low, high],
    [low, other],
    [low, low],
    [high, low],
    [low, prefix],
  ]) {
    t.throws(() => runCompaction(jobOf([run]), disk), {
      code: 'LEVEL_CORRUPTION',
      message: /out of order/,
    })
  }
})

test('a cancelled job stops soon and leaves no file, wherever it is', async (t) => {
  const disk = await emptyDisk()
  const many = Array.from({ length: 2000 }, (_, i) =>
    entry(String(i).padStart(5, '0'), 9, 1, 'v'.repeat(50)),
  )
  const inputs = [[writeTable(disk, 5, many.slice(0, 1000)), writeTable(disk, 6, many.slice(1000))]]
  const before = await disk.readDirectory(DIRECTORY)
  let cancelledCount = 0
  for (let at = 0; ; at++) {
    const job = jobOf(inputs, {
      maxFileSizeBytes: 20_000,
      outputNumbers: Array.from({ length: 20 }, (_, i) => 100 + i),
    })
    const from = disk.operationCount
    disk.onOperation = (ordinal) => {
      if (ordinal === from + at) Atomics.store(new Int32Array(job.control), CONTROL_CANCEL, 1)
    }
    try {
      runCompaction(job, disk)
    } catch (error) {
      t.is((error as SluiceError).code, 'LEVEL_ABORTED')
      t.deepEqual((await disk.readDirectory(DIRECTORY)).toSorted(), before.toSorted())
      cancelledCount++
      continue
    } finally {
      disk.onOperation = undefined
    }
    break
  }
  t.true(cancelledCount > 20, `${cancelledCount}`)
})

test('on a thread that others need a job gives them turns, makes the same, and can be cancelled', async (t) => {
  const disk = await emptyDisk()
  const many = Array.from({ length: 40_000 }, (_, i) =>
    entry(String(i).padStart(6, '0'), 9, i % 3 === 0 ? 0 : 1, 'v'),
  )
  const inputs = [[writeTable(disk, 5, many)]]
  const whole = runCompaction(jobOf(inputs, { maxFileSizeBytes: 200_000 }), disk)
  const contents = whole.files.map((file) => readTable(disk, file))
  const before = await disk.readDirectory(DIRECTORY)
  let turns = 0
  const job = jobOf(inputs, { maxFileSizeBytes: 200_000, outputNumbers: [200, 201, 202, 203, 204] })
  const tick = (): void => {
    turns++
    if (turns === 2) Atomics.store(new Int32Array(job.control), CONTROL_CANCEL, 1)
    immediate = setImmediate(tick)
  }
  let immediate = setImmediate(tick)
  await t.throwsAsync(runCompactionInTurns(job, disk), { code: 'LEVEL_ABORTED' })
  t.deepEqual((await disk.readDirectory(DIRECTORY)).toSorted(), before.toSorted())
  t.is(disk.openFileCount, 0)
  turns = 2
  const again = { ...job, control: new SharedArrayBuffer(CONTROL_SIZE) }
  const { files, droppedEntries } = await runCompactionInTurns(again, disk)
  clearImmediate(immediate)
  t.true(turns >= 6, String(turns))
  t.is(droppedEntries, whole.droppedEntries)
  t.deepEqual(
    files.map((file) => readTable(disk, file)),
    contents,
  )
})

test('any failing operation fails the job with its error, and leaves no file', async (t) => {
  const disk = await emptyDisk()
  const inputs = [
    [writeTable(disk, 5, [entry('a', 9, 1, 'x'.repeat(9000)), entry('b', 8, 1, 'y')])],
    [writeTable(disk, 6, [entry('c', 7, 1, 'z')])],
  ]
  const before = await disk.readDirectory(DIRECTORY)
  const kinds = new Set<string>()
  for (let skip = 0; ; skip++) {
    const operationCount = disk.operationCount
    const { faultCount } = disk
    disk.inject({ effect: 'fail', code: 'ENOSPC', skip })
    let files: readonly FileMetadata[] = []
    let failure: unknown
    try {
      files = runCompaction(jobOf(inputs, { maxFileSizeBytes: 1 }), disk).files
    } catch (error) {
      failure = error
    }
    disk.heal()
    if (disk.faultCount === faultCount) break
    const { kind } = disk.trace[operationCount + skip]!
    kinds.add(kind)
    // What was to be durable was synced before.
    if (kind === 'close') {
      t.is(failure, undefined)
      for (const { number } of files) disk.unlinkSync(join(DIRECTORY, tableFileName(number)))
    } else {
      t.like(failure, { code: 'LEVEL_IO_ERROR', cause: { code: 'ENOSPC' } })
    }
    t.deepEqual((await disk.readDirectory(DIRECTORY)).toSorted(), before.toSorted(), kind)
  }
  t.deepEqual([...kinds].toSorted(), [
    'close',
    'create',
    'open',
    'read',
    'sync',
    'sync-directory',
    'write',
  ])
})
