// What the loops found in the engine, each as small as it would go, and by name.
//
// Every test goes through many seeds of the simulated disk: each was an order of completion.

import test, { type ExecutionContext } from 'ava'
import type { SluiceError } from '../../ts/format/error.ts'
import { checkCrashes, type CrashChoice, noCrashCounts } from './crash-loop.ts'
import { DIRECTORY } from './engine.ts'
import { Session } from './session.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { messageOf } from './violation.ts'
import { watched } from './watched.ts'
import { parseActions, smallWorkload, type Workload } from './workload.ts'

async function crash(t: ExecutionContext, line: string, choice: CrashChoice): Promise<void> {
  const counts = noCrashCounts()
  for (let seed = 1; seed <= 40; seed++) {
    const workload = smallWorkload(parseActions(line), seed)
    try {
      await checkCrashes(workload, counts, choice)
    } catch (error) {
      t.fail(`${messageOf(error)} --seed ${seed} --workload ${line}`)
      return
    }
  }
  t.true(counts.images > 0)
}

function workloadOf(seed: number): Workload {
  return smallWorkload([], seed)
}

test('a flush that ends before the old log is synced leaves that log to its sync', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const session = new Session(new SimulatedDisk(seed), workloadOf(seed))
    await session.open()
    for (let key = 0; key < 3; key++) {
      session.call([{ key, sizeBytes: 20 }], false)
      await session.step({ kind: 'flush', sync: false })
    }
    // A failure of the log would reject one of these.
    await session.settle()
    session.call([{ key: 0, sizeBytes: 20 }], true)
    await session.settle()
    await session.close()
  }
  t.pass()
})

test('what a later log holds is left out when an earlier one was lost whole', (t) =>
  crash(t, 'put,switch,put', { before: /\.log/, kind: 'prefix', secondPercent: 0 }))

test('the manifest tells where tables end, so that a log lost behind them is noticed', (t) =>
  crash(t, 'put,switch,put,switch,put', { before: /\.log/, kind: 'prefix', secondPercent: 0 }))

test('the manifest tells where tables end, also where a compaction writes to it', (t) =>
  crash(t, 'put,switch,put,switch,put,switch,put,switch,put', {
    before: /\(sync .*\.log/,
    secondPercent: 0,
  }))

test('the manifest never names a log whose directory entry can vanish', (t) =>
  crash(t, 'flush', { kind: 'data-only', secondPercent: 0 }))

test('a directory whose creation was killed before the parents were synced is made durable', (t) =>
  crash(t, 'sync', { before: /(create|sync)-directory/, kind: 'restart', secondPercent: 100 }))

test('CURRENT is durable before an opening adds files to what a killed creation left', async (t) => {
  for (let seed = 1; seed <= 4; seed++)
    await crash(t, 'put', { before: /sync-directory/, kind: 'restart', secondPercent: 100 })
})

test('a failing close of a log does not hide why the open failed', async (t) => {
  for (const kind of ['create', 'write', 'sync'] as const) {
    const disk = new SimulatedDisk(1)
    const session = new Session(disk, workloadOf(1))
    disk.inject({ effect: 'fail', code: 'EROFS', kind, path: /MANIFEST-000002/, times: Infinity })
    disk.inject({ effect: 'fail', code: 'EIO', kind: 'close', path: /\.log$/, times: Infinity })
    const error = await t.throwsAsync(session.open(), { code: 'LEVEL_DATABASE_NOT_OPEN' })
    t.like(error?.cause, { code: 'LEVEL_IO_ERROR', file: `${DIRECTORY}/MANIFEST-000002` })
    t.regex(String(error), /EROFS/)
    t.is(disk.openFileCount, 0)
    t.is(disk.lockCount, 0)
  }
})

test('closing reports a log that cannot be closed as an I/O error, and closes all else', async (t) => {
  for (const path of [/\.log$/, /MANIFEST/]) {
    const disk = new SimulatedDisk(1)
    const session = new Session(disk, workloadOf(1))
    await session.open()
    disk.inject({ effect: 'fail', code: 'EIO', kind: 'close', path })
    const error = await t.throwsAsync(session.db.close(), { code: 'LEVEL_IO_ERROR' })
    t.regex((error as SluiceError).file ?? '', path)
    t.is(disk.openFileCount, 0)
    t.is(disk.lockCount, 0)
  }
})

test('resume() outlives the failing sync of the log that it replaces', async (t) => {
  const disk = new SimulatedDisk(1)
  const session = new Session(disk, workloadOf(1))
  await session.open()
  session.call([{ key: 0, sizeBytes: 20 }], false)
  await session.settle()
  session.faultsAllowed = true
  // The flush fails at once; the old log, on its way to its sync, fails long after.
  disk.inject({ effect: 'fail', kind: 'create', path: /\.ldb$/ })
  disk.inject({ effect: 'fail', kind: 'sync', path: /\.log$/ })
  const release = disk.stall('sync', /\.log$/)
  await session.step({ kind: 'flush', sync: false })
  while (!session.refusesWrites) await disk.pause()
  const resumed = session.resume()
  for (let i = 0; i < 1000; i++) await disk.pause()
  release()
  await resumed
  session.faultsAllowed = false
  session.call([{ key: 2, sizeBytes: 20 }], true)
  await session.settle()
  await session.close()
  t.false(session.refusesWrites)
})

test('a sync write is not acknowledged once its log was removed from the directory', async (t) => {
  const disk = new SimulatedDisk(1)
  const session = new Session(disk, workloadOf(1))
  await session.open()
  const [path] = [...disk.contents(DIRECTORY).keys()].filter((name) => name.endsWith('.log'))
  await disk.unlink(path!)
  session.faultsAllowed = true
  session.call([{ key: 0, sizeBytes: 20 }], true)
  await session.settle()
  t.is(session.rejections.length, 1)
  t.regex(String(session.rejections[0]), /no longer in its directory/)
  await session.resume()
  session.faultsAllowed = false
  session.call([{ key: 0, sizeBytes: 20 }], true)
  await session.settle()
  await session.close()
})

test('compactRange() rejects when the database has failed before its turn comes', async (t) => {
  let rejections = 0
  for (let seed = 1; seed <= 100; seed++) {
    const disk = new SimulatedDisk(seed)
    const session = new Session(disk, workloadOf(seed))
    await session.open()
    session.faultsAllowed = true
    session.call([{ key: 0, sizeBytes: 20 }], false)
    await session.step({ kind: 'compact' })
    // Its flush ends at about the same time as this, which fails.
    disk.inject({ effect: 'fail', kind: 'stat', path: /\.log$/, skip: seed % 2 })
    for (let i = 0; i < 4; i++) session.call([{ key: 1, sizeBytes: 20 }], true)
    await watched('compactRange()', session.settle())
    rejections += session.rejections.length
    disk.heal()
    await session.close()
  }
  t.true(rejections > 100)
})
