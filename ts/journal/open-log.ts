// Opens a log: directory ── lock ── recovery ── a new file behind what was recovered.
//
// Invariant: whatever fails on the way, what was opened before it is closed, the lock last.

import { join } from 'node:path'
import { ioError, isMissing, SluiceError } from '../format/error.ts'
import type { DroppedPart } from '../log/lost-directory.ts'
import { takeLock } from '../platform/directory-path.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { Lock } from '../platform/lock.ts'
import { syncUpwards } from '../platform/sync-upwards.ts'
import { FIRST_POSITION, listLog, missingLogError } from './log-directory.ts'
import { LogTail } from './log-tail.ts'
import type { CheckedLogOptions } from './options.ts'
import { LogRecovery, type RecoveredLog } from './recovery.ts'
import type { LogWorld } from './world.ts'

/** What opening a log found, and what it dropped. */
export interface LogRecoveryReport {
  /** True when the log was created by this open. */
  readonly created: boolean
  /** Files that were read, and the records and bytes in them that are whole. */
  readonly files: number
  readonly records: number
  readonly bytes: number
  /** Nothing here means that every byte that was read was taken over. */
  readonly dropped: readonly DroppedPart[]
  readonly durationMs: number
}

export interface OpenedLog {
  readonly tail: LogTail
  readonly lock: Lock
  readonly report: LogRecoveryReport
}

/**
 * Rejects with LEVEL_DATABASE_MISSING, LEVEL_DATABASE_EXISTS, LEVEL_LOCKED or LEVEL_IO_ERROR.
 * `onFailure` hears of a failure in the background.
 */
export async function openLog(
  path: string,
  options: CheckedLogOptions,
  world: LogWorld,
  onFailure: (error: unknown) => void,
): Promise<OpenedLog> {
  const startMs = world.now()
  if (options.createIfMissing) await createDirectory(path, world.fileSystem)
  else await listLog(world.fileSystem, path)
  const lock = await takeLock(path, world.fileSystem)
  try {
    const { created, recovered } = await recover(path, options, world.fileSystem)
    const { fileSystem, now } = world
    const tail = await LogTail.begin(
      { fileSystem, directory: path, now, onFailure },
      recovered.files,
      recovered.nextPosition,
    )
    const { filesRead: files, records, bytes, dropped } = recovered
    const durationMs = world.now() - startMs
    return { tail, lock, report: { created, files, records, bytes, dropped, durationMs } }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function createDirectory(path: string, fileSystem: FileSystem): Promise<void> {
  try {
    await fileSystem.createDirectory(path)
  } catch (error) {
    throw ioError('create', path, error)
  }
}

async function recover(
  path: string,
  { createIfMissing, errorIfExists, verifyAll }: CheckedLogOptions,
  fileSystem: FileSystem,
): Promise<{ readonly created: boolean; readonly recovered: RecoveredLog }> {
  const { logs, temporaries, foreign } = await listLog(fileSystem, path)
  if (foreign !== undefined) {
    const what = `${path} is a database, not a log: it has ${foreign}`
    throw new SluiceError('LEVEL_DATABASE_EXISTS', what)
  }
  const created = logs.length === 0
  if (created && !createIfMissing) throw missingLogError(path)
  if (!created && errorIfExists) {
    throw new SluiceError('LEVEL_DATABASE_EXISTS', `There is a log in ${path}`)
  }
  // With no file before the first there is nothing yet that an earlier opening has made durable.
  if (logs.length === 0 || logs.at(-1) === FIRST_POSITION) await syncUpwards(fileSystem, path)
  await removeTemporaries(path, temporaries, fileSystem)
  const recovery = new LogRecovery(fileSystem, path)
  return { created, recovered: await recovery.run(logs, verifyAll) }
}

async function removeTemporaries(
  path: string,
  names: readonly string[],
  fileSystem: FileSystem,
): Promise<void> {
  for (const name of names) {
    const file = join(path, name)
    await fileSystem.unlink(file).catch((error: unknown) => {
      if (!isMissing(error)) throw ioError('remove', file, error)
    })
  }
}
