// Counters of the write path. Plain numbers, counted where things happen, copied when asked for.

export type StallCause =
  /** Slowed by 1 ms because level 0 has many files. */
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
  /** Groups that were synced. */
  readonly syncs: number
  /** Bytes of the groups, without the log's own headers. */
  readonly bytes: number
  /** Entry i counts the groups of 2^i to 2^(i+1) - 1 writes. */
  readonly groupSizes: readonly number[]
  /** Time from a synced group's append to its acknowledgement, summed. */
  readonly syncDurationMs: number
}

export interface FlushStats {
  readonly count: number
  readonly bytes: number
  readonly durationMs: number
}

const GROUP_SIZE_BUCKETS = 32

export class Counters {
  writes = 0
  groups = 0
  syncs = 0
  bytes = 0
  syncDurationMs = 0
  readonly groupSizes: Float64Array = new Float64Array(GROUP_SIZE_BUCKETS)
  flushes = 0
  flushedBytes = 0
  flushDurationMs = 0
  readonly #stalls = new Map<StallCause, { count: number; durationMs: number }>()

  countGroup(writers: number, sizeBytes: number): void {
    this.writes += writers
    this.groups++
    this.bytes += sizeBytes
    this.groupSizes[31 - Math.clz32(writers)]!++
  }

  countSync(durationMs: number): void {
    this.syncs++
    this.syncDurationMs += durationMs
  }

  countStall(cause: StallCause, durationMs: number): void {
    const stall = this.#stalls.get(cause) ?? { count: 0, durationMs: 0 }
    stall.count++
    stall.durationMs += durationMs
    this.#stalls.set(cause, stall)
  }

  countFlush(sizeBytes: number, durationMs: number): void {
    this.flushes++
    this.flushedBytes += sizeBytes
    this.flushDurationMs += durationMs
  }

  writeStats(): WriteStats {
    const { writes, groups, syncs, bytes, syncDurationMs } = this
    const used = this.groupSizes.findLastIndex((count) => count > 0) + 1
    return {
      writes,
      groups,
      syncs,
      bytes,
      groupSizes: [...this.groupSizes.subarray(0, used)],
      syncDurationMs,
    }
  }

  flushStats(): FlushStats {
    return { count: this.flushes, bytes: this.flushedBytes, durationMs: this.flushDurationMs }
  }

  stallStats(): Readonly<Record<StallCause, StallStats>> {
    const none = { count: 0, durationMs: 0 }
    return {
      'level0-delay': { ...(this.#stalls.get('level0-delay') ?? none) },
      memtable: { ...(this.#stalls.get('memtable') ?? none) },
      'level0-stop': { ...(this.#stalls.get('level0-stop') ?? none) },
    }
  }
}
