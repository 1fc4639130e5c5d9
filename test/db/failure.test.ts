// A disk that fails under an open database: who hears what, what stays readable, and what resume()
// makes of it.

import fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { BatchBuffer } from '../../ts/format/batch.ts'
import { type DatabaseEvent, DB, SluiceError, WriteBatch } from '../../ts/index.ts'
import { DIRECTORY, openOn } from '../crash/engine.ts'
import type { Fault } from '../crash/disk-fault.ts'
import { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { logOf } from '../log/log-file-bytes.ts'
import { scratchDirectory } from '../platform/scratch-directory.ts'
import { SEED, seeded } from '../format/seed.ts'

const b = (text: string): Buffer => Buffer.from(text)
const LOG = /\.log$/

interface Scene {
  readonly disk: SimulatedDisk
  readonly db: DB
  readonly events: DatabaseEvent[]
}

async function open(writeBufferSize = 64 * 1024, disk = new SimulatedDisk(SEED)): Promise<Scene> {
  const events: DatabaseEvent[] = []
  const db = await openOn(disk, { writeBufferSize, onEvent: (event) => events.push(event) })
  return { disk, db, events }
}

async function refused(t: ExecutionContext, db: DB): Promise<void> {
  for (const write of [
    () => db.put(b('x'), b('x')),
    () => db.put(b('x'), b('x'), { sync: true }),
    () => db.delete(b('x')),
    () => db.write(new WriteBatch().put(b('x'), b('x'))),
    () => db.write(null),
    () => db.flushMemtable(),
  ]) {
    const error = await t.throwsAsync(write(), { instanceOf: SluiceError, code: 'LEVEL_IO_ERROR' })
    t.regex(error.message, /resume/)
  }
}

function keysOf(db: DB, names: readonly string[]): string {
  return names.filter((name) => db.getSync(b(name)) !== undefined).join(' ')
}

const FAULTS: readonly (readonly [what: string, sync: boolean, fault: Fault])[] = [
  ['26: ENOSPC on a write in place', false, { effect: 'fail', kind: 'write', code: 'ENOSPC' }],
  ['26: ENOSPC on a write with sync', true, { effect: 'fail', kind: 'write', code: 'ENOSPC' }],
  ['26: EDQUOT on a write', true, { effect: 'fail', kind: 'write', code: 'EDQUOT' }],
  [
    '26: a write that breaks off in the middle',
    true,
    { effect: 'partial', kind: 'write', code: 'ENOSPC', bytes: 9 },
  ],
  [
    '26: a write in place that breaks off',
    false,
    { effect: 'partial', kind: 'write', code: 'EIO', bytes: 30 },
  ],
  [
    'a write that lands whole and reports an error',
    true,
    { effect: 'applied', kind: 'write', code: 'EIO' },
  ],
  ['27: EIO on a sync', true, { effect: 'fail', kind: 'sync', code: 'EIO' }],
  [
    '27: EIO on a sync that drops the pages',
    true,
    { effect: 'dropped', kind: 'sync', code: 'EIO' },
  ],
  [
    '27: a sync that happens and reports an error',
    true,
    { effect: 'applied', kind: 'sync', code: 'EIO' },
  ],
]

// Whatever a random part did, this repeats it.
test.afterEach.always((t) => {
  if (!t.passed) t.log(`SLUICE_SEED=${SEED}`)
})

for (const [what, sync, fault] of FAULTS) {
  test(`${what} fails its whole group, then writes until resume, and nothing of it is ever seen`, async (t) => {
    const { disk, db, events } = await open()
    await Promise.all([db.put(b('a'), b('1')), db.put(b('b'), b('2'), { sync: true })])
    const last = db.stats().lastSequence
    disk.inject({ ...fault, path: LOG })
    const group = ['c', 'd', 'e'].map((key) => db.put(b(key), b('3'), { sync }))
    const outcomes = await Promise.allSettled([...group, db.delete(b('a'), { sync })])
    const unknown = outcomes.filter(
      (outcome): outcome is PromiseRejectedResult => outcome.status === 'rejected',
    )
    t.is(unknown.length, 4)
    t.regex(String(unknown[0]!.reason), /unknown/)
    for (const { reason } of unknown) t.is((reason as SluiceError).code, 'LEVEL_IO_ERROR')
    if (sync) t.is(new Set(unknown.map(({ reason }) => String(reason))).size, 1)

    const names = ['a', 'b', 'c', 'd', 'e', 'x', 'f']
    t.is(keysOf(db, names), 'a b')
    t.is((await db.get(b('a')))?.toString(), '1')
    t.is(db.stats().lastSequence, last)
    t.is(db.stats().failure?.code, 'LEVEL_IO_ERROR')
    const syncs = disk.trace.filter(({ kind }) => kind === 'sync').length
    const size = disk.contents(DIRECTORY)
    await refused(t, db)
    t.deepEqual(disk.contents(DIRECTORY), size)
    // A sync that failed is not tried again.
    t.is(disk.trace.filter(({ kind }) => kind === 'sync').length, syncs)

    await db.resume()
    t.is(db.stats().failure, undefined)
    t.is(keysOf(db, names), 'a b')
    // What the failed group had is burned.
    t.true(db.stats().lastSequence > last)
    await db.put(b('f'), b('4'), { sync: true })
    t.true(db.stats().lastSequence > last + 1)
    t.is(keysOf(db, names), 'a b f')
    t.deepEqual(
      events.map(({ type }) => type).filter((type) => type !== 'flush'),
      ['recovery', 'failure', 'resume'],
    )
    await db.close()
    t.deepEqual(disk.openFiles(), [])

    const again = await open(undefined, disk)
    t.is(keysOf(again.db, names), 'a b f')
    t.deepEqual(again.db.recovery.dropped, [])
    await again.db.close()
  })
}

test('a short write that the system continues is no failure', async (t) => {
  const { disk, db } = await open()
  for (const sync of [false, true]) {
    disk.inject({ effect: 'short', kind: 'write', bytes: 5, path: LOG, times: 2 })
    disk.inject({ effect: 'fail', kind: 'write', code: 'EINTR', path: LOG, times: 2 })
    await db.put(b(`k${sync}`), b('v'), { sync })
  }
  await db.close()
  const again = await open(undefined, disk)
  t.is(keysOf(again.db, ['kfalse', 'ktrue']), 'kfalse ktrue')
  t.deepEqual(again.db.recovery.dropped, [])
  await again.db.close()
})

test('resume on a disk that still fails rejects, loses nothing, and can be called again', async (t) => {
  const { disk, db, events } = await open()
  await db.put(b('a'), b('1'))
  disk.inject({ effect: 'fail', kind: 'write', code: 'ENOSPC', times: Number.POSITIVE_INFINITY })
  await t.throwsAsync(db.put(b('b'), b('2')), { code: 'LEVEL_IO_ERROR' })
  for (let i = 0; i < 3; i++) {
    await t.throwsAsync(db.resume(), { code: 'LEVEL_IO_ERROR' })
    await refused(t, db)
    t.is(keysOf(db, ['a', 'b']), 'a')
  }
  disk.heal()
  await Promise.all([db.resume(), db.resume()])
  await db.put(b('c'), b('3'), { sync: true })
  t.is(events.filter(({ type }) => type === 'resume').length, 1)
  const image = disk.crashImage({ files: 'drop', entries: 'drop' }, new Random(SEED))
  await db.close()
  for (const left of [disk, image]) {
    const again = await open(undefined, left)
    t.is(keysOf(again.db, ['a', 'b', 'c']), 'a c')
    await again.db.close()
  }
})

test('resume without a failure does nothing', async (t) => {
  const { disk, db, events } = await open()
  await db.put(b('a'), b('1'))
  const operations = disk.operationCount
  await db.resume()
  t.is(disk.operationCount, operations)
  t.deepEqual(
    events.map(({ type }) => type),
    ['recovery'],
  )
  await db.close()
})

test('a resume that fails at any of its operations loses nothing, and the next one succeeds', async (t) => {
  const failed = async (): Promise<Scene> => {
    const scene = await open(4096)
    for (let i = 0; i < 5; i++) await scene.db.put(b(`k${i}`), Buffer.alloc(500, i))
    scene.disk.inject({ effect: 'fail', kind: 'sync', path: LOG })
    await t.throwsAsync(scene.db.put(b('failed'), b('v'), { sync: true }))
    return scene
  }
  const names = ['k0', 'k1', 'k2', 'k3', 'k4']
  const dry = await failed()
  const start = dry.disk.operationCount
  await dry.db.resume()
  const count = dry.disk.operationCount - start
  await dry.db.close()
  t.true(count > 15)
  for (const effect of ['fail', 'applied'] as const) {
    for (let i = 0; i < count; i++) {
      const { disk, db } = await failed()
      disk.inject({ effect, at: disk.operationCount + i })
      const message = seeded(`${effect} ${i}`)
      await db
        .resume()
        .catch((error: unknown) => t.is((error as SluiceError).code, 'LEVEL_IO_ERROR', message))
      t.is(keysOf(db, [...names, 'failed']), names.join(' '), message)
      disk.heal()
      await db.resume()
      await db.put(b('after'), b('v'), { sync: true })
      const image = disk.crashImage({ files: 'drop', entries: 'drop' }, new Random(SEED))
      await db.close()
      t.deepEqual(disk.openFiles(), [], message)
      for (const left of [disk, image]) {
        const again = await open(4096, left)
        t.is(
          keysOf(again.db, [...names, 'failed', 'after']),
          [...names, 'after'].join(' '),
          message,
        )
        await again.db.close()
      }
    }
  }
})

for (const [what, fault] of [
  [
    'the table cannot be written',
    { effect: 'fail', kind: 'write', path: /\.ldb$/, code: 'ENOSPC' },
  ],
  ['the table cannot be synced', { effect: 'fail', kind: 'sync', path: /\.ldb$/ }],
  [
    'the table cannot be created',
    { effect: 'fail', kind: 'create', path: /\.ldb$/, code: 'EMFILE' },
  ],
  [
    'the manifest cannot be written',
    { effect: 'fail', kind: 'write', path: /MANIFEST/, code: 'ENOSPC' },
  ],
  ['the manifest cannot be synced', { effect: 'fail', kind: 'sync', path: /MANIFEST/ }],
  ['the old log cannot be synced', { effect: 'fail', kind: 'sync', path: LOG }],
  ['the directory cannot be synced', { effect: 'fail', kind: 'sync-directory' }],
] as const) {
  test(`a flush fails where ${what}: reads go on, writes are refused, resume mends it`, async (t) => {
    const { disk, db, events } = await open()
    for (let i = 0; i < 5; i++) await db.put(b(`k${i}`), b('v'))
    disk.inject(fault)
    await t.throwsAsync(db.flushMemtable(), { code: 'LEVEL_IO_ERROR' })
    t.is(keysOf(db, ['k0', 'k1', 'k2', 'k3', 'k4']), 'k0 k1 k2 k3 k4')
    await refused(t, db)
    t.is(events.filter(({ type }) => type === 'failure').length, 1)
    const killed = disk.crashImage({ files: 'cache', entries: 'keep' }, new Random(SEED))
    await db.resume()
    t.is(keysOf(db, ['k0', 'k1', 'k2', 'k3', 'k4']), 'k0 k1 k2 k3 k4')
    await db.put(b('after'), b('v'))
    await db.flushMemtable()
    await db.close()
    for (const left of [disk, killed]) {
      const again = await open(undefined, left)
      t.is(keysOf(again.db, ['k0', 'k1', 'k2', 'k3', 'k4']), 'k0 k1 k2 k3 k4')
      await again.db.close()
    }
  })
}

test('a log that cannot be created refuses the switch alone, and the old log goes on', async (t) => {
  const { disk, db } = await open()
  await db.put(b('a'), b('1'))
  disk.inject({ effect: 'fail', kind: 'create', path: LOG, code: 'EMFILE' })
  await t.throwsAsync(db.write(null), { code: 'LEVEL_IO_ERROR' })
  t.is(db.stats().failure, undefined)
  await db.put(b('b'), b('2'), { sync: true })
  await db.flushMemtable()
  t.is(keysOf(db, ['a', 'b']), 'a b')
  await db.close()
  const again = await open(undefined, disk)
  t.is(keysOf(again.db, ['a', 'b']), 'a b')
  await again.db.close()
})

test('a failed database closes, and gives everything back', async (t) => {
  const { disk, db } = await open()
  await db.put(b('a'), b('1'), { sync: true })
  disk.inject({ effect: 'fail', kind: 'write', code: 'ENOSPC', path: LOG })
  const outcomes = Promise.allSettled(
    ['b', 'c'].map((key) => db.put(b(key), b('2'), { sync: true })),
  )
  await db.close()
  t.true((await outcomes).every(({ status }) => status === 'rejected'))
  t.deepEqual([disk.openFiles(), disk.lockCount], [[], 0])
  const again = await open(undefined, disk)
  t.is(keysOf(again.db, ['a', 'b', 'c']).slice(0, 1), 'a')
  await again.db.close()
})

test('a close whose files cannot be closed rejects with LEVEL_IO_ERROR and gives the lock back', async (t) => {
  for (const path of [LOG, /MANIFEST/]) {
    const { disk, db } = await open()
    await db.put(b('a'), b('1'))
    disk.inject({ effect: 'fail', kind: 'close', path })
    await t.throwsAsync(db.close(), { code: 'LEVEL_IO_ERROR' })
    t.deepEqual([disk.openFiles(), disk.lockCount], [[], 0])
    const again = await open(undefined, disk)
    t.is(keysOf(again.db, ['a']), 'a')
    await again.db.close()
  }
})

test('writers that outrun the disk wait, and their waits are told, counted and timed', async (t) => {
  const { db, events } = await open(1024)
  for (let i = 0; i < 100; i++) await db.put(b(`k${i}`), Buffer.alloc(300, i))
  const stalls = events.filter((event) => event.type === 'stall')
  const { memtable } = db.stats().stalls
  t.true(stalls.length > 0)
  t.is(memtable.count, stalls.filter(({ cause }) => cause === 'memtable').length)
  t.true(memtable.durationMs > 0)
  for (let i = 0; i < 100; i++) t.deepEqual(await db.get(b(`k${i}`)), Buffer.alloc(300, i))
  const flushes = events.filter((event) => event.type === 'flush')
  t.true(flushes.length > 5)
  t.is(db.stats().flush.count, flushes.length)
  await db.close()
})

// resume() used to look for obsolete files after it had let writes in again, and took the table of a
// flush that began meanwhile for one.
test('what is written and flushed while resume() ends stays', async (t) => {
  for (let seed = 0; seed < 40; seed++) {
    const disk = new SimulatedDisk(SEED + seed)
    const { db } = await open(4096, disk)
    await db.put(b('before'), b('1'), { sync: true })
    disk.inject({ effect: 'fail', kind: 'write', path: LOG, code: 'EIO', times: 1 })
    await t.throwsAsync(db.put(b('failed'), b('1'), { sync: true }), { code: 'LEVEL_IO_ERROR' })
    const resumed = db.resume()
    let attempts = 0
    for (;;) {
      try {
        await db.put(b('after'), b('2'), { sync: true })
        break
      } catch {
        if (++attempts > 10_000) throw new Error('writes are not taken again')
        await new Promise(setImmediate)
      }
    }
    await db.flushMemtable()
    await resumed
    t.is(keysOf(db, ['before', 'failed', 'after']), 'before after', `seed ${SEED + seed}`)
    await db.close()
    const again = await open(4096, disk)
    t.is(keysOf(again.db, ['before', 'failed', 'after']), 'before after', `seed ${SEED + seed}`)
    await again.db.close()
  }
})

test('writers that try again at once keep neither timers nor resume() waiting', async (t) => {
  const directory = scratchDirectory(t)
  const db = await DB.open(directory, { createIfMissing: true })
  fs.unlinkSync(
    join(
      directory,
      fs.readdirSync(directory).find((name) => LOG.test(name))!,
    ),
  )
  await t.throwsAsync(db.put(b('a'), b('1'), { sync: true }), { code: 'LEVEL_IO_ERROR' })
  const stop = new AbortController()
  let refusals = 0
  const writer = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await db.put(b('a'), b('2'))
      } catch {
        if (++refusals > 1_000_000) throw new Error('the event loop never turns')
      }
    }
  }
  const writers = [writer(), writer(), writer()]
  await setTimeout(20)
  await db.resume().finally(() => stop.abort())
  await Promise.all(writers)
  t.true(refusals > 0)
  await db.put(b('a'), b('3'), { sync: true })
  t.is(String(db.getSync(b('a'))), '3')
  await db.close()
})

test('a resume() that fails leaves the directory as it was', async (t) => {
  const { disk, db } = await open()
  await db.put(b('a'), Buffer.alloc(5000, 'a'), { sync: true })
  disk.inject({ effect: 'fail', kind: 'write', path: LOG, code: 'EIO', times: 1 })
  await t.throwsAsync(db.put(b('b'), b('2'), { sync: true }), { code: 'LEVEL_IO_ERROR' })
  const before = (await disk.readDirectory(DIRECTORY)).toSorted()
  disk.inject({ effect: 'fail', kind: 'create', path: /MANIFEST/, code: 'ENOSPC', times: Infinity })
  for (let attempt = 0; attempt < 3; attempt++) {
    await t.throwsAsync(db.resume(), { code: 'LEVEL_IO_ERROR' })
    t.deepEqual((await disk.readDirectory(DIRECTORY)).toSorted(), before)
  }
  disk.heal()
  await db.resume()
  t.is(keysOf(db, ['a', 'b']), 'a')
  await db.close()
})

// C++ LevelDB uses up the sequences of an append that failed, and goes on.
test('a log that the manifest names may begin at a later sequence', async (t) => {
  const { disk, db } = await open()
  await db.close()
  const name = (await disk.readDirectory(DIRECTORY)).find((found) => LOG.test(found))!
  const batch = new BatchBuffer()
  batch.put(b('a'), b('1'))
  batch.seal(5)
  await disk.writeFile(`${DIRECTORY}/${name}`, logOf([batch.bytes.subarray(0, batch.end)]))
  const again = await open(64 * 1024, disk)
  t.deepEqual(again.db.recovery.dropped, [])
  t.is(keysOf(again.db, ['a']), 'a')
  await again.db.close()
})
