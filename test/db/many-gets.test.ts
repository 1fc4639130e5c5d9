// Many gets at once, which share jobs of the pool: each has the answer that it would have alone.

import fs from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DB, type DBOptions, type DBReadOptions, SluiceError, WriteBatch } from '../../ts/index.ts'
import { Random } from '../crash/random.ts'
import { seeded, SEED } from '../format/seed.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const KEYS = 3000
const OPTIONS: DBOptions = {
  createIfMissing: true,
  writeBufferSize: 64 * 1024,
  cacheSize: 64 * 1024,
}

const keyOf = (i: number): Buffer => Buffer.from(`k${String(i).padStart(6, '0')}`)

/** Values of all lengths, most of them short. */
function randomValue(random: Random): Buffer {
  return random.bytes(random.below(random.pick([10, 200, 200, 6000])))
}

/** A database of several levels, with keys that were written again, deleted, or never there. */
async function fill(path: string, random: Random): Promise<void> {
  const db = await DB.open(path, OPTIONS)
  for (let round = 0; round < 6; round++) {
    const batch = new WriteBatch()
    for (let i = 0; i < KEYS / 4; i++) {
      const key = keyOf(random.below(KEYS))
      if (random.percent(20)) batch.delete(key)
      else batch.put(key, randomValue(random))
    }
    await db.write(batch)
    await db.flushMemtable()
    if (round === 2) await db.compactRange()
  }
  await db.close()
}

/** The value, or the error's code, as text. */
function told(outcome: PromiseSettledResult<Buffer | undefined>): string {
  if (outcome.status === 'fulfilled') return outcome.value?.toString('hex') ?? 'nothing'
  if (outcome.reason instanceof SluiceError) return outcome.reason.code
  throw outcome.reason
}

function getSync(db: DB, key: Buffer, options: DBReadOptions): string {
  try {
    return db.getSync(key, options)?.toString('hex') ?? 'nothing'
  } catch (error) {
    return told({ status: 'rejected', reason: error })
  }
}

/** Compares gets that are under way together with getSync. Returns what was told. */
async function compare(
  t: ExecutionContext,
  db: DB,
  random: Random,
  options: DBReadOptions = {},
): Promise<string[]> {
  const keys = Array.from({ length: 700 }, () => keyOf(random.below(KEYS + 50)))
  const gets = keys.map((key) => db.get(key, options))
  const answers = (await Promise.allSettled(gets)).map((outcome) => told(outcome))
  for (const [i, key] of keys.entries()) {
    t.is(answers[i], getSync(db, key, options), seeded(key.toString()))
  }
  return answers
}

async function open(t: ExecutionContext, path: string, options: DBOptions = {}): Promise<DB> {
  const db = await DB.open(path, { ...OPTIONS, ...options })
  t.teardown(() => db.close())
  return db
}

test('many gets at once find what one alone finds, with and without a cache', async (t) => {
  const random = new Random(SEED)
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  await fill(path, random)
  const db = await open(t, path)
  for (let round = 0; round < 5; round++) {
    await compare(t, db, random, { fillCache: round % 2 === 0 })
  }
})

test('they see their snapshot, whatever is written and compacted under them', async (t) => {
  const random = new Random(SEED)
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  await fill(path, random)
  const db = await open(t, path)
  const snapshot = db.snapshot()
  const keys = Array.from({ length: KEYS }, (_, i) => keyOf(i))
  const before = keys.map((key) => getSync(db, key, { snapshot }))
  const changes = async (): Promise<void> => {
    for (let i = 0; i < KEYS; i += 100) {
      const batch = new WriteBatch()
      for (const key of keys.slice(i, i + 100)) {
        if (random.percent(50)) batch.delete(key)
        else batch.put(key, Buffer.from('new'))
      }
      await db.write(batch)
    }
    await db.compactRange()
  }
  const changed = changes()
  for (let round = 0; round < 4; round++) {
    const gets = await Promise.allSettled(keys.map((key) => db.get(key, { snapshot })))
    t.deepEqual(
      gets.map((outcome) => told(outcome)),
      before,
      seeded(),
    )
  }
  const many = await db.getMany(keys, { snapshot })
  t.deepEqual(
    many.map((value) => value?.toString('hex') ?? 'nothing'),
    before,
    seeded(),
  )
  await changed
  snapshot.close()
})

test('damage fails the gets that need it, and no others that share its job', async (t) => {
  const random = new Random(SEED)
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  await fill(path, random)
  for (const name of fs.readdirSync(path).filter((one) => one.endsWith('.ldb'))) {
    const file = join(path, name)
    const bytes = fs.readFileSync(file)
    for (let i = 0; i < 3; i++) bytes[random.below(Math.floor(bytes.length * 0.8))]! ^= 0x10
    fs.writeFileSync(file, bytes)
  }
  const db = await open(t, path)
  const answers = [...(await compare(t, db, random)), ...(await compare(t, db, random))]
  t.true(answers.includes('LEVEL_CORRUPTION'), seeded())
  t.true(new Set(answers).size > 100, seeded())
})

test('a getMany of many turns rejects for damage that is found in an early one, and nothing else does', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  await fill(path, new Random(SEED))
  for (const name of fs.readdirSync(path).filter((one) => one.endsWith('.ldb'))) {
    const file = join(path, name)
    const bytes = fs.readFileSync(file)
    // The first blocks, whose keys are asked for first.
    for (let i = 100; i < bytes.length / 8; i += 100) bytes[i]! ^= 0x10
    fs.writeFileSync(file, bytes)
  }
  const db = await open(t, path)
  const keys = Array.from({ length: 20 * KEYS }, (_, i) => keyOf(i % KEYS))
  // Opens the tables: those of tables that are not open are looked for last.
  await Promise.allSettled(keys.slice(0, KEYS).map((key) => db.get(key)))
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  await t.throwsAsync(db.getMany(keys), { code: 'LEVEL_CORRUPTION' })
  t.is(unhandled.length, 0)
})

test('a close waits for them or fails them, and leaves none unanswered', async (t) => {
  const random = new Random(SEED)
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  await fill(path, random)
  const db = await DB.open(path, OPTIONS)
  const keys = Array.from({ length: 700 }, () => keyOf(random.below(KEYS)))
  const expected = keys.map((key) => getSync(db, key, {}))
  const gets = keys.map((key) => db.get(key))
  const closed = db.close()
  const answers = (await Promise.allSettled(gets)).map((outcome) => told(outcome))
  await closed
  for (const [i, answer] of answers.entries()) {
    if (answer !== 'LEVEL_DATABASE_NOT_OPEN') t.is(answer, expected[i]!, seeded())
  }
})

test('a small value that is kept holds no more memory than one of the pool of Buffers', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const db = await open(t, path)
  const batch = new WriteBatch()
  for (let i = 0; i < KEYS; i++) batch.put(keyOf(i), Buffer.alloc(i % 100, 'v'))
  await db.write(batch)
  await db.flushMemtable()
  const gets = Array.from({ length: 500 }, (_, i) => db.get(keyOf(i * 5)))
  for (const value of await Promise.all(gets)) t.true(value!.buffer.byteLength <= 8192)
})
