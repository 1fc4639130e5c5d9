// Verification: a sound database is found sound, and every damage is named with its file.

import fs from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ClassicLevel } from 'classic-level'
import { verifyDatabase } from '../../../ts/db/tools/verify.ts'
import { handleOffset, handleSize } from '../../../ts/table/format.ts'
import { DB, SluiceError, type VerifyReport } from '../../../ts/index.ts'
import { emptyEdit, encodeEdit, type VersionEdit } from '../../../ts/version/version-edit.ts'
import { makeInternalKey } from '../../../ts/format/internal-key.ts'
import { DIRECTORY } from '../../crash/engine.ts'
import { Random } from '../../crash/random.ts'
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
  resealBlock,
} from './directories.ts'

const FOOTER_BYTES = 48
const MANIFEST = /^MANIFEST-/
const TABLE = /\.ldb$/
const LOG = /\.log$/

/** Sixty keys in one table of some blocks, ten in the log. */
function sample(t: ExecutionContext): Promise<Files> {
  const options = { blockSize: 256, blockRestartInterval: 4, compression: 'none' } as const
  return closedDatabase(t, options, async (db) => {
    for (let i = 10; i < 70; i++) await db.put(b(`key ${i}`), b(`value ${i}`))
    await db.flushMemtable()
    for (let i = 70; i < 80; i++) await db.put(b(`key ${i}`), b(`value ${i}`))
  })
}

function verify(files: Files): Promise<VerifyReport> {
  return verifyDatabase(DIRECTORY, {}, diskOf(files))
}

/** Each problem as 'severity code name offset'. */
function told({ problems }: VerifyReport): string[] {
  return problems.map(({ severity, code, file, offset }) => {
    const place = file.replace(`${DIRECTORY}/`, '')
    return `${severity} ${code} ${place}${offset === undefined ? '' : ` ${offset}`}`
  })
}

/** Where the blocks of a table without compression are: data blocks by the index, then the filter. */
function footerHandles(table: Buffer): { metaindex: number[]; index: number[] } {
  const at = table.length - FOOTER_BYTES
  const metaindex = [handleOffset(table, at), handleSize(table, at)]
  let indexAt = at
  for (let i = 0; i < 2; i++) {
    while (table[indexAt]! >= 0x80) indexAt++
    indexAt++
  }
  return { metaindex, index: [handleOffset(table, indexAt), handleSize(table, indexAt)] }
}

test.afterEach.always((t) => {
  if (!t.passed) t.log(`SLUICE_SEED=${SEED}`)
})

test('a database that was closed is found sound, with everything counted and nothing changed', async (t) => {
  const files = await sample(t)
  const disk = diskOf(files)
  const report = await verifyDatabase(DIRECTORY, {}, disk)
  t.like(report, { ok: true, problems: [], omittedProblems: 0 })
  t.like(report.counts, { files: 3, tables: 1, entries: 60, records: 10, writes: 10 })
  t.is(report.counts.blocks, 5)
  const sizes = [MANIFEST, TABLE, LOG].map((pattern) => files.get(nameOf(files, pattern))!.length)
  t.is(report.counts.bytes, sizes[0]! + sizes[1]! + sizes[2]!)
  const after = disk.contents(DIRECTORY)
  t.deepEqual(after.get(`${DIRECTORY}/LOCK`), Buffer.alloc(0))
  after.delete(`${DIRECTORY}/LOCK`)
  t.deepEqual(after, new Map([...files].map(([name, bytes]) => [`${DIRECTORY}/${name}`, bytes])))
  t.deepEqual([disk.openFiles(), disk.lockCount], [[], 0])
})

test('a database that LevelDB wrote and compacted is found sound', async (t) => {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const level = new ClassicLevel(path, { writeBufferSize: 64 * 1024, maxFileSize: 2 ** 20 })
  for (let i = 0; i < 200; i++) {
    const operations = Array.from({ length: 200 }, (_, j) => {
      const key = `key ${(i * 7919 + j * 104_729) % 30_000}`
      return j % 10 === 0
        ? ({ type: 'del', key } as const)
        : ({ type: 'put', key, value: `${i} ${'v'.repeat(50)}` } as const)
    })
    await level.batch(operations)
  }
  await level.close()
  const before = filesIn(path)
  const report = await DB.verify(path)
  t.deepEqual(
    report.problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  t.true(report.ok)
  t.true(report.counts.tables > 2)
  t.true(report.counts.entries > 20_000)
  t.deepEqual(filesIn(path), before)
})

test('a bit flipped anywhere is found, and told with its file', async (t) => {
  const files = await sample(t)
  const random = new Random(SEED)
  let flips = 0
  for (const [name, bytes] of files) {
    for (let at = 0; at < bytes.length; at++) {
      // Every byte of the short files and of footers; of the rest one in three.
      const isDense = bytes.length < 600 || at >= bytes.length - FOOTER_BYTES
      if (!isDense && random.below(3) !== 0) continue
      const copy = new Map(files)
      copy.set(name, flipped(bytes, at, random.below(8)))
      const report = await verify(copy)
      flips++
      const isNamed = report.problems.some(({ file }) => file === `${DIRECTORY}/${name}`)
      // CURRENT with another number leads to a manifest that is not there.
      const isFound = name === 'CURRENT' ? !report.ok : isNamed
      if (!isFound) t.fail(`${name} at ${at}: ${told(report).join()}`)
    }
  }
  t.log(`${flips} flips`)
  t.true(flips > 1000)
})

test('a table that is cut anywhere is found', async (t) => {
  const files = await sample(t)
  const { length } = files.get(nameOf(files, TABLE))!
  for (let size = 0; size < length; size += 7) {
    const report = await verify(changed(files, TABLE, (bytes) => bytes.subarray(0, size)))
    t.false(report.ok)
    t.is(report.problems[0]!.code, 'file-size')
  }
})

test('36: a manifest and a directory that do not agree are told file by file', async (t) => {
  const files = await sample(t)
  const table = nameOf(files, TABLE)
  const log = nameOf(files, LOG)
  const manifest = nameOf(files, MANIFEST)
  const gone = (pattern: RegExp): Files => changed(files, pattern, () => undefined)
  t.deepEqual(told(await verify(gone(TABLE))), [`error missing-file ${table}`])
  t.deepEqual(told(await verify(gone(LOG))), [`error missing-file ${log}`])
  t.deepEqual(told(await verify(gone(MANIFEST))), [`error manifest ${manifest}`])
  t.deepEqual(told(await verify(gone(/^CURRENT$/))), ['error current CURRENT'])
  const more = new Map(files)
  for (const name of ['000900.ldb', '000002.log', 'MANIFEST-000900', '000901.dbtmp', 'mine.txt']) {
    more.set(name, b('x'))
  }
  const report = await verify(more)
  t.true(report.ok)
  t.deepEqual(told(report).toSorted(), [
    'warning orphan-file 000002.log',
    'warning orphan-file 000900.ldb',
    'warning orphan-file 000901.dbtmp',
    'warning orphan-file MANIFEST-000900',
  ])
})

test('without a manifest every table and every log is looked at', async (t) => {
  const files = await sample(t)
  const noManifest = changed(files, MANIFEST, () => undefined)
  t.like((await verify(noManifest)).counts, { tables: 1, entries: 60, records: 10 })
  const table = nameOf(files, TABLE)
  const report = await verify(changed(noManifest, TABLE, (bytes) => flipped(bytes, 3)))
  t.true(told(report).includes(`error block ${table} 0`), told(report).join())
})

for (const [what, text] of [
  ['empty', ''],
  ['without its newline', 'MANIFEST-000004'],
  ['doubled', 'MANIFEST-000004\nMANIFEST-000004\n'],
  ['with a separator', '../MANIFEST-000004\n'],
] as const) {
  test(`38: a CURRENT that is ${what} is told`, async (t) => {
    const files = await sample(t)
    const report = await verify(changed(files, /^CURRENT$/, () => b(text)))
    t.is(told(report)[0], 'error current CURRENT')
  })
}

/** The sample with a manifest of one edit that is what `edit` makes of the right one. */
async function withManifest(
  t: ExecutionContext,
  change: (edit: VersionEdit) => void,
): Promise<Files> {
  const files = await sample(t)
  const table = nameOf(files, TABLE)
  const edit = emptyEdit()
  edit.comparator = 'leveldb.BytewiseComparator'
  edit.logNumber = Number.parseInt(nameOf(files, LOG), 10)
  edit.nextFileNumber = 100
  edit.lastSequence = 60
  edit.newFiles.push({
    level: 0,
    file: {
      number: Number.parseInt(table, 10),
      sizeBytes: files.get(table)!.length,
      smallest: makeInternalKey(b('key 10'), 1, 1),
      largest: makeInternalKey(b('key 69'), 60, 1),
    },
  })
  change(edit)
  return changed(files, MANIFEST, () => logOf([encodeEdit(edit)]))
}

test('the manifest that these tests write is a sound one', async (t) => {
  t.deepEqual(told(await verify(await withManifest(t, () => undefined))), [])
})

test('a first or last key that is not the one in the manifest is told', async (t) => {
  const files = await withManifest(t, ({ newFiles }) => {
    const { file } = newFiles[0]!
    newFiles[0] = { level: 0, file: { ...file, smallest: makeInternalKey(b('key 10'), 2, 1) } }
  })
  t.deepEqual(told(await verify(files)), [`error range ${nameOf(files, TABLE)}`])
  const others = await withManifest(t, ({ newFiles }) => {
    const { file } = newFiles[0]!
    newFiles[0] = { level: 0, file: { ...file, largest: makeInternalKey(b('key 7'), 60, 1) } }
  })
  t.deepEqual(told(await verify(others)), [`error range ${nameOf(others, TABLE)}`])
})

test('sequences above the last one are told with their block', async (t) => {
  const files = await withManifest(t, (edit) => {
    edit.lastSequence = 59
  })
  const report = await verify(files)
  t.is(report.problems.length, 1)
  t.like(report.problems[0], { severity: 'error', code: 'sequence' })
  t.regex(report.problems[0]!.message, /above 59/)
})

test('37: levels that overlap, and numbers that cannot be, are told as damage of the manifest', async (t) => {
  const overlapping = await withManifest(t, ({ newFiles }) => {
    const { file } = newFiles[0]!
    newFiles[0] = { level: 1, file }
    newFiles.push({ level: 1, file: { ...file, number: 90 } })
  })
  const manifest = nameOf(overlapping, MANIFEST)
  t.true(told(await verify(overlapping)).includes(`error manifest ${manifest}`))
  const beyond = await withManifest(t, (edit) => {
    edit.nextFileNumber = 2
  })
  t.true(told(await verify(beyond)).includes(`error manifest ${manifest}`))
})

test('damage that its checksum covers up is told: order, restart points, type, filter', async (t) => {
  const files = await sample(t)
  const table = nameOf(files, TABLE)
  const original = files.get(table)!
  // The first block: its first key 'key 10' stands whole behind three lengths.
  const keyAt = 3 + 'key 1'.length
  t.is(original.toString('latin1', 3, 9), 'key 10')
  const firstBlock = blockSizes(original)[0]!
  // Where its second restart point stands.
  const restartAt = firstBlock - 4 - 4 * (original.readUInt32LE(firstBlock - 4) - 1)
  const edits: [string, (bytes: Buffer) => unknown, RegExp][] = [
    ['order', (bytes) => bytes.write('~', keyAt), /not above the one before/],
    ['entry', (bytes) => bytes.writeUInt8(7, 9), /type 7/],
    ['block', (bytes) => (bytes[restartAt]! += 1), /restart/],
  ]
  for (const [code, edit, message] of edits) {
    const report = await verify(
      changed(files, TABLE, (bytes) => {
        edit(bytes)
        return resealBlock(bytes, 0, firstBlock)
      }),
    )
    const problem = report.problems.find((found) => found.code === code)
    t.like(problem, { severity: 'error', file: `${DIRECTORY}/${table}`, offset: 0 }, code)
    t.regex(problem!.message, message)
  }
  const [filterAt, filterSize] = filterOf(original)
  const hidden = await verify(
    changed(files, TABLE, (bytes) => {
      // Every bit of the first filter to zero, its last byte is the count of probes.
      bytes.fill(0, filterAt, filterAt + 20)
      return resealBlock(bytes, filterAt, filterSize)
    }),
  )
  t.true(hidden.problems.length > 0)
  t.deepEqual([...new Set(hidden.problems.map(({ code }) => code))], ['filter'])
})

/** Sizes of the data blocks of a table without compression, by looking for their trailers. */
function blockSizes(table: Buffer): number[] {
  const { index } = footerHandles(table)
  const [indexAt, indexSize] = index as [number, number]
  const sizes: number[] = []
  const entriesEnd = indexAt + indexSize - 4 - 4 * table.readUInt32LE(indexAt + indexSize - 4)
  for (let at = indexAt; at < entriesEnd;) {
    const valueAt = at + 3 + table[at + 1]!
    sizes.push(handleSize(table, valueAt))
    at = valueAt + table[at + 2]!
  }
  return sizes
}

/** The filter block lies between the data blocks and the metaindex block. */
function filterOf(table: Buffer): [offset: number, size: number] {
  const { metaindex } = footerHandles(table)
  const offset = blockSizes(table).reduce((sum, size) => sum + size + 5, 0)
  return [offset, metaindex[0]! - 5 - offset]
}

test('33: the end of a log that a crash cut off is a warning, damage before the end is an error', async (t) => {
  const files = await sample(t)
  const log = nameOf(files, LOG)
  const torn = await verify(changed(files, LOG, (bytes) => bytes.subarray(0, bytes.length - 3)))
  t.true(torn.ok)
  t.regex(told(torn).join(), new RegExp(`^warning log-tail ${log} \\d+$`))
  t.is(torn.counts.writes, 9)
  const damaged = await verify(changed(files, LOG, (bytes) => flipped(bytes, 10)))
  t.false(damaged.ok)
  t.deepEqual(told(damaged), [`error log ${log} 0`])
})

test('40: blocks of a kind that only a newer format has are not supported, not damaged', async (t) => {
  const files = await sample(t)
  const [size] = blockSizes(files.get(nameOf(files, TABLE))!)
  const report = await verify(
    changed(files, TABLE, (bytes) => {
      // Zstd's number, over bytes that are no Zstd: it depends on this Node what is said of them.
      bytes[size!] = 7
      return resealBlock(bytes, 0, size!)
    }),
  )
  t.false(report.ok)
  t.is(report.problems[0]!.offset, 0)
})

test('a database that is open is not verified, and a missing one is not made', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const path = join(directory, 'db')
  const db = await DB.open(path, { createIfMissing: true })
  const locked = await t.throwsAsync(DB.verify(path), { instanceOf: SluiceError })
  t.is(locked.code, 'LEVEL_LOCKED')
  await db.close()
  t.true((await DB.verify(path)).ok)
  for (const missing of [join(directory, 'none'), directory]) {
    const error = await t.throwsAsync(DB.verify(missing), { instanceOf: SluiceError })
    t.is(error.code, 'LEVEL_DATABASE_MISSING')
  }
  t.deepEqual(fs.readdirSync(directory), ['db'])
  await t.throwsAsync(DB.verify(''), { instanceOf: TypeError })
  await t.throwsAsync(DB.verify(path, { deep: true } as object), { instanceOf: TypeError })
})

test('a verification gives other code its turn, tells its progress, and can be aborted', async (t) => {
  const value = Buffer.alloc(1000, 'x')
  const files = await closedDatabase(t, { compression: 'none' }, async (db) => {
    for (let i = 0; i < 4000; i++) void db.put(b(`key ${i}`), value)
    await db.flushMemtable()
    for (let i = 0; i < 2000; i++) await db.put(b(`more ${i}`), value)
  })
  const path = directoryOf(t, files)
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  const steps: number[] = []
  const report = await DB.verify(path, {
    onProgress: ({ doneBytes, totalBytes }) => {
      t.true(doneBytes <= totalBytes)
      steps.push(doneBytes / totalBytes)
    },
  })
  clearInterval(timer)
  t.true(report.ok)
  t.true(turns >= 5, `${turns} turns`)
  t.true(steps.length >= 5)
  t.deepEqual(
    steps,
    steps.toSorted((a, c) => a - c),
  )
  t.is(steps.at(-1), 1)

  const controller = new AbortController()
  const error = await t.throwsAsync(
    DB.verify(path, { signal: controller.signal, onProgress: () => controller.abort() }),
    { instanceOf: SluiceError },
  )
  t.is(error.code, 'LEVEL_ABORTED')
  await (await DB.open(path)).close()
})

for (const kind of ['read-directory', 'open', 'read', 'stat', 'lock'] as const) {
  test(`a disk that fails '${kind}' is told as that, and never as damage`, async (t) => {
    const files = await sample(t)
    for (let skip = 0; ; skip++) {
      const disk = diskOf(files)
      disk.inject({ effect: 'fail', kind, skip, code: 'EIO' })
      try {
        const report = await verifyDatabase(DIRECTORY, {}, disk)
        if (disk.faultCount === 0) break
        t.deepEqual([...new Set(report.problems.map(({ code }) => code))], isForProgress(report))
      } catch (error) {
        t.is((error as SluiceError).code, 'LEVEL_IO_ERROR')
      }
      t.deepEqual([disk.openFiles(), disk.lockCount], [[], 0])
    }
  })
}

/** A size that only the progress wants may be missing without a word. */
function isForProgress({ ok }: VerifyReport): string[] {
  return ok ? [] : ['io']
}
