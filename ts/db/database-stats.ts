// What DB.stats() and DB.property() say, gathered from the parts of the engine at the moment of the call.

import type { SluiceError } from '../format/error.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { BlockCache } from '../table/block-cache.ts'
import type { DatabaseEngine } from './database-engine.ts'
import type { PropertySource } from './properties.ts'
import type { HeldStats, ReaderStats } from './reads.ts'
import type { RecoveryReport } from './recovery-report.ts'
import type {
  CacheStats,
  CompactionStats,
  FlushStats,
  LevelWork,
  StallCause,
  StallStats,
  WriteStats,
} from './stats.ts'

export interface LevelStats {
  readonly files: number
  readonly sizeBytes: number
  /** Done since the opening to make this level's tables. */
  readonly work: LevelWork
}

export interface MemtableStats {
  readonly usedBytes: number
  readonly entries: number
}

export interface DatabaseStats {
  readonly write: WriteStats
  readonly flush: FlushStats
  readonly compaction: CompactionStats
  /**
   * Bytes written to log and tables for each byte that callers wrote, since the opening; undefined
   * before the first write.
   */
  readonly writeAmplification: number | undefined
  /** Undefined with a cacheSize of 0. */
  readonly cache: CacheStats | undefined
  readonly stalls: Readonly<Record<StallCause, StallStats>>
  readonly memtable: MemtableStats
  /** Undefined when every full memtable is a table. */
  readonly frozenMemtable: MemtableStats | undefined
  /** By level, 0 first. */
  readonly levels: readonly LevelStats[]
  /** Open ones; they hold old tables and memtables, and snapshots old versions of keys too. */
  readonly iterators: ReaderStats
  readonly snapshots: ReaderStats
  /** Memory and disk that iterators, and reads under way, alone keep. */
  readonly held: HeldStats
  readonly lastSequence: number
  /** Why writes are refused; undefined when they are not. */
  readonly failure: SluiceError | undefined
  readonly recovery: RecoveryReport
}

export function databaseStats(engine: DatabaseEngine): DatabaseStats {
  const { counters, versions, frozenMemtable } = engine
  const work = counters.levelWork()
  return {
    write: counters.writeStats(),
    flush: counters.flushStats(),
    compaction: counters.compactionStats(),
    writeAmplification: counters.writeAmplification(),
    cache: engine.blockCache && cacheStats(engine.blockCache),
    stalls: counters.stallStats(),
    memtable: memtableStats(engine.memtable),
    frozenMemtable: frozenMemtable && memtableStats(frozenMemtable),
    levels: versions.current.levels.map((files, level) => ({
      files: files.length,
      sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      work: work[level]!,
    })),
    iterators: engine.reads.iteratorStats,
    snapshots: engine.reads.snapshotStats,
    held: engine.reads.heldStats,
    lastSequence: versions.lastSequence,
    failure: engine.failure,
    recovery: engine.report,
  }
}

export function propertySource(engine: DatabaseEngine): PropertySource {
  const { memtable, frozenMemtable, blockCache } = engine
  const memtableBytes = memtable.usedBytes + (frozenMemtable?.usedBytes ?? 0)
  return {
    version: engine.versions.current,
    levelWork: engine.counters.levelWork(),
    memoryBytes: memtableBytes + (blockCache?.allocatedBytes ?? 0),
  }
}

function memtableStats({ usedBytes, entryCount }: Memtable): MemtableStats {
  return { usedBytes, entries: entryCount }
}

function cacheStats({ capacityBytes, usedBytes, hits, misses }: BlockCache): CacheStats {
  return { capacityBytes, usedBytes, hits, misses }
}
