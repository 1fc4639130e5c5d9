// Opening the file of a table, which old versions of LevelDB named with another ending.

import { join } from 'node:path'

import { type SluiceError, errnoOf, ioError, isMissing } from '../format/error.ts'
import { oldTableFileName, tableFileName } from '../format/file-name.ts'
import type { FileSystem, RandomAccessFile } from '../platform/file-system.ts'

/** Of the file system, what opening takes. */
export type TableFiles = Pick<FileSystem, 'openRandomAccess' | 'openRandomAccessSync'>

/** Rejects with LEVEL_IO_ERROR; it names the newer file where there is neither. */
export async function openTableFile(
  files: TableFiles,
  directory: string,
  fileNumber: number,
): Promise<RandomAccessFile> {
  const path = join(directory, tableFileName(fileNumber))
  try {
    return await files.openRandomAccess(path)
  } catch (error) {
    if (!isMissing(error)) throw ioError('open', path, error)
    const oldPath = join(directory, oldTableFileName(fileNumber))
    return files.openRandomAccess(oldPath).catch((oldError: unknown) => {
      throw neitherOpens(path, error, oldPath, oldError)
    })
  }
}

/** The same on the calling thread. */
export function openTableFileSync(
  files: Pick<TableFiles, 'openRandomAccessSync'>,
  directory: string,
  fileNumber: number,
): RandomAccessFile {
  const path = join(directory, tableFileName(fileNumber))
  try {
    return files.openRandomAccessSync(path)
  } catch (error) {
    if (!isMissing(error)) throw ioError('open', path, error)
    const oldPath = join(directory, oldTableFileName(fileNumber))
    try {
      return files.openRandomAccessSync(oldPath)
    } catch (oldError) {
      throw neitherOpens(path, error, oldPath, oldError)
    }
  }
}

/** Whether the error of an opening says that too many files are open, here or in the whole system. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code = errnoOf(error instanceof Error ? error.cause : undefined)
  return code === 'EMFILE' || code === 'ENFILE'
}

function neitherOpens(
  path: string,
  error: unknown,
  oldPath: string,
  oldError: unknown,
): SluiceError {
  return isMissing(oldError) ? ioError('open', path, error) : ioError('open', oldPath, oldError)
}
