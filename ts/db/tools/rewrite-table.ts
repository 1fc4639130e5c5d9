// Writes what can be read of a table into a new one.

import { join } from 'node:path'
import { ioError } from '../../format/error.ts'
import { tableFileName } from '../../format/file-name.ts'
import type { FileSystem, WritableFile } from '../../platform/file-system.ts'
import { TableBuilder } from '../../table/table-builder.ts'
import type { TableOptions } from '../../table/table-options.ts'
import type { FileMetadata } from '../../version/file-metadata.ts'
import { salvageTable } from './salvage-table.ts'

/**
 * Reads the table in `source` into the new table `number` of `directory`, synced; undefined, and no
 * file, where there is no entry. The directory entry is not durable yet.
 * Rejects with LEVEL_IO_ERROR or LEVEL_NOT_SUPPORTED, and leaves no file where it can remove it.
 */
export async function rewriteTable(
  fileSystem: FileSystem,
  directory: string,
  source: string,
  number: number,
  options: TableOptions,
): Promise<FileMetadata | undefined> {
  const path = join(directory, tableFileName(number))
  let isWritten = false
  try {
    const file = fileSystem.createWritableSync(path)
    try {
      const metadata = await fill(fileSystem, file, source, number, options)
      isWritten = metadata !== undefined
      return metadata
    } finally {
      file.closeSync()
    }
  } catch (error) {
    isWritten = false
    throw ioError('write', path, error)
  } finally {
    if (!isWritten) await Promise.allSettled([fileSystem.unlink(path)])
  }
}

async function fill(
  fileSystem: FileSystem,
  file: WritableFile,
  source: string,
  number: number,
  options: TableOptions,
): Promise<FileMetadata | undefined> {
  const builder = new TableBuilder(file, options, (bytes, start, end) =>
    fileSystem.crc32c(bytes, start, end),
  )
  let smallest: Buffer | undefined
  await salvageTable(fileSystem, source, {
    entry: ({ key, keyLength, valueBytes, valueStart, valueEnd }) => {
      smallest ??= Buffer.from(key.subarray(0, keyLength))
      builder.add(key, 0, keyLength, valueBytes, valueStart, valueEnd)
    },
    // Told when it was decided what to do.
    loss: () => undefined,
  })
  if (smallest === undefined) return undefined
  const largest = builder.lastKey()
  builder.finish()
  file.syncSync()
  return { number, sizeBytes: builder.sizeBytes, smallest, largest }
}
