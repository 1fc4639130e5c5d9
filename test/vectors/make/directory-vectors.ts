// Whole directories: what a database holds that is opened on these files, or how the open fails.
//
// Built from the same logs, tables and manifests as the other vectors, so that an implementation that
// can only be asked for directories is asked for them too. Those that C++ LevelDB and SluiceDB wrote
// are in written-directories.ts.

import {
  type Bytes,
  concat,
  type Edit,
  type EditFile,
  type Entry,
  hex,
  keyOf,
  logOf,
  text,
} from './reference.ts'
import { logCases, recordOf } from './log-vectors.ts'
import { firstEdit, manifestOf, refusedManifests, unfinishedManifests } from './manifest-vectors.ts'
import {
  blockOfEntry,
  damagedTables,
  put,
  type TableCase,
  tableCases,
  tableNamed,
} from './table-vectors.ts'
import type { DataFiles } from './data-files.ts'
import { type Fact, VectorList } from './vector-list.ts'

type Files = Readonly<Record<string, Fact>>

const CURRENT = text('MANIFEST-000002\n')

/** A database without tables, whose log is `log`. */
function withLog(log: Fact, edit: Partial<Edit> = {}): Files {
  return { CURRENT, 'MANIFEST-000002': manifestOf(firstEdit(edit)), '000003.log': log }
}

/** A database of one table, number 5, with an empty log. */
function withTable(table: TableCase, bytes: Fact, edit: Partial<Edit> = {}): Files {
  return withTables([liveFile(table, 0, 5n)], { '000005.ldb': bytes }, edit)
}

function withTables(newFiles: readonly EditFile[], tables: Files, edit: Partial<Edit> = {}): Files {
  const numbers = { logNumber: 6n, lastSequence: 100n, newFiles, ...edit }
  return {
    CURRENT,
    'MANIFEST-000002': manifestOf(firstEdit(numbers)),
    '000006.log': hex(''),
    ...tables,
  }
}

function without(files: Files, ...names: readonly string[]): Files {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name)))
}

function liveFile({ entries, image }: TableCase, level: number, number: bigint): EditFile {
  return {
    level,
    number,
    size: BigInt(image.bytes.length),
    smallest: keyOf(entries[0]!),
    largest: keyOf(entries.at(-1)!),
  }
}

/** What a reader sees of entries in any order: of each key the newest, unless it is a deletion. */
export function visible(entries: readonly Entry[]): [Bytes, Bytes][] {
  const newest = new Map<string, Entry>()
  for (const entry of entries) {
    const name = entry.userKey.toString('latin1')
    const other = newest.get(name)
    if (other === undefined || entry.sequence > other.sequence) newest.set(name, entry)
  }
  return [...newest.values()]
    .filter(({ isDeletion }) => isDeletion !== true)
    .toSorted((a, b) => Buffer.compare(a.userKey, b.userKey))
    .map(({ userKey, value }) => [userKey, value])
}

/** Of records that each put one key. */
function entriesOf(records: readonly Bytes[]): Fact {
  return visible(
    records.map((record) => {
      const keyLength = record[13]!
      const userKey = record.subarray(14, 14 + keyLength)
      let valueAt = 14 + keyLength
      while (record[valueAt++]! >= 0x80);
      return { userKey, sequence: record.readBigUInt64LE(0), value: record.subarray(valueAt) }
    }),
  )
}

export function directoryVectors(files: DataFiles): VectorList {
  const list = new VectorList('directory')
  addLogs(list)
  addManifests(list)
  addTables(list, files)
  addLevels(list, files)
  addStrangers(list, files)
  addMissing(list, files)
  addRepairs(list, files)
  return list
}

function record(sequence: number, key: string): Bytes {
  return recordOf(BigInt(sequence), key, 60)
}

function reading(files: Files): { do: string; files: Files } {
  return { do: 'directory.read', files }
}

function repairing(files: Files): { do: string; files: Files } {
  return { do: 'directory.repair', files }
}

const GOES_ON = 'C++ LevelDB goes on behind the damage, unless it is told to be paranoid'

function addLogs(list: VectorList): void {
  for (const { name, bytes, records, behind, areBatches } of logCases()) {
    if (!areBatches) continue
    const ask = { do: 'directory.read', files: withLog(bytes) }
    const or = [{ expect: { entries: entriesOf([...records, ...(behind ?? [])]) }, why: GOES_ON }]
    list.expect(
      `log, ${name}`,
      ask,
      { entries: entriesOf(records) },
      behind === undefined ? {} : { or },
    )
  }
  const older = logOf([record(1, 'a'), record(2, 'b')])
  const newer = logOf([record(3, 'b'), record(4, 'c')])
  list.expect(
    'two logs, the newer not yet in the manifest',
    { do: 'directory.read', files: { ...withLog(older), '000007.log': newer } },
    { entries: entriesOf([record(1, 'a'), record(3, 'b'), record(4, 'c')]) },
  )
  list.expect(
    'a previous log and a log',
    {
      do: 'directory.read',
      files: {
        ...withLog(older, { logNumber: 7n, previousLogNumber: 3n }),
        '000007.log': newer,
      },
    },
    { entries: entriesOf([record(1, 'a'), record(3, 'b'), record(4, 'c')]) },
  )
  list.expect(
    'a log that the manifest is done with',
    { do: 'directory.read', files: { ...withLog(older, { logNumber: 7n }), '000007.log': newer } },
    { entries: entriesOf([record(3, 'b'), record(4, 'c')]) },
  )
  list.expect(
    'a damaged log and a whole one behind it',
    {
      do: 'directory.read',
      files: { ...withLog(damagedAtEnd(older)), '000007.log': newer },
    },
    { entries: entriesOf([record(1, 'a')]) },
    {
      why: 'what comes behind a hole was built on what is gone',
      or: [
        {
          expect: { entries: entriesOf([record(1, 'a'), record(3, 'b'), record(4, 'c')]) },
          why: GOES_ON,
        },
      ],
    },
  )
  const follows = logOf([record(2, 'b')])
  list.expect(
    'a damaged log and one whose sequences follow on what was read of it',
    { do: 'directory.read', files: { ...withLog(damagedAtEnd(older)), '000007.log': follows } },
    { entries: entriesOf([record(1, 'a')]) },
    {
      why: 'nobody knows how many writes are missing between the two',
      or: [{ expect: { entries: entriesOf([record(1, 'a'), record(2, 'b')]) }, why: GOES_ON }],
    },
  )
  list.expect(
    'a log with a first record of sequence 1 and an older log of no bytes',
    { do: 'directory.read', files: { ...withLog(hex('')), '000007.log': older } },
    { entries: entriesOf([record(1, 'a'), record(2, 'b')]) },
  )
}

/** The same bytes but for a bit of the last one. */
function damagedAtEnd(bytes: Bytes): Bytes {
  return concat(bytes.subarray(0, -1), Buffer.of(bytes.at(-1)! ^ 1))
}

function addManifests(list: VectorList): void {
  const log = logOf([record(1, 'k')])
  for (const { name, bytes, error, or } of refusedManifests()) {
    const extra = or === undefined ? {} : { or }
    const files = { ...withLog(log), 'MANIFEST-000002': bytes }
    list.error(`manifest ${name}`, reading(files), error, extra)
  }
  for (const { name, bytes, or } of unfinishedManifests()) {
    const extra = or === undefined ? {} : { or }
    const files = { ...withLog(log), 'MANIFEST-000002': bytes }
    list.expect(`manifest ${name}`, reading(files), { entries: entriesOf([record(1, 'k')]) }, extra)
  }
}

function addTables(list: VectorList, files: DataFiles): void {
  for (const table of tableCases()) {
    const bytes = files.add(`tables/${table.name}.ldb`, table.image.bytes)
    list.expect(
      `table ${table.name}`,
      { do: 'directory.read', files: withTable(table, bytes) },
      { entries: visible(table.entries) },
    )
  }
  const damaged = tableNamed('small-blocks')
  const whole = files.add(`tables/${damaged.name}.ldb`, damaged.image.bytes)
  for (const { name, at, put: change, lost } of damagedTables(damaged)) {
    const bytes = { of: whole, at, put: change }
    const question = { files: withTable(damaged, bytes) }
    const isLost = (index: number): boolean =>
      lost === 'all' || lost.includes(blockOfEntry(damaged, index))
    const anyLost = damaged.entries.some((_entry, index) => isLost(index))
    if (anyLost) list.error(`table, ${name}`, { do: 'directory.read', ...question }, 'corruption')
    else {
      const entries = visible(damaged.entries)
      list.expect(`table, ${name}`, { do: 'directory.read', ...question }, { entries })
    }
    const keys = damaged.entries.map(({ userKey }) => userKey)
    const values = damaged.entries.map((entry, index): Fact => {
      if (isLost(index)) return { error: 'corruption' }
      return entry.isDeletion === true ? { absent: true } : { value: entry.value }
    })
    list.expect(
      `table, ${name}, key by key`,
      { do: 'directory.get', ...question, keys },
      { values },
    )
  }
}

/** Three tables: old values deep, newer ones above, and a log on top. */
function addLevels(list: VectorList, files: DataFiles): void {
  const tables = levelTables()
  const bytes = tables.map(({ name, image }) => files.add(`tables/${name}.ldb`, image.bytes))
  const [deep, middle, upper] = tables as [TableCase, TableCase, TableCase]
  const log = recordOf(30n, 'e', 60)
  const directory = {
    ...withTables(
      [liveFile(deep, 2, 5n), liveFile(middle, 1, 7n), liveFile(upper, 0, 9n)],
      { '000005.ldb': bytes[0]!, '000007.ldb': bytes[1]!, '000009.ldb': bytes[2]! },
      { lastSequence: 29n },
    ),
    '000006.log': logOf([log]),
  }
  const all = tables.flatMap(({ entries }) => entries)
  const logged = put('e', 30, log.subarray(16))
  const ask = { do: 'directory.read', files: directory }
  list.expect('three levels and a log', ask, { entries: visible([...all, logged]) })
}

function levelTables(): TableCase[] {
  return tableCases().filter(({ name }) => name.startsWith('level-'))
}

function addStrangers(list: VectorList, files: DataFiles): void {
  const table = tableNamed('one-entry')
  const bytes = files.add(`tables/${table.name}.ldb`, table.image.bytes)
  const entries = visible(table.entries)
  const whole = withTable(table, bytes)
  list.expect(
    'a table with the old ending',
    { do: 'directory.read', files: { ...without(whole, '000005.ldb'), '000005.sst': bytes } },
    { entries },
  )
  list.expect(
    'files of others, and what a crash left',
    {
      do: 'directory.read',
      files: {
        ...whole,
        '000090.dbtmp': text('unfinished'),
        'MANIFEST-000001': text('an older one'),
        LOG: text('messages'),
        'LOG.old': text('more'),
        LOCK: hex(''),
        'README.txt': text('not ours'),
        '1.log': text('not ours'),
      },
    },
    { entries },
    {
      why: 'the numbers of a leftover are never used again, and what is not ours is left alone',
      or: [
        {
          error: 'corruption',
          why: "C++ LevelDB takes 1.log for a log; it is older than the manifest's",
        },
      ],
    },
  )
  list.expect(
    'an unfinished table that no manifest names',
    { do: 'directory.read', files: { ...whole, '000050.ldb': { of: bytes, from: 0, to: 30 } } },
    { entries },
  )
}

const OF_THE_SYSTEM = [{ error: 'io', why: "C++ LevelDB 1.20 gives the system's error" }]

function addMissing(list: VectorList, files: DataFiles): void {
  const log = logOf([record(1, 'k')])
  const logged = withLog(log)
  list.error('of no files', reading({}), 'missing')
  list.error('of files of others', reading({ 'notes.txt': text('x') }), 'missing')
  list.error('without CURRENT', reading(without(logged, 'CURRENT')), 'corruption', {
    or: [{ error: 'missing', why: 'C++ LevelDB takes it for no database' }],
  })
  list.error('without the manifest', reading(without(logged, 'MANIFEST-000002')), 'corruption', {
    or: OF_THE_SYSTEM,
  })
  for (const [name, bytes] of [
    ['of no bytes', ''],
    ['without a newline', 'MANIFEST-000002'],
    ['of a newline', '\n'],
    ['with zeroes', '\0'.repeat(16)],
    ['that names a log', '000003.log\n'],
    ['that names a manifest that is not there', 'MANIFEST-000009\n'],
    ['that leads out of the directory', '../MANIFEST-000002\n'],
  ] as const) {
    list.error(`CURRENT ${name}`, reading({ ...logged, CURRENT: text(bytes) }), 'corruption', {
      or: OF_THE_SYSTEM,
    })
  }
  const table = tableNamed('one-entry')
  const bytes = files.add(`tables/${table.name}.ldb`, table.image.bytes)
  const whole = withTable(table, bytes)
  list.error('without a table', reading(without(whole, '000005.ldb')), 'corruption')
  list.error(
    'with a table of no bytes',
    reading({ ...whole, '000005.ldb': hex('') }),
    'corruption',
    {
      or: OF_THE_SYSTEM,
    },
  )
  const cut = { of: bytes, from: 0, to: table.image.bytes.length - 1 }
  list.error('with a table that is cut', reading({ ...whole, '000005.ldb': cut }), 'corruption', {
    or: OF_THE_SYSTEM,
  })
}

function addRepairs(list: VectorList, files: DataFiles): void {
  const tables = levelTables()
  const [deep, middle] = tables as [TableCase, TableCase]
  const bytes = [deep, middle].map(({ name, image }) =>
    files.add(`tables/${name}.ldb`, image.bytes),
  )
  const log = recordOf(30n, 'e', 60)
  const logged = put('e', 30, log.subarray(16))
  const whole = {
    ...withTables(
      [liveFile(deep, 2, 5n), liveFile(middle, 1, 7n)],
      { '000005.ldb': bytes[0]!, '000007.ldb': bytes[1]! },
      { lastSequence: 29n },
    ),
    '000006.log': logOf([log]),
  }
  const entries = visible([...deep.entries, ...middle.entries, logged])
  list.expect('repaired, nothing wrong', repairing(whole), { entries })
  for (const names of [['CURRENT', 'MANIFEST-000002'], ['CURRENT'], ['MANIFEST-000002']]) {
    list.expect(`repaired without ${names.join(' and ')}`, repairing(without(whole, ...names)), {
      entries,
    })
  }
  list.expect(
    'repaired with a table that is none',
    repairing({ ...whole, '000005.ldb': concat(text('no table'), Buffer.alloc(100)) }),
    { entries: visible([...middle.entries, logged]) },
  )
  const broken = tableNamed('small-blocks')
  const { offset } = broken.image.dataBlocks[1]!
  const file = files.add(`tables/${broken.name}.ldb`, broken.image.bytes)
  const at = offset + 20
  const damaged = { of: file, at, put: Buffer.of(broken.image.bytes[at]! ^ 0x04) }
  const left = broken.entries.filter((_entry, index) => blockOfEntry(broken, index) !== 1)
  list.expect(
    'repaired with a damaged data block',
    repairing(withTable(broken, damaged)),
    { entries: visible(left) },
    { why: 'all but that block can be read' },
  )
  list.error('repaired where there is nothing', repairing({}), 'missing', {
    or: [{ expect: { entries: [] }, why: 'C++ LevelDB makes an empty database' }, ...OF_THE_SYSTEM],
  })
}
