// A manifest that is begun anew while edits go on: what CURRENT leads to, at any crash and any fault.

import test from 'ava'
import { makeInternalKey } from '../../ts/format/internal-key.ts'
import type { ManifestLimits } from '../../ts/version/manifest.ts'
import { type ManifestState, readCurrent, readManifest } from '../../ts/version/manifest-reader.ts'
import { emptyEdit, type VersionEdit } from '../../ts/version/version-edit.ts'
import { createDatabase, VersionSet } from '../../ts/version/version-set.ts'
import { CRASH_POLICIES } from '../crash/crash-image.ts'
import { DIRECTORY as DATABASE, openOn } from '../crash/engine.ts'
import { Random } from '../crash/random.ts'
import { passTurns, SimulatedDisk } from '../crash/simulated-disk.ts'
import { RENEWED_AT_ONCE } from '../crash/workload.ts'
import { SEED, seeded } from '../format/seed.ts'

const DIRECTORY = '/db'

// Whatever a random part did, this repeats it.
test.afterEach.always((t) => {
  if (!t.passed) t.log(`SLUICE_SEED=${SEED}`)
})

interface Scene {
  readonly disk: SimulatedDisk
  readonly versions: VersionSet
  readonly failures: unknown[]
}

async function opened(limits: ManifestLimits, seed = SEED): Promise<Scene> {
  const disk = new SimulatedDisk(seed)
  await disk.createDirectory(DIRECTORY)
  await createDatabase(disk, DIRECTORY)
  const versions = new VersionSet(disk, DIRECTORY, await readState(disk), limits)
  const failures: unknown[] = []
  versions.onManifestFailure((error) => failures.push(error))
  const edit = emptyEdit()
  edit.logNumber = versions.newFileNumber()
  await versions.switchManifest(edit, versions.newFileNumber())
  // As recovery does.
  await disk.unlink(`${DIRECTORY}/MANIFEST-000001`)
  return { disk, versions, failures }
}

async function readState(disk: SimulatedDisk): Promise<ManifestState> {
  const number = (await readCurrent(disk, DIRECTORY))!
  const name = `${DIRECTORY}/MANIFEST-${String(number).padStart(6, '0')}`
  return readManifest(disk, name, number)
}

/** As long as a renewal takes, and longer. */
async function pauses(disk: SimulatedDisk): Promise<void> {
  for (let i = 0; i < 300; i++) await disk.pause()
}

function addFile(number: number): VersionEdit {
  const edit = emptyEdit()
  const key = makeInternalKey(Buffer.from(`key${number}`), number, 1)
  edit.newFiles.push({ level: 0, file: { number, sizeBytes: 10, smallest: key, largest: key } })
  return edit
}

function filesOf({ levels }: ManifestState['version']): number[] {
  return levels.flat().map(({ number }) => number)
}

function manifestsOf(disk: SimulatedDisk): Map<string, number> {
  const manifests = [...disk.contents(DIRECTORY)].filter(([path]) => path.includes('MANIFEST'))
  return new Map(manifests.map(([path, bytes]) => [path, bytes.length]))
}

/** Adds a file and drops the one before it, so that the state stays small. */
async function replaceOften(versions: VersionSet, times: number): Promise<void> {
  let last: number | undefined
  for (let i = 0; i < times; i++) {
    const number = versions.newFileNumber()
    const edit = addFile(number)
    if (last !== undefined) edit.deletedFiles.push({ level: 0, number: last })
    edit.compactPointers.push({ level: 2, key: makeInternalKey(Buffer.from(`p${i}`), i, 1) })
    edit.lastSequence = i
    await versions.install(edit)
    last = number
  }
}

test('the manifest of a long life stays within its limit, and holds the whole state', async (t) => {
  const { disk, versions } = await opened({ sizeBytes: 1000, growth: 4 })
  await replaceOften(versions, 300)
  await versions.close()
  const [[path, sizeBytes] = ['', 0], ...others] = manifestsOf(disk)
  t.deepEqual(others, [], 'the old ones are removed')
  t.true(versions.manifestNumber > 100, path)
  t.true(sizeBytes < 1500, String(sizeBytes))
  const state = await readState(disk)
  t.is(state.manifestNumber, versions.manifestNumber)
  t.deepEqual(filesOf(state.version), filesOf(versions.current))
  t.is(state.lastSequence, 299)
  t.is(state.logNumber, versions.logNumber)
  t.deepEqual(state.compactPointers, versions.compactPointers)
  t.true(state.nextFileNumber > state.manifestNumber)
  t.is(disk.openFileCount, 0)
})

test('a new manifest has the files of every level', async (t) => {
  for (const limits of [RENEWED_AT_ONCE, undefined]) {
    const { disk, versions } = await opened(limits ?? { sizeBytes: 1e9, growth: 1 })
    const edit = emptyEdit()
    for (let level = 0; level < 7; level++) {
      const [added] = addFile(versions.newFileNumber()).newFiles
      edit.newFiles.push({ level, file: added!.file })
    }
    await versions.install(edit)
    if (limits === undefined) await versions.switchManifest(emptyEdit(), versions.newFileNumber())
    await versions.close()
    const levels = (await readState(disk)).version.levels.map(({ length }) => length)
    t.deepEqual(levels, [1, 1, 1, 1, 1, 1, 1])
  }
})

test('a manifest is not begun anew before it is several times its first size', async (t) => {
  const { disk, versions } = await opened({ sizeBytes: 0, growth: 4 })
  const full = addFile(versions.newFileNumber())
  for (let i = 0; i < 99; i++) full.newFiles.push(...addFile(versions.newFileNumber()).newFiles)
  await versions.install(full)
  await versions.install(emptyEdit())
  await versions.close()
  const [[, firstSize] = ['', 0]] = manifestsOf(disk)
  const reopened = new VersionSet(disk, DIRECTORY, await readState(disk), {
    sizeBytes: 0,
    growth: 4,
  })
  await reopened.switchManifest(emptyEdit(), reopened.newFileNumber())
  await disk.unlink([...manifestsOf(disk).keys()][0]!)
  const { manifestNumber } = reopened
  // What is there now is as large as the snapshot of a hundred files.
  while (reopened.manifestNumber === manifestNumber) await reopened.install(emptyEdit())
  await reopened.close()
  t.true(firstSize > 3000, String(firstSize))
  const name = new RegExp(`MANIFEST-0*${manifestNumber}$`)
  const edits = disk.trace.filter(({ kind, path }) => kind === 'sync' && name.test(path))
  t.true(edits.length > 300, String(edits.length))
})

for (const stalled of ['create', 'rename'] as const) {
  test(`edits go on while the ${stalled} of a new manifest takes long`, async (t) => {
    const { disk, versions } = await opened(RENEWED_AT_ONCE)
    const path = stalled === 'create' ? /MANIFEST/ : /CURRENT/
    const release = disk.stall(stalled, path)
    const { manifestNumber } = versions
    await replaceOften(versions, 20)
    t.is(versions.manifestNumber, manifestNumber, 'it is not in use yet')
    release()
    await versions.close()
    t.not(versions.manifestNumber, manifestNumber)
    t.deepEqual(filesOf((await readState(disk)).version), filesOf(versions.current))
  })
}

test('after a crash at any moment CURRENT leads to every edit that was durable', async (t) => {
  let images = 0
  for (let seed = SEED; seed < SEED + 8; seed++) {
    const random = new Random(seed)
    const { disk, versions } = await opened(
      random.pick([RENEWED_AT_ONCE, { sizeBytes: 0, growth: 1.5 }]),
      seed,
    )
    const taken: { image: SimulatedDisk; installed: number; begun: number }[] = []
    let installed = 0
    let begun = 0
    disk.onOperation = () => {
      for (const policy of Object.values(CRASH_POLICIES)) {
        taken.push({ image: disk.crashImage(policy, random), installed, begun })
      }
    }
    const numbers = Array.from({ length: 12 }, () => versions.newFileNumber())
    for (const number of numbers) {
      begun++
      await versions.install(addFile(number))
      installed++
      if (random.percent(50)) await passTurns(random.below(30))
    }
    await versions.close()
    disk.onOperation = undefined
    for (const { image, installed: least, begun: most } of taken) {
      const found = filesOf((await readState(image)).version).length
      t.true(found >= least && found <= most, seeded(`${least} to ${most} edits: ${found}`))
    }
    images += taken.length
  }
  t.true(images > 1000, String(images))
})

test('a new manifest that fails at any operation is told, and no edit is taken until a switch', async (t) => {
  let struck = 0
  for (const effect of ['fail', 'applied'] as const) {
    for (const kind of ['create', 'write', 'sync', 'rename', 'sync-directory'] as const) {
      for (let skip = 0; skip < 3; skip++) {
        const { disk, versions, failures } = await opened(RENEWED_AT_ONCE)
        disk.inject({
          effect,
          kind,
          path: /MANIFEST-00000[4-9]|CURRENT|dbtmp|\/db$/,
          skip,
          code: 'ENOSPC',
        })
        const what = `${effect} ${kind} ${skip}`
        const number = versions.newFileNumber()
        await versions.install(addFile(number))
        await pauses(disk)
        if (disk.faultCount === 0) continue
        struck++
        t.is(failures.length, 1, what)
        t.like(failures[0], { code: 'LEVEL_IO_ERROR', cause: { code: 'ENOSPC' } }, what)
        await t.throwsAsync(versions.install(addFile(versions.newFileNumber())), {
          code: 'LEVEL_IO_ERROR',
        })
        t.deepEqual(filesOf(versions.current), [number], what)
        t.deepEqual(filesOf((await readState(disk)).version), [number], what)
        await versions.switchManifest(emptyEdit(), versions.newFileNumber())
        const next = versions.newFileNumber()
        await versions.install(addFile(next))
        await versions.close()
        t.deepEqual(filesOf((await readState(disk)).version), [next, number], what)
        t.is(disk.openFileCount, 0, what)
      }
    }
  }
  t.true(struck >= 12, String(struck))
})

test('a new manifest that cannot be made is the failure of the database, and resume() goes on', async (t) => {
  const disk = new SimulatedDisk(SEED)
  const events: string[] = []
  const db = await openOn(disk, {
    manifestLimits: RENEWED_AT_ONCE,
    onEvent: ({ type }) => events.push(type),
  })
  disk.inject({ effect: 'fail', kind: 'create', path: /MANIFEST/, code: 'ENOSPC' })
  await db.put(Buffer.from('a'), Buffer.from('1'))
  await db.flushMemtable()
  await pauses(disk)
  t.true(events.includes('failure'))
  await t.throwsAsync(db.put(Buffer.from('b'), Buffer.from('2')), { code: 'LEVEL_IO_ERROR' })
  t.is(String(db.getSync(Buffer.from('a'))), '1')
  await db.resume()
  await db.put(Buffer.from('b'), Buffer.from('2'))
  await db.flushMemtable()
  await db.close()
  t.is(disk.openFileCount, 0)
})

test('what a crash leaves of a new manifest is removed, not kept for a person to look at', async (t) => {
  const disk = new SimulatedDisk(SEED)
  const db = await openOn(disk, { manifestLimits: RENEWED_AT_ONCE })
  const release = disk.stall('rename', /CURRENT/)
  await db.put(Buffer.from('a'), Buffer.from('1'))
  await db.flushMemtable()
  await pauses(disk)
  const image = disk.crashImage(CRASH_POLICIES['keep-all'], new Random(SEED))
  release()
  await db.close()
  const names = (): string[] => [...image.contents(DATABASE).keys()]
  t.is(names().filter((name) => name.includes('MANIFEST')).length, 2)
  const reopened = await openOn(image, {})
  t.deepEqual(reopened.recovery.movedToLost, [])
  t.is(names().filter((name) => name.includes('MANIFEST')).length, 1)
  t.is(String(reopened.getSync(Buffer.from('a'))), '1')
  await reopened.close()
})
