// The one error class of the engine, with a stable code and the place it speaks of.
//
// Invariants:
//   Messages are for people and may change; `code` is for programs and may not.
//   Corruption names a file, and an offset where there is one. An I/O error is never turned into
//   corruption or into absence: it keeps the operating system's error as its cause.

/**
 * The codes are abstract-level's where it has one; those about existence, positions and a queue that is
 * full, and LEVEL_BUSY, are ours.
 */
export type ErrorCode =
  | 'LEVEL_ABORTED'
  | 'LEVEL_BUSY'
  | 'LEVEL_CORRUPTION'
  | 'LEVEL_DATABASE_EXISTS'
  | 'LEVEL_DATABASE_MISSING'
  | 'LEVEL_DATABASE_NOT_OPEN'
  | 'LEVEL_DECODE_ERROR'
  | 'LEVEL_INVALID_KEY'
  | 'LEVEL_INVALID_VALUE'
  | 'LEVEL_IO_ERROR'
  | 'LEVEL_ITERATOR_BUSY'
  | 'LEVEL_ITERATOR_NOT_OPEN'
  | 'LEVEL_LOCKED'
  | 'LEVEL_NOT_SUPPORTED'
  | 'LEVEL_POSITION_MISSING'
  | 'LEVEL_QUEUE_FULL'
  | 'LEVEL_SNAPSHOT_NOT_OPEN'

/** Where an error happened; every part is optional because not every error has one. */
export interface ErrorPlace {
  readonly file?: string
  readonly offset?: number
  readonly cause?: unknown
}

export class SluiceError extends Error {
  readonly code: ErrorCode
  readonly file: string | undefined
  readonly offset: number | undefined

  constructor(code: ErrorCode, message: string, place: ErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause })
    this.name = code === 'LEVEL_ABORTED' ? 'AbortError' : 'SluiceError'
    this.code = code
    this.file = place.file
    this.offset = place.offset
  }
}

/** Damage in `file`: what was expected and not found, and the byte offset where it was looked for. */
export function corruption(what: string, file?: string, offset?: number): SluiceError {
  const where = `${file === undefined ? '' : ` in ${file}`}${offset === undefined ? '' : ` at ${offset}`}`
  return new SluiceError('LEVEL_CORRUPTION', `Corruption: ${what}${where}`, {
    ...(file === undefined ? {} : { file }),
    ...(offset === undefined ? {} : { offset }),
  })
}

/** The operating system refused `operation` on `file`; `cause` is its error, kept whole. */
export function ioError(operation: string, file: string, cause: unknown): SluiceError {
  if (cause instanceof SluiceError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new SluiceError('LEVEL_IO_ERROR', `${operation} ${file}: ${reason}`, { file, cause })
}

/** True for an operating system error that says the file is not there. Nothing else means absence. */
export function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT'
}

/** The errno name of an operating system error ('ENOSPC'), or undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
