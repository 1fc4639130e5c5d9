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
export function copyToLost(
  fileSystem: FileSystem,
  directory: string,
  name: string,
): Promise<string> {
  return keep(fileSystem, directory, name, async (source, target) => {
    await fileSystem.writeFile(target, await fileSystem.readFile(source))
  })
}

/** Moves `name` of the directory into lost/ and returns its new path. Rejects with LEVEL_IO_ERROR. */
export function moveToLost(
  fileSystem: FileSystem,
  directory: string,
  name: string,
): Promise<string> {
  return keep(fileSystem, directory, name, (source, target) => fileSystem.rename(source, target))
}

async function keep(
  fileSystem: FileSystem,
  directory: string,
  name: string,
  act: (source: string, target: string) => Promise<void>,
): Promise<string> {
  const lost = join(directory, LOST_DIRECTORY_NAME)
  const target = join(lost, name)
  try {
    await fileSystem.createDirectory(lost)
    await act(join(directory, name), target)
    await fileSystem.syncDirectory(lost)
  } catch (error) {
    throw ioError('keep', target, error)
  }
  return target
}
