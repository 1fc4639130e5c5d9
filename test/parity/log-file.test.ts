// One suite for the log writers of both bindings.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import type { LogFile } from '../../ts/platform/log-file.ts'
import { bothBindings } from '../platform/both-bindings.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const onLinux = process.platform === 'linux' ? test : test.skip
const hello = Buffer.from('hello')
/** Masked CRC of type 1 and 'hello', length 5, type 1; as LevelDB writes it. */
const HELLO_RECORD = '0bb9575805000168656c6c6f'

for (const binding of bothBindings) {
  const kind = binding.kind
  const open = async (t: ExecutionContext, root = FAST_ROOT): Promise<[LogFile, string]> => {
    const path = join(scratchDirectory(t, root), '000003.log')
    return [await binding.createLog(path), path]
  }

  test(`${kind}: a new log is empty and knows its path`, async (t) => {
    const [log, path] = await open(t)
    t.is(log.path, path)
    t.is(log.sizeBytes, 0)
    t.is(fs.statSync(path).size, 0)
    await log.close()
  })

  test(`${kind}: one record is a header and the data, the same by every way of appending`, async (t) => {
    const [log, path] = await open(t, undefined)
    await log.append(hello, 0, 5, true)
    await log.append(hello, 0, 5, false)
    log.appendSync(hello, 0, 5)
    await log.sync()
    t.is(log.sizeBytes, 36)
    await log.close()
    t.is(fs.readFileSync(path).toString('hex'), HELLO_RECORD.repeat(3))
  })

  test(`${kind}: a range of a buffer is what is written`, async (t) => {
    const [log, path] = await open(t)
    await log.append(Buffer.from('..hello....'), 2, 7, false)
    await log.close()
    t.is(fs.readFileSync(path).toString('hex'), HELLO_RECORD)
  })

  test(`${kind}: an empty record is one full fragment of length 0`, async (t) => {
    const [log, path] = await open(t)
    await log.append(hello, 3, 3, false)
    log.appendSync(Buffer.alloc(0), 0, 0)
    await log.close()
    // The masked CRC of the type byte alone.
    t.is(fs.readFileSync(path).toString('hex'), '052b2843000001'.repeat(2))
  })

  test(`${kind}: with exactly a header's room left a block ends in a first fragment of length 0`, async (t) => {
    const [log, path] = await open(t)
    const filler = Buffer.alloc(32768 - 7 - 7)
    await log.append(filler, 0, filler.length, false)
    await log.append(hello, 0, 5, false)
    await log.close()
    const bytes = fs.readFileSync(path)
    t.is(bytes.length, 32768 + 12)
    t.is(bytes.subarray(32768 - 3, 32768).toString('hex'), '000002') // length 0, FIRST
    t.is(bytes.subarray(32768 + 4, 32768 + 12).toString('hex'), '05000468656c6c6f') // LAST
  })

  for (const left of [1, 6]) {
    test(`${kind}: ${left} bytes left in a block are zeroed and the record starts the next`, async (t) => {
      const [log, path] = await open(t)
      const filler = Buffer.alloc(32768 - 7 - left, 0xff)
      log.appendSync(filler, 0, filler.length)
      t.is(log.sizeBytes, 32768 - left) // The trailer comes with the next record.
      log.appendSync(hello, 0, 5)
      await log.close()
      const bytes = fs.readFileSync(path)
      t.is(bytes.subarray(32768 - left - 1, 32768).toString('hex'), `ff${'00'.repeat(left)}`)
      t.is(bytes.subarray(32768).toString('hex'), HELLO_RECORD)
    })
  }

  test(`${kind}: a block filled to its last byte has no trailer`, async (t) => {
    const [log, path] = await open(t)
    const filler = Buffer.alloc(32768 - 7)
    await log.append(filler, 0, filler.length, false)
    await log.append(hello, 0, 5, false)
    await log.close()
    t.is(fs.readFileSync(path).subarray(32768).toString('hex'), HELLO_RECORD)
  })

  test(`${kind}: a record of 80 MB, more pieces than one gather-write takes, is whole`, async (t) => {
    const [log, path] = await open(t)
    const big = Buffer.allocUnsafeSlow(80_000_000).fill('0123456789')
    await log.append(big, 0, big.length, false)
    await log.close()
    const bytes = fs.readFileSync(path)
    t.is(bytes.length, log.sizeBytes)
    t.is(bytes[6], 2)
    let at = 0
    for (let block = 0; block < bytes.length; block += 32768) {
      const length = bytes.readUInt16LE(block + 4)
      const data = bytes.subarray(block + 7, block + 7 + length)
      if (!data.equals(big.subarray(at, at + length))) t.fail(`block at ${block}`)
      at += length
    }
    t.is(at, big.length)
  })

  test(`${kind}: an existing file is truncated`, async (t) => {
    const path = join(scratchDirectory(t, FAST_ROOT), '000003.log')
    fs.writeFileSync(path, 'something')
    const log = await binding.createLog(path)
    t.is(fs.statSync(path).size, 0)
    await log.close()
  })

  test(`${kind}: a second job while one is in flight is refused and poisons nothing`, async (t) => {
    const [log, path] = await open(t, undefined)
    const first = log.append(hello, 0, 5, true)
    const refusals = [log.append(hello, 0, 5, false), log.sync()]
    for (const refused of refusals) await t.throwsAsync(refused, { code: 'EBUSY' })
    await first
    const second = log.append(hello, 0, 5, true)
    t.throws(() => log.appendSync(hello, 0, 5), { code: 'EBUSY' })
    await second
    log.appendSync(hello, 0, 5)
    await log.close()
    t.is(fs.readFileSync(path).toString('hex'), HELLO_RECORD.repeat(3))
  })

  test(`${kind}: an append and a sync on the calling thread look whether the file has its name`, async (t) => {
    const [log, path] = await open(t, undefined)
    log.appendSync(hello, 0, 5, true)
    log.syncSync()
    t.is(log.sizeBytes, 12)
    fs.unlinkSync(path)
    t.throws(() => log.appendSync(hello, 0, 5, true), { code: 'ESTALE' })
    t.throws(() => log.syncSync(), { code: 'ESTALE' })
    await t.throwsAsync(log.append(hello, 0, 5, false), { code: 'ESTALE' })
    await log.close()
    t.throws(() => log.syncSync(), { code: 'EBADF' })
  })

  const whereJoined = binding.kind === 'native' ? test : test.skip
  whereJoined(
    `${kind}: a joined job is done, its bytes come first, and its promise settles later`,
    async (t) => {
      const [log, path] = await open(t, undefined)
      log.joinSync!()
      for (let i = 0; i < 50; i++) {
        const job = log.append(hello, 0, 5, true)
        log.joinSync!()
        t.is(log.sizeBytes, 24 * i + 12)
        log.appendSync(hello, 0, 5)
        await t.throwsAsync(log.append(hello, 0, 5, false), { code: 'EBUSY' })
        await job
      }
      const closing = log.append(hello, 0, 5, true)
      const closed = log.close()
      log.joinSync!()
      t.throws(() => log.appendSync(hello, 0, 5), { code: 'EBADF' })
      await closing
      await closed
      t.is(fs.readFileSync(path).toString('hex'), HELLO_RECORD.repeat(101))
    },
  )

  whereJoined(`${kind}: a job that failed is the failure of what comes behind it`, async (t) => {
    const [log, path] = await open(t, undefined)
    fs.unlinkSync(path)
    const job = log.append(hello, 0, 5, true)
    const outcome = t.throwsAsync(job, { code: 'ESTALE' })
    log.joinSync!()
    t.throws(() => log.appendSync(hello, 0, 5), { code: 'ESTALE' })
    await outcome
    await log.close()
  })

  test(`${kind}: while a job is in flight the size is that of the last append that succeeded`, async (t) => {
    const [log] = await open(t, undefined)
    const big = Buffer.allocUnsafeSlow(3_000_000).fill(1)
    await log.append(hello, 0, 5, true)
    const job = log.append(big, 0, big.length, true)
    for (let i = 0; i < 200_000; i++) {
      // The job may end meanwhile, but not the promise: no other code runs in this loop.
      const size = log.sizeBytes
      if (size !== 12 && size < big.length) t.fail(`${size}`)
    }
    await job
    t.true(log.sizeBytes > big.length)
    await log.close()
  })

  test(`${kind}: the next job may start in the continuation of the last`, async (t) => {
    const [log] = await open(t)
    for (let i = 0; i < 200; i++) await log.append(hello, 0, 5, false)
    t.is(log.sizeBytes, 200 * 12)
    await log.close()
  })

  test(`${kind}: close waits for the job in flight, refuses what comes later, and may be repeated`, async (t) => {
    const [log, path] = await open(t, undefined)
    const job = log.append(hello, 0, 5, true)
    const closes = [log.close(), log.close()]
    await t.throwsAsync(log.append(hello, 0, 5, false), { code: 'EBADF' })
    t.throws(() => log.appendSync(hello, 0, 5), { code: 'EBADF' })
    await t.throwsAsync(log.sync(), { code: 'EBADF' })
    await job
    await Promise.all(closes)
    await log.close()
    t.is(log.sizeBytes, 12)
    t.is(log.path, path)
    t.is(fs.readFileSync(path).toString('hex'), HELLO_RECORD)
  })

  test(`${kind}: a log that was unlinked fails its next sync and is poisoned`, async (t) => {
    const [log, path] = await open(t)
    await log.append(hello, 0, 5, true)
    fs.unlinkSync(path)
    // Without a sync nobody looks.
    await log.append(hello, 0, 5, false)
    const error = await t.throwsAsync(log.append(hello, 0, 5, true), { code: 'ESTALE' })
    t.is(log.sizeBytes, 24)
    t.like(error, { path, syscall: 'fdatasync' })
    await t.throwsAsync(log.append(hello, 0, 5, false), { code: 'ESTALE' })
    await t.throwsAsync(log.sync(), { code: 'ESTALE' })
    t.throws(() => log.appendSync(hello, 0, 5), { code: 'ESTALE' })
    await log.close()
  })

  test(`${kind}: a log whose name is another file now, or whose directory is gone, fails its sync`, async (t) => {
    const [replaced, path] = await open(t)
    fs.renameSync(path, `${path}.old`)
    fs.writeFileSync(path, '')
    await t.throwsAsync(replaced.sync(), { code: 'ESTALE' })
    await replaced.close()
    const directory = join(scratchDirectory(t), 'database')
    fs.mkdirSync(directory)
    const log = await binding.createLog(join(directory, '000003.log'))
    fs.rmSync(directory, { recursive: true })
    await t.throwsAsync(log.append(hello, 0, 5, true), { code: 'ESTALE' })
    await log.close()
  })

  test(`${kind}: a relative path stays the same file when the process changes directory`, async (t) => {
    const directory = scratchDirectory(t)
    const before = process.cwd()
    process.chdir(directory)
    let log: LogFile
    try {
      log = await binding.createLog('000003.log')
    } finally {
      process.chdir(before)
    }
    t.is(log.path, '000003.log')
    await log.append(hello, 0, 5, true)
    await log.close()
  })

  onLinux(
    `${kind}: a full device fails the append whole and poisons the log with that error`,
    async (t) => {
      for (const inPlace of [false, true]) {
        const log = await binding.createLog('/dev/full')
        const error = inPlace
          ? t.throws(() => log.appendSync(hello, 0, 5))
          : await t.throwsAsync(log.append(hello, 0, 5, true))
        t.like(error, { code: 'ENOSPC', errno: -28, syscall: 'write' })
        t.regex(error?.message ?? '', /^ENOSPC: no space left on device, write/)
        t.is(log.sizeBytes, 0)
        await t.throwsAsync(log.append(hello, 0, 5, false), { code: 'ENOSPC' })
        await t.throwsAsync(log.sync(), { code: 'ENOSPC' })
        t.throws(() => log.appendSync(hello, 0, 5), { code: 'ENOSPC' })
        await log.close()
      }
    },
  )

  test(`${kind}: wrong arguments are thrown at once and poison nothing`, async (t) => {
    const [log] = await open(t)
    // What a caller without types can pass.
    const append = log.append.bind(log) as (...args: unknown[]) => Promise<void>
    const appendSync = log.appendSync.bind(log) as (...args: unknown[]) => void
    for (const [bytes, start, end] of [
      ['hello', 0, 5],
      [undefined, 0, 0],
      [new Uint16Array(5), 0, 5],
      [new ArrayBuffer(5), 0, 5],
      [hello, '0', 5],
      [hello, 0, undefined],
      [hello, 0, 5n],
    ]) {
      t.throws(() => append(bytes, start, end, false), { instanceOf: TypeError })
      t.throws(() => appendSync(bytes, start, end), { instanceOf: TypeError })
    }
    for (const [start, end] of [
      [-1, 5],
      [0, 6],
      [3, 2],
      [0.5, 5],
      [0, Number.NaN],
      [0, Number.POSITIVE_INFINITY],
      [0, 2 ** 53],
    ]) {
      t.throws(() => append(hello, start, end, false), { instanceOf: RangeError })
      t.throws(() => appendSync(hello, start, end), { instanceOf: RangeError })
    }
    t.throws(() => append(hello, 0, 5, 1), { instanceOf: TypeError })
    await log.append(hello, 0, 5, false)
    t.is(log.sizeBytes, 12)
    await log.close()
  })

  test(`${kind}: the buffer may be changed once the promise has settled`, async (t) => {
    const [log, path] = await open(t)
    const bytes = Buffer.from('hello')
    await log.append(bytes, 0, 5, false)
    bytes.fill(0)
    await log.close()
    t.is(fs.readFileSync(path).toString('hex'), HELLO_RECORD)
  })
}
