// What C++ LevelDB itself wrote: the golden files, whose calls are in test/golden/scenarios.ts, and the
// directories of written-directories.ts.
//
// What is in them follows from the calls, and from nothing that was read. Each call is a batch; its first
// change has the sequence behind the last one of the call before.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Scenario, scenarios } from '../../golden/scenarios.ts'
import type { Call } from '../../interop/contents.ts'
import { DATA } from '../vector-file.ts'
import { visible } from './directory-vectors.ts'
import { batch, type Bytes, compareKeys, type Entry, hex, keyOf, type Write } from './reference.ts'
import { COMPARATOR } from './manifest-vectors.ts'
import { type Fact, VectorList } from './vector-list.ts'
import { callsOf, WRITTEN_DIRECTORIES } from './written-directories.ts'

/** A golden file, as the notation has it. */
export function golden(scenario: string, session: number, file: string): { file: string } {
  return { file: `leveldb/${scenario}-${session}-${file}.bin.gz` }
}

export function scenarioNamed(name: string): Scenario {
  return scenarios.find((scenario) => scenario.name === name)!
}

/** The records of a log of these calls. */
export function recordsOf(calls: readonly Call[], firstSequence = 1): Bytes[] {
  let sequence = BigInt(firstSequence)
  return calls.map((call) => {
    const writes = call.map(({ key, value }): Write => (value === undefined ? [key] : [key, value]))
    const record = batch(sequence, writes)
    sequence += BigInt(call.length)
    return record
  })
}

/** Every change of these calls, in the order of a table. */
export function entriesOf(calls: readonly Call[], firstSequence = 1): Entry[] {
  const entries = calls.flat().map(({ key, value }, i): Entry => ({
    userKey: key,
    sequence: BigInt(firstSequence + i),
    isDeletion: value === undefined,
    value: value ?? hex(''),
  }))
  return entries.toSorted((a, b) => compareKeys(keyOf(a), keyOf(b)))
}

/** Sessions whose log was kept, by their scenarios. */
const LOGS = scenarios.flatMap(({ name, golden: places }) =>
  places.filter((place) => place.endsWith('.log')).map((place) => [name, place] as const),
)
const TABLES = ['table', 'table-versions', 'table-small-blocks', 'table-large-value']

export function levelDbVectors(): VectorList {
  const list = new VectorList('leveldb')
  for (const [name, place] of LOGS) {
    const [session = '', file = ''] = place.split(':')
    const { sessions } = scenarioNamed(name)
    const before = sessions.slice(0, Number(session) - 1).flat(2).length
    const records = recordsOf(sessions[Number(session) - 1]!, before + 1)
    const bytes = golden(name, Number(session), file)
    list.expect(`${name}, its log`, { do: 'log.read', bytes }, { records, end: 'clean' })
    if (records.length > 0)
      list.expect(`${name}, its log written`, { do: 'log.write', records }, { bytes })
  }
  for (const name of TABLES) {
    const entries = entriesOf(scenarioNamed(name).sessions[0]!)
    const pairs = entries.map((entry): Fact => [keyOf(entry), entry.value])
    const bytes = golden(name, 2, '000005.ldb')
    list.expect(`${name}, its table`, { do: 'table.read', bytes }, { entries: pairs })
  }
  addManifests(list)
  addDirectories(list)
  return list
}

interface Numbers {
  readonly logNumber: bigint
  readonly nextFileNumber: bigint
  readonly lastSequence: bigint
}

function stateOf(numbers: Numbers, files: readonly Fact[]): Fact {
  return { ...numbers, previousLogNumber: 0n, files }
}

/** The table of level 0 that these calls became. */
function fileOf(number: bigint, size: bigint, calls: readonly Call[], firstSequence: number): Fact {
  const entries = entriesOf(calls, firstSequence)
  return { level: 0, number, size, smallest: keyOf(entries[0]!), largest: keyOf(entries.at(-1)!) }
}

function addManifests(list: VectorList): void {
  const read = (name: string, bytes: Fact, expected: Fact): void => {
    list.expect(`${name}, its manifest`, { do: 'manifest.read', bytes }, expected)
  }
  read(
    'new',
    golden('new', 1, 'MANIFEST-000002'),
    stateOf({ logNumber: 3n, nextFileNumber: 4n, lastSequence: 0n }, []),
  )
  read(
    'reopened-empty',
    golden('reopened-empty', 2, 'MANIFEST-000004'),
    stateOf({ logNumber: 5n, nextFileNumber: 6n, lastSequence: 0n }, []),
  )
  const table = scenarioNamed('table').sessions[0]!
  read(
    'table',
    golden('table', 2, 'MANIFEST-000004'),
    stateOf({ logNumber: 6n, nextFileNumber: 7n, lastSequence: 251n }, [
      fileOf(5n, 14_434n, table, 1),
    ]),
  )
  const { sessions } = scenarioNamed('three-tables')
  read(
    'three-tables',
    golden('three-tables', 4, 'MANIFEST-000010'),
    stateOf({ logNumber: 12n, nextFileNumber: 13n, lastSequence: 122n }, [
      fileOf(5n, 1537n, sessions[0]!, 1),
      fileOf(8n, 1556n, sessions[1]!, 41),
      fileOf(11n, 1550n, sessions[2]!, 82),
    ]),
  )
  // The two records of the first manifest there is, each behind its header.
  const lists = { compactPointers: [], deletedFiles: [], newFiles: [] }
  const first = golden('new', 1, 'MANIFEST-000002')
  list.expect(
    'new, the first edit of its manifest',
    { do: 'version-edit.encode', edit: { comparator: COMPARATOR, ...lists } },
    { bytes: { of: first, from: 7, to: 35 } },
  )
  const numbers = { logNumber: 3n, previousLogNumber: 0n, nextFileNumber: 4n, lastSequence: 0n }
  list.expect(
    'new, the second edit of its manifest',
    { do: 'version-edit.encode', edit: { ...numbers, ...lists } },
    { bytes: { of: first, from: 42, to: 50 } },
  )
}

function addDirectories(list: VectorList): void {
  for (const [name, place] of LOGS) {
    const { sessions } = scenarioNamed(name)
    if (!place.startsWith('1:')) continue
    const files = {
      CURRENT: golden('new', 1, 'CURRENT'),
      'MANIFEST-000002': golden('new', 1, 'MANIFEST-000002'),
      '000003.log': golden(name, 1, '000003.log'),
    }
    const entries = visible(entriesOf(sessions[0]!))
    list.expect(`${name}, opened`, { do: 'directory.read', files }, { entries })
  }
  const table = {
    CURRENT: golden('table', 2, 'CURRENT'),
    'MANIFEST-000004': golden('table', 2, 'MANIFEST-000004'),
    '000005.ldb': golden('table', 2, '000005.ldb'),
    '000006.log': '',
  }
  const entries = visible(entriesOf(scenarioNamed('table').sessions[0]!))
  list.expect('table, opened', { do: 'directory.read', files: table }, { entries })
  for (const { name, steps } of WRITTEN_DIRECTORIES) {
    const files = Object.fromEntries(
      filesOf(name).map((file) => [file, { file: `directories/${name}/${file}` }]),
    )
    const found = visible(entriesOf(callsOf(steps)))
    const { CURRENT: _current, ...orphans } = files
    list.expect(`directory ${name}`, { do: 'directory.read', files }, { entries: found })
    list.expect(
      `directory ${name}, repaired without CURRENT`,
      { do: 'directory.repair', files: orphans },
      { entries: found },
    )
  }
}

function filesOf(name: string): string[] {
  const directory = join(DATA, 'directories', name)
  return existsSync(directory) ? readdirSync(directory).toSorted() : []
}
