// What a database directory holds, and what a manifest wants of it.

import { join } from 'node:path'
import { corruption, ioError, isMissing, type SluiceError } from '../format/error.ts'
import {
  logFileName,
  manifestFileName,
  type NumberedFile,
  oldTableFileName,
  parseFileName,
  tableFileName,
  temporaryFileName,
} from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { ManifestState } from '../version/manifest-reader.ts'
import { FIRST_MANIFEST_NUMBER } from '../version/version-set.ts'

/** A name in the directory that is a numbered file of a database. */
export interface FoundFile extends NumberedFile {
  readonly name: string
}

/** The numbered files in the directory, in no order. Rejects with LEVEL_IO_ERROR. */
export async function listFiles(fileSystem: FileSystem, directory: string): Promise<FoundFile[]> {
  let names: string[]
  try {
    names = await fileSystem.readDirectory(directory)
  } catch (error) {
    throw ioError('list', directory, error)
  }
  const files: FoundFile[] = []
  for (const name of names) {
    const file = parseFileName(name)
    if (file !== undefined) files.push({ ...file, name })
  }
  return files
}

/**
 * A file that shows that a database is or was there, with CURRENT or without it. What a creation
 * leaves that was cut short shows nothing: there was no database yet.
 */
export function traceOfDatabase(files: readonly FoundFile[]): FoundFile | undefined {
  const leftovers = [
    manifestFileName(FIRST_MANIFEST_NUMBER),
    temporaryFileName(FIRST_MANIFEST_NUMBER),
  ]
  return files.find(({ name }) => !leftovers.includes(name))
}

/**
 * A table under its name, or under the one that LevelDB gave tables before version 1.14; undefined
 * where it is under neither. Rejects with LEVEL_IO_ERROR.
 */
export async function findTable(
  fileSystem: FileSystem,
  directory: string,
  number: number,
): Promise<{ readonly path: string; readonly sizeBytes: number } | undefined> {
  for (const name of [tableFileName(number), oldTableFileName(number)]) {
    const path = join(directory, name)
    try {
      return { path, sizeBytes: await fileSystem.fileSize(path) }
    } catch (error) {
      if (!isMissing(error)) throw ioError('read', path, error)
    }
  }
  return undefined
}

type LogNumbers = Pick<ManifestState, 'logNumber' | 'previousLogNumber'>

/** The logs that hold what is in no table, of those that are there, oldest first. */
export function neededLogs(
  { logNumber, previousLogNumber }: LogNumbers,
  files: readonly FoundFile[],
): number[] {
  return files
    .filter(
      ({ kind, number }) => kind === 'log' && (number >= logNumber || number === previousLogNumber),
    )
    .map(({ number }) => number)
    .toSorted((a, b) => a - b)
}

/**
 * What is wrong where a log that the manifest names is not among `numbers`: the manifest was synced
 * with the directory, so it was there.
 */
export function missingLog(
  { logNumber, previousLogNumber }: LogNumbers,
  numbers: readonly number[],
  directory: string,
): SluiceError | undefined {
  const missing = [logNumber, previousLogNumber].find((named) => {
    return named !== 0 && !numbers.includes(named)
  })
  if (missing === undefined) return undefined
  return corruption('a log of the manifest is missing', join(directory, logFileName(missing)))
}
