// The two implementations behind one face: ours, and C++ LevelDB 1.20 by way of classic-level.

import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { openEngine } from '../../ts/db/open.ts'
import { realEnvironment } from '../../ts/db/real-environment.ts'
import type { LevelLimits } from '../../ts/version/level-rules.ts'
import type { ManifestLimits } from '../../ts/version/manifest.ts'
import { DB, type DBOptions, WriteBatch } from '../../ts/index.ts'
import type { Call, Contents } from './contents.ts'

export const FIRST_KEY: Buffer = Buffer.alloc(0)
/** Behind every key of these tests. */
export const LAST_KEY: Buffer = Buffer.alloc(7000, 0xff)

/** Those that both have. */
export interface StoreOptions {
  readonly writeBufferSize?: number
  readonly blockSize?: number
  readonly blockRestartInterval?: number
  readonly compress?: boolean
  /** Of ours only; classic-level always writes 10. */
  readonly filterBitsPerKey?: number
  /** Of ours only. */
  readonly levelLimits?: LevelLimits
  /** Of ours only. */
  readonly manifestLimits?: ManifestLimits
}

export type Implementation = 'ours' | 'classic'

/** An open database of either kind. */
export interface Store {
  readonly implementation: Implementation
  /** One put, deletion or batch. */
  write(call: Call, sync?: boolean): Promise<void>
  /** Undefined when the database holds what it should, by every way of reading it that it has. */
  difference(contents: Contents): Promise<string | undefined>
  /** Flushes the memtable and compacts the keys from `start` to `end`; by default all. */
  rewrite(start?: Buffer, end?: Buffer): Promise<void>
  /** Bytes of tables that hold the keys from `start` on, before `end`. */
  approximateSize(start: Buffer, end: Buffer): Promise<number>
  close(): Promise<void>
}

/** Opens the database, and creates it where there is none. */
export function openStore(
  implementation: Implementation,
  directory: string,
  options: StoreOptions = {},
): Promise<Store> {
  return implementation === 'ours'
    ? OurStore.open(directory, options)
    : ClassicStore.open(directory, options)
}

export class OurStore implements Store {
  readonly implementation = 'ours'
  readonly db: DB

  constructor(db: DB) {
    this.db = db
  }

  static async open(directory: string, options: StoreOptions = {}): Promise<OurStore> {
    const { compress, levelLimits, manifestLimits, ...rest } = options
    const ours: DBOptions = {
      createIfMissing: true,
      ...rest,
      ...(compress === undefined ? {} : { compression: compress ? 'snappy' : 'none' }),
    }
    if (levelLimits === undefined && manifestLimits === undefined) {
      return new OurStore(await DB.open(directory, ours))
    }
    const environment = {
      ...realEnvironment(),
      ...(levelLimits === undefined ? {} : { levelLimits }),
      ...(manifestLimits === undefined ? {} : { manifestLimits }),
    }
    return new OurStore(new DB(directory, await openEngine(directory, ours, environment)))
  }

  write(call: Call, sync = false): Promise<void> {
    const [first] = call
    if (call.length === 1 && first !== undefined) {
      const { key, value } = first
      return value === undefined ? this.db.delete(key, { sync }) : this.db.put(key, value, { sync })
    }
    const batch = new WriteBatch()
    for (const { key, value } of call) {
      if (value === undefined) batch.delete(key)
      else batch.put(key, value)
    }
    return this.db.write(batch, { sync })
  }

  async difference(contents: Contents): Promise<string | undefined> {
    return (await scanDifference(this.db, contents)) ?? (await getDifference(this.db, contents))
  }

  rewrite(start?: Buffer, end?: Buffer): Promise<void> {
    return this.db.compactRange(start, end)
  }

  async approximateSize(start: Buffer, end: Buffer): Promise<number> {
    const [size] = await this.db.approximateSizes([[start, end]])
    return size!
  }

  close(): Promise<void> {
    return this.db.close()
  }

  /** What recovery dropped or lost: nothing, unless a file was damaged. */
  get complaints(): string[] {
    const { dropped, lostSequences } = this.db.recovery
    return [
      ...dropped.map(({ file, offset, reason }) => `${file} dropped from ${offset}: ${reason}`),
      ...(lostSequences === 0 ? [] : [`${lostSequences} sequences lost`]),
    ]
  }

  /** Names of files that recovery found and no manifest explains. */
  get strays(): string[] {
    return this.db.recovery.movedToLost.map((path) => basename(path))
  }
}

async function scanDifference(db: DB, contents: Contents): Promise<string | undefined> {
  const forward = contents.differenceFrom(await db.iterator().all())
  if (forward !== undefined) return `forward: ${forward}`
  const entries = await db.iterator({ reverse: true }).all()
  const backward = contents.differenceFrom(entries.toReversed())
  return backward === undefined ? undefined : `backward: ${backward}`
}

async function getDifference(db: DB, contents: Contents): Promise<string | undefined> {
  const keys = contents.keys()
  const values = await db.getMany(keys)
  const found = new Map(keys.map((key, i) => [key.toString('latin1'), values[i]]))
  return (
    contents.differenceFromGets((key) => db.getSync(key)) ??
    contents.differenceFromGets((key) => found.get(key.toString('latin1')))
  )
}

export type ClassicDatabase = ClassicLevel<Buffer, Buffer>

export class ClassicStore implements Store {
  readonly implementation = 'classic'
  readonly level: ClassicDatabase

  constructor(level: ClassicDatabase) {
    this.level = level
  }

  static async open(directory: string, options: StoreOptions = {}): Promise<ClassicStore> {
    const {
      compress,
      filterBitsPerKey: _bits,
      levelLimits: _levels,
      manifestLimits: _manifest,
      ...rest
    } = options
    const level: ClassicDatabase = new ClassicLevel(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      ...rest,
      ...(compress === undefined ? {} : { compression: compress }),
    })
    await level.open()
    return new ClassicStore(level)
  }

  write(call: Call, sync = false): Promise<void> {
    const [first] = call
    if (call.length === 1 && first !== undefined) {
      const { key, value } = first
      return value === undefined
        ? this.level.del(key, { sync })
        : this.level.put(key, value, { sync })
    }
    return this.level.batch(
      call.map(({ key, value }) =>
        value === undefined ? { type: 'del', key } : { type: 'put', key, value },
      ),
      { sync },
    )
  }

  async difference(contents: Contents): Promise<string | undefined> {
    const forward = contents.differenceFrom(await this.level.iterator().all())
    if (forward !== undefined) return `forward: ${forward}`
    const entries = await this.level.iterator({ reverse: true }).all()
    const backward = contents.differenceFrom(entries.toReversed())
    if (backward !== undefined) return `backward: ${backward}`
    return contents.differenceFromGets((key) => this.level.getSync(key))
  }

  approximateSize(start: Buffer, end: Buffer): Promise<number> {
    return this.level.approximateSize(start, end)
  }

  rewrite(start: Buffer = FIRST_KEY, end: Buffer = LAST_KEY): Promise<void> {
    return this.level.compactRange(start, end)
  }

  close(): Promise<void> {
    return this.level.close()
  }
}

/** The names in the directory that end in `suffix`, in order. */
export function filesOf(directory: string, suffix: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(suffix))
    .toSorted()
}
