// The program of classic-user.ts with the import changed, and nothing else.

import {
  type AdditionalIteratorOptions,
  type BatchOperation,
  type BatchOptions,
  type ChainedBatch,
  type ChainedBatchWriteOptions,
  SluiceLevel as ClassicLevel,
  type DatabaseOptions,
  type DelOptions,
  type GetManyOptions,
  type GetOptions,
  type HasManyOptions,
  type HasOptions,
  type Iterator,
  type IteratorOptions,
  type KeyIterator,
  type KeyIteratorOptions,
  type OpenOptions,
  type PutOptions,
  type ReadOptions,
  type Snapshot,
  type StartEndOptions,
  type ValueIterator,
  type ValueIteratorOptions,
  type WriteOptions,
} from '../../ts/index.ts'

interface Person {
  readonly name: string
}

type People = ClassicLevel<string, Person>

function subOf(db: People): ReturnType<typeof db.sublevel<string, Person>> {
  return db.sublevel<string, Person>('s', { valueEncoding: 'json' })
}

/** Opens, writes and reads in every way, and returns what was read. */
export async function usePeople(location: string): Promise<unknown[]> {
  const options: DatabaseOptions<string, Person> = {
    valueEncoding: 'json',
    maxOpenFiles: undefined,
  }
  const open: OpenOptions = { createIfMissing: true, passive: false, cacheSize: 2 ** 20 }
  const db: People = new ClassicLevel<string, Person>(location, options)
  await db.open(open)
  await write(db)
  const read = [await readPoints(db), await readRanges(db), await readSublevel(db), await ask(db)]
  await db.close()
  return read
}

async function write(db: People): Promise<void> {
  const sync: WriteOptions = { sync: true }
  const put: PutOptions<string, string> = { ...sync, valueEncoding: 'utf8' }
  const del: DelOptions<Buffer> = { sync: undefined, keyEncoding: 'buffer' }
  const batchOptions: BatchOptions<string, Person> = { sync: false, keyEncoding: 'utf8' }
  const chained: ChainedBatchWriteOptions = { sync: false }
  const operations: BatchOperation<People, string, Person>[] = [
    { type: 'put', key: 'ada', value: { name: 'Ada' } },
    { type: 'del', key: 'gone' },
    { type: 'put', key: 'in', value: { name: 'Sub' }, sublevel: subOf(db) },
  ]
  await db.batch(operations, batchOptions)
  await db.put<string, string>('raw', '{"name":"Raw"}', put)
  await db.del<Buffer>(Buffer.from('none'), del)
  const batch: ChainedBatch<People, string, Person> = db.batch()
  await batch.put('bob', { name: 'Bob' }).del('none').write(chained)
}

async function readPoints(db: People): Promise<unknown[]> {
  const read: ReadOptions = { fillCache: false }
  const get: GetOptions<string, string> = { ...read, valueEncoding: 'utf8' }
  const getMany: GetManyOptions<string, Person> = { fillCache: true }
  const has: HasOptions<Buffer> = { keyEncoding: 'buffer' }
  const hasMany: HasManyOptions<string> = { fillCache: undefined }
  const snapshot: Snapshot = db.snapshot()
  await db.del('bob')
  const person: Person | undefined = await db.get('ada')
  const text: string | undefined = await db.get<string, string>('ada', get)
  const sync: string | undefined = db.getSync<string, string>('raw', get)
  const many: (Person | undefined)[] = await db.getMany(['bob', 'raw'], { ...getMany, snapshot })
  const found: boolean = await db.has<Buffer>(Buffer.from('ada'), has)
  const all: boolean[] = await db.hasMany(['ada', 'bob'], hasMany)
  await snapshot.close()
  return [person?.name, text, sync, many, found, all]
}

async function readRanges(db: People): Promise<unknown[]> {
  const more: AdditionalIteratorOptions = { fillCache: true, highWaterMarkBytes: 1024 }
  const range: IteratorOptions<string, Person> = { gte: 'a', lt: 'z', ...more }
  const keyRange: KeyIteratorOptions<string> = { reverse: true, limit: 1, ...more }
  const valueRange: ValueIteratorOptions<string, Person> = { gt: 'a', ...more }
  const entries: Iterator<People, string, Person> = db.iterator(range)
  const keys: KeyIterator<People, string> = db.keys(keyRange)
  const values: ValueIterator<People, string, Person> = db.values(valueRange)
  entries.seek('b')
  const entry: [string, Person] | undefined = await entries.next()
  await entries.close()
  const names: string[] = []
  for await (const { name } of values) names.push(name)
  return [entry, await keys.all(), names]
}

async function readSublevel(db: People): Promise<unknown> {
  const sublevel = subOf(db)
  const entries: Iterator<typeof sublevel, string, Person> = sublevel.iterator()
  return entries.all()
}

async function ask(db: People): Promise<unknown[]> {
  const range: StartEndOptions<Buffer> = { keyEncoding: 'buffer' }
  await db.compactRange('a', 'z')
  await db.compactRange<Buffer>(Buffer.from('a'), Buffer.from('z'), range)
  const size: number = await db.approximateSize('x', 'z')
  const property: string = db.getProperty('leveldb.none')
  return [size, property, db.supports.additionalMethods]
}
