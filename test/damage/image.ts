// A small database of several levels with a log above them, in memory, and all that is known of it.
//
// The same keys lie in several levels and in the log, with other values or deleted: where damage
// hides the newest entry, a wrong answer is at hand.

import fs from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { readCurrent, readManifest } from '../../ts/version/manifest-reader.ts'
import { LogReader } from '../../ts/log/log-reader.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { DIRECTORY } from '../crash/engine.ts'
import type { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { KeySpace } from '../model/key-space.ts'
import { type Change, VersionedMap } from '../model/versioned-map.ts'
import { layoutOf, type TableLayout } from './table-layout.ts'

const KEYS = 160
const VALUE_BYTES = 40

export interface Image {
  /** By name. */
  readonly files: ReadonlyMap<string, Buffer>
  readonly keys: KeySpace
  readonly map: VersionedMap
  /** The version that the tables hold; the calls behind it are in the log, a record each. */
  readonly inTables: number
  /** In the order of a search: newest first. */
  readonly tables: readonly TableLayout[]
  readonly tablesByLevel: readonly number[]
  readonly logName: string
  /** Where the log's records begin, and where the last one ends. */
  readonly recordBounds: readonly number[]
}

/** Builds one in `directory`, which need not exist and can be removed afterwards. */
export async function makeImage(directory: string, random: Random): Promise<Image> {
  const keys = new KeySpace('numbers', KEYS, random)
  const map = new VersionedMap(keys.size)
  const level = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    blockSize: 256,
    compression: random.percent(30),
  })
  await level.open()
  const apply = async (changes: readonly Change[]): Promise<void> => {
    map.apply(changes)
    await level.batch(
      changes.map(({ key, value }) =>
        value === undefined
          ? { type: 'del', key: keys.keys[key]! }
          : { type: 'put', key: keys.keys[key]!, value },
      ),
    )
  }
  let write = 0
  // Of one size and without a pattern, so that blocks are of one size and can be exchanged.
  const put = (key: number): Change => {
    const head = `v${String(++write).padStart(5, '0')}:`
    return { key, value: Buffer.concat([Buffer.from(head), random.bytes(VALUE_BYTES)]) }
  }
  const someChange = (): Change => {
    const key = random.below(keys.size)
    return random.percent(75) ? put(key) : { key, value: undefined }
  }
  for (let key = 0; key < keys.size; key++) await apply([put(key)])
  await level.compactRange(Buffer.alloc(0), Buffer.from('999999'))
  for (let round = 0; round < 3; round++) {
    const from = random.below(keys.size / 2)
    for (let key = from; key < from + keys.size / 2; key++) {
      if (random.percent(70))
        await apply([random.percent(75) ? put(key) : { key, value: undefined }])
    }
    // A switch of the memtable, and no compaction of what it makes: a range without keys.
    const nowhere = Buffer.from(random.pick(['0!', '9!', '000000']))
    await level.compactRange(nowhere, nowhere)
  }
  const inTables = map.last
  for (let i = 0; i < 40; i++) {
    await apply(Array.from({ length: random.between(1, 3) }, someChange))
  }
  await level.close()
  return inspect(readAll(directory), keys, map, inTables)
}

function readAll(directory: string): Map<string, Buffer> {
  const names = fs.readdirSync(directory).filter((name) => !/^(?:LOG|LOG\.old|LOCK)$/.test(name))
  return new Map(names.map((name) => [name, fs.readFileSync(join(directory, name))]))
}

async function inspect(
  files: Map<string, Buffer>,
  keys: KeySpace,
  map: VersionedMap,
  inTables: number,
): Promise<Image> {
  const disk = diskOf(files)
  const number = (await readCurrent(disk, DIRECTORY))!
  const name = [...files.keys()].find((file) => file.startsWith('MANIFEST-'))!
  const { version, logNumber } = await readManifest(disk, `${DIRECTORY}/${name}`, number)
  const tables = version.levels.flat().map((file) => {
    const table = `${String(file.number).padStart(6, '0')}.ldb`
    return layoutOf(table, files.get(table)!)
  })
  const logName = `${String(logNumber).padStart(6, '0')}.log`
  return {
    files,
    keys,
    map,
    inTables,
    tables,
    tablesByLevel: version.levels.map((level) => level.length),
    logName,
    recordBounds: boundsOf(files.get(logName)!, map.last - inTables),
  }
}

function boundsOf(log: Buffer, records: number): number[] {
  const reader = new LogReader(log, crc32c)
  const bounds: number[] = []
  while (reader.next()) bounds.push(reader.recordOffset)
  if (reader.damage !== undefined || bounds.length !== records) {
    throw new Error(`${bounds.length} records in the log, and not ${records}`)
  }
  return [...bounds, log.length]
}

/** A disk with these files, by name, in the database's directory. */
export function diskOf(files: ReadonlyMap<string, Buffer>): SimulatedDisk {
  const disk = new SimulatedDisk(1, { latency: 0 })
  for (const [name, bytes] of files) disk.plant(`${DIRECTORY}/${name}`, bytes)
  return disk
}
