// lost/ in a directory: what recovery will not use and may not delete is kept there.

import { join } from 'node:path'
import { ioError } from '../format/error.ts'
import { LOST_DIRECTORY_NAME } from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'

/** A part of a file that recovery did not take over. */
export interface DroppedPart {
  readonly file: string
  /** Where in the file the part begins; it goes on to the file's end. */
  readonly offset: number
  readonly droppedBytes: number
  readonly reason: string
  /** Where a copy of the whole file is kept. */
  readonly keptAs: string
}

/** Copies `name` of the directory to lost/keptName, durably. Rejects with LEVEL_IO_ERROR. */
export function keepCopy(
  fileSystem: FileSystem,
  directory: string,
  name: string,
  keptName: string,
): Promise<string> {
  return keep(fileSystem, directory, name, keptName, async (source, target) => {
    await fileSystem.writeFile(target, await fileSystem.readFile(source))
  })
}

/**
 * Moves it there. That it is gone from the directory is durable when the caller has synced that.
 * Rejects with LEVEL_IO_ERROR.
 */
export function keepMoved(
  fileSystem: FileSystem,
  directory: string,
  name: string,
  keptName: string,
): Promise<string> {
  return keep(fileSystem, directory, name, keptName, (source, target) =>
    fileSystem.rename(source, target),
  )
}

async function keep(
  fileSystem: FileSystem,
  directory: string,
  name: string,
  keptName: string,
  act: (source: string, target: string) => Promise<void>,
): Promise<string> {
  const lost = join(directory, LOST_DIRECTORY_NAME)
  const target = join(lost, keptName)
  try {
    await fileSystem.createDirectory(lost)
    await act(join(directory, name), target)
    await fileSystem.syncDirectory(lost)
  } catch (error) {
    throw ioError('keep', target, error)
  }
  return target
}
