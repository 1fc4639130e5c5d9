// Making a directory durable that somebody else may have made.
//
// Whoever created a database or a log, or its directories, may have been killed before the names were
// durable; then nobody else makes them so, and what is built on them could be lost with them, or
// outlive them.

import { dirname, resolve } from 'node:path'
import { errnoOf, ioError } from '../format/error.ts'
import type { FileSystem } from './file-system.ts'

/** Syncs the directory and each one above it. Rejects with LEVEL_IO_ERROR. */
export async function syncUpwards(fileSystem: FileSystem, directory: string): Promise<void> {
  let path = resolve(directory)
  for (;;) {
    try {
      await fileSystem.syncDirectory(path)
    } catch (error) {
      // A parent that may be passed but not read was not made by us, a moment ago.
      if (path === resolve(directory) || errnoOf(error) !== 'EACCES') {
        throw ioError('sync', path, error)
      }
    }
    const parent = dirname(path)
    if (parent === path) return
    path = parent
  }
}
