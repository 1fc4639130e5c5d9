// Databases that were damaged, or cannot be read, when they are opened: right data or a named error,
// nothing removed, never a hole, never silence.

import test, { type ExecutionContext } from 'ava'
import { type DB, type ErrorCode, SluiceError, WriteBatch } from '../../ts/index.ts'
import { emptyEdit, encodeEdit, type VersionEdit } from '../../ts/version/version-edit.ts'
import { makeInternalKey } from '../../ts/format/internal-key.ts'
import { DIRECTORY, openOn } from '../crash/engine.ts'
import { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { SEED, seeded } from '../format/seed.ts'
import { FIRST, fragment, logOf, readLog } from '../log/log-file-bytes.ts'

const b = (text: string): Buffer => Buffer.from(text)
const OPTIONS = { writeBufferSize: 64 * 1024 }

const LOG = /\.log$/
const TABLE = /\.ldb$/
const MANIFEST = /MANIFEST-\d+$/

type Files = Map<string, Buffer>

/** The disk of a process that was killed: what a database of these steps leaves. */
async function killed(steps: (db: DB) => Promise<unknown>): Promise<Files> {
  const disk = new SimulatedDisk(SEED)
  const db = await openOn(disk, OPTIONS)
  await steps(db)
  // The log of a flushed memtable is removed a little later.
  while (logCount(disk) > 1) await disk.pause()
  return disk.contents(DIRECTORY)
}

function logCount(disk: SimulatedDisk): number {
  return [...disk.contents(DIRECTORY).keys()].filter((name) => LOG.test(name)).length
}

function diskOf(files: Files): SimulatedDisk {
  const disk = new SimulatedDisk(SEED)
  for (const [path, bytes] of files) disk.plant(path, bytes)
  return disk
}

/** Five keys in a table, five in the log. */
async function tenKeys(): Promise<Files> {
  return killed(async (db) => {
    for (let i = 0; i < 5; i++) await db.put(b(`k${i}`), b(`value ${i}`))
    await db.flushMemtable()
    for (let i = 5; i < 10; i++) await db.put(b(`k${i}`), b(`value ${i}`))
  })
}

function nameOf(files: Files, ending: RegExp): string {
  const names = [...files.keys()].filter((name) => ending.test(name))
  if (names.length !== 1) throw new Error(`${names.join()} for ${String(ending)}`)
  return names[0]!
}

/** How many of the ten keys are there: always the first ones. */
function prefixOf(t: ExecutionContext, db: DB, message?: string): number {
  const found = Array.from({ length: 10 }, (_, i) => db.getSync(b(`k${i}`))?.toString())
  const count = found.filter((value) => value !== undefined).length
  t.deepEqual(
    found.slice(0, count),
    Array.from({ length: count }, (_, i) => `value ${i}`),
    message,
  )
  return count
}

/** Opens, expects an error whose cause has this code, and that every file is as it was. */
async function refuses(
  t: ExecutionContext,
  disk: SimulatedDisk,
  code: ErrorCode,
  message = '',
): Promise<SluiceError> {
  const before = disk.contents(DIRECTORY)
  const error = await t.throwsAsync(openOn(disk, OPTIONS), { instanceOf: SluiceError }, message)
  t.is(error.code, 'LEVEL_DATABASE_NOT_OPEN', message)
  const cause = error.cause as SluiceError
  t.is(cause.code, code, `${message} ${error.message}`)
  const after = disk.contents(DIRECTORY)
  for (const [path, bytes] of before) t.deepEqual(after.get(path), bytes, `${message}: ${path}`)
  t.deepEqual([disk.lockCount, disk.openFiles()], [0, []], message)
  return cause
}

// Whatever a random part did, this repeats it.
test.afterEach.always((t) => {
  if (!t.passed) t.log(`SLUICE_SEED=${SEED}`)
})

test('a database whose process was killed has everything, and nothing is dropped', async (t) => {
  const disk = diskOf(await tenKeys())
  const db = await openOn(disk, OPTIONS)
  t.is(prefixOf(t, db), 10)
  t.like(db.recovery, {
    dropped: [],
    lostSequences: 0,
    movedToLost: [],
    logs: 1,
    writes: 5,
    created: false,
  })
  await db.close()
})

for (const kind of [
  'read-directory',
  'open',
  'read',
  'stat',
  'lock',
  'create',
  'write',
  'sync',
  'rename',
  'sync-directory',
] as const) {
  test(`28: a disk that fails '${kind}' in the middle of an open is LEVEL_IO_ERROR, and the next open has all`, async (t) => {
    const files = await tenKeys()
    let failures = 0
    for (let skip = 0; ; skip++) {
      const disk = diskOf(files)
      disk.inject({ effect: 'fail', kind, skip, code: kind === 'open' ? 'EMFILE' : 'EIO' })
      let db: DB
      try {
        db = await openOn(disk, OPTIONS)
        if (disk.faultCount === 0) {
          await db.close()
          break
        }
      } catch (error) {
        failures++
        const { code, cause } = error as SluiceError
        t.is(code, 'LEVEL_DATABASE_NOT_OPEN')
        t.is((cause as SluiceError).code, 'LEVEL_IO_ERROR')
        const after = disk.contents(DIRECTORY)
        for (const [path, bytes] of files) {
          // Renamed already, though not durably: the old manifest and the new give the same data.
          if (kind === 'sync-directory' && path.endsWith('CURRENT')) continue
          t.deepEqual(after.get(path), bytes, `${kind} ${skip}: ${path}`)
        }
        t.deepEqual([disk.lockCount, disk.openFiles()], [0, []])
        db = await openOn(disk, OPTIONS)
      }
      t.is(prefixOf(t, db, `${kind} ${skip}`), 10)
      t.deepEqual(db.recovery.dropped, [], `${kind} ${skip}`)
      await db.close()
    }
    t.true(failures > 0, kind)
  })
}

test('28: a database is never created where any file of one is', async (t) => {
  const files = await tenKeys()
  const [current] = [...files.keys()].filter((name) => name.endsWith('CURRENT'))
  for (const keep of [LOG, TABLE, MANIFEST]) {
    const left = new Map([...files].filter(([name]) => keep.test(name)))
    await refuses(t, diskOf(left), 'LEVEL_CORRUPTION', String(keep))
  }
  const left = new Map(files)
  left.delete(current!)
  await refuses(t, diskOf(left), 'LEVEL_CORRUPTION')
})

test('29: a table that cannot be read once fails that read alone', async (t) => {
  const disk = diskOf(await tenKeys())
  const db = await openOn(disk, { ...OPTIONS, cacheSize: 0 })
  await db.flushMemtable()
  for (const [kind, code] of [
    ['open', 'EMFILE'],
    ['read', 'EIO'],
  ] as const) {
    disk.inject({ effect: 'fail', kind, code, path: TABLE, times: 1 })
    await t.throwsAsync(db.get(b('k0')), { code: 'LEVEL_IO_ERROR' })
    t.is((await db.get(b('k0')))?.toString(), 'value 0')
    await db.put(b('still'), b('writable'))
  }
  t.is(db.stats().failure, undefined)
  await db.close()
})

// ---- The log ----

test('32: a bit flipped in the log ends it there: the event says where, and the file is kept', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, LOG)
  const bytes = files.get(name)!
  const { offsets } = readLog(bytes)
  t.is(offsets.length, 5)
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 1 << (at % 8)
    const disk = diskOf(new Map(files).set(name, flipped))
    const db = await openOn(disk, OPTIONS)
    const record = offsets.findLastIndex((offset) => offset <= at)
    t.is(prefixOf(t, db, `byte ${at}`), 5 + record, `byte ${at}`)
    t.is(db.recovery.dropped.length, 1)
    const [dropped] = db.recovery.dropped
    t.like(dropped, {
      file: name,
      offset: offsets[record]!,
      droppedBytes: bytes.length - offsets[record]!,
    })
    t.true(dropped!.reason.length > 0)
    t.deepEqual(disk.contents(DIRECTORY).get(dropped!.keptAs), flipped)
    await db.close()
    const again = await openOn(disk, OPTIONS)
    t.is(prefixOf(t, again), 5 + record)
    t.deepEqual(again.recovery.dropped, [])
    t.deepEqual(disk.contents(DIRECTORY).get(dropped!.keptAs), flipped)
    await again.close()
  }
})

test('32: a page of zeroes in the middle of the log ends it there', async (t) => {
  const files = await killed(async (db) => {
    for (let i = 0; i < 10; i++) await db.put(b(`k${i}`), b(`value ${i}`))
    for (let i = 0; i < 10; i++) await db.put(b(`filler ${i}`), Buffer.alloc(3000))
  })
  const name = nameOf(files, LOG)
  const bytes = Buffer.from(files.get(name)!)
  bytes.fill(0, 4096, 8192)
  const db = await openOn(diskOf(new Map(files).set(name, bytes)), OPTIONS)
  t.is(prefixOf(t, db), 10)
  t.is(db.getSync(b('filler 9')), undefined)
  t.is(db.recovery.dropped.length, 1)
  await db.close()
})

test('33: a log cut anywhere opens, with the writes before the cut, and says what was dropped', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, LOG)
  const bytes = files.get(name)!
  const { offsets } = readLog(bytes)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const db = await openOn(diskOf(new Map(files).set(name, bytes.subarray(0, cut))), OPTIONS)
    const whole = [...offsets, bytes.length].findLastIndex((offset) => offset <= cut)
    t.is(prefixOf(t, db, `cut ${cut}`), 5 + whole, `cut ${cut}`)
    const droppedBytes = cut - [...offsets, bytes.length][whole]!
    t.deepEqual(
      db.recovery.dropped.map((part) => part.droppedBytes),
      droppedBytes > 0 ? [droppedBytes] : [],
      `cut ${cut}`,
    )
    await db.close()
  }
})

test('33: a first fragment at the end of the log is dropped and reported', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, LOG)
  const bytes = Buffer.concat([files.get(name)!, fragment(FIRST, b('half a batch'))])
  const db = await openOn(diskOf(new Map(files).set(name, bytes)), OPTIONS)
  t.is(prefixOf(t, db), 10)
  t.is(db.recovery.dropped[0]?.droppedBytes, 7 + 12)
  await db.close()
})

test('34: a log that the manifest names and that is gone is LEVEL_CORRUPTION', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, LOG)
  files.delete(name)
  t.is((await refuses(t, diskOf(files), 'LEVEL_CORRUPTION')).file, name)
})

test('34: a log that is a directory is LEVEL_IO_ERROR', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, LOG)
  const bytes = files.get(name)!
  files.delete(name)
  files.set(`${name}/inside`, bytes)
  t.is((await refuses(t, diskOf(files), 'LEVEL_IO_ERROR')).file, name)
})

function batch(sequence: number, key: string, value: string): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt32LE(sequence)
  header[8] = 1
  return Buffer.concat([
    header,
    Buffer.of(1, key.length),
    b(key),
    Buffer.of(value.length),
    b(value),
  ])
}

test('an older log that ends early takes the newer one with it: no hole', async (t) => {
  const files = await killed(async (db) => {
    for (let i = 0; i < 5; i++) await db.put(b(`k${i}`), b(`value ${i}`))
  })
  const name = nameOf(files, LOG)
  const next = name.replace(/\d{6}/, (digits) => String(Number(digits) + 20).padStart(6, '0'))
  // The log goes on in a newer file.
  const newer = logOf(
    [6, 7].map((sequence) => batch(sequence, `k${sequence - 1}`, `value ${sequence - 1}`)),
  )
  const whole = await openOn(diskOf(new Map(files).set(next, newer)), OPTIONS)
  t.is(prefixOf(t, whole), 7)
  t.deepEqual(whole.recovery.dropped, [])
  await whole.close()
  const older = files.get(name)!
  for (const cut of [older.length - 1, readLog(older).offsets[4]!, readLog(older).offsets[2]!, 0]) {
    const db = await openOn(
      diskOf(new Map(files).set(name, older.subarray(0, cut)).set(next, newer)),
      OPTIONS,
    )
    t.is(prefixOf(t, db, `cut ${cut}`), readLog(older.subarray(0, cut)).records.length)
    t.true(
      db.recovery.dropped.some(({ file }) => file === next),
      `cut ${cut}`,
    )
    await db.close()
  }
})

const BAD_BATCHES: readonly (readonly [what: string, hex: string])[] = [
  ['an unknown tag', '0b00000000000000 01000000 02 0161 0131'],
  ['a count above its records', '0b00000000000000 02000000 01 0161 0131'],
  ['a count below its records', '0b00000000000000 00000000 01 0161 0131'],
  ['a key that is cut', '0b00000000000000 01000000 00 0561'],
  ['bytes behind its records', '0b00000000000000 01000000 00 0161 00'],
  ['no whole header', '0b000000000000'],
  ['a sequence of 2^53', '0000000000002000 01000000 01 0161 0131'],
  ['a sequence of 2^56', '0000000000000001 01000000 01 0161 0131'],
  ['a sequence of 2^64 - 1', 'ffffffffffffffff 01000000 01 0161 0131'],
  ['a sequence that goes back', '0300000000000000 01000000 01 0161 0131'],
  ['the sequence of the batch before it', '0a00000000000000 01000000 01 0161 0131'],
]

for (const [what, hex] of BAD_BATCHES) {
  test(`35: a batch with a right checksum and ${what} is LEVEL_CORRUPTION, and nothing is applied`, async (t) => {
    const files = await tenKeys()
    const name = nameOf(files, LOG)
    const whole = readLog(files.get(name)!).records
    const bytes = logOf([...whole, Buffer.from(hex.replaceAll(' ', ''), 'hex')])
    const cause = await refuses(t, diskOf(new Map(files).set(name, bytes)), 'LEVEL_CORRUPTION')
    t.like(cause, { file: name, offset: files.get(name)!.length })
  })
}

// ---- The manifest, the tables, CURRENT ----

test('36: a manifest cut anywhere gives all ten keys or LEVEL_CORRUPTION, and nothing is removed', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, MANIFEST)
  const bytes = files.get(name)!
  for (let cut = 0; cut < bytes.length; cut++) {
    await refuses(
      t,
      diskOf(new Map(files).set(name, bytes.subarray(0, cut))),
      'LEVEL_CORRUPTION',
      `cut ${cut}`,
    )
  }
})

test('36: a manifest with a bit flipped anywhere gives all ten keys or an error, and nothing is removed', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, MANIFEST)
  const bytes = files.get(name)!
  const random = new Random(SEED)
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 1 << random.below(8)
    await refuses(
      t,
      diskOf(new Map(files).set(name, flipped)),
      'LEVEL_CORRUPTION',
      seeded(`byte ${at}`),
    )
  }
})

test('36: a manifest that is gone, or empty, or zeroes, is LEVEL_CORRUPTION', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, MANIFEST)
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.alloc(files.get(name)!.length),
    Buffer.alloc(40_000),
  ]) {
    await refuses(t, diskOf(new Map(files).set(name, bytes)), 'LEVEL_CORRUPTION')
  }
  files.delete(name)
  t.is((await refuses(t, diskOf(files), 'LEVEL_CORRUPTION')).file, name)
})

test('36: a live table that is gone, or has another size, is LEVEL_CORRUPTION', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, TABLE)
  const bytes = files.get(name)!
  for (const other of [
    bytes.subarray(0, -1),
    Buffer.alloc(0),
    Buffer.concat([bytes, Buffer.alloc(1)]),
  ]) {
    t.is((await refuses(t, diskOf(new Map(files).set(name, other)), 'LEVEL_CORRUPTION')).file, name)
  }
  files.delete(name)
  t.is((await refuses(t, diskOf(files), 'LEVEL_CORRUPTION')).file, name)
})

test('a table under its name of old LevelDBs is as good', async (t) => {
  const files = await tenKeys()
  const name = nameOf(files, TABLE)
  files.set(name.replace('.ldb', '.sst'), files.get(name)!)
  files.delete(name)
  const disk = diskOf(files)
  for (let i = 0; i < 2; i++) {
    const db = await openOn(disk, OPTIONS)
    t.is(prefixOf(t, db), 10)
    await db.close()
  }
})

function edit(fields: Partial<VersionEdit>): Buffer {
  return encodeEdit(Object.assign(emptyEdit(), fields))
}

const KEY = makeInternalKey(b('k'), 1, 1)
const BAD_EDITS: readonly (readonly [what: string, code: ErrorCode, record: Buffer])[] = [
  ['a key of one byte', 'LEVEL_CORRUPTION', Buffer.from('070005010161080101000000000000', 'hex')],
  ['next file number 2^64 - 1', 'LEVEL_CORRUPTION', Buffer.from('03ffffffffffffffffff01', 'hex')],
  ['a log number beyond the next file', 'LEVEL_CORRUPTION', edit({ logNumber: 1000 })],
  ['level 200', 'LEVEL_CORRUPTION', Buffer.from('06c80105', 'hex')],
  [
    'overlapping levels',
    'LEVEL_CORRUPTION',
    edit({
      newFiles: [2, 3].map((number) => ({
        level: 1,
        file: { number, sizeBytes: 9, smallest: KEY, largest: KEY },
      })),
    }),
  ],
  [
    'a table that never was',
    'LEVEL_CORRUPTION',
    edit({
      newFiles: [{ level: 1, file: { number: 1, sizeBytes: 9, smallest: KEY, largest: KEY } }],
    }),
  ],
  ['another comparator', 'LEVEL_NOT_SUPPORTED', edit({ comparator: 'idb_cmp1' })],
  ['40: an unknown tag', 'LEVEL_NOT_SUPPORTED', Buffer.from('0a00', 'hex')],
]

for (const [what, code, record] of BAD_EDITS) {
  test(`37: a manifest with a right checksum and ${what} is ${code}`, async (t) => {
    const files = await tenKeys()
    const name = nameOf(files, MANIFEST)
    const bytes = logOf([...readLog(files.get(name)!).records, record])
    await refuses(t, diskOf(new Map(files).set(name, bytes)), code)
  })
}

for (const text of [
  '',
  '\n',
  'MANIFEST',
  'MANIFEST-000003',
  'twice',
  '../db/it',
  'sub/it',
  '/it',
  '..\n',
]) {
  test(`38: a CURRENT of ${JSON.stringify(text)} is LEVEL_CORRUPTION`, async (t) => {
    const files = await tenKeys()
    const name = nameOf(files, MANIFEST).slice(DIRECTORY.length + 1)
    const current =
      text === 'twice'
        ? `${name}\n${name}\n`
        : text.endsWith('it')
          ? `${text.slice(0, -2)}${name}\n`
          : text
    const disk = diskOf(new Map(files).set(`${DIRECTORY}/CURRENT`, b(current)))
    t.is((await refuses(t, disk, 'LEVEL_CORRUPTION')).file, `${DIRECTORY}/CURRENT`)
  })
}

test('4: a database whose sequences are used up refuses writes, and still reads', async (t) => {
  const files = await killed(async (db) => db.put(b('k0'), b('value 0')))
  const name = nameOf(files, MANIFEST)
  const log = nameOf(files, LOG)
  const last = Number.MAX_SAFE_INTEGER - 3
  const bytes = logOf([...readLog(files.get(name)!).records, edit({ lastSequence: last })])
  const disk = diskOf(new Map(files).set(name, bytes).set(log, Buffer.alloc(0)))
  const db = await openOn(disk, OPTIONS)
  t.is(db.stats().lastSequence, last)
  const batch = new WriteBatch()
  for (let i = 0; i < 4; i++) batch.put(b(`b${i}`), b('v'))
  const size = nameSizes(disk)
  await t.throwsAsync(db.write(batch), { code: 'LEVEL_INVALID_VALUE' })
  t.deepEqual(nameSizes(disk), size)
  await db.put(b('last'), b('v'))
  t.is((await db.get(b('last')))?.toString(), 'v')
  t.is(await db.get(b('b0')), undefined)
  await db.close()
})

function nameSizes(disk: SimulatedDisk): string[] {
  return [...disk.contents(DIRECTORY)].map(([name, bytes]) => `${name} ${bytes.length}`)
}

test('a table that no manifest knows is kept where a log was not taken over whole', async (t) => {
  const files = await tenKeys()
  const table = files.get(nameOf(files, TABLE))!
  const log = nameOf(files, LOG)
  files.set(log, files.get(log)!.subarray(0, -1))
  files.set(`${DIRECTORY}/000899.ldb`, table)
  const disk = diskOf(files)
  const db = await openOn(disk, OPTIONS)
  await db.close()
  t.deepEqual(disk.contents(DIRECTORY).get(`${DIRECTORY}/lost/000899.ldb`), table)
})

test("files that are not a database's are left alone, and tables that no manifest knows are kept where they may hold more", async (t) => {
  const files = await tenKeys()
  const other = await killed(async (db) => {
    for (let i = 0; i < 11; i++) await db.put(b(`other ${i}`), b('v'))
    await db.flushMemtable()
  })
  // One has the sequences of ten writes and one more; the other one has those of the first five.
  const table = other.get(nameOf(other, TABLE))!
  files.set(`${DIRECTORY}/000899.ldb`, files.get(nameOf(files, TABLE))!)
  const mine = [
    `${DIRECTORY}/notes.txt`,
    `${DIRECTORY}/foo.log`,
    `${DIRECTORY}/MANIFEST-old`,
    `${DIRECTORY}/sub/000001.ldb`,
  ]
  for (const name of mine) files.set(name, b('mine'))
  const unknown = `${DIRECTORY}/000900.ldb`
  files.set(unknown, table)
  // What a kill in the middle of a flush leaves was never a table.
  files.set(`${DIRECTORY}/000901.ldb`, b('half a table'))
  const disk = diskOf(files)
  const db = await openOn(disk, OPTIONS)
  t.is(prefixOf(t, db), 10)
  t.is(db.recovery.movedToLost.length, 1)
  const after = disk.contents(DIRECTORY)
  for (const name of mine) t.deepEqual(after.get(name), b('mine'), name)
  t.deepEqual(after.get(`${DIRECTORY}/lost/000900.ldb`), table)
  t.false(after.has(`${DIRECTORY}/000901.ldb`))
  t.false(after.has(`${DIRECTORY}/000899.ldb`) || after.has(`${DIRECTORY}/lost/000899.ldb`))
  await db.put(b('k'), b('v'))
  await db.flushMemtable()
  await db.close()
})
