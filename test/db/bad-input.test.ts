// What a caller may get wrong: each has an error with a code, and leaves the database as it was.

import { once } from 'node:events'
import fs from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import {
  DB,
  type DBIteratorOptions,
  type DBOptions,
  type DBReadOptions,
  type DBWriteOptions,
  type ErrorCode,
  SluiceError,
  WriteBatch,
} from '../../ts/index.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const b = (text: string): Buffer => Buffer.from(text)

/** A new database in a directory of its own, closed and gone after the test. */
async function open(t: ExecutionContext, options: DBOptions = {}): Promise<DB> {
  const db = await DB.open(join(scratchDirectory(t, FAST_ROOT), 'db'), {
    createIfMissing: true,
    ...options,
  })
  t.teardown(() => db.close())
  return db
}

/** Runs calls that all have to reject with `code`, and checks that nothing was written. */
async function refuses(
  t: ExecutionContext,
  db: DB,
  code: ErrorCode,
  calls: (() => Promise<unknown>)[],
): Promise<void> {
  const { write, lastSequence } = db.stats()
  for (const call of calls) {
    let promise: Promise<unknown> | undefined
    t.notThrows(
      () => {
        promise = call()
      },
      `${String(call)} threw instead of rejecting`,
    )
    const error = await t.throwsAsync(promise!, { instanceOf: SluiceError }, String(call))
    t.is(error.code, code, String(call))
  }
  t.deepEqual(db.stats().write, write)
  t.is(db.stats().lastSequence, lastSequence)
}

/** The code of the cause of an open that fails. */
async function openCode(t: ExecutionContext, path: string, options?: DBOptions): Promise<string> {
  const error = await t.throwsAsync(DB.open(path, options), { instanceOf: SluiceError })
  t.is(error.code, 'LEVEL_DATABASE_NOT_OPEN')
  return (error.cause as SluiceError).code
}

test('1: a key of null or undefined, or of no bytes at all, is LEVEL_INVALID_KEY everywhere', async (t) => {
  const db = await open(t)
  for (const key of [
    null,
    undefined,
    'key',
    1,
    [1],
    new ArrayBuffer(1),
    Object.create(Uint8Array.prototype),
  ] as never[]) {
    await refuses(t, db, 'LEVEL_INVALID_KEY', [
      () => db.put(key, b('v')),
      () => db.put(key, b('v'), { sync: true }),
      () => db.delete(key),
      () => db.get(key),
      () => db.approximateSizes([[key, b('k')]]),
      () =>
        db.approximateSizes([
          [b('a'), b('b')],
          [b('k'), key],
        ]),
    ])
    t.throws(() => db.getSync(key), { code: 'LEVEL_INVALID_KEY' })
    t.throws(() => new WriteBatch().put(key, b('v')), { code: 'LEVEL_INVALID_KEY' })
    t.throws(() => new WriteBatch().delete(key), { code: 'LEVEL_INVALID_KEY' })
  }
})

test('2: a value of null or undefined, or of no bytes at all, is LEVEL_INVALID_VALUE', async (t) => {
  const db = await open(t)
  for (const value of [
    null,
    undefined,
    'value',
    1,
    [1],
    new DataView(new ArrayBuffer(1)),
  ] as never[]) {
    await refuses(t, db, 'LEVEL_INVALID_VALUE', [() => db.put(b('k'), value)])
    t.throws(() => new WriteBatch().put(b('k'), value), { code: 'LEVEL_INVALID_VALUE' })
  }
})

test('3: a key or a value above its limit is refused, the log untouched', async (t) => {
  const db = await open(t)
  // 4 GiB that nobody ever touches.
  const memory = new ArrayBuffer(2 ** 32)
  const tooLong = new Uint8Array(memory, 0, 2 ** 32 - 8)
  await refuses(t, db, 'LEVEL_INVALID_KEY', [
    () => db.put(tooLong, b('v')),
    () => db.delete(tooLong),
  ])
  await refuses(t, db, 'LEVEL_INVALID_VALUE', [() => db.put(b('k'), new Uint8Array(memory))])
})

test('4: a write that makes a batch of 2^31 bytes is refused, the log untouched', async (t) => {
  const db = await open(t)
  const large = new Uint8Array(new ArrayBuffer(2 ** 31), 0, 2 ** 31 - 1)
  await refuses(t, db, 'LEVEL_INVALID_VALUE', [
    () => db.put(b('k'), large),
    () => db.delete(large),
    () => db.put(large, large),
  ])
})

test('5: what is no batch is a TypeError, and nothing is applied', async (t) => {
  const db = await open(t)
  for (const batch of [undefined, [], {}, 'batch', 1, [{ type: 'put' }]] as never[]) {
    await t.throwsAsync(db.write(batch), { instanceOf: TypeError })
  }
  t.is(db.stats().write.writes, 0)
})

test('7: what a Buffer holds at the call is what is stored, in a put and in a batch', async (t) => {
  const db = await open(t)
  for (const sync of [false, true]) {
    const [key, value, second] = [b('key'), b('value'), b('two')]
    const put = db.put(key, value, { sync })
    const batch = new WriteBatch().put(second, value)
    const write = db.write(batch, { sync })
    batch.clear()
    for (const bytes of [key, value, second]) bytes.fill(0x78)
    await Promise.all([put, write])
    t.deepEqual(await db.get(b('key')), b('value'))
    t.deepEqual(await db.get(b('two')), b('value'))
    t.is(await db.get(b('xxx')), undefined)
  }
})

test('8: shared memory that a thread keeps changing is stored as some value, and the log is whole', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const db = await DB.open(path, { createIfMissing: true })
  const shared = new SharedArrayBuffer(20_000)
  const source = `const { workerData } = require('node:worker_threads'); const bytes = new Uint8Array(workerData)
    for (let i = 0; ; i++) bytes.fill(i)`
  const worker = new Worker(source, { eval: true, workerData: shared })
  await new Promise((resolve) => worker.once('online', resolve))
  const value = new Uint8Array(shared)
  for (let i = 0; i < 200; i++) await db.put(b(`k${i}`), value, { sync: i % 20 === 0 })
  await worker.terminate()
  await db.close()
  const again = await DB.open(path)
  t.deepEqual(again.recovery.dropped, [])
  t.is(again.recovery.writes, 200)
  for (let i = 0; i < 200; i++) t.is((await again.get(b(`k${i}`)))?.length, 20_000)
  await again.close()
})

test('9: a detached buffer is refused, not stored as an empty value', async (t) => {
  const db = await open(t)
  const bytes = new Uint8Array([1, 2, 3])
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  await refuses(t, db, 'LEVEL_INVALID_VALUE', [() => db.put(b('k'), bytes)])
  await refuses(t, db, 'LEVEL_INVALID_KEY', [
    () => db.put(bytes, b('v')),
    () => db.get(bytes),
    () => db.delete(bytes),
  ])
})

test('an array of another realm, and empty keys and values, are stored', async (t) => {
  const db = await open(t)
  const foreign = runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array
  await db.put(foreign, foreign)
  await db.put(b(''), b(''))
  t.deepEqual(await db.get(foreign), Buffer.of(1, 2, 3))
  t.deepEqual(await db.get(b('')), b(''))
  await db.flushMemtable()
  t.deepEqual(db.getSync(foreign), Buffer.of(1, 2, 3))
  t.deepEqual(db.getSync(b('')), b(''))
})

test('10: every call after close is LEVEL_DATABASE_NOT_OPEN', async (t) => {
  const db = await open(t)
  await db.put(b('k'), b('v'))
  const closing = db.close()
  for (const isClosed of [false, true]) {
    if (isClosed) await closing
    const calls = [
      () => db.put(b('k'), b('v')),
      () => db.put(null as never, b('v')),
      () => db.delete(b('k')),
      () => db.write(new WriteBatch()),
      () => db.write(null),
      () => db.get(b('k')),
      () => db.flushMemtable(),
      () => db.resume(),
      () => db.approximateSizes([]),
    ]
    for (const call of calls) {
      await t.throwsAsync(call(), { code: 'LEVEL_DATABASE_NOT_OPEN' }, String(call))
    }
    t.throws(() => db.getSync(b('k')), { code: 'LEVEL_DATABASE_NOT_OPEN' })
    t.throws(() => db.property('leveldb.stats'), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  }
})

test('what are no ranges, and what is no name of a property, is a TypeError', async (t) => {
  const db = await open(t)
  for (const ranges of [undefined, null, 'ab', {}, [b('a')], [[b('a')]], [null], [[]]] as never[]) {
    await t.throwsAsync(db.approximateSizes(ranges), { instanceOf: TypeError })
  }
  for (const name of [undefined, null, 1, {}, ['leveldb.stats']] as never[]) {
    t.throws(() => db.property(name), { instanceOf: TypeError })
  }
})

test('10: after an open that failed the directory can be opened', async (t) => {
  const path = join(scratchDirectory(t), 'db')
  t.is(await openCode(t, path), 'LEVEL_DATABASE_MISSING')
  t.false(fs.existsSync(path))
  const db = await DB.open(path, { createIfMissing: true })
  t.is(await openCode(t, path), 'LEVEL_LOCKED')
  await db.put(b('k'), b('v'))
  await db.close()
  t.is(await openCode(t, path, { errorIfExists: true }), 'LEVEL_DATABASE_EXISTS')
  const again = await DB.open(path)
  t.deepEqual(await again.get(b('k')), b('v'))
  await again.close()
})

test('11: a close with 1,000 puts under way settles them all, and each that was acknowledged is there', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  for (const sync of [false, true]) {
    const db = await DB.open(path, { createIfMissing: true, writeBufferSize: 64 * 1024 })
    const puts = Array.from({ length: 1000 }, (_, i) =>
      db.put(b(`${sync}${i}`), Buffer.alloc(200, i), { sync }),
    )
    const [outcomes] = await Promise.all([Promise.allSettled(puts), db.close()])
    t.true(outcomes.every(({ status }) => status === 'fulfilled'))
    const again = await DB.open(path)
    for (let i = 0; i < 1000; i++)
      t.deepEqual(again.getSync(b(`${sync}${i}`)), Buffer.alloc(200, i))
    await again.close()
  }
})

test('12: close can be called twice, and an open behind it gets the database', async (t) => {
  const path = join(scratchDirectory(t), 'db')
  const db = await DB.open(path, { createIfMissing: true })
  await Promise.all([db.put(b('k'), b('v')), db.close(), db.close()])
  await db.close()
  const again = await DB.open(path)
  t.deepEqual(await again.get(b('k')), b('v'))
  await again.close()
})

const NO_OPTIONS: readonly (readonly [
  options: unknown,
  error: 'TypeError' | 'RangeError',
  names: string,
])[] = [
  [{ blockRestartInterval: 0 }, 'RangeError', 'blockRestartInterval'],
  [{ blockRestartInterval: 65_537 }, 'RangeError', 'blockRestartInterval'],
  [{ writeBufferSize: -1 }, 'RangeError', 'writeBufferSize'],
  [{ writeBufferSize: 1023 }, 'RangeError', 'writeBufferSize'],
  [{ writeBufferSize: 2 ** 30 + 1 }, 'RangeError', 'writeBufferSize'],
  [{ writeBufferSize: 4096.5 }, 'RangeError', 'writeBufferSize'],
  [{ writeBufferSize: Number.NaN }, 'RangeError', 'writeBufferSize'],
  [{ writeBufferSize: Number.POSITIVE_INFINITY }, 'RangeError', 'writeBufferSize'],
  [{ writeBufferSize: '4096' }, 'TypeError', 'writeBufferSize'],
  [{ writeBufferSize: null }, 'TypeError', 'writeBufferSize'],
  [{ writeBufferSize: 4096n }, 'TypeError', 'writeBufferSize'],
  [{ maxOpenFiles: 0 }, 'RangeError', 'maxOpenFiles'],
  [{ cacheSize: -1 }, 'RangeError', 'cacheSize'],
  [{ cacheSize: '8' }, 'TypeError', 'cacheSize'],
  [{ verifyChecksums: 0 }, 'TypeError', 'verifyChecksums'],
  [{ maxOpenFiles: Number.NaN }, 'RangeError', 'maxOpenFiles'],
  [{ blockSize: 0 }, 'RangeError', 'blockSize'],
  [{ blockSize: 63 }, 'RangeError', 'blockSize'],
  [{ blockSize: 4 * 2 ** 20 + 1 }, 'RangeError', 'blockSize'],
  [{ filterBitsPerKey: -1 }, 'RangeError', 'filterBitsPerKey'],
  [{ filterBitsPerKey: 65 }, 'RangeError', 'filterBitsPerKey'],
  [{ groupLimitBytes: 0 }, 'RangeError', 'groupLimitBytes'],
  [{ smallGroupLimitBytes: 0 }, 'RangeError', 'smallGroupLimitBytes'],
  [{ compression: 'zstd' }, 'RangeError', 'compression'],
  [{ compression: true }, 'RangeError', 'compression'],
  [{ createIfMissing: 1 }, 'TypeError', 'createIfMissing'],
  [{ errorIfExists: 'yes' }, 'TypeError', 'errorIfExists'],
  [{ onEvent: 'event' }, 'TypeError', 'onEvent'],
  [{ createIfMising: true }, 'TypeError', 'createIfMising'],
  [null, 'TypeError', 'options'],
  ['options', 'TypeError', 'options'],
]

test('17, 18: an option that cannot be is a TypeError or a RangeError that names it', async (t) => {
  const path = join(scratchDirectory(t), 'db')
  for (const [options, name, names] of NO_OPTIONS) {
    const error = await t.throwsAsync(DB.open(path, options as never))
    t.is(error.name, name, error.message)
    t.true(error.message.includes(names), error.message)
    t.false(fs.existsSync(path))
  }
})

test('an option that is undefined is its default', async (t) => {
  const db = await open(t, {
    writeBufferSize: undefined,
    onEvent: undefined,
  } as unknown as DBOptions)
  await db.put(b('k'), b('v'))
  t.deepEqual(await db.get(b('k')), b('v'))
})

test('an option of a write that cannot be is a TypeError, and not a write without sync', async (t) => {
  const db = await open(t)
  for (const options of [
    { sync: 1 },
    { sync: 'true' },
    { sync: null },
    null,
    'sync',
    5,
  ] as never[]) {
    await t.throwsAsync(db.put(b('k'), b('v'), options), { instanceOf: TypeError })
    await t.throwsAsync(db.delete(b('k'), options), { instanceOf: TypeError })
    await t.throwsAsync(db.write(new WriteBatch(), options), { instanceOf: TypeError })
  }
  t.is(db.stats().write.writes, 0)
})

test('an option that there is not is refused, since it may be a misspelt one', async (t) => {
  const db = await open(t)
  await db.put(b('k'), b('v'))
  const write = { snyc: true } as DBWriteOptions
  const read = { snapshto: db.snapshot() } as DBReadOptions
  const refusal = { instanceOf: TypeError, message: /^unknown option sn(yc|apshto)$/ }
  await t.throwsAsync(db.put(b('k'), b('2'), write), refusal)
  await t.throwsAsync(db.delete(b('k'), write), refusal)
  await t.throwsAsync(db.write(new WriteBatch().delete(b('k')), write), refusal)
  t.throws(() => db.putSync(b('k'), b('2'), write), refusal)
  await t.throwsAsync(db.get(b('k'), read), refusal)
  await t.throwsAsync(db.getMany([b('k')], read), refusal)
  t.throws(() => db.getSync(b('k'), read), refusal)
  t.throws(() => db.iterator({ gtt: b('k') } as DBIteratorOptions), { message: /option gtt$/ })
  t.deepEqual(db.getSync(b('k')), b('v'))
  const signal = { aborted: true } as AbortSignal
  await t.throwsAsync(db.put(b('k'), b('2'), { signal }), { message: /must be an AbortSignal$/ })
})

test('19: an aborted signal refuses a write before it is queued; a later one takes nothing back', async (t) => {
  const db = await open(t)
  const reason = new Error('changed my mind')
  const signal = AbortSignal.abort(reason)
  await refuses(t, db, 'LEVEL_ABORTED', [
    () => db.put(b('k'), b('v'), { signal }),
    () => db.delete(b('k'), { signal, sync: true }),
    () => db.write(new WriteBatch().put(b('k'), b('v')), { signal }),
  ])
  const error = await t.throwsAsync(db.put(b('k'), b('v'), { signal }))
  t.is(error.name, 'AbortError')
  t.is(error.cause, reason)
  const controller = new AbortController()
  const put = db.put(b('k'), b('v'), { sync: true, signal: controller.signal })
  controller.abort()
  await put
  t.deepEqual(await db.get(b('k')), b('v'))
})

test('20: the cause of an open that fails has a stable code', async (t) => {
  const directory = scratchDirectory(t)
  const path = join(directory, 'db')
  t.is(await openCode(t, path, { createIfMissing: false }), 'LEVEL_DATABASE_MISSING')
  fs.mkdirSync(path)
  t.is(await openCode(t, path), 'LEVEL_DATABASE_MISSING')
  await (await DB.open(path, { createIfMissing: true, errorIfExists: true })).close()
  t.is(await openCode(t, path, { errorIfExists: true }), 'LEVEL_DATABASE_EXISTS')
  t.is(
    await openCode(t, path, { createIfMissing: true, errorIfExists: true }),
    'LEVEL_DATABASE_EXISTS',
  )
})

test('21, 23: a second handle is LEVEL_LOCKED by any spelling of the path, and the first one goes on', async (t) => {
  const directory = scratchDirectory(t)
  const path = join(directory, 'db')
  const db = await DB.open(path, { createIfMissing: true })
  fs.symlinkSync(path, join(directory, 'link'))
  for (const spelling of [path, `${path}/`, join(directory, 'link'), `${directory}/./db/../db`]) {
    t.is(await openCode(t, spelling, { createIfMissing: true }), 'LEVEL_LOCKED', spelling)
  }
  await db.put(b('k'), b('v'), { sync: true })
  t.deepEqual(await db.get(b('k')), b('v'))
  t.is(await openCode(t, path), 'LEVEL_LOCKED')
  await db.close()
  await (await DB.open(join(directory, 'link'))).close()
})

test('24: with LOCK unlinked or replaced a second handle is LEVEL_LOCKED still', async (t) => {
  const path = join(scratchDirectory(t), 'db')
  const db = await DB.open(path, { createIfMissing: true })
  fs.unlinkSync(join(path, 'LOCK'))
  t.is(await openCode(t, path), 'LEVEL_LOCKED')
  fs.writeFileSync(join(path, 'LOCK'), '')
  t.is(await openCode(t, path), 'LEVEL_LOCKED')
  await db.put(b('k'), b('v'), { sync: true })
  await db.close()
})

test('30: a directory removed while the database is open fails a put with sync, and later writes', async (t) => {
  const path = join(scratchDirectory(t), 'db')
  const db = await DB.open(path, { createIfMissing: true })
  await db.put(b('before'), b('v'), { sync: true })
  fs.rmSync(path, { recursive: true })
  await t.throwsAsync(db.put(b('k'), b('v'), { sync: true }), { code: 'LEVEL_IO_ERROR' })
  await t.throwsAsync(db.put(b('k'), b('v')), { code: 'LEVEL_IO_ERROR' })
  t.is(db.stats().failure?.code, 'LEVEL_IO_ERROR')
  t.deepEqual(await db.get(b('before')), b('v'))
  t.is(await db.get(b('k')), undefined)
  await t.throwsAsync(db.resume(), { code: 'LEVEL_IO_ERROR' })
  await db.close()
})

test('31: a path that is a file, or lies in one, is LEVEL_IO_ERROR; one with NUL too, and an empty one is a TypeError', async (t) => {
  const file = join(scratchDirectory(t), 'file')
  fs.writeFileSync(file, 'mine')
  for (const options of [{}, { createIfMissing: true }]) {
    t.is(await openCode(t, file, options), 'LEVEL_IO_ERROR')
    t.is(await openCode(t, join(file, 'db'), options), 'LEVEL_IO_ERROR')
    t.is(await openCode(t, 'a\0b', options), 'LEVEL_IO_ERROR')
  }
  t.is(fs.readFileSync(file, 'utf8'), 'mine')
  for (const path of ['', null, undefined, 5, {}] as never[]) {
    await t.throwsAsync(DB.open(path), { instanceOf: TypeError })
  }
})

test('8: what another thread does to shared memory during a put leaves a record that is whole', async (t) => {
  const directory = scratchDirectory(t)
  const db = await DB.open(directory, { createIfMissing: true })
  await db.put(Buffer.from('before'), Buffer.from('1'), { sync: true })
  const source = `
    const { workerData, parentPort } = require('node:worker_threads')
    parentPort.postMessage('begun')
    for (let size = 1; size <= workerData.maxByteLength; size++) workerData.grow(size)
    parentPort.postMessage('done')`
  for (let round = 0; round < 3; round++) {
    // The type of ES2023 has no growable shared memory yet; Node 20 has.
    const memory = Reflect.construct(SharedArrayBuffer, [
      0,
      { maxByteLength: 100_000 },
    ]) as SharedArrayBuffer
    const growing = new Uint8Array(memory)
    const worker = new Worker(source, { eval: true, workerData: memory })
    const done = new AbortController()
    worker.on('message', (message) => {
      if (message === 'done') done.abort()
    })
    await once(worker, 'message')
    while (!done.signal.aborted) {
      await Promise.all(Array.from({ length: 50 }, () => db.put(Buffer.from('k'), growing)))
      await new Promise(setImmediate)
    }
    await worker.terminate()
  }
  await db.close()
  const again = await DB.open(directory)
  t.deepEqual(again.recovery.dropped, [])
  t.is(String(again.getSync(Buffer.from('before'))), '1')
  await again.close()
})

test('8: a class of the caller that lies about its length stores what it has', async (t) => {
  class Liar extends Uint8Array {
    override get length(): number {
      return 20
    }
  }
  const db = await DB.open(scratchDirectory(t), { createIfMissing: true })
  await db.put(Buffer.from('k'), Liar.from(Buffer.from('thirteen byte')))
  t.is(String(db.getSync(Buffer.from('k'))), 'thirteen byte')
  await db.close()
})
