// What the tracing channels tell, and in which order. One after the other: channels are the process's.

import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import fs from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DB, type DBOptions, type SluiceError, WriteBatch } from '../../ts/index.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

interface Message {
  readonly result?: unknown
  readonly error?: unknown
  readonly path: string
}

const key = (name: string | number): Buffer => Buffer.from(`${name}`)
const PHASES = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
const ASYNC = 'start end asyncStart asyncEnd'
const ASYNC_FAILED = 'start end error asyncStart asyncEnd'

/** Listens to one channel until the test ends: by message, its phases. */
function listen(t: ExecutionContext, name: string): Map<Message, string[]> {
  const told = new Map<Message, string[]>()
  const channel = tracingChannel(`sluicedb:${name}`)
  const note = (phase: string) => (message: unknown) => {
    const phases = told.get(message as Message) ?? []
    told.set(message as Message, [...phases, phase])
  }
  const subscribers = Object.fromEntries(PHASES.map((phase) => [phase, note(phase)]))
  channel.subscribe(subscribers as never)
  t.teardown(() => {
    channel.unsubscribe(subscribers as never)
  })
  return told
}

function onlyOne(t: ExecutionContext, told: Map<Message, string[]>, phases: string): Message {
  t.is(told.size, 1)
  const [message, seen] = [...told][0]!
  t.is(seen.join(' '), phases)
  told.clear()
  return message
}

async function open(t: ExecutionContext, options: DBOptions = {}): Promise<DB> {
  const db = await DB.open(scratchDirectory(t, FAST_ROOT), { createIfMissing: true, ...options })
  t.teardown(() => db.close())
  return db
}

test.serial('open and recovery tell of an opening, and what it found', async (t) => {
  const opened = listen(t, 'open')
  const recovered = listen(t, 'recovery')
  const db = await open(t)
  for (const told of [opened, recovered]) {
    const { result } = onlyOne(t, told, ASYNC)
    t.is(result, db.recovery)
  }
  await db.close()
  const reader = await DB.open(db.path, { readOnly: true })
  for (const told of [opened, recovered]) {
    const message = onlyOne(t, told, ASYNC)
    t.deepEqual({ ...message }, { path: db.path, readOnly: true, result: reader.recovery } as never)
  }
  await reader.close()
})

test.serial('an opening that fails tells its error', async (t) => {
  const opened = listen(t, 'open')
  const recovered = listen(t, 'recovery')
  const path = scratchDirectory(t, FAST_ROOT)
  fs.writeFileSync(join(path, 'CURRENT'), 'MANIFEST-000001\n')
  await t.throwsAsync(DB.open(path))
  const { error } = onlyOne(t, opened, ASYNC_FAILED)
  t.is((error as SluiceError).code, 'LEVEL_DATABASE_NOT_OPEN')
  t.is(onlyOne(t, recovered, ASYNC_FAILED).error, (error as SluiceError).cause)
})

test.serial('write tells of each call, how much it writes and whether it is synced', async (t) => {
  const db = await open(t)
  const told = listen(t, 'write')
  const { path } = db
  await db.put(key('ab'), key('cde'), { sync: true })
  // A record: type, length of the key, key, length of the value, value.
  t.deepEqual({ ...onlyOne(t, told, ASYNC) }, {
    path,
    writes: 1,
    sizeBytes: 8,
    sync: true,
    result: undefined,
  } as never)
  await db.delete(key('ab'))
  t.like(onlyOne(t, told, ASYNC), { writes: 1, sizeBytes: 4, sync: false })
  await db.write(new WriteBatch().put(key('a'), key('b')).delete(key('c')))
  t.like(onlyOne(t, told, ASYNC), { writes: 2, sizeBytes: 8, sync: false })
  db.putSync(key('a'), key('b'), { sync: true })
  t.like(onlyOne(t, told, 'start end'), { writes: 1, sizeBytes: 5, sync: true })
  await t.throwsAsync(db.put(key('a'), null as never))
  t.is(told.size, 0)
})

test.serial('a write that fails tells its error', async (t) => {
  const db = await open(t)
  const told = listen(t, 'write')
  const logs = fs.readdirSync(db.path).filter((name) => name.endsWith('.log'))
  for (const name of logs) fs.unlinkSync(join(db.path, name))
  const error = await t.throwsAsync(db.put(key('a'), key('b'), { sync: true }))
  t.is(onlyOne(t, told, ASYNC_FAILED).error, error)
  const refusal = t.throws(() => db.putSync(key('a'), key('b')))
  t.is(onlyOne(t, told, 'start error end').error, refusal)
  await db.close().catch(() => undefined)
})

test.serial('get tells how many keys were asked for and found', async (t) => {
  const db = await open(t)
  db.putSync(key('a'), key('1'))
  const told = listen(t, 'get')
  await db.get(key('a'))
  t.deepEqual({ ...onlyOne(t, told, ASYNC) }, {
    path: db.path,
    keys: 1,
    result: { found: 1 },
  } as never)
  await db.getMany([key('a'), key('b'), key('c')])
  t.like(onlyOne(t, told, ASYNC), { keys: 3, result: { found: 1 } })
  db.getSync(key('b'))
  t.like(onlyOne(t, told, 'start end'), { keys: 1, result: { found: 0 } })
})

test.serial('sync tells of each synced group and its log', async (t) => {
  const db = await open(t)
  const told = listen(t, 'sync')
  await db.put(key('a'), key('1'))
  t.is(told.size, 0)
  await Promise.all([
    db.put(key('a'), key('1'), { sync: true }),
    db.put(key('b'), key('2'), { sync: true }),
  ])
  const message = onlyOne(t, told, ASYNC)
  // A batch: a header of 12 bytes and two records.
  t.like(message, { sizeBytes: 12 + 2 * 5 })
  t.regex(message.path, /\.log$/)
  db.putSync(key('c'), key('3'), { sync: true })
  t.like(onlyOne(t, told, 'start end'), { sizeBytes: 12 + 5, path: message.path })
})

test.serial('flush and compaction tell of the tables that they make', async (t) => {
  const db = await open(t)
  const flushes = listen(t, 'flush')
  const compactions = listen(t, 'compaction')
  for (const value of ['1', '2']) {
    for (const name of ['a', 'z']) await db.put(key(name), key(value))
    await db.flushMemtable()
    const { result } = onlyOne(t, flushes, ASYNC)
    const { fileNumber, sizeBytes } = result as { fileNumber: number; sizeBytes: number }
    t.is(fs.statSync(join(db.path, `${String(fileNumber).padStart(6, '0')}.ldb`)).size, sizeBytes)
  }
  await db.compactRange()
  const [message, phases] = [...compactions][0]!
  t.is(phases.join(' '), ASYNC)
  t.like(message, { path: db.path, level: 0, inputFiles: 2 })
  const result = message.result as { readBytes: number; writtenBytes: number }
  t.like(result, { outputFiles: 1 })
  t.true(result.writtenBytes > 0 && result.writtenBytes < result.readBytes)
})

test.serial('stall tells of a write that waits at the gate', async (t) => {
  const db = await open(t, { writeBufferSize: 2048 })
  const told = listen(t, 'stall')
  for (let i = 0; i < 20; i++) await db.put(key(i), Buffer.alloc(1500))
  t.true(told.size > 0)
  const { stalls } = db.stats()
  const counted = Object.values(stalls).reduce((sum, { count }) => sum + count, 0)
  t.is(told.size, counted)
  for (const [message, phases] of told) {
    t.is(message.path, db.path)
    t.is(phases.join(' '), ASYNC)
    t.true(Object.keys(stalls).includes((message as unknown as { cause: string }).cause))
  }
})

test.serial('nobody listens when nobody has subscribed', (t) => {
  for (const name of ['open', 'recovery', 'write', 'get', 'sync', 'flush', 'compaction', 'stall']) {
    t.false(tracingChannel(`sluicedb:${name}`).hasSubscribers, name)
  }
})

test.serial('a store that is bound to start holds during the call', async (t) => {
  const db = await open(t)
  const storage = new AsyncLocalStorage<string>()
  const channel = tracingChannel('sluicedb:get')
  channel.start.bindStore(storage, () => 'span')
  const told: (string | undefined)[] = []
  const subscribers = { end: () => told.push(storage.getStore()) }
  channel.subscribe(subscribers as never)
  t.teardown(() => {
    channel.unsubscribe(subscribers as never)
    channel.start.unbindStore(storage)
  })
  await db.get(key('a'))
  db.getSync(key('a'))
  t.deepEqual(told, ['span', 'span'])
})
