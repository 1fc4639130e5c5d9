// What the face of abstract-level costs: the same calls to DB, to SluiceLevel with bytes and with strings,
// and to a store of abstract-level's that does nothing. The ways take turns; the best of the rounds, in
// microseconds of processor time.
//
// Keys of 16 bytes, values of 100; reads are of what memory has.

import fs from 'node:fs'
import { join } from 'node:path'
import { AbstractLevel } from 'abstract-level'
import { DB, SluiceLevel, WriteBatch } from '../../ts/index.ts'

const ROUNDS = 15
const ENTRIES = 10_000
const BATCH = 1000
const VALUE = Buffer.alloc(100, 'v')
const keys = Array.from({ length: ENTRIES }, (_, i) =>
  Buffer.from(`key${String(i).padStart(13, '0')}`),
)

/** A store as far as its calls go: they do nothing. */
class NoStore extends AbstractLevel<Buffer, Buffer, Buffer> {
  constructor() {
    const manifest: object = { encodings: { buffer: true }, getSync: true }
    super(manifest, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  }

  async _put(): Promise<void> {}
  async _batch(): Promise<void> {}
  async _get(): Promise<Buffer> {
    return VALUE
  }
  _getSync(): Buffer {
    return VALUE
  }
}

/** One way to store. The calls of `Key` and `Value` stand for what it takes. */
interface Way {
  put(i: number, sync: boolean): Promise<void>
  get?(i: number): Promise<unknown>
  getSync?(i: number): unknown
  batch(): Promise<void>
  scan?(): Promise<number>
  putSync?(i: number): void
}

function wayOfDB(db: DB): Way {
  return {
    put: (i, sync) => db.put(keys[i]!, VALUE, { sync }),
    get: (i) => db.get(keys[i]!),
    getSync: (i) => db.getSync(keys[i]!),
    batch: () => {
      const batch = new WriteBatch()
      for (let i = 0; i < BATCH; i++) batch.put(keys[i]!, VALUE)
      return db.write(batch)
    },
    scan: () => scan(db.iterator()),
    putSync: (i) => db.putSync(keys[i]!, VALUE),
  }
}

function wayOfLevel<T>(db: SluiceLevel<T, T>, keysOf: readonly T[], value: T): Way {
  return {
    put: (i, sync) => db.put(keysOf[i]!, value, { sync }),
    get: (i) => db.get(keysOf[i]!),
    getSync: (i) => db.getSync(keysOf[i]!),
    batch: () =>
      db.batch(
        Array.from({ length: BATCH }, (_, i) => ({ type: 'put', key: keysOf[i]!, value }) as const),
      ),
    scan: () => scan(db.iterator()),
    putSync: (i) => {
      db.putSync(keysOf[i]!, value)
    },
  }
}

function wayOfNothing(db: NoStore): Way {
  return {
    put: (i, sync) => db.put(keys[i]!, VALUE, { sync } as object),
    get: (i) => db.get(keys[i]!),
    getSync: (i) => db.getSync(keys[i]!),
    batch: () =>
      db.batch(
        Array.from(
          { length: BATCH },
          (_, i) => ({ type: 'put', key: keys[i]!, value: VALUE }) as const,
        ),
      ),
  }
}

interface Chunks {
  nextv(count: number): Promise<readonly unknown[]>
  close(): Promise<void>
}

async function scan(iterator: Chunks): Promise<number> {
  let count = 0
  for (let chunk = await iterator.nextv(1000); chunk.length > 0;) {
    count += chunk.length
    chunk = await iterator.nextv(1000)
  }
  await iterator.close()
  return count
}

/** So many writers that each await their own put. */
async function putAll(way: Way, writers: number, count: number, sync: boolean): Promise<void> {
  let next = 0
  const write = async (): Promise<void> => {
    while (next < count) await way.put(next++ % ENTRIES, sync)
  }
  await Promise.all(Array.from({ length: writers }, write))
}

/** Microseconds of processor time a call of the work, or an entry; undefined where the way has none. */
type Work = (way: Way) => Promise<number> | undefined

// Processor time, of all threads: what others do on the machine counts less than in time that passes.
async function timed(count: number, work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

const WORKS: Readonly<Record<string, Work>> = {
  'put, C=1': (way) => timed(ENTRIES, () => putAll(way, 1, ENTRIES, false)),
  'put, C=256': (way) => timed(4 * ENTRIES, () => putAll(way, 256, 4 * ENTRIES, false)),
  'put with sync, C=256': (way) => timed(2 * ENTRIES, () => putAll(way, 256, 2 * ENTRIES, true)),
  'batch of 1000, an entry': (way) =>
    timed(10 * BATCH, async () => {
      for (let i = 0; i < 10; i++) await way.batch()
    }),
  get: (way) =>
    way.get &&
    timed(ENTRIES, async () => {
      for (let i = 0; i < ENTRIES; i++) await way.get!(i)
    }),
  getSync: (way) =>
    way.getSync &&
    timed(ENTRIES, () => {
      for (let i = 0; i < ENTRIES; i++) way.getSync!(i)
    }),
  'nextv(1000), an entry': (way) => way.scan && timed(ENTRIES, () => way.scan!()),
  putSync: (way) =>
    way.putSync &&
    timed(ENTRIES, () => {
      for (let i = 0; i < ENTRIES; i++) way.putSync!(i)
    }),
}

/** In a new folder of `directory`. */
export async function benchFace(directory: string): Promise<void> {
  const root = fs.mkdtempSync(join(directory, 'face-'))
  const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
  const db = await DB.open(join(root, 'db'), { createIfMissing: true })
  const bytes = new SluiceLevel<Buffer, Buffer>(join(root, 'bytes'), encodings)
  const strings = new SluiceLevel(join(root, 'strings'))
  const nothing = new NoStore()
  await Promise.all([bytes.open(), strings.open(), nothing.open()])
  const ways = {
    DB: wayOfDB(db),
    'SluiceLevel, bytes': wayOfLevel(bytes, keys, VALUE),
    'SluiceLevel, strings': wayOfLevel(strings, keys.map(String), VALUE.toString()),
    'abstract-level alone': wayOfNothing(nothing),
  }
  try {
    for (const [name, work] of Object.entries(WORKS)) await benchWork(name, work, ways)
  } finally {
    await Promise.all([db.close(), bytes.close(), strings.close(), nothing.close()])
    fs.rmSync(root, { recursive: true })
  }
}

async function benchWork(
  name: string,
  work: Work,
  ways: Readonly<Record<string, Way>>,
): Promise<void> {
  const best = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [way, calls] of Object.entries(ways)) {
      const time = await work(calls)
      if (time !== undefined)
        best.set(way, Math.min(time, best.get(way) ?? Number.POSITIVE_INFINITY))
    }
  }
  const base = best.get('DB')!
  const columns = [...best].map(
    ([way, time]) => `${way} ${time.toFixed(2)} us (${(time / base).toFixed(2)})`,
  )
  console.log(`${name}: ${columns.join(', ')}`)
}
