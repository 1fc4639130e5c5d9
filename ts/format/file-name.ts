// The files of a database directory.
//
//   NNNNNN.log       write-ahead log          MANIFEST-NNNNNN   version edits, in log format
//   NNNNNN.ldb       table                    CURRENT           the manifest's name and a newline
//   NNNNNN.sst       table of an old LevelDB  LOCK LOG LOG.old
//   NNNNNN.dbtmp     being written, to be renamed
//
// Numbers are decimal, padded to six digits, and never used twice. Anything else in the directory
// is not ours: it is left alone.

export type FileKind = 'log' | 'table' | 'manifest' | 'temporary'

export interface NumberedFile {
  readonly kind: FileKind
  readonly number: number
}

export const CURRENT_NAME = 'CURRENT'
export const LOCK_NAME = 'LOCK'
export const INFO_LOG_NAME = 'LOG'
export const OLD_INFO_LOG_NAME = 'LOG.old'
/** Ours: where files are kept that recovery would not trust and would not delete. */
export const LOST_DIRECTORY_NAME = 'lost'

export function logFileName(number: number): string {
  return `${padded(number)}.log`
}

export function tableFileName(number: number): string {
  return `${padded(number)}.ldb`
}

/** The name that LevelDB gave its tables before version 1.14. */
export function oldTableFileName(number: number): string {
  return `${padded(number)}.sst`
}

export function manifestFileName(number: number): string {
  return `MANIFEST-${padded(number)}`
}

export function temporaryFileName(number: number): string {
  return `${padded(number)}.dbtmp`
}

const KIND_OF_ENDING: Readonly<Record<string, FileKind>> = {
  log: 'log',
  ldb: 'table',
  sst: 'table',
  dbtmp: 'temporary',
}

/**
 * The kind and number in a file's name, or undefined where it is no numbered file of a database.
 * Only the spelling that the number gives: '90.log' would be looked for under another name.
 */
export function parseFileName(name: string): NumberedFile | undefined {
  const manifest = /^MANIFEST-(\d+)$/.exec(name)
  if (manifest !== null) return numbered('manifest', manifest[1]!)
  const file = /^(\d+)\.(log|ldb|sst|dbtmp)$/.exec(name)
  return file === null ? undefined : numbered(KIND_OF_ENDING[file[2]!]!, file[1]!)
}

function numbered(kind: FileKind, digits: string): NumberedFile | undefined {
  const number = Number(digits)
  return Number.isSafeInteger(number) && padded(number) === digits ? { kind, number } : undefined
}

function padded(number: number): string {
  return String(number).padStart(6, '0')
}
