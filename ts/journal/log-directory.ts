// The directory of a log.
//
//   NNNNNN.log     records, in LevelDB's log format; the number is the position of its first record
//   NNNNNN.dbtmp   a file being made anew, to be renamed
//   LOCK           held while the log is open
//   lost/          what recovery did not take over
//
// Positions count records from 1. So the next file's name says how many records a file has, a reader
// finds a position by names alone, and a file that is missing is noticed.
//
// Invariant, over any crash: where a file stands, every file before it is durable and whole. The last
// one alone may lack what was not synced.

import { join } from 'node:path'
import { ioError, isMissing, SluiceError } from '../format/error.ts'
import { CURRENT_NAME, logFileName, parseFileName } from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'

/** The position of the first record of all. */
export const FIRST_POSITION = 1

export interface LogListing {
  /** Ascending: the positions with which files begin. */
  readonly logs: readonly number[]
  /** Left by a recovery that did not end. */
  readonly temporaries: readonly string[]
  /** A file of a database, which is not to be taken for a log. */
  readonly foreign: string | undefined
}

/** Rejects with LEVEL_IO_ERROR; an absent directory is LEVEL_DATABASE_MISSING. */
export async function listLog(fileSystem: FileSystem, directory: string): Promise<LogListing> {
  const names = await namesIn(fileSystem, directory)
  const logs: number[] = []
  const temporaries: string[] = []
  let foreign: string | undefined
  for (const name of names) {
    const file = parseFileName(name)
    if (file?.kind === 'log') logs.push(file.number)
    else if (file?.kind === 'temporary') temporaries.push(name)
    else if (file !== undefined || name === CURRENT_NAME) foreign = name
  }
  return { logs: logs.toSorted((a, b) => a - b), temporaries, foreign }
}

async function namesIn(fileSystem: FileSystem, directory: string): Promise<string[]> {
  try {
    return await fileSystem.readDirectory(directory)
  } catch (error) {
    if (isMissing(error)) throw missingLogError(directory, error)
    throw ioError('list', directory, error)
  }
}

export function missingLogError(directory: string, cause?: unknown): SluiceError {
  const place = cause === undefined ? {} : { cause }
  return new SluiceError('LEVEL_DATABASE_MISSING', `There is no log in ${directory}`, place)
}

/** Where file `number` is. */
export function pathOfLog(directory: string, number: number): string {
  return join(directory, logFileName(number))
}
