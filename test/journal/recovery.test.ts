// What opening makes of a log that a crash or something worse has left.

import test, { type ExecutionContext } from 'ava'
import { BLOCK_SIZE } from '../../ts/format/log-block.ts'
import { type Log, readLogIn } from '../../ts/journal/log.ts'
import type { LogOptions } from '../../ts/journal/options.ts'
import { CRASH_POLICIES } from '../crash/crash-image.ts'
import { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { contentsOf, DIRECTORY, openSimulated, simulatedWorld } from './simulated-world.ts'

const text = (value: string): Buffer => Buffer.from(value)
const fileAt = (position: number): string => `${DIRECTORY}/${String(position).padStart(6, '0')}.log`

/** The files of a log with these records, a new file before each undefined; not closed. */
async function filesOf(records: readonly (Buffer | undefined)[]): Promise<Map<string, Buffer>> {
  const disk = new SimulatedDisk(1)
  const log = await openSimulated(disk)
  for (const record of records) {
    if (record === undefined) await log.rotate()
    else await log.append(record)
  }
  const files = new Map(disk.contents(DIRECTORY))
  await log.close()
  return files
}

function diskWith(files: ReadonlyMap<string, Buffer>): SimulatedDisk {
  const disk = new SimulatedDisk(2, { latency: 0 })
  for (const [path, bytes] of files) disk.plant(path, bytes)
  return disk
}

async function readAll(log: Log): Promise<string[]> {
  return [...(await contentsOf(log)).values()].map((record) => record.toString())
}

/** Opens, compares, appends, and opens again, which has to find nothing wrong. */
async function checkOpen(
  t: ExecutionContext,
  disk: SimulatedDisk,
  expected: readonly string[],
  options: LogOptions = {},
): Promise<Log['recovery']> {
  const log = await openSimulated(disk, options)
  t.deepEqual(await readAll(log), [...expected])
  const { recovery, lastPosition } = log
  t.is(await log.append(text('next')), lastPosition + 1)
  await log.close()
  const again = await openSimulated(disk, options)
  t.deepEqual(again.recovery.dropped, [])
  t.deepEqual(await readAll(again), [...expected, 'next'])
  await again.close()
  t.is(disk.openFileCount, 0)
  return recovery
}

const RECORDS = ['first', '', 'x'.repeat(40), 'last']

test('a file cut at any byte keeps its whole records, and what is cut is told and kept', async (t) => {
  const files = await filesOf(RECORDS.map(text))
  const whole = files.get(fileAt(1))!
  // 7 bytes of header each.
  const ends = RECORDS.map((_, i) =>
    RECORDS.slice(0, i + 1).reduce((sum, r) => sum + r.length + 7, 0),
  )
  t.is(whole.length, ends.at(-1)!)
  for (let size = 0; size <= whole.length; size++) {
    const disk = diskWith(new Map([[fileAt(1), whole.subarray(0, size)]]))
    const count = ends.filter((end) => end <= size).length
    const { dropped } = await checkOpen(t, disk, RECORDS.slice(0, count))
    const end = count === 0 ? 0 : ends[count - 1]!
    if (size === end) {
      t.deepEqual(dropped, [], `${size}`)
      continue
    }
    t.is(dropped.length, 1)
    const [part] = dropped
    t.like(part, { file: fileAt(1), offset: end, droppedBytes: size - end })
    t.deepEqual(disk.contents().get(part!.keptAs), whole.subarray(0, size))
  }
})

test('a record in pieces over blocks, cut anywhere, is dropped whole', async (t) => {
  const long = 'y'.repeat(3 * BLOCK_SIZE)
  const files = await filesOf(['a', long].map(text))
  const whole = files.get(fileAt(1))!
  for (const size of [9, 16, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 3, 2 * BLOCK_SIZE + 7]) {
    const disk = diskWith(new Map([[fileAt(1), whole.subarray(0, size)]]))
    const { dropped } = await checkOpen(t, disk, ['a'])
    t.like(dropped[0], { offset: 8, droppedBytes: size - 8 })
  }
})

test('zeroes behind the last record are no damage, and are gone after the opening', async (t) => {
  const files = await filesOf(['a', 'b'].map(text))
  const grown = Buffer.concat([files.get(fileAt(1))!, Buffer.alloc(100_000)])
  const disk = diskWith(new Map([[fileAt(1), grown]]))
  t.deepEqual((await checkOpen(t, disk, ['a', 'b'])).dropped, [])
  t.is(disk.contents().get(fileAt(1))!.length, 16)
})

test('damage in an earlier file ends the log there; the rest is told and kept, none of it lost', async (t) => {
  const records = ['a', 'b', 'c'].map(text)
  const files = await filesOf([...records, undefined, text('d'), undefined, text('e')])
  for (const verifyAll of [true, false]) {
    const damaged = new Map(files)
    const bytes = Buffer.from(files.get(fileAt(1))!)
    bytes[15]! ^= 1
    damaged.set(fileAt(1), bytes)
    const disk = diskWith(damaged)
    if (verifyAll) {
      const { dropped } = await checkOpen(t, disk, ['a'])
      t.deepEqual(
        dropped.map(({ file, offset, droppedBytes, reason }) => [
          file,
          offset,
          droppedBytes,
          reason,
        ]),
        [
          [fileAt(1), 8, 16, 'checksum mismatch'],
          [fileAt(4), 0, 8, 'follows a file with damage'],
          [fileAt(5), 0, 8, 'follows a file with damage'],
        ],
      )
      const kept = dropped.map(({ keptAs }) => disk.contents().get(keptAs))
      t.deepEqual(kept, [bytes, files.get(fileAt(4)), files.get(fileAt(5))])
    } else {
      const log = await openSimulated(disk, { verifyAll })
      t.deepEqual(log.recovery.dropped, [])
      t.is(log.lastPosition, 5)
      const reading = log.read()
      t.is((await reading.next()).value?.record.toString(), 'a')
      await t.throwsAsync(reading.next(), {
        code: 'LEVEL_CORRUPTION',
        message: `Corruption: checksum mismatch in ${fileAt(1)} at 8`,
      })
      await log.close()
    }
  }
})

test('a file that is missing in the middle is noticed, and nothing behind the hole is handed out', async (t) => {
  const files = await filesOf(
    ['a', 'b', undefined, 'c', undefined, 'd'].map((r) => (r === undefined ? r : text(r))),
  )
  files.delete(fileAt(3))
  const { dropped } = await checkOpen(t, diskWith(files), ['a', 'b'])
  t.is(dropped.length, 1)
  t.like(dropped[0], {
    file: fileAt(4),
    offset: 0,
    droppedBytes: 8,
    reason: 'records 3 to 3 are missing before it',
  })
})

test('records that a file should not have, before the next one, end the log as well', async (t) => {
  const files = await filesOf(['a', undefined, 'b'].map((r) => (r === undefined ? r : text(r))))
  files.set(fileAt(1), Buffer.concat([files.get(fileAt(1))!, files.get(fileAt(1))!]))
  const { dropped } = await checkOpen(t, diskWith(files), ['a', 'a'])
  t.like(dropped[0], { file: fileAt(2), reason: 'its records are in the files before it' })
})

test('a name in lost/ is not taken twice', async (t) => {
  const files = await filesOf([text('a')])
  const disk = diskWith(new Map([[fileAt(1), files.get(fileAt(1))!.subarray(0, 5)]]))
  for (let times = 1; times <= 3; times++) {
    const log = await openSimulated(disk)
    t.is(log.recovery.dropped.length, 1)
    await log.close()
    disk.plant(fileAt(1), Buffer.alloc(times, 1))
  }
  const kept = [...disk.contents(`${DIRECTORY}/lost`)].map(([name, { length }]) => [name, length])
  t.deepEqual(kept, [
    [`${DIRECTORY}/lost/000001.log`, 5],
    [`${DIRECTORY}/lost/000001.log.2`, 1],
    [`${DIRECTORY}/lost/000001.log.3`, 2],
  ])
})

test('a reader without the lock hands out the records before a torn end, and ends', async (t) => {
  const files = await filesOf(['a', 'b'].map(text))
  const disk = diskWith(new Map([[fileAt(1), files.get(fileAt(1))!.subarray(0, 13)]]))
  const positions: number[] = []
  const reading = readLogIn(simulatedWorld(disk), DIRECTORY, {})
  for await (const { position } of reading) positions.push(position)
  t.deepEqual(positions, [1])
})

test('a reader without the lock reports damage with records behind it, following or not', async (t) => {
  const files = await filesOf(['a', 'b', 'c'].map(text))
  const bytes = Buffer.from(files.get(fileAt(1))!)
  bytes[15]! ^= 1
  for (const follow of [false, true]) {
    const disk = diskWith(new Map([[fileAt(1), bytes]]))
    const reading = readLogIn(simulatedWorld(disk), DIRECTORY, { follow })
    t.is((await reading.next()).value?.position, 1)
    await t.throwsAsync(reading.next(), { code: 'LEVEL_CORRUPTION' })
    t.is(disk.openFileCount, 0)
  }
})

test('a reader that follows waits at half a record, and has it when it is whole', async (t) => {
  const files = await filesOf(['a', 'b'].map(text))
  const bytes = files.get(fileAt(1))!
  for (let size = 8; size < bytes.length; size++) {
    const disk = diskWith(new Map([[fileAt(1), bytes.subarray(0, size)]]))
    const reading = readLogIn(simulatedWorld(disk), DIRECTORY, { follow: true })
    t.is((await reading.next()).value?.position, 1)
    const next = reading.next()
    for (let i = 0; i < 3; i++) await disk.linger()
    // As a writer that makes its file longer ahead.
    disk.plant(fileAt(1), Buffer.concat([bytes.subarray(0, size), Buffer.alloc(50)]))
    for (let i = 0; i < 3; i++) await disk.linger()
    disk.plant(fileAt(1), Buffer.concat([bytes, Buffer.alloc(50)]))
    t.is((await next).value?.record.toString(), 'b')
    await reading.return()
  }
})

test('a reader that has come further than the log goes is told so', async (t) => {
  const files = await filesOf(['a', 'b', 'c'].map(text))
  const disk = diskWith(files)
  const reading = readLogIn(simulatedWorld(disk), DIRECTORY, { follow: true })
  for (let position = 1; position <= 3; position++) await reading.next()
  // As a power cut leaves it that took the third record, and the opening after it.
  disk.plant(fileAt(1), files.get(fileAt(1))!.subarray(0, 16))
  const log = await openSimulated(disk)
  await t.throwsAsync(reading.next(), {
    code: 'LEVEL_POSITION_MISSING',
    message: /The log goes on with 3/,
  })
  await log.close()
})

test('a failed sync refuses appends until resume, which keeps what was acknowledged and nothing else', async (t) => {
  for (const effect of ['fail', 'applied', 'dropped'] as const) {
    const disk = new SimulatedDisk(3)
    const log = await openSimulated(disk)
    await log.append(text('durable'))
    await log.append(text('acknowledged'), { sync: false })
    disk.inject({ effect, kind: 'sync', path: /000001\.log$/ })
    const failed = [log.append(text('x')), log.append(text('y'), { sync: false })]
    for (const append of failed) {
      await t.throwsAsync(append, { code: 'LEVEL_IO_ERROR', message: /is in the log is unknown$/ })
    }
    const refused = { code: 'LEVEL_IO_ERROR', message: /^Writes are refused until resume\(\)/ }
    await t.throwsAsync(log.append(text('z')), refused)
    await t.throwsAsync(log.sync(), refused)
    t.is(log.failure?.code, 'LEVEL_IO_ERROR')
    t.deepEqual(await readAll(log), ['durable', 'acknowledged'])
    await Promise.all([log.resume(), log.resume()])
    t.is(log.failure, undefined)
    t.is(log.durablePosition, 2)
    t.is(await log.append(text('again')), 3)
    t.deepEqual(await readAll(log), ['durable', 'acknowledged', 'again'])
    await log.close()
    const again = await openSimulated(disk)
    t.deepEqual(await readAll(again), ['durable', 'acknowledged', 'again'])
    await again.close()
    t.is(disk.openFileCount, 0)
  }
})

test('a log whose creation was killed anywhere is durable after the next opening, path and all', async (t) => {
  const counting = new SimulatedDisk(5)
  await (await openSimulated(counting)).close()
  const random = new Random(5)
  for (let at = 0; at < counting.operationCount; at++) {
    const disk = new SimulatedDisk(5)
    const killed: SimulatedDisk[] = []
    disk.onOperation = (ordinal, _kind, _path, phase) => {
      if (ordinal === at && phase === 'before') killed.push(disk.freeze())
    }
    await (await openSimulated(disk)).close()
    const [left] = killed
    const log = await openSimulated(left!)
    await log.append(text('durable'))
    const cut = left!.crashImage(CRASH_POLICIES['drop-all'], random)
    await log.close()
    const again = await openSimulated(cut, { createIfMissing: false })
    t.deepEqual(await readAll(again), ['durable'], `killed before operation ${at}`)
    await again.close()
  }
})

test('appends that wait behind one that fails are refused, and are not in the log', async (t) => {
  const disk = new SimulatedDisk(6)
  const log = await openSimulated(disk, { maxFileSize: 1024 })
  await log.append(text('there'))
  const release = disk.stall('sync', /000001\.log$/)
  disk.inject({ effect: 'fail', kind: 'sync' })
  const failing = log.append(text('fails'))
  while (disk.faultCount === 0) await disk.linger()
  const waiting = log.append(text('waits'), { sync: false })
  const sync = log.sync()
  const rotation = log.rotate()
  release()
  await t.throwsAsync(failing, { code: 'LEVEL_IO_ERROR', message: /is unknown$/ })
  for (const refused of [waiting, sync, rotation]) {
    await t.throwsAsync(refused, { message: /^Writes are refused until resume\(\)/ })
  }
  await log.resume()
  t.deepEqual(await readAll(log), ['there'])
  await log.close()
})

test('closing after a failure says when something acknowledged may be lost', async (t) => {
  for (const sync of [true, false]) {
    const disk = new SimulatedDisk(7)
    const log = await openSimulated(disk)
    await log.append(text('acknowledged'), { sync })
    disk.inject({ effect: 'fail', kind: 'sync' })
    await t.throwsAsync(log.append(text('fails')), { code: 'LEVEL_IO_ERROR' })
    if (sync) await log.close()
    else await t.throwsAsync(log.close(), { code: 'LEVEL_IO_ERROR' })
    t.is(disk.openFileCount + disk.lockCount, 0)
  }
})

test('a crash while all records are removed does not take their positions back', async (t) => {
  const policy = { files: 'drop', entries: 'subset' } as const
  let images = 0
  for (let seed = 1; seed <= 20; seed++) {
    const disk = new SimulatedDisk(seed)
    const random = new Random(seed)
    const log = await openSimulated(disk)
    for (const record of ['a', 'b', 'c']) await log.append(text(record))
    const left: SimulatedDisk[] = []
    disk.onOperation = () => left.push(disk.crashImage(policy, random))
    await log.rotate()
    await log.removeBefore(4)
    await log.close()
    for (const image of left) {
      const again = await openSimulated(image)
      t.is(again.lastPosition, 3, `seed ${seed}`)
      t.deepEqual(again.recovery.dropped, [])
      await again.close()
      images++
    }
  }
  t.true(images > 100)
})

test('what a recovery left that was killed is removed, and other files stay', async (t) => {
  const files = await filesOf([text('a')])
  const disk = diskWith(files)
  disk.plant(`${DIRECTORY}/000001.dbtmp`, text('half'))
  disk.plant(`${DIRECTORY}/notes.txt`, text('mine'))
  disk.plant(`${DIRECTORY}/1.log`, text('no name of ours'))
  await checkOpen(t, disk, ['a'])
  const names = [...disk.contents(DIRECTORY).keys()].map((path) => path.slice(DIRECTORY.length + 1))
  t.deepEqual(names.toSorted(), [
    '000001.log',
    '000002.log',
    '000003.log',
    '1.log',
    'LOCK',
    'notes.txt',
  ])
})

test('appends are refused until resume is over', async (t) => {
  const disk = new SimulatedDisk(8)
  const log = await openSimulated(disk)
  disk.inject({ effect: 'fail', kind: 'sync' })
  await t.throwsAsync(log.append(text('fails')), { code: 'LEVEL_IO_ERROR' })
  const release = disk.stall('create', /\.dbtmp$/)
  const resuming = log.resume()
  while (![...disk.contents(DIRECTORY).keys()].some((path) => path.endsWith('.dbtmp'))) {
    await disk.linger()
  }
  await t.throwsAsync(log.append(text('early')), { message: /^Writes are refused until resume/ })
  release()
  await resuming
  t.is(await log.append(text('late')), 1)
  await log.close()
})
