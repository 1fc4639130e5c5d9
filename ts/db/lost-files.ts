// lost/: where files are kept that recovery will not use and may not delete.

import { join } from 'node:path'
import { ioError } from '../format/error.ts'
import { LOST_DIRECTORY_NAME } from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'

/**
 * Copies `name` of the directory into lost/, durably, and returns the copy's path. A copy and not a
 * move: until the new manifest is in place, the next open must find the file where it was.
 * Rejects with LEVEL_IO_ERROR.
 */
export async function copyToLost(
  fileSystem: FileSystem,
  directory: string,
  name: string,
): Promise<string> {
  const lost = join(directory, LOST_DIRECTORY_NAME)
  const target = join(lost, name)
  try {
    await fileSystem.createDirectory(lost)
    await fileSystem.writeFile(target, await fileSystem.readFile(join(directory, name)))
    await fileSystem.syncDirectory(lost)
  } catch (error) {
    throw ioError('keep', target, error)
  }
  return target
}

/** Moves `name` of the directory into lost/ and returns its new path. Rejects with LEVEL_IO_ERROR. */
export async function moveToLost(
  fileSystem: FileSystem,
  directory: string,
  name: string,
): Promise<string> {
  const lost = join(directory, LOST_DIRECTORY_NAME)
  const target = join(lost, name)
  try {
    await fileSystem.createDirectory(lost)
    await fileSystem.rename(join(directory, name), target)
    await fileSystem.syncDirectory(lost)
  } catch (error) {
    throw ioError('keep', target, error)
  }
  return target
}
