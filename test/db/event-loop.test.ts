// The event loop beside reads that memory can answer: whoever else waits for a turn gets it.

import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DB, type DBOptions, WriteBatch } from '../../ts/index.ts'
import { SEED } from '../format/seed.ts'
import { Random } from '../crash/random.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const KEYS = 60_000

const keyOf = (i: number): Buffer => Buffer.from(`k${String(i).padStart(7, '0')}`)

async function open(t: ExecutionContext, options: DBOptions = {}): Promise<DB> {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const db = await DB.open(path, { createIfMissing: true, writeBufferSize: 32 << 20, ...options })
  t.teardown(() => db.close())
  return db
}

/** Deleted ones, with one key before and one behind them. */
async function fillWithDeletions(db: DB): Promise<void> {
  const batch = new WriteBatch()
  for (let i = 1; i < KEYS; i++) batch.delete(keyOf(i))
  batch.put(keyOf(0), Buffer.from('first')).put(keyOf(KEYS), Buffer.from('last'))
  await db.write(batch)
}

async function fill(db: DB): Promise<void> {
  const batch = new WriteBatch()
  for (let i = 0; i < KEYS; i++) batch.put(keyOf(i), Buffer.from(`v${i}`))
  await db.write(batch)
}

/** How many turns the event loop has had while the work was done. */
async function turnsDuring<T>(work: () => Promise<T>): Promise<{ turns: number; result: T }> {
  let turns = 0
  let immediate: NodeJS.Immediate
  const tick = (): void => {
    turns++
    immediate = setImmediate(tick)
  }
  immediate = setImmediate(tick)
  try {
    return { result: await work(), turns }
  } finally {
    clearImmediate(immediate)
  }
}

for (const reverse of [false, true]) {
  const direction = reverse ? 'backwards' : 'forwards'

  test(`a scan ${direction} over deletions alone gives turns`, async (t) => {
    const db = await open(t)
    await fillWithDeletions(db)
    const { turns, result } = await turnsDuring(() => db.iterator({ reverse }).all())
    t.is(result.length, 2)
    t.true(turns >= 5, String(turns))
    const sync = db.iterator({ reverse })
    t.is(sync.nextvSync(10).length, 2, 'and nothing is missed where there are no turns')
    await sync.close()
  })

  test(`a scan ${direction} of nothing but a count gives turns, whatever the chunks`, async (t) => {
    const db = await open(t)
    await fill(db)
    const options = { reverse, keys: false, values: false } as const
    const whole = await turnsDuring(() => db.iterator(options).nextv(1e9))
    t.is(whole.result.length, KEYS)
    t.true(whole.turns >= 5, String(whole.turns))
    const single = await turnsDuring(async () => {
      let count = 0
      for await (const [key] of db.iterator(options)) count += key === undefined ? 1 : 0
      return count
    })
    t.is(single.result, KEYS)
    t.true(single.turns >= 5, String(single.turns))
  })
}

test('a scan over deletions can be aborted and closed in the middle of it', async (t) => {
  const db = await open(t)
  await fillWithDeletions(db)
  const iterator = db.iterator({ gt: keyOf(0) })
  const controller = new AbortController()
  const aborted = iterator.nextv(10, { signal: controller.signal })
  setImmediate(() => controller.abort())
  await t.throwsAsync(aborted, { code: 'LEVEL_ABORTED' })
  const [entry] = await iterator.nextv(10)
  t.is(String(entry?.[1]), 'last', 'the next call goes on where it was')
  await iterator.close()
  const closed = db.iterator({ gt: keyOf(0) })
  const waiting = closed.next()
  await closed.close()
  await t.throwsAsync(waiting, { code: 'LEVEL_ITERATOR_NOT_OPEN' })
})

test('a loop of gets that memory answers gives turns', async (t) => {
  const db = await open(t)
  await fill(db)
  const { turns } = await turnsDuring(async () => {
    for (let i = 0; i < 20_000; i++) await db.get(keyOf(i % KEYS))
  })
  t.true(turns >= 5, String(turns))
})

test('getMany of very many keys gives turns, and answers as of one moment', async (t) => {
  const db = await open(t, { writeBufferSize: 4 << 20 })
  await fill(db)
  const random = new Random(SEED)
  const wanted = Array.from({ length: 100_000 }, () => random.below(KEYS))
  const keys = wanted.map((i) => keyOf(i))
  // None of this is seen: neither writes, nor that the memory of the memtable is used again, nor what
  // is done to the keys.
  const end = new AbortController()
  const disturb = async (): Promise<number> => {
    const batch = new WriteBatch()
    for (let i = 0; i < KEYS; i++) batch.put(keyOf(i), Buffer.from('other'))
    let rounds = 0
    for (; !end.signal.aborted; rounds++) {
      await db.flushMemtable()
      await db.write(batch)
    }
    return rounds
  }
  const { turns, result } = await turnsDuring(async () => {
    const reading = db.getMany(keys)
    for (const key of keys) key.fill(0)
    const disturbing = disturb()
    const values = await reading
    end.abort()
    t.log(`${await disturbing} flushes meanwhile`)
    return values
  })
  t.true(turns >= 100, String(turns))
  t.deepEqual(
    result.map((value) => String(value)),
    wanted.map((i) => `v${i}`),
  )
})

test('getMany of very many keys reads those that memory does not have', async (t) => {
  const db = await open(t, { cacheSize: 64 * 1024 })
  await fill(db)
  await db.flushMemtable()
  await db.put(keyOf(7), Buffer.from('newer'))
  await db.delete(keyOf(8))
  const keys = Array.from({ length: 5000 }, (_, i) => keyOf(i * 13))
  const values = await db.getMany([...keys, keyOf(7), keyOf(8)])
  t.deepEqual(
    values.map((value) => value?.toString()),
    [...keys.map((_, i) => (i * 13 < KEYS ? `v${i * 13}` : undefined)), 'newer', undefined],
  )
})

test('getMany of very many keys ends with the database', async (t) => {
  const db = await open(t)
  await fill(db)
  await db.flushMemtable()
  const reading = db.getMany(Array.from({ length: 20_000 }, (_, i) => keyOf(i)))
  const closing = db.close()
  const [outcome] = await Promise.allSettled([reading])
  if (outcome.status === 'rejected') {
    t.is((outcome.reason as { code?: string }).code, 'LEVEL_DATABASE_NOT_OPEN')
  } else {
    t.is(outcome.value.length, 20_000)
  }
  await closing
})
