// The cache of open tables: shared, bounded, closed after the last reader.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { SluiceError } from '../../ts/format/error.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { binding } from '../../ts/platform/load-binding.ts'
import { NodeFileSystem } from '../../ts/platform/node-file-system.ts'
import { LookupKey } from '../../ts/table/lookup-key.ts'
import { TableBuilder } from '../../ts/table/table-builder.ts'
import { TableCache } from '../../ts/table/table-cache.ts'
import type { TableFiles } from '../../ts/table/table-file.ts'
import { PLAIN, buildTable, entry, lookupOf } from './entries.ts'
import { MemoryRandomAccessFile, systemError } from './memory-file.ts'

const KEY = LookupKey.of(Buffer.from('k'), 1)

/** Every table file there is, each holding its own path under 'k'; counts what is opened. */
class Files implements TableFiles {
  readonly opened: MemoryRandomAccessFile[] = []
  /** Paths that are not there. */
  readonly missing = new Set<string>()
  failure: Error | undefined
  /** While set, asynchronous openings wait for it. */
  gate: Promise<void> | undefined

  async openRandomAccess(path: string): Promise<MemoryRandomAccessFile> {
    await this.gate
    return this.openRandomAccessSync(path)
  }

  openRandomAccessSync(path: string): MemoryRandomAccessFile {
    if (this.failure !== undefined) throw this.failure
    if (this.missing.has(path)) throw systemError('ENOENT')
    const file = new MemoryRandomAccessFile(buildTable([entry('k', 1, 1, path)]), path)
    this.opened.push(file)
    return file
  }

  get openPaths(): string[] {
    return this.opened.filter((file) => !file.isClosed).map((file) => file.path)
  }
}

function make(maxOpenFiles: number): { files: Files; cache: TableCache } {
  const files = new Files()
  return { files, cache: new TableCache(files, 'db', maxOpenFiles, { crc32c }) }
}

function gate(files: Files): () => void {
  let open!: () => void
  files.gate = new Promise((resolve) => {
    open = () => {
      files.gate = undefined
      resolve()
    }
  })
  return open
}

test('a table is opened once and read many times, both ways', async (t) => {
  const { files, cache } = make(10)
  t.is((await cache.get(7, KEY))?.toString(), 'db/000007.ldb')
  t.is(cache.getSync(7, KEY)?.toString(), 'db/000007.ldb')
  t.is((await cache.get(7, KEY))?.toString(), 'db/000007.ldb')
  t.is(files.opened.length, 1)
  t.is(cache.openCount, 1)
  await cache.close()
  t.deepEqual(files.openPaths, [])
})

test('beyond the bound the least recently used table is closed', async (t) => {
  const { files, cache } = make(2)
  cache.getSync(1, KEY)
  cache.getSync(2, KEY)
  await cache.get(1, KEY)
  cache.getSync(3, KEY)
  t.deepEqual(files.openPaths, ['db/000001.ldb', 'db/000003.ldb'])
  await cache.get(2, KEY)
  t.deepEqual(files.openPaths, ['db/000003.ldb', 'db/000002.ldb'])
  t.is(cache.openCount, 2)
  await cache.close()
})

test('gets at the same time share one opening', async (t) => {
  const { files, cache } = make(2)
  const values = await Promise.all([1, 1, 1, 2, 1].map((number) => cache.get(number, KEY)))
  t.is(files.opened.length, 2)
  t.deepEqual(
    values.map(String),
    [1, 1, 1, 2, 1].map((number) => `db/00000${number}.ldb`),
  )
  await cache.close()
  t.deepEqual(files.openPaths, [])
})

test('a synchronous get does not wait for an opening, and one of the two files is closed', async (t) => {
  const { files, cache } = make(2)
  const open = gate(files)
  const later = cache.get(1, KEY)
  t.is(cache.getSync(1, KEY)?.toString(), 'db/000001.ldb')
  open()
  t.is((await later)?.toString(), 'db/000001.ldb')
  t.is(files.opened.length, 2)
  t.is(files.openPaths.length, 1)
  t.is(cache.openCount, 1)
  await cache.close()
  t.deepEqual(files.openPaths, [])
})

test('all who waited for an opening hold the table that a synchronous get opened meanwhile', async (t) => {
  const { files, cache } = make(2)
  const open = gate(files)
  const waiting = [cache.borrow(1), cache.borrow(1)]
  cache.getSync(1, KEY)
  open()
  const [first, second] = await Promise.all(waiting)
  cache.evict(1)
  first!.release()
  t.is(files.openPaths.length, 1)
  t.is(second!.table.getSync(KEY)?.toString(), 'db/000001.ldb')
  second!.release()
  t.deepEqual(files.openPaths, [])
  t.is(cache.openCount, 0)
})

test('a table in use is closed after its last reader, not before', async (t) => {
  const { files, cache } = make(1)
  const first = await cache.borrow(1)
  const second = cache.borrowSync(1)
  cache.getSync(2, KEY)
  t.deepEqual(files.openPaths, ['db/000001.ldb'], 'over the bound, the idle one goes')
  cache.evict(1)
  t.is(first.table.getSync(KEY)?.toString(), 'db/000001.ldb')
  first.release()
  first.release()
  t.deepEqual(files.openPaths, ['db/000001.ldb'], 'a second release is nothing')
  second.release()
  t.deepEqual(files.openPaths, [])
  t.is(cache.openCount, 0)
})

test('tables in use stay open beyond the bound until they are released', async (t) => {
  const { files, cache } = make(1)
  const borrowed = [1, 2, 3].map((number) => cache.borrowSync(number))
  t.is(files.openPaths.length, 3)
  for (const one of borrowed) one.release()
  t.deepEqual(files.openPaths, ['db/000003.ldb'])
  await cache.close()
})

test('a get in flight survives the eviction of its table', async (t) => {
  const { files, cache } = make(1)
  cache.getSync(1, KEY)
  const reading = cache.get(1, KEY)
  cache.evict(1)
  t.deepEqual(files.openPaths, ['db/000001.ldb'])
  t.is((await reading)?.toString(), 'db/000001.ldb')
  t.deepEqual(files.openPaths, [])
})

test('an eviction during an opening leaves nothing behind', async (t) => {
  const { files, cache } = make(5)
  const open = gate(files)
  const early = [cache.get(1, KEY), cache.get(1, KEY)]
  cache.evict(1)
  const late = cache.get(1, KEY)
  open()
  for (const value of await Promise.all([...early, late])) t.is(value?.toString(), 'db/000001.ldb')
  t.is(files.opened.length, 2, 'who came after the eviction opens anew')
  t.is(files.openPaths.length, 1)
  cache.evict(1)
  t.deepEqual(files.openPaths, [])
})

test('an opening that fails is not remembered', async (t) => {
  const { files, cache } = make(5)
  files.failure = systemError('EMFILE')
  const both = await Promise.allSettled([cache.get(1, KEY), cache.get(1, KEY)])
  for (const result of both) {
    t.is(result.status, 'rejected')
    if (result.status !== 'rejected') continue
    const error = result.reason as SluiceError
    t.is(error.code, 'LEVEL_IO_ERROR')
    t.is(error.file, 'db/000001.ldb')
    t.is((error.cause as { code: string }).code, 'EMFILE')
  }
  t.throws(() => cache.getSync(1, KEY), { code: 'LEVEL_IO_ERROR' })
  t.is(cache.openCount, 0)
  files.failure = undefined
  t.is((await cache.get(1, KEY))?.toString(), 'db/000001.ldb')
  await cache.close()
})

test('where no descriptor is free, idle tables are closed and the opening is tried once more', async (t) => {
  for (const code of ['EMFILE', 'ENFILE']) {
    const { files, cache } = make(10)
    const borrowed = cache.borrowSync(1)
    for (const number of [2, 3, 4, 5]) cache.getSync(number, KEY)
    const open = files.openRandomAccessSync.bind(files)
    // Four descriptors, the one that is borrowed included.
    files.openRandomAccessSync = (path) => {
      if (files.openPaths.length >= 4) throw systemError(code)
      return open(path)
    }
    t.is(cache.getSync(6, KEY)?.toString(), 'db/000006.ldb')
    t.deepEqual(
      files.openPaths,
      [1, 4, 5, 6].map((number) => `db/00000${number}.ldb`),
    )
    t.is((await cache.get(7, KEY))?.toString(), 'db/000007.ldb')
    const others = [6, 7].map((number) => cache.borrowSync(number))
    others.push(cache.borrowSync(8))
    t.throws(() => cache.getSync(9, KEY), { code: 'LEVEL_IO_ERROR' }, 'none is idle')
    await t.throwsAsync(cache.get(9, KEY), { code: 'LEVEL_IO_ERROR' })
    for (const one of [borrowed, ...others]) one.release()
    t.is(cache.getSync(9, KEY)?.toString(), 'db/000009.ldb')
    await cache.close()
    t.deepEqual(files.openPaths, [])
  }
})

test('a file that is no table is closed again, and the damage told', async (t) => {
  const { files, cache } = make(5)
  files.openRandomAccessSync = (path) => {
    const file = new MemoryRandomAccessFile(Buffer.alloc(100), path)
    files.opened.push(file)
    return file
  }
  await t.throwsAsync(cache.get(1, KEY), { code: 'LEVEL_CORRUPTION', message: /bad magic/ })
  t.throws(() => cache.getSync(1, KEY), { code: 'LEVEL_CORRUPTION', message: /bad magic/ })
  t.is(files.opened.length, 2)
  t.deepEqual(files.openPaths, [])
})

test('a table under the ending of an old LevelDB is found', async (t) => {
  const { files, cache } = make(5)
  files.missing.add('db/000001.ldb').add('db/000002.ldb')
  t.is((await cache.get(1, KEY))?.toString(), 'db/000001.sst')
  t.is(cache.getSync(2, KEY)?.toString(), 'db/000002.sst')
  await cache.close()
})

test('a table under neither name is an I/O error that names the newer one', async (t) => {
  const { files, cache } = make(5)
  files.missing.add('db/000001.ldb').add('db/000001.sst')
  for (const error of [
    await t.throwsAsync<SluiceError>(cache.get(1, KEY)),
    t.throws<SluiceError>(() => cache.getSync(1, KEY)),
  ]) {
    t.is(error.code, 'LEVEL_IO_ERROR')
    t.is(error.file, 'db/000001.ldb')
    t.is((error.cause as { code: string }).code, 'ENOENT')
  }
})

test('closing waits for readers and openings, and refuses new ones', async (t) => {
  const { files, cache } = make(5)
  const borrowed = cache.borrowSync(1)
  cache.getSync(2, KEY)
  const open = gate(files)
  const opening = cache.get(3, KEY)
  let isClosed = false
  const closing = Promise.all([cache.close(), cache.close()]).then(() => (isClosed = true))
  t.deepEqual(files.openPaths, ['db/000001.ldb'])
  t.throws(() => cache.getSync(1, KEY), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  await t.throwsAsync(cache.get(1, KEY), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  open()
  t.is((await opening)?.toString(), 'db/000003.ldb')
  t.deepEqual(files.openPaths, ['db/000001.ldb'])
  t.false(isClosed)
  borrowed.release()
  await closing
  t.deepEqual(files.openPaths, [])
  await cache.close()
})

test('closing while an opening fails ends as well', async (t) => {
  const { files, cache } = make(5)
  files.failure = systemError('EMFILE')
  const opening = t.throwsAsync(cache.get(1, KEY), { code: 'LEVEL_IO_ERROR' })
  await cache.close()
  await opening
  t.is(cache.openCount, 0)
})

test('a table on the real file system is built, found and closed', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sluicedb-table-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const files = new NodeFileSystem(binding)
  const file = files.createWritableSync(join(directory, '000001.ldb'))
  const checksum = (bytes: Uint8Array, start: number, end: number): number =>
    files.crc32c(bytes, start, end)
  const builder = new TableBuilder(file, { ...PLAIN, compression: 'snappy' }, checksum)
  const entries = Array.from({ length: 1000 }, (_, i) => entry(`key${1000 + i}`, 1, 1, `${i}`))
  for (const { key, value } of entries) builder.add(key, 0, key.length, value, 0, value.length)
  builder.finish()
  file.syncSync()
  file.closeSync()
  const cache = new TableCache(files, directory, 10, { crc32c: checksum })
  const found = await Promise.all(entries.map(({ key }) => cache.get(1, lookupOf(key))))
  t.deepEqual(
    found,
    entries.map(({ value }) => value),
  )
  t.deepEqual(
    entries.map(({ key }) => cache.getSync(1, lookupOf(key))),
    found,
  )
  await t.throwsAsync(cache.get(2, KEY), { code: 'LEVEL_IO_ERROR', message: /000002\.ldb.*ENOENT/ })
  await cache.close()
})
