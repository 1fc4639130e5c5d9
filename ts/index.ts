// The public names of the package, nothing else.

import { binding as loadedBinding } from './platform/load-binding.ts'

export { DB, type DBReadOptions, type DBWriteOptions } from './db/database.ts'
export type { SizeRange } from './db/approximate-sizes.ts'
export type { DatabaseStats, LevelStats, MemtableStats } from './db/database-stats.ts'
export type { DatabaseEvent } from './db/event.ts'
export type { DBIterator, Entry, GatherOptions } from './db/iterator.ts'
export type { DBIteratorOptions } from './db/iterator-options.ts'
export type { CompactionProgress, CompactRangeOptions } from './db/manual-compaction.ts'
export type { DBOptions } from './db/options.ts'
export type { DBSnapshot } from './db/snapshot.ts'
export type { HeldStats, ReaderStats } from './db/reads.ts'
export type { RecoveryReport } from './db/recovery-report.ts'
export type { DroppedPart } from './log/lost-directory.ts'
export type { LatencyStats } from './db/latency-histogram.ts'
export type {
  CacheStats,
  CompactionStats,
  FlushStats,
  LevelWork,
  StallCause,
  StallStats,
  WriteStats,
} from './db/stats.ts'
export type {
  RepairedFile,
  RepairLoss,
  RepairOptions,
  RepairOutcome,
  RepairReport,
} from './db/tools/repair-report.ts'
export type {
  ProblemCode,
  VerifyCounts,
  VerifyOptions,
  VerifyProblem,
  VerifyProgress,
  VerifyReport,
} from './db/tools/verify-report.ts'
export type {
  CompactionTrace,
  FlushTrace,
  GetTrace,
  OpenTrace,
  StallTrace,
  SyncTrace,
  WriteTrace,
} from './db/tracing.ts'
export { type ErrorCode, SluiceError } from './format/error.ts'
export type {
  BatchOperation,
  Iterator,
  IteratorOptions,
  KeyIterator,
  KeyIteratorOptions,
  Snapshot,
  ValueIterator,
  ValueIteratorOptions,
} from './level/classic-names.ts'
export { ChainedBatch } from './level/level-batch.ts'
export type { LevelIterator, LevelKeyIterator, LevelValueIterator } from './level/level-iterator.ts'
export type {
  AdditionalIteratorOptions,
  BatchOptions,
  ChainedBatchWriteOptions,
  ClearOptions,
  DatabaseOptions,
  DelOptions,
  GetManyOptions,
  GetOptions,
  HasManyOptions,
  HasOptions,
  OpenOptions,
  PutOptions,
  ReadOptions,
  StartEndOptions,
  WriteOptions,
} from './level/level-options.ts'
export type { SignalOptions } from './level/level-signal.ts'
export type { LevelSnapshot } from './level/level-snapshot.ts'
export type { LevelSublevel } from './level/level-sublevel.ts'
export { SluiceLevel } from './level/sluice-level.ts'
export { WriteBatch, type WriteBatchHandler } from './format/write-batch.ts'

/** Which implementation of the native module's work is in use, and why where it is the slower one. */
export const binding: { readonly kind: 'native' | 'js'; readonly reason?: string } = {
  kind: loadedBinding.kind,
  ...(loadedBinding.reason === undefined ? {} : { reason: loadedBinding.reason }),
}
