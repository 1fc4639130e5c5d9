// A simulated disk that is too kind hides bugs, so it is tested as hard as what it tests.

import test from 'ava'
import type { ExecutionContext } from 'ava'
import { type CrashPolicy, CRASH_POLICIES, POLICY_NAMES } from './crash-image.ts'
import type { Fault } from './disk-fault.ts'
import { Random } from './random.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const ROUNDS = 400

const text = (value: string): Buffer => Buffer.from(value)

/** A disk with an empty durable directory /db. */
async function diskWithDirectory(seed = 1): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(seed)
  await disk.createDirectory('/db')
  return disk
}

function append(disk: SimulatedDisk, path: string, ...pieces: Buffer[]): () => void {
  const file = disk.createWritableSync(path)
  for (const piece of pieces) file.appendSync(piece, 0, piece.length)
  return () => file.syncSync()
}

/** What `path` holds in an image, '-' where it is not there, over many images of one policy. */
function outcomes(
  disk: SimulatedDisk,
  path: string,
  policy: CrashPolicy,
  describe: (bytes: Buffer) => string = (bytes) => bytes.toString('latin1'),
): Set<string> {
  const random = new Random(7)
  const seen = new Set<string>()
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = disk.crashImage(policy, random).contents('/db').get(path)
    seen.add(bytes === undefined ? '-' : describe(bytes))
  }
  return seen
}

function same(t: ExecutionContext, seen: Set<string>, expected: string[]): void {
  t.deepEqual([...seen].toSorted(), expected.toSorted())
}

test('what was synced, with its directory, is there under every policy', async (t) => {
  const disk = await diskWithDirectory()
  append(disk, '/db/a', text('durable'))()
  disk.syncDirectorySync('/db')
  for (const name of POLICY_NAMES)
    same(t, outcomes(disk, '/db/a', CRASH_POLICIES[name]), ['durable'])
})

test('a sync of a file does not make its directory entry durable', async (t) => {
  const disk = await diskWithDirectory()
  append(disk, '/db/a', text('synced'))()
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['drop-all']), ['-'])
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['data-only']), ['-'])
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['reordered']), ['-', 'synced'])
})

test('a sync of a directory does not make the data of its files durable', async (t) => {
  const disk = await diskWithDirectory()
  append(disk, '/db/a', text('written'))
  disk.syncDirectorySync('/db')
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['drop-all']), [''])
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['entries-only']), [''])
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['keep-all']), ['written'])
})

test('a new directory whose parent was not synced is lost with all that is in it', async (t) => {
  const disk = await diskWithDirectory()
  disk.inject({ effect: 'fail', kind: 'sync-directory' })
  await t.throwsAsync(disk.createDirectory('/db/lost'), { code: 'EIO' })
  append(disk, '/db/lost/a', text('x'))()
  disk.syncDirectorySync('/db/lost')
  same(t, outcomes(disk, '/db/lost/a', CRASH_POLICIES['drop-all']), ['-'])
  same(t, outcomes(disk, '/db/lost/a', CRASH_POLICIES['keep-all']), ['x'])
})

test('prefix keeps the first few writes of each file, the files independent', async (t) => {
  const disk = await diskWithDirectory()
  append(disk, '/db/a', text('1'))()
  append(disk, '/db/b', text('x'))()
  disk.syncDirectorySync('/db')
  append(disk, '/db/c', text('o'))()
  const a = await disk.createAppendable('/db/a')
  await a.writev([text('2')])
  await a.writev([text('3')])
  same(t, outcomes(disk, '/db/a', { files: 'prefix', entries: 'keep' }), ['1', '', '2', '23'])
  const random = new Random(3)
  const pairs = new Set<string>()
  const b = await disk.createAppendable('/db/b')
  await b.writev([text('y')])
  for (let i = 0; i < ROUNDS; i++) {
    const image = disk.crashImage({ files: 'prefix', entries: 'keep' }, random).contents('/db')
    pairs.add(`${image.get('/db/a')!.length > 0}${image.get('/db/b')!.toString()}`)
  }
  t.true(pairs.has('truex') && pairs.has('falsey'))
})

test('pages keeps any subset of the pages, and a page that never came reads as zeroes', async (t) => {
  const disk = await diskWithDirectory()
  const file = disk.createWritableSync('/db/a')
  file.appendSync(Buffer.alloc(4000, 'd'), 0, 4000)
  file.syncSync()
  disk.syncDirectorySync('/db')
  // The end of page 0, all of page 1, the start of page 2.
  file.appendSync(Buffer.alloc(5000, 'n'), 0, 5000)
  const random = new Random(5)
  const seen = new Set<string>()
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = disk.crashImage(CRASH_POLICIES.pages, random).contents('/db').get('/db/a')!
    t.true(
      bytes.subarray(0, 4000).every((byte) => byte === 100),
      'durable bytes stay',
    )
    seen.add(
      [4050, 6000, 8500]
        .map((at) =>
          at >= bytes.length ? '.' : bytes[at] === 0 ? '0' : String.fromCharCode(bytes[at]!),
        )
        .join(''),
    )
  }
  for (const holes of ['nnn', '0nn', 'n0n', 'nn0', '000', '...']) t.true(seen.has(holes), holes)
})

test('sectors keeps any subset of the sectors of 512 bytes', async (t) => {
  const disk = await diskWithDirectory()
  const file = disk.createWritableSync('/db/a')
  disk.syncDirectorySync('/db')
  file.appendSync(Buffer.alloc(1536, 'n'), 0, 1536)
  const seen = outcomes(disk, '/db/a', { files: 'sectors', entries: 'keep' }, (bytes) => {
    let sectors = ''
    for (let at = 0; at < bytes.length; at += 512) sectors += bytes[at] === 0 ? '0' : 'n'
    return sectors
  })
  for (const sectors of ['nnn', '0nn', 'n0n', 'nn0', '00n', '']) t.true(seen.has(sectors), sectors)
})

test('torn cuts a write at a byte or at a sector, and puts garbage or nothing after the cut', async (t) => {
  const disk = await diskWithDirectory()
  const file = disk.createWritableSync('/db/a')
  disk.syncDirectorySync('/db')
  file.appendSync(Buffer.alloc(2000, 'n'), 0, 2000)
  const cuts = { byte: 0, sector: 0, clean: 0, sectorGarbage: 0, wholeGarbage: 0 }
  const random = new Random(11)
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = disk.crashImage(CRASH_POLICIES.torn, random).contents('/db').get('/db/a')!
    let cut = 0
    while (cut < bytes.length && bytes[cut] === 110) cut++
    if (cut % 512 === 0) cuts.sector++
    else cuts.byte++
    if (cut === bytes.length) cuts.clean++
    else if (bytes.length === 2000) cuts.wholeGarbage++
    else if (bytes.length % 512 === 0) cuts.sectorGarbage++
  }
  for (const [kind, count] of Object.entries(cuts)) t.true(count > 10, `${kind}: ${count}`)
})

test('hollow has the size and none of the unsynced data', async (t) => {
  const disk = await diskWithDirectory()
  const file = disk.createWritableSync('/db/a')
  file.appendSync(text('old'), 0, 3)
  file.syncSync()
  disk.syncDirectorySync('/db')
  file.appendSync(text('new'), 0, 3)
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES.hollow), ['old\0\0\0'])
})

test('a file created over another one can come back with its old bytes', async (t) => {
  const disk = await diskWithDirectory()
  append(disk, '/db/a', text('old bytes'))()
  disk.syncDirectorySync('/db')
  append(disk, '/db/a', text('new'))
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['drop-all']), ['old bytes'])
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['keep-all']), ['new'])
  t.true(outcomes(disk, '/db/a', CRASH_POLICIES.prefix).has(''))
})

test('a rename over another file is atomic under every policy', async (t) => {
  const disk = await diskWithDirectory()
  await disk.writeFile('/db/CURRENT', text('old'))
  disk.syncDirectorySync('/db')
  await disk.writeFile('/db/7.dbtmp', text('new'))
  await disk.rename('/db/7.dbtmp', '/db/CURRENT')
  const seen = new Set<string>()
  for (const name of POLICY_NAMES) {
    for (const content of outcomes(disk, '/db/CURRENT', CRASH_POLICIES[name])) seen.add(content)
  }
  same(t, seen, ['old', 'new'])
  same(t, outcomes(disk, '/db/CURRENT', CRASH_POLICIES['drop-all']), ['old'])
  disk.syncDirectorySync('/db')
  same(t, outcomes(disk, '/db/CURRENT', CRASH_POLICIES.reordered), ['new'])
})

/** A new CURRENT renamed into place, and then the manifest that the old one named removed. */
async function renameThenUnlink(syncBetween: boolean): Promise<SimulatedDisk> {
  const disk = await diskWithDirectory()
  await disk.writeFile('/db/MANIFEST-1', text('m'))
  await disk.writeFile('/db/CURRENT', text('1'))
  await disk.writeFile('/db/2.dbtmp', text('2'))
  disk.syncDirectorySync('/db')
  await disk.rename('/db/2.dbtmp', '/db/CURRENT')
  if (syncBetween) disk.syncDirectorySync('/db')
  await disk.unlink('/db/MANIFEST-1')
  return disk
}

function currentAndManifest(disk: SimulatedDisk): Set<string> {
  const random = new Random(13)
  const seen = new Set<string>()
  for (let i = 0; i < ROUNDS; i++) {
    const image = disk.crashImage(CRASH_POLICIES.reordered, random).contents('/db')
    seen.add(`${image.get('/db/CURRENT')!.toString()}${image.has('/db/MANIFEST-1') ? 'm' : '-'}`)
  }
  return seen
}

test('without a sync between them a rename and an unlink reach the disk in any order', async (t) => {
  same(t, currentAndManifest(await renameThenUnlink(false)), ['1m', '1-', '2m', '2-'])
})

test('a sync of the directory orders a rename before an unlink', async (t) => {
  same(t, currentAndManifest(await renameThenUnlink(true)), ['2m', '2-'])
})

test('a rename half done can leave both names', async (t) => {
  const disk = await diskWithDirectory()
  await disk.writeFile('/db/a', text('a'))
  disk.syncDirectorySync('/db')
  await disk.rename('/db/a', '/db/b')
  const random = new Random(17)
  const seen = new Set<string>()
  for (let i = 0; i < ROUNDS; i++) {
    const image = disk.crashImage(CRASH_POLICIES.reordered, random)
    seen.add([...image.contents('/db').keys()].toSorted().join())
  }
  same(t, seen, ['/db/a', '/db/b', '/db/a,/db/b'])
})

test('a file that moves to another directory is never lost', async (t) => {
  const disk = await diskWithDirectory()
  await disk.createDirectory('/db/lost')
  await disk.writeFile('/db/a', text('a'))
  disk.syncDirectorySync('/db')
  await disk.rename('/db/a', '/db/lost/a')
  for (const syncs of [[], ['/db'], ['/db/lost'], ['/db', '/db/lost']]) {
    const state = disk.freeze()
    for (const path of syncs) state.syncDirectorySync(path)
    for (const name of POLICY_NAMES) {
      const random = new Random(19)
      for (let i = 0; i < 50; i++) {
        const image = state.crashImage(CRASH_POLICIES[name], random).contents('/db')
        const there = image.get('/db/a') ?? image.get('/db/lost/a')
        t.is(there?.toString(), 'a', `${name} after syncs of ${syncs.join()}`)
      }
    }
    if (syncs.length > 0) same(t, outcomes(state, '/db/lost/a', CRASH_POLICIES['drop-all']), ['a'])
  }
})

test('an image is independent of the disk, and everything on it is durable', async (t) => {
  const disk = await diskWithDirectory()
  const file = disk.createWritableSync('/db/a')
  file.appendSync(text('one'), 0, 3)
  const image = disk.crashImage(CRASH_POLICIES['keep-all'], new Random(1))
  file.appendSync(text('two'), 0, 3)
  await image.unlink('/db/a')
  await image.writeFile('/db/b', text('b'))
  t.deepEqual([...disk.contents('/db').keys()], ['/db/a'])
  t.is(disk.contents('/db').get('/db/a')!.toString(), 'onetwo')
  const again = image.crashImage(CRASH_POLICIES['drop-all'], new Random(1))
  t.deepEqual([...again.contents('/db').keys()], ['/db/a'])
  t.is(again.contents('/db').get('/db/a')!.toString(), 'one')
})

test('a frozen disk gives the images that the disk gave at that moment', async (t) => {
  const disk = await diskWithDirectory()
  const file = disk.createWritableSync('/db/a')
  file.appendSync(text('one'), 0, 3)
  disk.syncDirectorySync('/db')
  await disk.writeFile('/db/b', text('b'))
  const frozen = disk.freeze()
  const before = POLICY_NAMES.map((name) => disk.crashImage(CRASH_POLICIES[name], new Random(2)))
  file.syncSync()
  await disk.rename('/db/b', '/db/c')
  disk.syncDirectorySync('/db')
  POLICY_NAMES.forEach((name, i) => {
    const image = frozen.crashImage(CRASH_POLICIES[name], new Random(2))
    t.deepEqual(image.contents('/db'), before[i]!.contents('/db'))
  })
})

test('an image can be taken in the middle of a write', async (t) => {
  const disk = await diskWithDirectory(23)
  const file = disk.createWritableSync('/db/a')
  const lengths = new Set<number>()
  disk.onOperation = (_ordinal, kind, _path, phase) => {
    if (kind !== 'write' || phase !== 'middle') return
    const image = disk.crashImage(CRASH_POLICIES['keep-all'], new Random(1))
    lengths.add(image.contents('/db').get('/db/a')!.length % 10)
  }
  for (let i = 0; i < 100; i++) file.appendSync(Buffer.alloc(10), 0, 10)
  t.is(lengths.size, 10)
  t.is(disk.contents('/db').get('/db/a')!.length, 1000)
})

const CODES = ['EIO', 'ENOSPC', 'EDQUOT', 'EACCES', 'EMFILE', 'EROFS']

test('an operation that fails reports its errno and changes nothing', async (t) => {
  for (const code of CODES) {
    const disk = await diskWithDirectory()
    await disk.writeFile('/db/a', text('a'))
    const file = disk.createWritableSync('/db/w')
    const reader = await disk.openRandomAccess('/db/a')
    const before = disk.contents('/')
    const attempts: [Fault['kind'] & string, () => Promise<unknown>][] = [
      ['create', async () => disk.createWritableSync('/db/a')],
      ['create', () => disk.createLog('/db/l')],
      ['create', () => disk.writeFile('/db/a', text('b'))],
      ['create-directory', () => disk.createDirectory('/db/lost')],
      ['lock', () => disk.lock('/db/LOCK')],
      ['open', () => disk.openRandomAccess('/db/a')],
      ['open', () => disk.readFile('/db/a')],
      ['read', () => disk.readFile('/db/a')],
      ['read', () => reader.read(0, 1)],
      ['read-directory', () => disk.readDirectory('/db')],
      ['rename', () => disk.rename('/db/a', '/db/b')],
      ['stat', () => disk.fileSize('/db/a')],
      ['sync', async () => file.syncSync()],
      ['sync-directory', () => disk.syncDirectory('/db')],
      ['unlink', () => disk.unlink('/db/a')],
      ['write', async () => file.appendSync(text('x'), 0, 1)],
    ]
    for (const [kind, attempt] of attempts) {
      disk.inject({ effect: 'fail', code, kind })
      await t.throwsAsync(attempt, { code }, kind)
    }
    t.deepEqual(disk.contents('/'), before)
    t.is(disk.faultCount, attempts.length)
    t.is(disk.lockCount, 0)
    await reader.close()
    file.closeSync()
    t.deepEqual(disk.openFiles(), [])
  }
})

test('an operation can be applied although it reports an error', async (t) => {
  const disk = await diskWithDirectory()
  await disk.writeFile('/db/a', text('a'))
  disk.inject({ effect: 'applied', kind: 'rename' })
  await t.throwsAsync(disk.rename('/db/a', '/db/b'), { code: 'EIO' })
  t.deepEqual(await disk.readDirectory('/db'), ['b'])
  disk.inject({ effect: 'applied', kind: 'unlink', code: 'EROFS' })
  await t.throwsAsync(disk.unlink('/db/b'), { code: 'EROFS' })
  t.deepEqual(await disk.readDirectory('/db'), [])
  const file = disk.createWritableSync('/db/c')
  disk.inject({ effect: 'applied', kind: 'write' })
  t.throws(() => file.appendSync(text('xyz'), 0, 3), { code: 'EIO' })
  disk.inject({ effect: 'applied', kind: 'sync' })
  t.throws(() => file.syncSync(), { code: 'EIO' })
  disk.inject({ effect: 'applied', kind: 'sync-directory' })
  t.throws(() => disk.syncDirectorySync('/db'), { code: 'EIO' })
  same(t, outcomes(disk, '/db/c', CRASH_POLICIES['drop-all']), ['xyz'])
  disk.inject({ effect: 'applied', kind: 'create' })
  await t.throwsAsync(disk.createLog('/db/d'), { code: 'EIO' })
  t.true((await disk.readDirectory('/db')).includes('d'))
  disk.inject({ effect: 'applied', kind: 'close' })
  t.throws(() => file.closeSync(), { code: 'EIO' })
  t.deepEqual(disk.openFiles(), [])
})

test('a short write lands in part and says how much', async (t) => {
  const disk = await diskWithDirectory()
  const file = await disk.createAppendable('/db/a')
  disk.inject({ effect: 'short', bytes: 4 })
  t.is(await file.writev([text('abc'), text('def')]), 4)
  t.is(await file.writev([text('ef')]), 2)
  t.is(disk.contents('/db').get('/db/a')!.toString(), 'abcdef')
})

test('the log goes on after a short write and after an interrupted one', async (t) => {
  const disk = await diskWithDirectory()
  const log = await disk.createLog('/db/1.log')
  const record = Buffer.alloc(100, 'r')
  disk.inject({ effect: 'short', bytes: 3 })
  disk.inject({ effect: 'fail', code: 'EINTR', kind: 'write', skip: 1 })
  await log.append(record, 0, 100, true)
  t.is(disk.contents('/db').get('/db/1.log')!.length, 107)
})

test('a write that breaks off lands in part and reports an error', async (t) => {
  const disk = await diskWithDirectory()
  const file = disk.createWritableSync('/db/a')
  disk.inject({ effect: 'partial', bytes: 4, code: 'ENOSPC' })
  t.throws(() => file.appendSync(text('abcdef'), 0, 6), { code: 'ENOSPC' })
  t.is(disk.contents('/db').get('/db/a')!.toString(), 'abcd')
})

test('a sync that fails can keep the pages: the next one makes them durable', async (t) => {
  const disk = await diskWithDirectory()
  const sync = append(disk, '/db/a', text('data'))
  disk.syncDirectorySync('/db')
  disk.inject({ effect: 'fail', kind: 'sync' })
  t.throws(sync, { code: 'EIO' })
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['drop-all']), [''])
  sync()
  same(t, outcomes(disk, '/db/a', CRASH_POLICIES['drop-all']), ['data'])
})

test('a sync that fails can drop the pages: still read, never durable, the next sync is happy', async (t) => {
  const disk = await diskWithDirectory()
  const file = disk.createWritableSync('/db/a')
  disk.syncDirectorySync('/db')
  file.appendSync(text('lost'), 0, 4)
  disk.inject({ effect: 'dropped', kind: 'sync' })
  t.throws(() => file.syncSync(), { code: 'EIO' })
  file.appendSync(text('kept'), 0, 4)
  file.syncSync()
  t.is((await disk.readFile('/db/a')).toString(), 'lostkept')
  for (const name of POLICY_NAMES) {
    const expected = name === 'keep-all' ? 'lostkept' : '\0\0\0\0kept'
    same(t, outcomes(disk, '/db/a', CRASH_POLICIES[name]), [expected])
  }
})

test('a fault strikes at an ordinal, by path, after some matches, a number of times', async (t) => {
  const disk = await diskWithDirectory()
  await disk.writeFile('/db/a', text('a'))
  disk.inject({ effect: 'fail', at: disk.operationCount + 1 })
  await disk.fileSize('/db/a')
  await t.throwsAsync(disk.fileSize('/db/a'), { code: 'EIO' })
  await disk.fileSize('/db/a')
  disk.inject({ effect: 'fail', path: /b$/, skip: 1, times: 2, code: 'EMFILE' })
  await disk.writeFile('/db/a', text('a'))
  const first = disk.createWritableSync('/db/b')
  t.throws(() => first.syncSync(), { code: 'EMFILE' })
  t.throws(() => first.syncSync(), { code: 'EMFILE' })
  first.syncSync()
  disk.inject({ effect: 'fail', times: Infinity })
  for (let i = 0; i < 3; i++) await t.throwsAsync(disk.fileSize('/db/a'), { code: 'EIO' })
  disk.heal()
  t.is(await disk.fileSize('/db/a'), 1)
})

test('a file made longer ahead reads as zeroes, and its size is durable only with a sync', async (t) => {
  const disk = await diskWithDirectory()
  const file = await disk.createAppendable('/db/a')
  disk.syncDirectorySync('/db')
  await file.resize(6)
  await file.writev([text('abc')])
  t.is(disk.contents('/db').get('/db/a')!.toString(), 'abc\0\0\0')
  t.deepEqual(outcomes(disk, '/db/a', CRASH_POLICIES['drop-all']), new Set(['']))
  await file.sync()
  await file.resize(3)
  t.is(disk.contents('/db').get('/db/a')!.toString(), 'abc')
  t.deepEqual(outcomes(disk, '/db/a', CRASH_POLICIES['drop-all']), new Set(['abc\0\0\0']))
  t.deepEqual(outcomes(disk, '/db/a', CRASH_POLICIES['keep-all']), new Set(['abc']))
  await file.writev([text('de')])
  t.is(disk.contents('/db').get('/db/a')!.toString(), 'abcde')
  disk.inject({ effect: 'fail', kind: 'resize', code: 'ENOSPC' })
  await t.throwsAsync(file.resize(100), { code: 'ENOSPC' })
  t.is(await disk.fileSize('/db/a'), 5)
})

test('an operation that stalls takes effect and answers when it is released', async (t) => {
  const disk = await diskWithDirectory()
  const release = disk.stall('unlink', /a$/)
  await disk.writeFile('/db/a', text('a'))
  let isDone = false
  const removed = disk.unlink('/db/a').then(() => {
    isDone = true
  })
  for (let i = 0; i < 100; i++) await disk.pause()
  t.deepEqual(await disk.readDirectory('/db'), [])
  t.false(isDone)
  release()
  await removed
  t.true(isDone)
})

test('a log whose file is no longer in its directory fails its sync', async (t) => {
  for (const remove of ['unlink', 'replace'] as const) {
    const disk = await diskWithDirectory()
    const log = await disk.createLog('/db/1.log')
    await log.append(text('a'), 0, 1, true)
    if (remove === 'unlink') await disk.unlink('/db/1.log')
    else {
      await disk.writeFile('/db/other', text('x'))
      await disk.rename('/db/other', '/db/1.log')
    }
    await t.throwsAsync(log.append(text('b'), 0, 1, true), { code: 'ESTALE' })
  }
})

test('a lock is held by directory, whatever the spelling, until it is released', async (t) => {
  const disk = await diskWithDirectory()
  const lock = await disk.lock('/db/LOCK')
  await t.throwsAsync(disk.lock('//db/./LOCK'), { code: 'LEVEL_LOCKED' })
  await disk.createDirectory('/other')
  const other = await disk.lock('/other/LOCK')
  t.is(disk.lockCount, 2)
  await lock.release()
  await lock.release()
  const again = await disk.lock('/db/LOCK')
  await again.release()
  await other.release()
  t.is(disk.lockCount, 0)
})

test('only what is not there is ENOENT', async (t) => {
  const disk = await diskWithDirectory()
  await t.throwsAsync(disk.readFile('/db/a'), { code: 'ENOENT' })
  await t.throwsAsync(disk.fileSize('/db/a'), { code: 'ENOENT' })
  await t.throwsAsync(disk.readDirectory('/none'), { code: 'ENOENT' })
  await t.throwsAsync(disk.rename('/db/a', '/db/b'), { code: 'ENOENT' })
  await t.throwsAsync(disk.unlink('/db/a'), { code: 'ENOENT' })
  await t.throwsAsync(disk.readFile('/db'), { code: 'EISDIR' })
  await t.throwsAsync(disk.createLog('/db'), { code: 'EISDIR' })
  const reader = disk.openRandomAccessSync.bind(disk)
  t.throws(() => reader('/db/a'), { code: 'ENOENT' })
  await disk.writeFile('/db/a', text('abc'))
  const file = reader('/db/a')
  t.throws(() => file.readSync(2, 2), { code: 'EIO' })
})

test('an unlinked file can be read to its end by who has it open', async (t) => {
  const disk = await diskWithDirectory()
  await disk.writeFile('/db/a', text('abc'))
  const file = disk.openRandomAccessSync('/db/a')
  await disk.unlink('/db/a')
  t.is((await file.read(1, 2)).toString(), 'bc')
  t.deepEqual(disk.openFiles(), ['/db/a'])
  await file.close()
  t.is(disk.openFileCount, 0)
})

async function race(seed: number): Promise<string> {
  const disk = await diskWithDirectory(seed)
  const order: string[] = []
  const run = async (name: string): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await disk.writeFile(`/db/${name}`, text(name))
      order.push(name)
    }
  }
  await Promise.all(['a', 'b', 'c'].map(run))
  return `${order.join('')} ${disk.trace.map((operation) => operation.path).join()}`
}

test('the same seed gives the same order, another seed another one', async (t) => {
  t.is(await race(1), await race(1))
  const orders = new Set<string>()
  for (let seed = 0; seed < 20; seed++) orders.add(await race(seed))
  t.true(orders.size > 10)
})
