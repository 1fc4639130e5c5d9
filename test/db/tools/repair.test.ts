// Repair: everything that can be read is there afterwards, nothing that was deleted, and every key that
// is not as it was lies in a range that the report gives.

import fs from 'node:fs'
import { basename, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ClassicLevel } from 'classic-level'
import { InlineRunner } from '../../../ts/compaction/job-runner.ts'
import { repairDatabase, type RepairEnvironment } from '../../../ts/db/tools/repair.ts'
import { makeInternalKey } from '../../../ts/format/internal-key.ts'
import { DB, type RepairReport, SluiceError } from '../../../ts/index.ts'
import { emptyEdit, encodeEdit } from '../../../ts/version/version-edit.ts'
import { CRASH_POLICIES } from '../../crash/crash-image.ts'
import { DIRECTORY, openOn } from '../../crash/engine.ts'
import { Random } from '../../crash/random.ts'
import type { SimulatedDisk } from '../../crash/simulated-disk.ts'
import { SEED } from '../../format/seed.ts'
import { logOf } from '../../log/log-file-bytes.ts'
import { FAST_ROOT, scratchDirectory } from '../../platform/scratch-directory.ts'
import {
  b,
  changed,
  closedDatabase,
  directoryOf,
  diskOf,
  type Files,
  filesIn,
  flipped,
  nameOf,
} from './directories.ts'

const MANIFEST = /^MANIFEST-/
const CURRENT = /^CURRENT$/
const TABLE = /\.ldb$/
const LOG = /\.log$/

/** What a database should hold; undefined where a key was deleted. */
type Model = Map<string, string | undefined>

interface Sample {
  readonly files: Files
  readonly model: Model
  /** Every value that a key ever had. */
  readonly history: Map<string, Set<string | undefined>>
}

test.afterEach.always((t) => {
  if (!t.passed) t.log(`SLUICE_SEED=${SEED}`)
})

/** Some levels of tables, with overwritten and deleted keys, and a log, written by LevelDB in C++. */
async function levelSample(t: ExecutionContext): Promise<Sample> {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const level = new ClassicLevel(path, { writeBufferSize: 64 * 1024, maxFileSize: 2 ** 20 })
  const model: Model = new Map()
  const history = new Map<string, Set<string | undefined>>()
  const random = new Random(SEED)
  for (let i = 0; i < 120; i++) {
    const operations = Array.from({ length: 100 }, (_, j) => {
      const key = `key ${random.below(4000)}`
      const value = random.percent(20) ? undefined : `${i}.${j} ${'v'.repeat(random.below(120))}`
      model.set(key, value)
      if (!history.has(key)) history.set(key, new Set([undefined]))
      history.get(key)!.add(value)
      return value === undefined
        ? ({ type: 'del', key } as const)
        : ({ type: 'put', key, value } as const)
    })
    await level.batch(operations)
  }
  await level.close()
  const files = filesIn(path)
  return { files, model, history }
}

/** Five keys in each of three tables of level 0, all with 'both', and two in the log. */
async function smallSample(t: ExecutionContext): Promise<Sample> {
  const model: Model = new Map()
  const history = new Map<string, Set<string | undefined>>()
  const options = { compression: 'none', blockSize: 64 } as const
  const files = await closedDatabase(t, options, async (db) => {
    const put = async (key: string, value: string): Promise<void> => {
      model.set(key, value)
      history.set(key, (history.get(key) ?? new Set([undefined])).add(value))
      await db.put(b(key), b(value))
    }
    for (let table = 0; table < 3; table++) {
      for (let i = 0; i < 5; i++)
        await put(`key ${table} ${i}`, `value ${table} ${i} ${'x'.repeat(20)}`)
      await put('both', `from table ${table}`)
      await put('zero', `at the end of table ${table} ${'x'.repeat(40)}`)
      await db.flushMemtable()
    }
    await put('log 1', 'one')
    await put('both', 'from the log')
    await put('log 2', 'two')
  })
  return { files, model, history }
}

function worldOf(disk: SimulatedDisk): RepairEnvironment {
  const inlineJobs = new InlineRunner(disk)
  return {
    fileSystem: disk,
    jobs: inlineJobs,
    inlineJobs,
    now: () => 0,
  }
}

/** Repairs the files in a real directory, which both engines can then open. */
async function repaired(
  t: ExecutionContext,
  files: Files,
): Promise<{ path: string; report: RepairReport }> {
  const path = directoryOf(t, files)
  const before = filesIn(path)
  const dry = await DB.repair(path, { dryRun: true })
  t.deepEqual(filesIn(path), before, 'a dry run wrote')
  const report = await DB.repair(path)
  t.deepEqual({ ...dry, dryRun: false }, report, 'a dry run decided otherwise')
  const verified = await DB.verify(path)
  t.deepEqual(
    verified.problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  t.false((await DB.repair(path, { dryRun: true })).isNeeded)
  return { path, report }
}

/** What LevelDB in C++ reads, then what we read: the same. */
async function readBoth(t: ExecutionContext, path: string, keys: Iterable<string>): Promise<Model> {
  const found: Model = new Map()
  const level = new ClassicLevel(path, { createIfMissing: false })
  await level.open()
  for (const key of keys) found.set(key, await level.get(key))
  const listed = new Map<string, string>(await level.iterator().all())
  await level.close()
  for (const [key, value] of found) {
    if (listed.get(key) !== value) t.fail(`LevelDB itself: ${key} by get and by iterator`)
  }
  t.is([...listed.keys()].filter((key) => !found.has(key)).length, 0)
  const db = await DB.open(path)
  for (const [key, value] of found) {
    if (db.getSync(b(key))?.toString() !== value) t.fail(`${key} is ${value} in C++ only`)
  }
  await db.close()
  return found
}

/** Every key as it was, but for those in ranges that were lost: they are as they were at some time. */
function checkModel(
  t: ExecutionContext,
  found: Model,
  { model, history }: Sample,
  report: RepairReport,
): number {
  let differences = 0
  for (const [key, value] of model) {
    if (found.get(key) === value) continue
    differences++
    if (!history.get(key)!.has(found.get(key))) t.fail(`${key} has a value that it never had`)
    const isTold = report.losses.some(({ above, upTo }) => {
      const isAbove = above === undefined || Buffer.compare(b(key), above) >= 0
      return isAbove && (upTo === undefined || Buffer.compare(b(key), upTo) <= 0)
    })
    if (!isTold && !report.files.some(({ outcome }) => outcome === 'missing')) {
      t.fail(`${key} is not as it was, and nothing was told`)
    }
  }
  return differences
}

async function repairsWhole(
  t: ExecutionContext,
  sample: Sample,
  files: Files,
): Promise<RepairReport> {
  const { path, report } = await repaired(t, files)
  const found = await readBoth(t, path, sample.model.keys())
  for (const [key, value] of sample.model) {
    if (found.get(key) !== value) t.fail(`${key} is not as it was`)
  }
  t.pass()
  return report
}

function without(files: Files, ...patterns: RegExp[]): Files {
  return new Map([...files].filter(([name]) => !patterns.some((pattern) => pattern.test(name))))
}

function outcomeOf(report: RepairReport, name: string): string | undefined {
  return report.files.find(({ file }) => file.endsWith(`/${name}`))?.outcome
}

test('a database in which nothing is wrong is left as it is', async (t) => {
  const { files } = await levelSample(t)
  const path = directoryOf(t, files)
  const before = filesIn(path)
  const report = await DB.repair(path)
  t.like(report, { isNeeded: false, dryRun: false, levels: 'kept', losses: [], lostBytes: 0 })
  t.true(report.files.filter(({ outcome }) => outcome === 'kept').length > 2)
  t.deepEqual(filesIn(path), before)
})

test('a repair tells how far it has looked, over all tables', async (t) => {
  const { files } = await levelSample(t)
  const path = directoryOf(t, files)
  const done: number[] = []
  const names = new Set<string>()
  const sizes = new Set<number>()
  await DB.repair(path, {
    dryRun: true,
    onProgress: ({ file, doneBytes, totalBytes }) => {
      names.add(basename(file))
      done.push(doneBytes)
      sizes.add(totalBytes)
    },
  })
  const tables = fs.readdirSync(path).filter((name) => name.endsWith('.ldb'))
  t.deepEqual([...names].toSorted(), tables.toSorted())
  t.deepEqual(
    done,
    done.toSorted((a, b) => a - b),
  )
  t.deepEqual([...sizes], [done.at(-1)!], 'the last step is all of it')
  t.is(
    done.at(-1),
    tables.reduce((sum, name) => sum + fs.statSync(join(path, name)).size, 0),
  )
})

test('38: without CURRENT, or with a wrong one, the manifest that fits is found, and nothing is lost', async (t) => {
  const sample = await levelSample(t)
  for (const files of [
    without(sample.files, CURRENT),
    changed(sample.files, CURRENT, () => b('')),
    changed(sample.files, CURRENT, () => b('MANIFEST-999999\n')),
    changed(sample.files, CURRENT, () => b('../../etc/passwd\n')),
  ]) {
    const report = await repairsWhole(t, sample, files)
    t.is(report.levels, 'kept')
    t.deepEqual(report.losses, [])
  }
})

test('36: without a manifest everything is merged by sequence, deleted keys stay deleted', async (t) => {
  const sample = await levelSample(t)
  for (const files of [
    without(sample.files, MANIFEST),
    without(sample.files, MANIFEST, CURRENT),
    changed(sample.files, MANIFEST, () => Buffer.alloc(0)),
    changed(sample.files, MANIFEST, (bytes) => flipped(bytes, 20)),
  ]) {
    const report = await repairsWhole(t, sample, files)
    t.is(report.levels, 'merged')
  }
})

test('36: a manifest that is cut or damaged anywhere costs nothing', async (t) => {
  const sample = await smallSample(t)
  const { length } = sample.files.get(nameOf(sample.files, MANIFEST))!
  const random = new Random(SEED)
  for (let at = 0; at < length; at += 1 + random.below(8)) {
    for (const edit of [
      (bytes: Buffer) => bytes.subarray(0, at),
      (bytes: Buffer) => flipped(bytes, at, random.below(8)),
    ]) {
      const disk = diskOf(changed(sample.files, MANIFEST, edit))
      await repairDatabase(DIRECTORY, {}, worldOf(disk))
      t.deepEqual(await contentsOn(disk, sample), sample.model, `at ${at}`)
    }
  }
})

/** Opens and reads; the disk is then as the open left it. */
async function contentsOn(disk: SimulatedDisk, { model }: Sample): Promise<Model> {
  const db = await openOn(disk, { writeBufferSize: 64 * 1024 })
  const found: Model = new Map()
  for (const key of model.keys()) found.set(key, db.getSync(b(key))?.toString())
  await db.close()
  return found
}

test('the newest entry wins by its sequence, not by the number of its table', async (t) => {
  const sample = await smallSample(t)
  const tables = [...sample.files.keys()].filter((name) => TABLE.test(name)).toSorted()
  t.is(tables.length, 3)
  // The numbers change places: the oldest table gets the highest one.
  const files = without(sample.files, TABLE, MANIFEST)
  const [first, second, third] = tables as [string, string, string]
  files.set(first, sample.files.get(third)!)
  files.set(second, sample.files.get(second)!)
  files.set(third, sample.files.get(first)!)
  await repairsWhole(t, sample, files)
})

test('39: a damaged block costs its keys and no others, at any level, and the file is kept', async (t) => {
  const sample = await levelSample(t)
  const random = new Random(SEED)
  const tables = [...sample.files.keys()].filter((name) => TABLE.test(name))
  let differences = 0
  for (const name of tables) {
    const original = sample.files.get(name)!
    const files = new Map(sample.files)
    files.set(name, flipped(original, random.below(original.length >> 1)))
    const { path, report } = await repaired(t, files)
    t.is(report.levels, 'kept')
    t.is(outcomeOf(report, name), 'salvaged')
    t.is(report.losses.length, 1)
    t.deepEqual(fs.readFileSync(join(path, 'lost', `damaged-${name}`)), files.get(name))
    differences += checkModel(t, await readBoth(t, path, sample.model.keys()), sample, report)
  }
  t.true(differences > 0)
})

test('a damaged table of level 0 keeps its place among the others', async (t) => {
  const sample = await smallSample(t)
  const tables = [...sample.files.keys()].filter((name) => TABLE.test(name)).toSorted()
  for (const name of tables) {
    const files = new Map(sample.files)
    const original = files.get(name)!
    // A block near the end of the data, behind the key that all tables have.
    files.set(name, flipped(original, original.indexOf('at the end')))
    const { path, report } = await repaired(t, files)
    t.is(outcomeOf(report, name), 'salvaged')
    const found = await readBoth(t, path, sample.model.keys())
    checkModel(t, found, sample, report)
    t.is(found.get('both'), 'from the log')
    t.is(found.get('key 1 2'), sample.model.get('key 1 2'))
    const expected = name === tables[2] ? 1 : 2
    t.is(found.get('zero'), `at the end of table ${expected} ${'x'.repeat(40)}`)
  }
})

test('39: a table whose index or footer is damaged, or that is cut, is read from its beginning', async (t) => {
  const sample = await levelSample(t)
  const tables = [...sample.files.keys()].filter((name) => TABLE.test(name))
  for (const name of tables.slice(0, 3)) {
    const original = sample.files.get(name)!
    for (const bytes of [
      flipped(original, original.length - 1),
      flipped(original, original.length - 60),
      Buffer.concat([original, b('more')]),
    ]) {
      const files = new Map(sample.files)
      files.set(name, bytes)
      const report = await repairsWhole(t, sample, files)
      t.is(outcomeOf(report, name), 'salvaged')
    }
    const cut = new Map(sample.files)
    cut.set(name, original.subarray(0, original.length >> 1))
    const { path, report } = await repaired(t, cut)
    const found = await readBoth(t, path, sample.model.keys())
    checkModel(t, found, sample, report)
    t.true(report.files.find(({ file }) => file.endsWith(name))!.entries > 0)
  }
})

test('a block in the place of another one costs no keys but of these two', async (t) => {
  const sample = await smallSample(t)
  const [name] = [...sample.files.keys()].filter((found) => TABLE.test(found)).toSorted()
  const table = sample.files.get(name!)!
  // Two blocks of two entries each: those of 1 and 2, then those of 3 and 4.
  const one = table.indexOf('key 0 1') - 3
  const other = table.indexOf('key 0 3') - 3
  const swapped = Buffer.from(table)
  table.copy(swapped, one, other, other + (other - one))
  table.copy(swapped, other, one, other)
  const { path, report } = await repaired(t, new Map([...sample.files, [name!, swapped]]))
  t.is(report.losses.length, 2)
  const found = await readBoth(t, path, sample.model.keys())
  checkModel(t, found, sample, report)
  const wrong = [...sample.model].filter(([key, value]) => found.get(key) !== value)
  t.deepEqual(
    wrong.map(([key]) => key),
    ['key 0 3', 'key 0 4'],
  )
})

test('39: a damaged filter costs nothing', async (t) => {
  const sample = await smallSample(t)
  const [name] = [...sample.files.keys()].filter((found) => TABLE.test(found))
  const files = new Map(sample.files)
  const table = files.get(name!)!
  // The metaindex names the filter's policy; the filter's own bytes end in front of it.
  files.set(name!, flipped(table, table.indexOf('filter.leveldb') - 12))
  const report = await repairsWhole(t, sample, files)
  t.deepEqual(report.losses, [])
})

test('a missing table is told, and everything else is there', async (t) => {
  const sample = await levelSample(t)
  const name = [...sample.files.keys()].find((found) => TABLE.test(found))!
  const { path, report } = await repaired(t, without(sample.files, new RegExp(`^${name}$`)))
  t.is(outcomeOf(report, name), 'missing')
  checkModel(t, await readBoth(t, path, sample.model.keys()), sample, report)
})

test('32: batches behind damage in a log are saved, whole, and what is missing is told', async (t) => {
  const sample = await smallSample(t)
  const log = nameOf(sample.files, LOG)
  const at = sample.files.get(log)!.indexOf('from the log')
  const files = changed(sample.files, LOG, (bytes) => flipped(bytes, at))
  const { path, report } = await repaired(t, files)
  const found = await readBoth(t, path, sample.model.keys())
  t.is(found.get('log 1'), 'one')
  t.is(found.get('log 2'), 'two')
  t.is(found.get('both'), 'from table 2')
  t.is(outcomeOf(report, log), 'salvaged')
  t.is(report.losses.length, 1)
  t.like(report.losses[0], { offset: 30, bytes: 7 + 12 + 1 + 1 + 4 + 1 + 12 })
  t.deepEqual(fs.readFileSync(join(path, 'lost', log)), files.get(log))
})

test('33: a log that a crash cut gives what is whole in it', async (t) => {
  const sample = await smallSample(t)
  const files = changed(sample.files, LOG, (bytes) => bytes.subarray(0, bytes.length - 2))
  const { path, report } = await repaired(t, files)
  const found = await readBoth(t, path, sample.model.keys())
  t.deepEqual([found.get('both'), found.get('log 2')], ['from the log', undefined])
  t.is(report.losses.length, 1)
})

test('a table that the manifest does not name brings nothing back', async (t) => {
  const sample = await smallSample(t)
  const other = await closedDatabase(t, {}, async (db) => {
    await db.put(b('deleted long ago'), b('still here'))
    await db.flushMemtable()
  })
  const files = changed(sample.files, LOG, (bytes) => bytes.subarray(0, bytes.length - 2))
  files.set('000900.ldb', other.get(nameOf(other, TABLE))!)
  const { path, report } = await repaired(t, files)
  t.is(outcomeOf(report, '000900.ldb'), 'unknown')
  t.true(fs.existsSync(join(path, 'lost', '000900.ldb')))
  const found = await readBoth(t, path, [...sample.model.keys(), 'deleted long ago'])
  t.is(found.get('deleted long ago'), undefined)
})

test('a table that a damaged manifest took out of the database brings nothing back', async (t) => {
  const sample = await smallSample(t)
  const other = await closedDatabase(t, {}, async (db) => {
    await db.put(b('deleted long ago'), b('still here'))
    await db.flushMemtable()
  })
  const edit = emptyEdit()
  edit.deletedFiles.push({ level: 1, number: 900 })
  const moved = emptyEdit()
  const number = Number.parseInt(
    [...sample.files.keys()].find((name) => TABLE.test(name))!,
    10,
  )
  const file = {
    number,
    sizeBytes: 1,
    smallest: makeInternalKey(b('a'), 1, 1),
    largest: makeInternalKey(b('b'), 1, 1),
  }
  // Another one was only moved to the next level: it is live.
  moved.deletedFiles.push({ level: 0, number })
  moved.newFiles.push({ level: 1, file })
  const damaged = Buffer.concat([b('no record'), Buffer.alloc(32 * 1024 - 9, 1)])
  const manifest = Buffer.concat([damaged, logOf([encodeEdit(edit), encodeEdit(moved)])])
  const files = changed(sample.files, MANIFEST, () => manifest)
  files.set('000900.ldb', other.get(nameOf(other, TABLE))!)
  const { path, report } = await repaired(t, files)
  t.is(report.levels, 'merged')
  t.is(outcomeOf(report, '000900.ldb'), 'removed')
  const found = await readBoth(t, path, [...sample.model.keys(), 'deleted long ago'])
  t.is(found.get('deleted long ago'), undefined)
  found.delete('deleted long ago')
  t.deepEqual(found, sample.model)
})

test('damage of any kind leaves a sound database, and no value that was never written', async (t) => {
  const sample = await levelSample(t)
  const random = new Random(SEED + 1)
  const names = [...sample.files.keys()]
  let losses = 0
  for (let round = 0; round < 25; round++) {
    const files = new Map(sample.files)
    for (let i = random.between(1, 4); i > 0; i--) damage(files, random.pick(names), random)
    const { path, report } = await repaired(t, files)
    losses += report.losses.length
    const found = await readBoth(t, path, sample.model.keys())
    for (const [key, value] of found) {
      if (!sample.history.get(key)!.has(value)) t.fail(`${key} has a value that it never had`)
    }
    if (report.losses.length === 0 && !report.files.some(({ outcome }) => outcome === 'missing')) {
      for (const [key, value] of sample.model) {
        // What a cut manifest and a missing table hide together, nothing can tell.
        if (found.get(key) !== value && report.levels === 'kept') t.fail(`${key} changed silently`)
      }
    }
  }
  t.log(`${losses} losses`)
  t.true(losses > 5)
})

function damage(files: Files, name: string, random: Random): void {
  const bytes = files.get(name)
  if (bytes === undefined || bytes.length === 0) return
  const at = random.below(bytes.length)
  switch (random.below(5)) {
    case 0:
      files.delete(name)
      return
    case 1:
      files.set(name, bytes.subarray(0, at))
      return
    case 2:
      files.set(name, Buffer.from(bytes).fill(0, at, Math.min(at + 4096, bytes.length)))
      return
    case 3:
      files.set(
        name,
        Buffer.from(bytes).fill(random.bytes(512), at, Math.min(at + 512, bytes.length)),
      )
      return
    default:
      files.set(name, flipped(bytes, at, random.below(8)))
  }
}

/** Those that keep least, most, and strangest. */
const POLICIES = ['drop-all', 'keep-all', 'torn', 'reordered'] as const

/** The ways to break the small sample that the crash tests go through. */
const BREAKS: readonly [string, (sample: Sample) => Files][] = [
  ['a manifest is missing', ({ files }) => without(files, MANIFEST)],
  [
    'a table and the log are damaged',
    ({ files }) => {
      const copy = changed(files, LOG, (bytes) => flipped(bytes, bytes.indexOf('from the log')))
      const [, name] = [...files.keys()].filter((found) => TABLE.test(found)).toSorted()
      copy.set(name!, flipped(copy.get(name!)!, 10))
      return copy
    },
  ],
  [
    'CURRENT is missing and a table has no index',
    ({ files }) => {
      const copy = without(files, CURRENT)
      const [name] = [...files.keys()].filter((found) => TABLE.test(found)).toSorted()
      copy.set(name!, flipped(copy.get(name!)!, copy.get(name!)!.length - 55))
      return copy
    },
  ],
]

for (const [what, breaks] of BREAKS) {
  test(`where ${what}, a repair that is cut at any operation can be run again, with the same result`, async (t) => {
    const sample = await smallSample(t)
    const broken = breaks(sample)
    const disk = diskOf(broken)
    const frozen: SimulatedDisk[] = []
    disk.onOperation = () => frozen.push(disk.freeze())
    const report = await repairDatabase(DIRECTORY, {}, worldOf(disk))
    disk.onOperation = undefined
    t.true(report.isNeeded)
    frozen.push(disk.freeze())
    const expected = await contentsOn(disk, sample)
    const kept = report.files.filter(({ outcome }) => outcome === 'salvaged')
    let images = 0
    for (const [index, moment] of frozen.entries()) {
      for (const name of POLICIES) {
        const image = moment.crashImage(CRASH_POLICIES[name], new Random(SEED + index))
        await repairDatabase(DIRECTORY, {}, worldOf(image))
        const where = `${name} at ${index} of ${frozen.length}`
        t.deepEqual(await contentsOn(image, sample), expected, where)
        for (const { file } of kept) {
          const kind = file.slice(DIRECTORY.length + 1)
          const keptName = TABLE.test(kind) ? `damaged-${kind}` : kind
          const lost = image.contents(DIRECTORY).get(`${DIRECTORY}/lost/${keptName}`)
          t.deepEqual(lost, broken.get(kind), where)
        }
        images++
      }
    }
    t.log(`${images} images`)
  })

  test(`where ${what}, a disk that fails in the middle of a repair changes nothing that the next one needs`, async (t) => {
    const sample = await smallSample(t)
    const broken = breaks(sample)
    const healthy = diskOf(broken)
    await repairDatabase(DIRECTORY, {}, worldOf(healthy))
    const expected = await contentsOn(healthy, sample)
    let failures = 0
    for (let at = 0; ; at++) {
      const disk = diskOf(broken)
      disk.inject({ effect: at % 2 === 0 ? 'fail' : 'applied', at, code: 'ENOSPC' })
      try {
        await repairDatabase(DIRECTORY, {}, worldOf(disk))
        if (disk.faultCount === 0) break
      } catch (error) {
        failures++
        t.is((error as SluiceError).code, 'LEVEL_IO_ERROR', String(error))
      }
      disk.heal()
      t.deepEqual([disk.openFiles(), disk.lockCount], [[], 0], `at ${at}`)
      await repairDatabase(DIRECTORY, {}, worldOf(disk))
      t.deepEqual(await contentsOn(disk, sample), expected, `at ${at}`)
    }
    t.true(failures > 10)
  })
}

test('what the disk refuses to read is not given up', async (t) => {
  const sample = await smallSample(t)
  const broken = without(sample.files, MANIFEST)
  for (let skip = 0; ; skip++) {
    const disk = diskOf(broken)
    const before = disk.contents(DIRECTORY)
    disk.inject({ effect: 'fail', kind: 'read', skip, code: 'EIO', path: /\.(?:ldb|log)$/ })
    try {
      await repairDatabase(DIRECTORY, {}, worldOf(disk))
      t.is(disk.faultCount, 0)
      break
    } catch (error) {
      t.is((error as SluiceError).code, 'LEVEL_IO_ERROR')
      for (const [path, bytes] of before) t.deepEqual(disk.contents(DIRECTORY).get(path), bytes)
    }
  }
})

test('25: an open database is not repaired, a missing one not made, another comparator not touched', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const code = async (promise: Promise<unknown>): Promise<string> =>
    (await t.throwsAsync(promise, { instanceOf: SluiceError })).code
  t.is(await code(DB.repair(path)), 'LEVEL_DATABASE_MISSING')
  t.false(fs.existsSync(path))
  const db = await DB.open(path, { createIfMissing: true })
  t.is(await code(DB.repair(path)), 'LEVEL_LOCKED')
  await db.close()
  await t.throwsAsync(DB.repair(''), { instanceOf: TypeError })
  await t.throwsAsync(DB.repair(path, { dryRun: 'no' } as object), { instanceOf: TypeError })
  await t.throwsAsync(DB.repair(path, { onProgress: 1 } as object), { instanceOf: TypeError })
  await t.throwsAsync(DB.repair(path, { dry: true } as object), { instanceOf: TypeError })
  const edit = emptyEdit()
  edit.comparator = 'idb_cmp1'
  const sample = await smallSample(t)
  for (const damaged of [Buffer.alloc(0), b('damaged')]) {
    const manifest = Buffer.concat([logOf([encodeEdit(edit)]), damaged])
    const foreign = directoryOf(
      t,
      changed(sample.files, MANIFEST, () => manifest),
    )
    const before = filesIn(foreign)
    t.is(await code(DB.repair(foreign)), 'LEVEL_NOT_SUPPORTED')
    t.deepEqual(filesIn(foreign), before)
  }
})
