// The public names of 'sluicedb/log', nothing else.

export { type ErrorCode, SluiceError } from '../format/error.ts'
export { MAX_RECORD_SIZE } from '../format/user-bytes.ts'
export type { DroppedPart } from '../log/lost-directory.ts'
export { type AppendOptions, Log, type LogStats } from './log.ts'
export type { LogRecoveryReport } from './open-log.ts'
export type { LogFileReadOptions, LogOptions, LogReadOptions } from './options.ts'
export type { LogRecord } from './record-reader.ts'
