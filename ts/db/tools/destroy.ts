// Removes a database: its own files, and the directory where nothing else is in it.
//
//   lock ── CURRENT, durably ── lost/ ── logs, tables, manifests ── LOG ── LOCK ── the directory
//
// Invariants:
//   CURRENT goes first and durably, so that a removal that is cut short leaves no database: an open
//   finds files without CURRENT and refuses, never an older or a partial state (W11). The numbered
//   files go last of what matters, so that it refuses until all is gone; another destroy ends it.
//   Only names that a database gives are removed, and only files and symbolic links of these names:
//   the link itself, never what it leads to. Whatever else is there stays, and the directory with it.
//   LOCK is removed while it is held: given up first, it could be another process's by then. Windows
//   removes no file that is open like this one, so there it goes afterwards, and only if nobody has it.

import { dirname, join, resolve } from 'node:path'
import { ioError, isMissing } from '../../format/error.ts'
import {
  CURRENT_NAME,
  INFO_LOG_NAME,
  LOCK_NAME,
  LOST_DIRECTORY_NAME,
  OLD_INFO_LOG_NAME,
  parseFileName,
} from '../../format/file-name.ts'
import type { DirectoryEntry, FileSystem } from '../../platform/file-system.ts'
import { checkPath, takeLock } from '../../platform/directory-path.ts'
import { parseLostName } from '../lost-files.ts'

const IS_LOCK_KEPT_BY_HOLDER: boolean = process.platform === 'win32'

/**
 * Removes the database in `path`; a directory that does not exist is none. Rejects with
 * LEVEL_LOCKED or LEVEL_IO_ERROR; then some of it may be left, no open takes it for a database, and
 * another call removes the rest.
 */
export async function destroyDatabase(path: string, fileSystem: FileSystem): Promise<void> {
  checkPath(path)
  if ((await entriesOf(fileSystem, path)) === undefined) return
  const directory = resolve(path)
  const lock = await takeLock(path, fileSystem)
  try {
    await removeData(fileSystem, directory)
    if (!IS_LOCK_KEPT_BY_HOLDER) await removeEmptied(fileSystem, directory)
  } finally {
    await lock.release()
  }
  if (IS_LOCK_KEPT_BY_HOLDER) await removeEmptied(fileSystem, directory)
}

async function removeData(fileSystem: FileSystem, directory: string): Promise<void> {
  const entries = (await entriesOf(fileSystem, directory)) ?? []
  const names = entries.filter(isRemovable).map(({ name }) => name)
  if (names.includes(CURRENT_NAME)) {
    await remove(fileSystem, join(directory, CURRENT_NAME))
    await sync(fileSystem, directory)
  }
  if (entries.some(({ name, kind }) => name === LOST_DIRECTORY_NAME && kind === 'directory')) {
    await removeLost(fileSystem, join(directory, LOST_DIRECTORY_NAME))
  }
  for (const name of names) {
    if (parseFileName(name) !== undefined) await remove(fileSystem, join(directory, name))
  }
  for (const name of [INFO_LOG_NAME, OLD_INFO_LOG_NAME]) {
    if (names.includes(name)) await remove(fileSystem, join(directory, name))
  }
}

async function removeEmptied(fileSystem: FileSystem, directory: string): Promise<void> {
  await remove(fileSystem, join(directory, LOCK_NAME))
  await sync(fileSystem, directory)
  if (await removeEmptyDirectory(fileSystem, directory)) await sync(fileSystem, dirname(directory))
}

async function removeLost(fileSystem: FileSystem, lost: string): Promise<void> {
  for (const entry of (await entriesOf(fileSystem, lost)) ?? []) {
    if (!isRemovable(entry) || parseLostName(entry.name) === undefined) continue
    await remove(fileSystem, join(lost, entry.name))
  }
  await removeEmptyDirectory(fileSystem, lost)
}

function isRemovable({ kind }: DirectoryEntry): boolean {
  return kind !== 'directory'
}

/** Undefined where there is no such directory. */
async function entriesOf(
  fileSystem: FileSystem,
  path: string,
): Promise<DirectoryEntry[] | undefined> {
  try {
    return await fileSystem.readEntries(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw ioError('list', path, error)
  }
}

async function remove(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw ioError('remove', path, error)
  }
}

// False where it stays, for whatever reason: something else is in it, it is a mount point, or the
// path is a symbolic link. The database in it is gone all the same.
async function removeEmptyDirectory(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    await fileSystem.removeDirectory(path)
    return true
  } catch {
    return false
  }
}

async function sync(fileSystem: FileSystem, directory: string): Promise<void> {
  try {
    await fileSystem.syncDirectory(directory)
  } catch (error) {
    throw ioError('sync', directory, error)
  }
}
