// The log as its users see it, on a real disk and on both bindings.

import fs from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DB } from '../../ts/index.ts'
import { Log, MAX_RECORD_SIZE } from '../../ts/journal/index.ts'
import { openLogIn, readLogIn } from '../../ts/journal/log.ts'
import type { LogOptions } from '../../ts/journal/options.ts'
import { realWorld } from '../../ts/journal/world.ts'
import { LogReader } from '../../ts/log/log-reader.ts'
import type { Binding } from '../../ts/platform/binding.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import type { RandomAccessFile } from '../../ts/platform/file-system.ts'
import { NodeFileSystem } from '../../ts/platform/node-file-system.ts'
import { bothBindings } from '../platform/both-bindings.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const text = (value: string): Buffer => Buffer.from(value)

function open(path: string, options: LogOptions = {}, binding?: Binding): Promise<Log> {
  const world = realWorld()
  const fileSystem = binding === undefined ? world.fileSystem : new NodeFileSystem(binding)
  return openLogIn({ ...world, fileSystem }, path, { createIfMissing: true, ...options })
}

const directoryOf = (t: ExecutionContext): string => join(scratchDirectory(t, FAST_ROOT), 'wal')

function filesIn(path: string): string[] {
  return fs.readdirSync(path).filter((name) => name !== 'LOCK')
}

/** Records as text, in the order in which they come, and their positions checked. */
async function read(t: ExecutionContext, log: Log, from?: number): Promise<string[]> {
  const records: string[] = []
  let expected = from ?? log.firstPosition
  for await (const { position, record } of log.read(from === undefined ? {} : { from })) {
    t.is(position, expected++)
    records.push(record.toString())
  }
  return records
}

for (const binding of bothBindings) {
  test(`records have positions from 1 on, and are there after a close (${binding.kind})`, async (t) => {
    const path = directoryOf(t)
    const log = await open(path, {}, binding)
    t.is(log.lastPosition, 0)
    t.is(await log.append(text('a')), 1)
    t.is(await log.append(text(''), { sync: false }), 2)
    t.is(await log.append(text('c'.repeat(100_000))), 3)
    t.deepEqual(await read(t, log), ['a', '', 'c'.repeat(100_000)])
    t.deepEqual(await read(t, log, 3), ['c'.repeat(100_000)])
    t.deepEqual(await read(t, log, 4), [])
    await log.close()
    const again = await open(path, {}, binding)
    t.like(again.recovery, { created: false, records: 3, dropped: [] })
    t.is(again.lastPosition, 3)
    t.is(again.durablePosition, 3)
    t.is(await again.append(text('d')), 4)
    t.deepEqual(await read(t, again, 2), ['', 'c'.repeat(100_000), 'd'])
    await again.close()
  })

  test(`a file is LevelDB's log format, to the byte, with a record for each append (${binding.kind})`, async (t) => {
    const path = directoryOf(t)
    const log = await open(path, {}, binding)
    await Promise.all([log.append(text('a')), log.append(text('')), log.append(text('bc'))])
    await log.close()
    const bytes = fs.readFileSync(join(path, '000001.log'))
    // CRC-32C masked, length, type 1, data: by hand.
    const records = ['b5cd0ba2 0100 01 61', '052b2843 0000 01', 'ac0b772b 0200 01 6263']
    t.is(bytes.toString('hex'), records.join('').replaceAll(' ', ''))
    const reader = new LogReader(bytes, crc32c)
    const found: string[] = []
    while (reader.next()) found.push(reader.bytes.toString('utf8', reader.start, reader.end))
    t.deepEqual(found, ['a', '', 'bc'])
  })

  test(`what is appended in one turn is one write and one sync, in call order (${binding.kind})`, async (t) => {
    const path = directoryOf(t)
    const log = await open(path, {}, binding)
    const calls = Array.from({ length: 500 }, (_, i) => log.append(text(`record ${i}`)))
    t.deepEqual(
      await Promise.all(calls),
      calls.map((_, i) => i + 1),
    )
    t.like(log.stats(), { appends: 500, groups: 1, syncs: 1, appendedBytes: 4890, queuedBytes: 0 })
    t.deepEqual(
      await read(t, log),
      calls.map((_, i) => `record ${i}`),
    )
    await log.close()
  })
}

test('a record is copied before append returns', async (t) => {
  const log = await open(directoryOf(t))
  const record = text('mine')
  const promise = log.append(record)
  record.fill('x')
  await promise
  t.deepEqual(await read(t, log), ['mine'])
  await log.close()
})

test('a new file begins where one is full, and is named by the position that it begins with', async (t) => {
  const path = directoryOf(t)
  const log = await open(path, { maxFileSize: 1024 })
  for (let i = 1; i <= 25; i++) await log.append(Buffer.alloc(93, i))
  // Of 100 bytes each, header and all.
  t.deepEqual(filesIn(path), ['000001.log', '000011.log', '000021.log'])
  await log.rotate()
  await log.rotate()
  t.deepEqual(filesIn(path).at(-1), '000026.log')
  t.is(log.stats().files, 4)
  await log.close()
  t.deepEqual(filesIn(path), ['000001.log', '000011.log', '000021.log', '000026.log'])
})

test('opening and closing leaves no more files than there were', async (t) => {
  const path = directoryOf(t)
  for (let i = 0; i < 3; i++) {
    const log = await open(path)
    t.is(log.lastPosition, 0)
    await log.close()
    t.deepEqual(filesIn(path), ['000001.log'])
  }
  const log = await open(path)
  await log.append(text('x'))
  await log.close()
  for (let i = 0; i < 3; i++) {
    await (await open(path)).close()
    t.deepEqual(filesIn(path), ['000001.log', '000002.log'])
  }
})

test('whole files before a position are removed, and positions go on where nothing is left', async (t) => {
  const path = directoryOf(t)
  const log = await open(path, { maxFileSize: 1024 })
  for (let i = 1; i <= 25; i++) await log.append(text('x'.repeat(93)))
  await log.removeBefore(20)
  t.is(log.firstPosition, 11)
  t.deepEqual(filesIn(path), ['000011.log', '000021.log'])
  await t.throwsAsync(read(t, log, 10), {
    code: 'LEVEL_POSITION_MISSING',
    message: 'Record 10 was removed: the log begins at 11 now',
  })
  await t.throwsAsync(read(t, log, 27), { code: 'LEVEL_POSITION_MISSING' })
  t.is((await read(t, log, 11)).length, 15)
  await log.removeBefore(26)
  t.deepEqual(filesIn(path), ['000021.log'])
  await log.rotate()
  await log.removeBefore(26)
  t.deepEqual(filesIn(path), ['000026.log'])
  t.is(log.firstPosition, 26)
  await t.throwsAsync(log.removeBefore(27), { instanceOf: RangeError })
  await log.close()
  const again = await open(path)
  t.is(again.lastPosition, 25)
  t.is(await again.append(text('y')), 26)
  await again.close()
})

test('a log has one writer', async (t) => {
  const path = directoryOf(t)
  const log = await open(path)
  await t.throwsAsync(open(path), { code: 'LEVEL_LOCKED' })
  await log.close()
  await (await open(path)).close()
})

test('a log is created where it was asked for, and only there', async (t) => {
  const path = directoryOf(t)
  const missing = { code: 'LEVEL_DATABASE_MISSING' }
  await t.throwsAsync(open(path, { createIfMissing: false }), missing)
  t.false(fs.existsSync(path))
  fs.mkdirSync(path)
  await t.throwsAsync(open(path, { createIfMissing: false }), missing)
  await t.throwsAsync(Log.read(path).next(), missing)
  const log = await open(path, { errorIfExists: true })
  t.true(log.recovery.created)
  await log.close()
  await t.throwsAsync(open(path, { errorIfExists: true }), { code: 'LEVEL_DATABASE_EXISTS' })
  await (await open(path, { createIfMissing: false })).close()
})

test('a log is not opened as a database, nor a database as a log', async (t) => {
  const path = directoryOf(t)
  const log = await open(path)
  await log.append(text('x'))
  await log.close()
  await t.throwsAsync(DB.open(path, { createIfMissing: true }), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  const other = directoryOf(t)
  const db = await DB.open(other, { createIfMissing: true })
  await db.close()
  await t.throwsAsync(open(other), { code: 'LEVEL_DATABASE_EXISTS' })
  await t.throwsAsync(Log.read(other).next(), { code: 'LEVEL_DATABASE_MISSING' })
  const again = await open(path)
  t.deepEqual(await read(t, again), ['x'])
  await again.close()
})

test('arguments that cannot be are refused, and leave no trace', async (t) => {
  const path = directoryOf(t)
  const log = await open(path)
  for (const record of [undefined, null, 'text', 5, {}, [1], new Uint16Array(2)]) {
    await t.throwsAsync(log.append(record as Uint8Array), { code: 'LEVEL_INVALID_VALUE' })
  }
  await t.throwsAsync(log.append(new Uint8Array(MAX_RECORD_SIZE + 1)), {
    code: 'LEVEL_INVALID_VALUE',
  })
  await t.throwsAsync(log.append(text('x'), { sync: 0 } as never), { instanceOf: TypeError })
  await t.throwsAsync(log.append(text('x'), null as never), { instanceOf: TypeError })
  t.throws(() => log.read({ from: 0 }), { instanceOf: RangeError })
  t.throws(() => log.read({ form: 1 } as never), { message: 'unknown option form' })
  t.throws(() => log.read({ pollIntervalMs: 1 } as never), { instanceOf: TypeError })
  t.throws(() => Log.read(''), { instanceOf: TypeError })
  t.is(log.lastPosition, 0)
  await log.close()
  for (const options of [{ maxFileSize: 1023 }, { maxFileSize: 1.5 }, { groupLimitBytes: 0 }]) {
    await t.throwsAsync(open(path, options), { instanceOf: RangeError })
  }
  await t.throwsAsync(open(path, { sync: true } as never), { message: 'unknown option sync' })
  await t.throwsAsync(open(path, { verifyAll: 1 } as never), { instanceOf: TypeError })
})

test('appends beyond what may wait are refused, and one alone never is', async (t) => {
  const log = await open(directoryOf(t), { maxQueuedBytes: 1000 })
  const first = log.append(Buffer.alloc(5000))
  await t.throwsAsync(log.append(text('x')), { code: 'LEVEL_QUEUE_FULL' })
  t.is(log.stats().queuedBytes, 5004)
  t.is(await first, 1)
  t.is(log.stats().queuedBytes, 0)
  const many = await Promise.allSettled(
    Array.from({ length: 20 }, () => log.append(Buffer.alloc(96))),
  )
  t.is(many.filter(({ status }) => status === 'fulfilled').length, 10)
  t.is(await log.append(text('y')), 12)
  await log.close()
})

test('sync makes durable what was appended without', async (t) => {
  const log = await open(directoryOf(t))
  await log.append(text('a'), { sync: false })
  await log.append(text('b'), { sync: false })
  t.is(log.durablePosition, 0)
  t.is(log.lastPosition, 2)
  await log.sync()
  t.is(log.durablePosition, 2)
  await log.append(text('c'), { sync: false })
  t.is(log.durablePosition, 2)
  await log.append(text('d'))
  t.is(log.durablePosition, 4)
  await log.close()
})

test('appends without sync, one after the other, let the event loop have its turns', async (t) => {
  const log = await open(directoryOf(t))
  const seen = { turns: 0 }
  const count = (): void => {
    if (++seen.turns < 5) setImmediate(count)
  }
  setImmediate(count)
  let appends = 0
  for (; seen.turns < 5 && appends < 1e6; appends++) await log.append(text('x'), { sync: false })
  t.is(seen.turns, 5, `after ${appends} appends`)
  await log.close()
})

test('a closed log refuses everything, and close can be called again', async (t) => {
  const log = await open(directoryOf(t))
  const last = log.append(text('x'))
  const closing = log.close()
  t.is(log.close(), closing)
  t.is(await last, 1)
  await closing
  const closed = { code: 'LEVEL_DATABASE_NOT_OPEN' }
  await t.throwsAsync(log.append(text('y')), closed)
  await t.throwsAsync(log.sync(), closed)
  await t.throwsAsync(log.rotate(), closed)
  await t.throwsAsync(log.removeBefore(1), closed)
  await t.throwsAsync(log.resume(), closed)
  t.throws(() => log.read(), closed)
})

test('a reader that follows has each record when it is acknowledged, and ends with the log', async (t) => {
  const log = await open(directoryOf(t), { maxFileSize: 1024 })
  await log.append(text('0'))
  const seen: string[] = []
  const following = (async () => {
    for await (const { position, record } of log.read({ follow: true })) {
      t.is(position, seen.length + 1)
      t.true(position <= log.lastPosition)
      seen.push(record.toString())
    }
  })()
  for (let i = 1; i < 60; i++) await log.append(text(`${i} ${'x'.repeat(i)}`))
  await log.close()
  await following
  t.is(seen.length, 60)
  t.is(seen.at(-1), `59 ${'x'.repeat(59)}`)
})

test('a reading ends when its signal is aborted, waiting or not', async (t) => {
  const path = directoryOf(t)
  const log = await open(path)
  await log.append(text('x'))
  const ways = [
    (signal: AbortSignal) => log.read({ follow: true, signal }),
    (signal: AbortSignal) => Log.read(path, { follow: true, signal }),
  ]
  for (const read of ways) {
    const stop = new AbortController()
    const reading = read(stop.signal)
    t.is((await reading.next()).value?.position, 1)
    const waiting = reading.next()
    setImmediate(() => stop.abort(new Error('enough')))
    await t.throwsAsync(waiting, { code: 'LEVEL_ABORTED', name: 'AbortError' })
    await t.throwsAsync(read(AbortSignal.abort()).next(), { code: 'LEVEL_ABORTED' })
  }
  await log.close()
})

test('a reader without the lock reads beside the writer, and after it', async (t) => {
  const path = directoryOf(t)
  const log = await open(path, { maxFileSize: 1024 })
  for (let i = 1; i <= 30; i++) await log.append(text('x'.repeat(93)))
  const positions = async (from?: number): Promise<number[]> => {
    const found: number[] = []
    const reading = Log.read(path, from === undefined ? {} : { from })
    for await (const { position } of reading) found.push(position)
    return found
  }
  const all = Array.from({ length: 30 }, (_, i) => i + 1)
  t.deepEqual(await positions(), all)
  await log.removeBefore(11)
  t.deepEqual(await positions(), all.slice(10))
  t.deepEqual(await positions(31), [])
  await t.throwsAsync(positions(10), { code: 'LEVEL_POSITION_MISSING' })
  await t.throwsAsync(positions(32), { code: 'LEVEL_POSITION_MISSING' })
  await log.close()
  t.deepEqual(await positions(25), all.slice(24))
})

test('a reader without the lock is told when what it comes to was removed', async (t) => {
  const path = directoryOf(t)
  const log = await open(path, { maxFileSize: 1024 })
  for (let i = 1; i <= 10; i++) await log.append(text('x'.repeat(93)))
  const reading = Log.read(path, { follow: true })
  t.is((await reading.next()).value?.position, 1)
  for (let i = 1; i <= 20; i++) await log.append(text('x'.repeat(93)))
  await log.removeBefore(21)
  // The file that is open is read to its end.
  for (let position = 2; position <= 10; position++) {
    t.is((await reading.next()).value?.position, position)
  }
  await t.throwsAsync(reading.next(), {
    code: 'LEVEL_POSITION_MISSING',
    message: 'Record 11 was removed: the log begins at 21 now',
  })
  await log.close()
})

class CuttingFileSystem extends NodeFileSystem {
  cutBytes: number | undefined

  override async openRandomAccess(path: string): Promise<RandomAccessFile> {
    const file = await super.openRandomAccess(path)
    if (this.cutBytes !== undefined) fs.truncateSync(path, this.cutBytes)
    this.cutBytes = undefined
    return file
  }
}

test('a reader goes on when the file that it reads is cut to its records under its hands', async (t) => {
  const path = directoryOf(t)
  const log = await open(path)
  await log.append(Buffer.alloc(1000, 'x'))
  await log.append(Buffer.alloc(1000, 'y'))
  await log.close()
  const file = join(path, '000001.log')
  const { size } = fs.statSync(file)
  for (const follow of [false, true]) {
    fs.truncateSync(file, size + 2 ** 20)
    const fileSystem = new CuttingFileSystem(bothBindings[0]!)
    fileSystem.cutBytes = size
    const stop = new AbortController()
    const options = { follow, signal: stop.signal }
    const positions: number[] = []
    const reading = (async () => {
      for await (const { position } of readLogIn({ ...realWorld(), fileSystem }, path, options)) {
        positions.push(position)
        if (position === 2 && follow) stop.abort()
      }
    })()
    if (follow) await t.throwsAsync(reading, { code: 'LEVEL_ABORTED' })
    else await reading
    t.deepEqual(positions, [1, 2])
  }
})

/** A read of a page shows zeroes where a write is under way, and what stands behind them. */
class RacingFileSystem extends NodeFileSystem {
  /** Where the zeroes of the next such read begin. */
  holeOffset: number | undefined
  hasShownHole = false

  override async openRandomAccess(path: string): Promise<RandomAccessFile> {
    const file = await super.openRandomAccess(path)
    return {
      path,
      sizeBytes: file.sizeBytes,
      read: async (position: number, length: number) => {
        const bytes = await file.read(position, length)
        const hole = (this.holeOffset ?? Infinity) - position
        if (hole + 4096 >= length) return bytes
        bytes.fill(0, hole, hole + 4096)
        this.holeOffset = undefined
        this.hasShownHole = true
        return bytes
      },
      close: () => file.close(),
    } as RandomAccessFile
  }
}

test('a write that comes into sight with a hole is not taken for damage', async (t) => {
  const path = directoryOf(t)
  const log = await open(path)
  const appendHundred = async (): Promise<void> => {
    await Promise.all(Array.from({ length: 100 }, () => log.append(Buffer.alloc(993, 'x'))))
  }
  await appendHundred()
  for (const holeOffset of [0, 1000, 4050]) {
    const fileSystem = new RacingFileSystem(bothBindings[0]!)
    fileSystem.holeOffset = holeOffset
    let count = 0
    const options = { follow: true }
    for await (const { position } of readLogIn({ ...realWorld(), fileSystem }, path, options)) {
      t.is(position, ++count)
      if (count === 100) {
        t.true(fileSystem.hasShownHole)
        break
      }
    }
  }
  // While it waits at the end, and where the next record begins.
  const fileSystem = new RacingFileSystem(bothBindings[0]!)
  const reading = readLogIn({ ...realWorld(), fileSystem }, path, { follow: true })
  for (let position = 1; position <= 100; position++) await reading.next()
  fileSystem.holeOffset = fs.readFileSync(join(path, '000001.log')).lastIndexOf('x') + 1
  const next = reading.next()
  await appendHundred()
  t.is((await next).value?.position, 101)
  t.true(fileSystem.hasShownHole)
  await reading.return()
  await log.close()
})

test('await using closes the log', async (t) => {
  const path = directoryOf(t)
  const log = await open(path)
  await log[Symbol.asyncDispose]()
  await (await open(path)).close()
  t.pass()
})

test("the package's door to the log has its names", async (t) => {
  const door = (await import('sluicedb/log')) as Record<string, unknown>
  t.deepEqual(Object.keys(door).toSorted(), ['Log', 'MAX_RECORD_SIZE', 'SluiceError'])
})
