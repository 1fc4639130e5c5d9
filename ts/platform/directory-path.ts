// What everything that works on the directory of a database or a log does first: look at the path,
// take the lock.

import { join } from 'node:path'
import { ioError } from '../format/error.ts'
import { LOCK_NAME } from '../format/file-name.ts'
import type { FileSystem } from './file-system.ts'
import type { Lock } from './lock.ts'

/** Throws TypeError where `path` can be none of a `kind`. */
export function checkPath(path: unknown, kind: 'database' | 'log' = 'database'): void {
  if (typeof path !== 'string' || path.length === 0) {
    throw new TypeError(`The path of a ${kind} must be a string that is not empty`)
  }
}

/**
 * Takes the lock of the directory. Rejects with LEVEL_LOCKED or LEVEL_IO_ERROR.
 * Requires: the directory exists; whether it does is for the caller to find out.
 */
export async function takeLock(path: string, fileSystem: FileSystem): Promise<Lock> {
  const lockPath = join(path, LOCK_NAME)
  try {
    return await fileSystem.lock(lockPath)
  } catch (error) {
    throw ioError('lock', lockPath, error)
  }
}
