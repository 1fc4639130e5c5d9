// The version set over a simulated disk: what is current once an edit is durable, or could not be.

import test from 'ava'
import { COMPARATOR_NAME, makeInternalKey } from '../../ts/format/internal-key.ts'
import { type ManifestState, readCurrent, readManifest } from '../../ts/version/manifest-reader.ts'
import { emptyEdit, encodeEdit, type VersionEdit } from '../../ts/version/version-edit.ts'
import { createDatabase, VersionSet } from '../../ts/version/version-set.ts'
import { CRASH_POLICIES } from '../crash/crash-image.ts'
import { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { SEED, seeded } from '../format/seed.ts'
import { logOf, readLog } from '../log/log-file-bytes.ts'

const DIRECTORY = '/db'

function fileEdit(number: number): VersionEdit {
  const edit = emptyEdit()
  const key = makeInternalKey(Buffer.from(`key${number}`), number, 1)
  edit.newFiles.push({ level: 0, file: { number, sizeBytes: 10, smallest: key, largest: key } })
  return edit
}

async function readState(disk: SimulatedDisk): Promise<ManifestState> {
  const number = (await readCurrent(disk, DIRECTORY))!
  const name = `${DIRECTORY}/MANIFEST-${String(number).padStart(6, '0')}`
  return readManifest(disk, name, number)
}

function files(state: {
  readonly levels: readonly (readonly { readonly number: number }[])[]
}): number[] {
  return state.levels.flat().map(({ number }) => number)
}

async function created(seed = SEED): Promise<{ disk: SimulatedDisk; versions: VersionSet }> {
  const disk = new SimulatedDisk(seed)
  await disk.createDirectory(DIRECTORY)
  await createDatabase(disk, DIRECTORY)
  return { disk, versions: new VersionSet(disk, DIRECTORY, await readState(disk)) }
}

/** With a manifest that takes edits. */
async function opened(seed = SEED): Promise<{ disk: SimulatedDisk; versions: VersionSet }> {
  const { disk, versions } = await created(seed)
  const edit = emptyEdit()
  edit.logNumber = versions.newFileNumber()
  await versions.switchManifest(edit, versions.newFileNumber())
  return { disk, versions }
}

// Whatever a random part did, this repeats it.
test.afterEach.always((t) => {
  if (!t.passed) t.log(`SLUICE_SEED=${SEED}`)
})

test('a new database is the bytes that LevelDB makes of one', async (t) => {
  const { disk, versions } = await created()
  const contents = disk.contents(DIRECTORY)
  t.deepEqual([...contents.keys()].toSorted(), ['/db/CURRENT', '/db/MANIFEST-000001'])
  t.is(contents.get('/db/CURRENT')!.toString('latin1'), 'MANIFEST-000001\n')
  t.deepEqual(
    contents.get('/db/MANIFEST-000001'),
    logOf([Buffer.from(`\x01\x1a${COMPARATOR_NAME}\x02\x00\x03\x02\x04\x00`, 'latin1')]),
  )
  t.is(versions.nextFileNumber, 2)
  t.is(versions.lastSequence, 0)
  t.is(disk.openFileCount, 0)
})

test('an installed edit is current, and in the manifest with all four numbers', async (t) => {
  const { disk, versions } = await opened()
  const number = versions.newFileNumber()
  await versions.install({ ...fileEdit(number), lastSequence: 77 })
  t.deepEqual(files(versions.current), [number])
  const state = await readState(disk)
  t.deepEqual(files(state.version), [number])
  t.is(state.lastSequence, 77)
  t.is(state.nextFileNumber, versions.nextFileNumber)
  const last = readLog(disk.contents(DIRECTORY).get('/db/MANIFEST-000003')!).records.at(-1)
  const complete = {
    ...fileEdit(number),
    logNumber: 2,
    previousLogNumber: 0,
    nextFileNumber: 5,
    lastSequence: 77,
  }
  t.deepEqual(last, encodeEdit(complete))
  await versions.close()
  t.is(disk.openFileCount, 0)
})

test('an edit that does not say so leaves the last sequence as it was', async (t) => {
  const { disk, versions } = await opened()
  await versions.install({ ...fileEdit(versions.newFileNumber()), lastSequence: 77 })
  versions.publishSequence(90)
  await versions.install(fileEdit(versions.newFileNumber()))
  t.is((await readState(disk)).lastSequence, 77)
})

test('edits that are installed at once are applied one to the other', async (t) => {
  const { disk, versions } = await opened()
  const numbers = [1, 2, 3].map(() => versions.newFileNumber())
  const [first, second, third] = numbers
  const swap = fileEdit(second!)
  swap.deletedFiles.push({ level: 0, number: first! })
  const wrong = emptyEdit()
  wrong.deletedFiles.push({ level: 0, number: first! })
  const installs = [
    versions.install(fileEdit(first!)),
    versions.install(swap),
    versions.install(wrong),
    versions.install(fileEdit(third!)),
  ]
  const outcomes = await Promise.allSettled(installs)
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  t.deepEqual(files(versions.current), [third, second])
  t.deepEqual(files((await readState(disk)).version), [third, second])
})

test('numbers for a job are given out once, and the manifest knows of them first', async (t) => {
  const { disk, versions } = await opened()
  const first = await versions.reserveFileNumbers(3)
  const known = (await readState(disk)).nextFileNumber
  t.true(first.every((number) => number < known))
  const file = versions.newFileNumber()
  t.true(file >= known)
  const operations = disk.operationCount
  const second = await versions.reserveFileNumbers(2)
  t.is(disk.operationCount, operations, 'one record of the manifest serves several jobs')
  versions.returnFileNumbers(first.slice(1))
  const third = await versions.reserveFileNumbers(300)
  t.deepEqual(third.slice(0, 2), first.slice(1))
  t.is(new Set([first[0]!, ...second, ...third, file]).size, 304)
  t.true(Math.max(...third) < (await readState(disk)).nextFileNumber)
})

test('numbers are not given out where the manifest cannot be written', async (t) => {
  const { disk, versions } = await opened()
  disk.inject({ effect: 'fail', kind: 'write', path: /MANIFEST/, code: 'ENOSPC' })
  await t.throwsAsync(versions.reserveFileNumbers(1), { code: 'LEVEL_IO_ERROR' })
})

test('a retained version keeps its files alive until the last release', async (t) => {
  const { versions } = await opened()
  let released = 0
  versions.onRelease(() => released++)
  const old = versions.newFileNumber()
  await versions.install(fileEdit(old))
  const [one, two] = [versions.retain(), versions.retain()]
  const current = versions.newFileNumber()
  const edit = fileEdit(current)
  edit.deletedFiles.push({ level: 0, number: old })
  await versions.install(edit)
  t.deepEqual(files(one.version), [old])
  t.deepEqual(versions.liveFileNumbers(), new Set([current, old]))
  one.release()
  one.release()
  t.deepEqual([versions.liveFileNumbers().has(old), released], [true, 0])
  two.release()
  t.deepEqual(versions.liveFileNumbers(), new Set([current]))
  t.is(released, 1)
  versions.retain().release()
  t.is(released, 1, 'the current version needs nobody')
})

test('a version is not current before its edit is durable', async (t) => {
  const { disk, versions } = await opened()
  const installing = versions.install(fileEdit(versions.newFileNumber()))
  let syncs = 0
  disk.onOperation = (_ordinal, kind) => {
    if (kind !== 'sync') return
    syncs++
    t.is(versions.current.fileCount, 0)
  }
  await installing
  t.is(syncs, 1)
  t.is(versions.current.fileCount, 1)
})

for (const kind of ['write', 'sync'] as const) {
  test(`a ${kind} of the manifest that fails leaves the old version, and takes no edit afterwards`, async (t) => {
    const { disk, versions } = await opened()
    await versions.install(fileEdit(versions.newFileNumber()))
    const before = files(versions.current)
    disk.inject({ effect: 'fail', kind, code: 'ENOSPC' })
    const error = await t.throwsAsync(versions.install(fileEdit(versions.newFileNumber())), {
      code: 'LEVEL_IO_ERROR',
    })
    t.like(error, { file: '/db/MANIFEST-000003', cause: { code: 'ENOSPC' } })
    t.deepEqual(files(versions.current), before)
    const size = disk.contents(DIRECTORY).get('/db/MANIFEST-000003')!.length
    await t.throwsAsync(versions.install(fileEdit(versions.newFileNumber())), {
      code: 'LEVEL_IO_ERROR',
    })
    t.is(disk.contents(DIRECTORY).get('/db/MANIFEST-000003')!.length, size)
    t.deepEqual(files(versions.current), before)
    // A fresh manifest goes on.
    const number = versions.newFileNumber()
    await versions.switchManifest(fileEdit(number), versions.newFileNumber())
    t.deepEqual(files(versions.current), [number, ...before])
    t.deepEqual(files((await readState(disk)).version), files(versions.current))
  })
}

test('an edit that cannot be is refused before anything is written', async (t) => {
  const { disk, versions } = await opened()
  const edit = emptyEdit()
  edit.deletedFiles.push({ level: 3, number: 99 })
  const operations = disk.operationCount
  await t.throwsAsync(versions.install(edit), { code: 'LEVEL_CORRUPTION' })
  await t.throwsAsync(versions.switchManifest(edit, 50), { code: 'LEVEL_CORRUPTION' })
  t.is(disk.operationCount, operations)
  await versions.install(fileEdit(versions.newFileNumber()))
  t.is(versions.current.fileCount, 1)
})

test('without a manifest no edit is taken', async (t) => {
  const { versions } = await created()
  await t.throwsAsync(versions.install(fileEdit(2)))
  t.is(versions.current.fileCount, 0)
})

test('a switch of the manifest that fails at any operation keeps the old version, and CURRENT names a manifest', async (t) => {
  const { disk: dry, versions: counted } = await opened()
  await counted.install(fileEdit(counted.newFileNumber()))
  const start = dry.operationCount
  await counted.switchManifest(fileEdit(counted.newFileNumber()), counted.newFileNumber())
  const operations = dry.trace.slice(start)
  let failures = 0
  for (const effect of ['fail', 'applied'] as const) {
    for (const [i, { kind, path }] of operations.entries()) {
      const { disk, versions } = await opened()
      const before = versions.newFileNumber()
      await versions.install(fileEdit(before))
      const added = versions.newFileNumber()
      const strikes = disk.operationCount + i
      disk.inject({ effect, at: strikes, code: 'EIO' })
      const what = `${effect} ${kind} ${path}`
      try {
        await versions.switchManifest(fileEdit(added), versions.newFileNumber())
        // The file that is replaced, or one that was written: nobody needs its closing.
        t.is(kind, 'close', what)
      } catch (error) {
        failures++
        t.is((error as { code?: string }).code, 'LEVEL_IO_ERROR', what)
        t.deepEqual(files(versions.current), [before], what)
        t.true(files((await readState(disk)).version).includes(before), what)
        await versions.switchManifest(fileEdit(added), versions.newFileNumber())
      }
      t.deepEqual(files(versions.current), [added, before], what)
      t.deepEqual(files((await readState(disk)).version), [added, before], what)
      await versions.close()
      t.is(disk.openFileCount, 0, what)
    }
  }
  t.true(failures >= 14, String(failures))
})

test('after a crash at any moment of a switch the state is the old one or the new', async (t) => {
  const random = new Random(SEED)
  const { disk, versions } = await opened()
  const before = versions.newFileNumber()
  await versions.install(fileEdit(before))
  const added = versions.newFileNumber()
  const images: SimulatedDisk[] = []
  disk.onOperation = () => {
    for (const policy of Object.values(CRASH_POLICIES)) {
      images.push(disk.crashImage(policy, random))
    }
  }
  await versions.switchManifest(fileEdit(added), versions.newFileNumber())
  disk.onOperation = undefined
  for (const [name, policy] of Object.entries(CRASH_POLICIES)) {
    const found = files((await readState(disk.crashImage(policy, random))).version)
    t.deepEqual(found, [added, before], seeded(name))
  }
  for (const image of images) {
    const found = files((await readState(image)).version)
    t.true(
      found.join() === `${before}` || found.join() === `${added},${before}`,
      seeded(found.join()),
    )
  }
  t.true(images.length > 50)
})

test('a number that made no file is given again, and none below one that was seen', async (t) => {
  const { versions } = await created()
  const number = versions.newFileNumber()
  versions.reuseFileNumber(number)
  t.is(versions.newFileNumber(), number)
  const next = versions.newFileNumber()
  versions.reuseFileNumber(number)
  t.is(versions.newFileNumber(), next + 1)
  versions.markFileNumberUsed(50)
  versions.markFileNumberUsed(40)
  t.is(versions.newFileNumber(), 51)
})
