// What a database has done since it was opened. Plain numbers, counted where things happen, copied
// when asked for.

import { LEVEL_COUNT } from '../version/version-edit.ts'
import { LatencyHistogram, type LatencyStats } from './latency-histogram.ts'

export type StallCause =
  /** Slowed because level 0 has many files. */
  | 'level0-delay'
  /** The memtable was full and the one before it not yet flushed. */
  | 'memtable'
  /** Level 0 was full. */
  | 'level0-stop'

export interface StallStats {
  readonly count: number
  readonly durationMs: number
}

export interface WriteStats {
  /** Calls of put, delete and write that were acknowledged. */
  readonly writes: number
  /** Groups that reached the log: each is one record and one write. */
  readonly groups: number
  /** Bytes of the groups, without the log's own headers. */
  readonly bytes: number
  /** Entry i counts the groups of 2^i to 2^(i+1) - 1 writes. */
  readonly groupSizes: readonly number[]
  /** Groups that were synced: from the append to the acknowledgement. */
  readonly syncs: LatencyStats
}

export interface FlushStats {
  readonly count: number
  readonly bytes: number
  readonly durationMs: number
}

export interface CompactionStats {
  readonly count: number
  /** Tables that went down a level as they were, by an entry in the manifest alone. */
  readonly trivialMoves: number
  /** Compactions that failed; each changed nothing. */
  readonly failures: number
  /** Damaged tables that no compaction takes any more, until resume() or the next opening. */
  readonly refusedTables: number
  readonly readBytes: number
  readonly writtenBytes: number
  /** Summed; several may have run at once. */
  readonly durationMs: number
}

/** What was done to make the tables of a level: LevelDB's count, and its line of leveldb.stats. */
export interface LevelWork {
  readonly readBytes: number
  readonly writtenBytes: number
  readonly durationMs: number
}

export interface FinishedCompaction extends LevelWork {
  /** The level that the new tables are on. */
  readonly outputLevel: number
}

/** The cache of data blocks. */
export interface CacheStats {
  readonly capacityBytes: number
  readonly usedBytes: number
  /** Blocks that were found in it, and blocks that had to be read. */
  readonly hits: number
  readonly misses: number
}

const GROUP_SIZE_BUCKETS = 32

export class Counters {
  readonly #syncs = new LatencyHistogram()
  readonly #groupSizes = new Float64Array(GROUP_SIZE_BUCKETS)
  readonly #flush = { count: 0, bytes: 0, durationMs: 0 }
  readonly #compaction = {
    count: 0,
    trivialMoves: 0,
    failures: 0,
    refusedTables: 0,
    readBytes: 0,
    writtenBytes: 0,
    durationMs: 0,
  }
  readonly #levels = Array.from({ length: LEVEL_COUNT }, () => ({
    readBytes: 0,
    writtenBytes: 0,
    durationMs: 0,
  }))
  readonly #stalls: Readonly<Record<StallCause, { count: number; durationMs: number }>> = {
    'level0-delay': { count: 0, durationMs: 0 },
    memtable: { count: 0, durationMs: 0 },
    'level0-stop': { count: 0, durationMs: 0 },
  }
  #writes = 0
  #groups = 0
  #bytes = 0

  /** A group was acknowledged. `syncDurationMs` is undefined for one without sync. */
  countGroup(writers: number, sizeBytes: number, syncDurationMs: number | undefined): void {
    this.#writes += writers
    this.#groups++
    this.#bytes += sizeBytes
    this.#groupSizes[31 - Math.clz32(writers)]!++
    if (syncDurationMs !== undefined) this.#syncs.add(syncDurationMs)
  }

  countStall(cause: StallCause, durationMs: number): void {
    const stall = this.#stalls[cause]
    stall.count++
    stall.durationMs += durationMs
  }

  /** A memtable became a table of `level`, of no bytes where it held nothing. */
  countFlush(level: number, sizeBytes: number, durationMs: number): void {
    this.#flush.count++
    this.#flush.bytes += sizeBytes
    this.#flush.durationMs += durationMs
    this.#levels[level]!.writtenBytes += sizeBytes
    this.#levels[level]!.durationMs += durationMs
  }

  /** A compaction's tables were installed. */
  countCompaction(work: FinishedCompaction): void {
    this.#compaction.count++
    for (const sum of [this.#compaction, this.#levels[work.outputLevel]!]) {
      sum.readBytes += work.readBytes
      sum.writtenBytes += work.writtenBytes
      sum.durationMs += work.durationMs
    }
  }

  countTrivialMove(): void {
    this.#compaction.trivialMoves++
  }

  countCompactionFailure(): void {
    this.#compaction.failures++
  }

  /** So many tables are refused from now on. */
  setRefusedTables(count: number): void {
    this.#compaction.refusedTables = count
  }

  writeStats(): WriteStats {
    const used = this.#groupSizes.findLastIndex((count) => count > 0) + 1
    return {
      writes: this.#writes,
      groups: this.#groups,
      bytes: this.#bytes,
      groupSizes: [...this.#groupSizes.subarray(0, used)],
      syncs: this.#syncs.stats(),
    }
  }

  flushStats(): FlushStats {
    return { ...this.#flush }
  }

  compactionStats(): CompactionStats {
    return { ...this.#compaction }
  }

  /** By level. */
  levelWork(): LevelWork[] {
    return this.#levels.map((work) => ({ ...work }))
  }

  stallStats(): Readonly<Record<StallCause, StallStats>> {
    return {
      'level0-delay': { ...this.#stalls['level0-delay'] },
      memtable: { ...this.#stalls.memtable },
      'level0-stop': { ...this.#stalls['level0-stop'] },
    }
  }

  /**
   * Bytes written to log and tables for each byte that callers wrote; undefined before the first
   * write. Of what this opening did: a recovery's tables are not in it.
   */
  writeAmplification(): number | undefined {
    if (this.#bytes === 0) return undefined
    return (this.#bytes + this.#flush.bytes + this.#compaction.writtenBytes) / this.#bytes
  }
}
