// What DB needs of the engine behind it, which may be one that only reads.

import type { SluiceError } from '../format/error.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { BlockCache } from '../table/block-cache.ts'
import type { UserKeyRange } from '../version/file-range.ts'
import type { VersionSet } from '../version/version-set.ts'
import type { CompactRangeOptions } from './manual-compaction.ts'
import type { PointReader } from './point-reader.ts'
import type { Reads } from './reads.ts'
import type { RecoveryReport } from './recovery-report.ts'
import type { Counters } from './stats.ts'
import type { WriteQueue } from './write-queue.ts'

export interface DatabaseEngine {
  readonly queue: Pick<WriteQueue, 'put' | 'delete' | 'write' | 'writeSync' | 'switch'>
  readonly points: PointReader
  readonly reads: Reads
  readonly versions: VersionSet
  readonly counters: Counters
  /** Undefined when there is to be none. */
  readonly blockCache: BlockCache | undefined
  readonly memtable: Memtable
  readonly frozenMemtable: Memtable | undefined
  readonly failure: SluiceError | undefined
  readonly report: RecoveryReport
  flushed(): Promise<void>
  compactRange(range: UserKeyRange, options: CompactRangeOptions): Promise<void>
  resume(): Promise<void>
  close(): Promise<void>
}
