// Writes that are done when the call returns, on a real directory and on either binding.

import test, { type ExecutionContext } from 'ava'
import { binding, DB, type DBOptions, WriteBatch } from '../../ts/index.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

async function open(t: ExecutionContext, options: DBOptions = {}): Promise<DB> {
  const db = await DB.open(scratchDirectory(t, FAST_ROOT), { createIfMissing: true, ...options })
  t.teardown(() => db.close())
  return db
}

const key = (name: string | number): Buffer => Buffer.from(`${name}`)

test('a write is read, and with sync counted as one, when the call returns', async (t) => {
  const db = await open(t)
  db.putSync(key('a'), key(1))
  t.deepEqual(db.getSync(key('a')), key(1))
  t.is(db.stats().write.syncs.count, 0)
  db.putSync(key('a'), key(2), { sync: true })
  t.is(db.stats().write.syncs.count, 1)
  db.writeSync(new WriteBatch().put(key('b'), key(3)).delete(key('a')), { sync: true })
  t.is(db.getSync(key('a')), undefined)
  t.deepEqual(db.getSync(key('b')), key(3))
  db.deleteSync(key('b'))
  t.is(db.getSync(key('b')), undefined)
  t.is(db.stats().write.writes, 4)
})

test('it comes behind every write that was called before it, and those are done with it', async (t) => {
  const db = await open(t)
  const writes = [
    db.put(key('k'), key('first'), { sync: true }),
    db.put(key('k'), key('second')),
    db.put(key('before'), key('x')),
    db.write(null),
    db.put(key('behind a switch'), key('x')),
  ]
  db.putSync(key('k'), key('last'))
  t.deepEqual(db.getSync(key('k')), key('last'))
  t.truthy(db.getSync(key('before')))
  t.truthy(db.getSync(key('behind a switch')))
  await Promise.all(writes)
  t.deepEqual(db.getSync(key('k')), key('last'))
  await db.close()
  const again = await DB.open(db.path)
  t.deepEqual(again.getSync(key('k')), key('last'))
  await again.close()
})

test('behind an append in flight it waits for it, or is refused where a thread cannot wait', async (t) => {
  const db = await open(t)
  for (let i = 0; i < 200; i++) {
    const inFlight = db.put(key('k'), key('in flight'), { sync: true })
    // The group starts at the end of the turn.
    await new Promise((resolve) => process.nextTick(resolve))
    if (binding.kind === 'native') {
      db.putSync(key('k'), key(i), { sync: i % 2 === 0 })
      t.deepEqual(db.getSync(key('k')), key(i))
    } else {
      t.throws(() => db.putSync(key('k'), key(i)), { code: 'LEVEL_BUSY' })
    }
    await inFlight
  }
  t.deepEqual(db.getSync(key('k')), key(binding.kind === 'native' ? 199 : 'in flight'))
  await db.close()
  const again = await DB.open(db.path)
  t.deepEqual(again.getSync(key('k')), key(binding.kind === 'native' ? 199 : 'in flight'))
  t.deepEqual(again.recovery.dropped, [])
  await again.close()
})

test('a loop that never lets go of the thread outgrows the memtable, up to a limit', async (t) => {
  const db = await open(t, { writeBufferSize: 64 * 1024 })
  const value = Buffer.alloc(1000, 'v')
  let count = 0
  const error = t.throws(() => {
    for (;;) db.putSync(key(count++), value)
  })
  t.is((error as { code?: string }).code, 'LEVEL_BUSY')
  count--
  // Sixteen of its size, of entries of some 1,030 bytes.
  t.true(count > 950 && count < 1048, `${count}`)
  await db.flushMemtable()
  t.true(db.stats().flush.count > 0)
  db.putSync(key('after'), value)
  for (let i = 0; i < count; i++) t.deepEqual(db.getSync(key(i)), value)
  t.is(db.getSync(key(count)), undefined)
})

test('an iterator that is open while the memtable grows sees what it saw', async (t) => {
  const db = await open(t, { writeBufferSize: 64 * 1024 })
  db.putSync(key('a'), key(1))
  const iterator = db.iterator()
  for (let i = 0; i < 200; i++) db.putSync(key(i), Buffer.alloc(1000))
  t.deepEqual(iterator.nextvSync(10), [[key('a'), key(1)]])
  await iterator.close()
})

test('wrong arguments, a closed database and a read-only one are refused', async (t) => {
  const db = await open(t)
  t.throws(() => db.putSync('a' as never, key(1)), { code: 'LEVEL_INVALID_KEY' })
  t.throws(() => db.putSync(key('a'), null as never), { code: 'LEVEL_INVALID_VALUE' })
  t.throws(() => db.writeSync(null as never), { instanceOf: TypeError })
  t.throws(() => db.putSync(key('a'), key(1), { sync: 1 as never }), { instanceOf: TypeError })
  const signal = AbortSignal.abort()
  t.throws(() => db.putSync(key('a'), key(1), { signal }), { code: 'LEVEL_ABORTED' })
  t.is(db.stats().write.writes, 0)
  await db.close()
  t.throws(() => db.putSync(key('a'), key(1)), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  const reader = await DB.open(db.path, { readOnly: true })
  t.throws(() => reader.deleteSync(key('a')), { code: 'LEVEL_NOT_SUPPORTED' })
  await reader.close()
})
