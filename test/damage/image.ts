// A small database of several levels with a log above them, in memory, and all that is known of it.
//
// The same keys lie in several levels and in the log, with other values or deleted: where damage
// hides the newest entry, a wrong answer is at hand.

import fs from 'node:fs'
import { basename, join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { WriteBatch } from '../../ts/index.ts'
import { readCurrent, readManifest } from '../../ts/version/manifest-reader.ts'
import { LogReader } from '../../ts/log/log-reader.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { DIRECTORY, openOn } from '../crash/engine.ts'
import type { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { KeySpace } from '../model/key-space.ts'
import { type Change, VersionedMap } from '../model/versioned-map.ts'
import { layoutOf, type TableLayout } from './table-layout.ts'

const KEYS = 160
const VALUE_BYTES = 40
/** LevelDB takes no less than 1 KiB. */
const BLOCK_BYTES = 256

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

/** Who writes an image. */
interface Writer {
  write(changes: readonly Change[]): Promise<void>
  compact(start: Buffer, end: Buffer): Promise<void>
  /** Closes, and gives the files by name. */
  close(): Promise<Map<string, Buffer>>
}

/**
 * Builds one: by C++ LevelDB in `directory`, which need not exist and can be removed afterwards, or
 * by us.
 */
export async function makeImage(
  directory: string,
  random: Random,
  isOurs: boolean,
): Promise<Image> {
  const keys = new KeySpace('numbers', KEYS, random)
  const map = new VersionedMap(keys.size)
  const isCompressed = random.percent(30)
  const writer = isOurs
    ? await ourWriter(keys, isCompressed)
    : await levelWriter(directory, keys, isCompressed)
  const inTables = await fill(writer, keys, map, random)
  return inspect(await writer.close(), keys, map, inTables)
}

/** Returns the version that tables hold. */
async function fill(
  writer: Writer,
  keys: KeySpace,
  map: VersionedMap,
  random: Random,
): Promise<number> {
  let writes = 0
  // Of one size and without a pattern, so that blocks are of one size and can be exchanged.
  const put = (key: number): Change => {
    const head = `v${String(++writes).padStart(5, '0')}:`
    return { key, value: Buffer.concat([Buffer.from(head), random.bytes(VALUE_BYTES)]) }
  }
  const change = (key: number): Change =>
    random.percent(75) ? put(key) : { key, value: undefined }
  const apply = (changes: readonly Change[]): Promise<void> => {
    map.apply(changes)
    return writer.write(changes)
  }
  for (let key = 0; key < keys.size; key++) await apply([put(key)])
  await writer.compact(Buffer.alloc(0), Buffer.from('999999'))
  for (let round = 0; round < 3; round++) {
    const from = random.below(keys.size / 2)
    for (let key = from; key < from + keys.size / 2; key++) {
      if (random.percent(70)) await apply([change(key)])
    }
    // A switch of the memtable, and little or no compaction of what it makes.
    const nowhere = Buffer.from(random.pick(['0!', '9!', '000000']))
    await writer.compact(nowhere, nowhere)
  }
  const inTables = map.last
  for (let i = 0; i < 40; i++) {
    const length = random.between(1, 3)
    await apply(Array.from({ length }, () => change(random.below(keys.size))))
  }
  return inTables
}

async function ourWriter(keys: KeySpace, isCompressed: boolean): Promise<Writer> {
  const disk = new SimulatedDisk(1)
  const db = await openOn(disk, {
    blockSize: BLOCK_BYTES,
    writeBufferSize: 2 ** 20,
    compression: isCompressed ? 'snappy' : 'none',
    levelLimits: { level0Files: 4, level1Bytes: 5000, growth: 2, maxFileSizeBytes: 3000 },
  })
  return {
    write: (changes) => {
      const batch = new WriteBatch()
      for (const { key, value } of changes) {
        if (value === undefined) batch.delete(keys.keys[key]!)
        else batch.put(keys.keys[key]!, value)
      }
      return db.write(batch)
    },
    compact: (start, end) => db.compactRange(start, end),
    close: async () => {
      await db.close()
      const files = [...disk.contents(DIRECTORY)]
      return new Map(files.map(([path, bytes]) => [basename(path), bytes]))
    },
  }
}

async function levelWriter(
  directory: string,
  keys: KeySpace,
  isCompressed: boolean,
): Promise<Writer> {
  const level = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    blockSize: BLOCK_BYTES,
    compression: isCompressed,
  })
  await level.open()
  return {
    write: (changes) =>
      level.batch(
        changes.map(({ key, value }) =>
          value === undefined
            ? { type: 'del', key: keys.keys[key]! }
            : { type: 'put', key: keys.keys[key]!, value },
        ),
      ),
    compact: (start, end) => level.compactRange(start, end),
    close: async () => {
      await level.close()
      return readAll(directory)
    },
  }
}

const NOT_DATA = /^(?:LOG|LOG\.old|LOCK)$/

function readAll(directory: string): Map<string, Buffer> {
  const names = fs.readdirSync(directory).filter((name) => !NOT_DATA.test(name))
  return new Map(names.map((name) => [name, fs.readFileSync(join(directory, name))]))
}

async function inspect(
  files: Map<string, Buffer>,
  keys: KeySpace,
  map: VersionedMap,
  inTables: number,
): Promise<Image> {
  files.delete('LOCK')
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
