// The engine of a database that is only read: one state, that of the opening, for as long as it is open.
//
// It has no lock, no log and no jobs, and writes nothing. Whatever would write is LEVEL_NOT_SUPPORTED.

import { SluiceError } from '../format/error.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { BlockCache } from '../table/block-cache.ts'
import type { LookupKey } from '../table/lookup-key.ts'
import { TableCache } from '../table/table-cache.ts'
import type { VersionSet } from '../version/version-set.ts'
import type { DatabaseEngine } from './database-engine.ts'
import type { DatabaseEvent } from './event.ts'
import type { MemtableMemory } from './memtable-memory.ts'
import type { CheckedOptions } from './options.ts'
import { getFromMemtable } from './memtable-get.ts'
import { PointReader } from './point-reader.ts'
import type { ReadOnlyFiles } from './read-only-files.ts'
import { Reads } from './reads.ts'
import type { RecoveryReport } from './recovery-report.ts'
import { SnapshotList } from './snapshot-list.ts'
import { Counters } from './stats.ts'

/** What opening hands to the engine, which owns all of it from then on. */
export interface ReadOnlyParts {
  readonly directory: string
  readonly options: CheckedOptions
  readonly now: () => number
  readonly crc32c: FileSystem['crc32c']
  readonly memory: MemtableMemory
  /** What the logs held, newest first, at least one. */
  readonly memtables: readonly Memtable[]
  readonly versions: VersionSet
  readonly files: ReadOnlyFiles
  readonly report: RecoveryReport
}

export class ReadOnlyEngine implements DatabaseEngine {
  readonly queue: DatabaseEngine['queue'] = {
    put: refuse,
    delete: refuse,
    write: refuse,
    writeSync: () => {
      throw readOnlyError()
    },
    switch: refuse,
  }
  readonly points: PointReader
  readonly reads: Reads
  readonly versions: VersionSet
  /** Nothing is counted: they stay at zero. */
  readonly counters: Counters = new Counters()
  readonly blockCache: BlockCache | undefined
  readonly memtable: Memtable
  readonly frozenMemtable: undefined
  readonly failure: undefined
  readonly report: RecoveryReport
  readonly #memtables: readonly Memtable[]
  readonly #tables: TableCache
  readonly #files: ReadOnlyFiles

  constructor(parts: ReadOnlyParts) {
    const { directory, options, now, crc32c, memory, memtables, versions, files } = parts
    this.versions = versions
    this.report = parts.report
    this.#memtables = memtables
    this.memtable = memtables[0]!
    this.#files = files
    this.blockCache = options.cacheSize === 0 ? undefined : new BlockCache(options.cacheSize)
    this.#tables = new TableCache(files, directory, options.maxOpenFiles, {
      crc32c,
      verifyChecksums: options.verifyChecksums,
      ...(this.blockCache === undefined ? {} : { blockCache: this.blockCache }),
    })
    const tell = (event: DatabaseEvent): void => {
      const { onEvent } = options
      if (onEvent !== undefined) queueMicrotask(() => onEvent(event))
    }
    this.reads = new Reads({
      tables: this.#tables,
      versions,
      memory,
      snapshots: new SnapshotList(now),
      memtables: () => memtables,
      now,
      tell,
    })
    this.points = new PointReader(
      versions,
      this.#tables,
      (key) => this.#getFromMemory(key),
      (sequence) => this.reads.view(sequence),
    )
    tell({ type: 'recovery', report: parts.report })
  }

  flushed(): Promise<void> {
    return refuse()
  }

  compactRange(): Promise<void> {
    return refuse()
  }

  resume(): Promise<void> {
    return refuse()
  }

  /** Waits for the reads that are under way. Never rejects. */
  async close(): Promise<void> {
    await this.reads.close()
    await this.#tables.close()
    await this.#files.close()
  }

  #getFromMemory(key: LookupKey): Buffer | null | undefined {
    for (const memtable of this.#memtables) {
      const found = getFromMemtable(memtable, key)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function refuse(): Promise<never> {
  return Promise.reject(readOnlyError())
}

function readOnlyError(): SluiceError {
  return new SluiceError('LEVEL_NOT_SUPPORTED', 'The database is open read-only')
}
