// The write-ahead log across its files, over logs whose every call ends when the test says so.

import test from 'ava'
import { WriteAheadLog } from '../../ts/log/write-ahead-log.ts'
import { ScriptedLogs, settle, watch } from './scripted-log-file.ts'

const BYTES = Buffer.alloc(1024 * 1024)
const never = (error: unknown): void => {
  throw error
}

async function openLog(logs: ScriptedLogs): Promise<WriteAheadLog> {
  const { fileSystem, now } = logs
  const opening = WriteAheadLog.create({ fileSystem, directory: '/db', now }, 3)
  await logs.end('000003.log create')
  return opening
}

/** A log of which the file 3 retires and the file 4 is in use. `fails` collects what it hears. */
async function switched(
  logs: ScriptedLogs,
  unsynced: boolean,
  fails: unknown[] = [],
): Promise<WriteAheadLog> {
  const log = await openLog(logs)
  if (unsynced) await log.append(BYTES, 0, 10, false)
  const switching = log.switchTo(4, (error) => fails.push(error))
  await settle()
  await logs.end('000004.log create')
  await switching
  return log
}

test('a small append without sync is written in place', async (t) => {
  const logs = new ScriptedLogs()
  const log = await openLog(logs)
  t.is(log.append(BYTES, 5, 15, false), undefined)
  t.deepEqual(logs.calls, ['000003.log create', '000003.log inline 10'])
  t.is(log.number, 3)
  t.is(log.path, '/db/000003.log')
})

test('an append with sync, or a large one, is a job, and ends with it', async (t) => {
  for (const [size, sync] of [
    [10, true],
    [BYTES.length, false],
    [BYTES.length, true],
  ] as const) {
    const logs = new ScriptedLogs()
    const log = await openLog(logs)
    const append = watch(log.append(BYTES, 0, size, sync))
    await settle()
    t.is(append.state, 'pending')
    await logs.end(`000003.log append ${size}${sync ? ' sync' : ''}`)
    t.is(append.state, 'done')
  }
})

test('an append that fails rejects with the error of the system', async (t) => {
  const logs = new ScriptedLogs()
  const log = await openLog(logs)
  const append = watch(log.append(BYTES, 0, 10, true))
  await logs.end('000003.log append 10 sync', new Error('ENOSPC'))
  t.is(append.state, 'ENOSPC')
  logs.inlineError = new Error('EIO')
  t.throws(() => log.append(BYTES, 0, 10, false), { message: 'EIO' })
})

test('a switch syncs what the old file has unsynced, closes it, and then syncs the directory', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  t.is(log.number, 4)
  t.deepEqual(logs.pendingNames, ['000003.log sync'])
  await logs.end('000003.log sync')
  t.deepEqual(logs.pendingNames, ['000003.log close'])
  await logs.end('000003.log close')
  t.deepEqual(logs.pendingNames, ['/db sync-directory'])
  const retired = watch(log.retired())
  await settle()
  t.is(retired.state, 'pending')
  await logs.end('/db sync-directory')
  t.is(retired.state, 'done')
})

test('an old file that is synced already is only closed', async (t) => {
  const logs = new ScriptedLogs()
  const log = await openLog(logs)
  await log.append(BYTES, 0, 10, false)
  const append = log.append(BYTES, 0, 10, true)
  await logs.end('000003.log append 10 sync')
  await append
  const switching = log.switchTo(4, never)
  await settle()
  await logs.end('000004.log create')
  await switching
  t.deepEqual(logs.pendingNames, ['000003.log close'])
})

test('what a job without sync wrote is unsynced too', async (t) => {
  const logs = new ScriptedLogs()
  const log = await openLog(logs)
  const append = log.append(BYTES, 0, BYTES.length, false)
  await logs.end(`000003.log append ${BYTES.length}`)
  await append
  const switching = log.switchTo(4, never)
  await settle()
  await logs.end('000004.log create')
  await switching
  t.deepEqual(logs.pendingNames, ['000003.log sync'])
})

test('a sync append behind a switch waits for the old file and for the new name', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  const append = watch(log.append(BYTES, 0, 10, true))
  await settle()
  for (const step of ['000003.log sync', '000003.log close', '/db sync-directory']) {
    t.deepEqual(logs.pendingNames, [step])
    t.is(append.state, 'pending')
    await logs.end(step)
  }
  t.deepEqual(logs.pendingNames, ['000004.log append 10 sync'])
  await logs.end('000004.log append 10 sync')
  t.is(append.state, 'done')
  t.is(logs.mostJobs, 1)
})

test('a large append without sync waits too: one job at a time', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  const append = watch(log.append(BYTES, 0, BYTES.length, false))
  await settle()
  t.deepEqual(logs.pendingNames, ['000003.log sync'])
  await logs.end('000003.log sync')
  await logs.end('000003.log close')
  await logs.end('/db sync-directory')
  await logs.end(`000004.log append ${BYTES.length}`)
  t.is(append.state, 'done')
  t.is(logs.mostJobs, 1)
})

test('a small append without sync does not wait for the old file', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  t.is(log.append(BYTES, 0, 10, false), undefined)
  t.is(logs.calls.at(-1), '000004.log inline 10')
})

test('a second switch waits until the first has retired', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  const second = watch(log.switchTo(5, never))
  await settle()
  t.deepEqual(logs.pendingNames, ['000003.log sync'])
  await logs.end('000003.log sync')
  await logs.end('000003.log close')
  await logs.end('/db sync-directory')
  t.deepEqual(logs.pendingNames, ['000005.log create'])
  await logs.end('000005.log create')
  t.is(second.state, 'done')
  t.is(log.number, 5)
})

test('a switch whose file cannot be created goes on in the old one', async (t) => {
  const logs = new ScriptedLogs()
  const log = await openLog(logs)
  const switching = watch(log.switchTo(4, never))
  await settle()
  await logs.end('000004.log create', new Error('EMFILE'))
  t.is(switching.state, 'EMFILE')
  t.is(log.number, 3)
  t.is(log.append(BYTES, 0, 10, false), undefined)
  t.is(logs.calls.at(-1), '000003.log inline 10')
  const append = watch(log.append(BYTES, 0, 10, true))
  await logs.end('000003.log append 10 sync')
  t.is(append.state, 'done')
  const again = watch(log.switchTo(5, never))
  await settle()
  await logs.end('000005.log create')
  t.is(again.state, 'done')
})

for (const step of ['000003.log sync', '000003.log close', '/db sync-directory']) {
  test(`a retirement that fails at '${step}' is told once, and nothing is appended after it`, async (t) => {
    const logs = new ScriptedLogs()
    const fails: unknown[] = []
    const log = await switched(logs, true, fails)
    const waiting = watch(log.append(BYTES, 0, 10, true))
    await settle()
    for (const before of ['000003.log sync', '000003.log close', '/db sync-directory']) {
      if (before === step) break
      await logs.end(before)
    }
    await logs.end(step, new Error('EIO'))
    // A file that cannot be synced is closed all the same.
    if (step === '000003.log sync') await logs.end('000003.log close')
    t.deepEqual(
      fails.map((error) => (error as Error).message),
      ['EIO'],
    )
    t.is(waiting.state, 'EIO')
    const calls = logs.calls.length
    t.throws(() => log.append(BYTES, 0, 10, false), { message: 'EIO' })
    await t.throwsAsync(async () => log.append(BYTES, 0, 10, true), { message: 'EIO' })
    await t.throwsAsync(async () => log.append(BYTES, 0, BYTES.length, false), { message: 'EIO' })
    await t.throwsAsync(log.retired(), { message: 'EIO' })
    await t.throwsAsync(log.switchTo(5, never), { message: 'EIO' })
    t.is(logs.calls.length, calls)
    t.is(fails.length, 1)
  })
}

test('after a slow write in place the next goes by the pool, until one of those is quick', async (t) => {
  const logs = new ScriptedLogs()
  const log = await openLog(logs)
  logs.inlineMs = 2
  t.is(log.append(BYTES, 0, 10, false), undefined)
  logs.inlineMs = 2.1
  t.is(log.append(BYTES, 0, 10, false), undefined)
  for (const [durationMs, isNextInline] of [
    [500, false],
    [3, false],
    [1, true],
  ] as const) {
    const append = log.append(BYTES, 0, 10, false)
    t.not(append, undefined)
    logs.clock.nowMs += durationMs
    await logs.end('000003.log append 10')
    await append
    if (isNextInline) t.is(log.append(BYTES, 0, 10, false), undefined)
  }
})

test('a quick sync says nothing about writes in place', async (t) => {
  const logs = new ScriptedLogs()
  const log = await openLog(logs)
  logs.inlineMs = 100
  await log.append(BYTES, 0, 10, false)
  const sync = log.append(BYTES, 0, 10, true)
  await logs.end('000003.log append 10 sync')
  await sync
  t.not(log.append(BYTES, 0, 10, false), undefined)
})

test('close waits for the old file, then closes the one in use', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  const closing = watch(log.close())
  await settle()
  t.deepEqual(logs.pendingNames, ['000003.log sync'])
  await logs.end('000003.log sync')
  await logs.end('000003.log close')
  await logs.end('/db sync-directory')
  t.deepEqual(logs.pendingNames, ['000004.log close'])
  t.is(closing.state, 'pending')
  await logs.end('000004.log close')
  t.is(closing.state, 'done')
})

test('a log that cannot be closed says so, and can be abandoned in silence', async (t) => {
  for (const name of ['close', 'abandon'] as const) {
    const logs = new ScriptedLogs()
    const log = await openLog(logs)
    const closing = log[name]()
    const outcome = name === 'close' ? t.throwsAsync(closing, { code: 'LEVEL_IO_ERROR' }) : closing
    await settle()
    await logs.end('000003.log close', new Error('EIO'))
    await outcome
  }
  t.pass()
})

test('a first file that cannot be created is the error of the system', async (t) => {
  const logs = new ScriptedLogs()
  const { fileSystem, now } = logs
  const opening = watch(WriteAheadLog.create({ fileSystem, directory: '/db', now }, 3))
  await logs.end('000003.log create', new Error('EACCES'))
  t.is(opening.state, 'EACCES')
})

// ---- Appends on the calling thread ----

test('appendNow waits for the append in flight, whose bytes stay before its own', async (t) => {
  const logs = new ScriptedLogs()
  const log = await openLog(logs)
  const append = watch(log.append(BYTES, 0, 10, true))
  await settle()
  t.true(log.canAppendNow(true))
  log.appendNow(BYTES, 0, 20, true)
  t.deepEqual(logs.calls.slice(1), [
    '000003.log append 10 sync',
    '000003.log join',
    '000003.log inline 20 sync',
  ])
  await logs.end('000003.log append 10 sync')
  t.is(append.state, 'done')
})

test('where a thread cannot wait for a job, appendNow cannot come while one is in flight', async (t) => {
  const logs = new ScriptedLogs()
  logs.joins = false
  const log = await openLog(logs)
  t.true(log.canAppendNow(true))
  void log.append(BYTES, 0, 10, true)
  await settle()
  t.false(log.canAppendNow(false))
  await logs.end('000003.log append 10 sync')
  t.true(log.canAppendNow(false))
})

test('appendNow ends what a retiring file has to do, and what waits for that, before a durable append', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  const waiting = watch(log.append(BYTES, 0, 10, true))
  await settle()
  const before = logs.calls.length
  log.appendNow(BYTES, 0, 20, true)
  t.deepEqual(logs.calls.slice(before), [
    '000003.log join',
    '000003.log inline sync',
    '/db inline sync-directory',
    '000004.log inline 10 sync',
    '000004.log inline 20 sync',
  ])
  await logs.end('000003.log sync')
  await logs.end('000003.log close')
  await logs.end('/db sync-directory')
  t.is(waiting.state, 'done')
  t.false(logs.calls.includes('000004.log append 10 sync'))
})

test('while the directory is being synced appendNow can write nothing that is to be durable', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  t.true(log.canAppendNow(true))
  await logs.end('000003.log sync')
  await logs.end('000003.log close')
  t.false(log.canAppendNow(true), 'a second sync may say that all is well where the first fails')
  t.true(log.canAppendNow(false))
  const waiting = watch(log.append(BYTES, 0, 10, true))
  await settle()
  t.false(log.canAppendNow(false), 'behind an append that waits for it')
  await logs.end('/db sync-directory')
  await logs.end('000004.log append 10 sync')
  t.is(waiting.state, 'done')
  t.true(log.canAppendNow(true))
})

test('an append that waits for a retiring file fails where appendNow could not write it', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  const waiting = watch(log.append(BYTES, 0, 10, true))
  await settle()
  logs.inlineError = new Error('ENOSPC')
  t.throws(() => log.appendNow(BYTES, 0, 20, true), { message: 'ENOSPC' })
  await logs.end('000003.log sync')
  await logs.end('000003.log close')
  await logs.end('/db sync-directory')
  t.is(waiting.state, 'pending')
  // A real file answers with its poison.
  await logs.end('000004.log append 10 sync', new Error('ENOSPC'))
  t.is(waiting.state, 'ENOSPC')
})

test('after a sync of the directory that failed in appendNow no append of the log succeeds', async (t) => {
  const logs = new ScriptedLogs()
  const log = await switched(logs, true)
  const waiting = watch(log.append(BYTES, 0, 10, true))
  await settle()
  logs.directoryError = new Error('EIO')
  t.throws(() => log.appendNow(BYTES, 0, 20, true), { message: 'EIO' })
  logs.directoryError = undefined
  await logs.end('000003.log sync')
  await logs.end('000003.log close')
  await logs.end('/db sync-directory')
  t.is(waiting.state, 'EIO')
  t.throws(() => log.appendNow(BYTES, 0, 20, true), { message: 'EIO' })
})

test('appendNow without sync leaves a retiring file alone', async (t) => {
  const logs = new ScriptedLogs()
  logs.joins = false
  const log = await switched(logs, true)
  t.false(log.canAppendNow(true))
  t.true(log.canAppendNow(false))
  const before = logs.calls.length
  log.appendNow(BYTES, 0, 20, false)
  t.deepEqual(logs.calls.slice(before), ['000004.log inline 20'])
})

test('a file whose sync failed while it retired lets no durable append through', async (t) => {
  const logs = new ScriptedLogs()
  const fails: unknown[] = []
  const log = await switched(logs, true, fails)
  await logs.end('000003.log sync', new Error('EIO'))
  // Not closed yet, and nobody has heard of it.
  t.deepEqual(fails, [])
  log.appendNow(BYTES, 0, 20, true)
  t.true(logs.calls.includes('000003.log inline sync'), 'its poison is asked for')
})

test('what appendNow wrote behind a synced append in flight is unsynced still', async (t) => {
  const logs = new ScriptedLogs()
  const log = await openLog(logs)
  const append = watch(log.append(BYTES, 0, 10, true))
  await settle()
  log.appendNow(BYTES, 0, 20, false)
  await logs.end('000003.log append 10 sync')
  t.is(append.state, 'done')
  const switching = log.switchTo(4, never)
  await settle()
  await logs.end('000004.log create')
  await switching
  t.deepEqual(logs.pendingNames, ['000003.log sync'])
})
