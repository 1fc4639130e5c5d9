// Goes over to a new state of the directory: tables, a new log, a new manifest, CURRENT.
//
// Recovery does it with what the logs held, resume() with what the memtables hold.
//
// Invariant: until CURRENT is renamed, what was there leads to the same data; so where something
// fails before, what the attempt has written is removed. On a full disk it would be in the way of the
// next attempt. Once CURRENT may lead to it, nothing is removed.

import { join } from 'node:path'
import { ioError } from '../format/error.ts'
import {
  logFileName,
  manifestFileName,
  tableFileName,
  temporaryFileName,
} from '../format/file-name.ts'
import { WriteAheadLog } from '../log/write-ahead-log.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { emptyEdit, type VersionEdit } from '../version/version-edit.ts'
import type { VersionSet } from '../version/version-set.ts'

export interface NewStateContext {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly now: () => number
  readonly versions: VersionSet
}

/**
 * Runs `writeTables`, which adds to the edit what the new state has, then makes it current with a
 * new log, which it resolves to. Tables are named in the edit as soon as they may exist.
 * Rejects with what writeTables rejects with, or with LEVEL_IO_ERROR.
 */
export async function enterNewState(
  context: NewStateContext,
  writeTables: (edit: VersionEdit) => Promise<void>,
): Promise<WriteAheadLog> {
  const { versions } = context
  const edit = emptyEdit()
  const manifestNumber = versions.newFileNumber()
  let log: WriteAheadLog | undefined
  try {
    await writeTables(edit)
    const logNumber = versions.newFileNumber()
    edit.logNumber = logNumber
    edit.previousLogNumber = 0
    await versions.switchManifest(edit, manifestNumber, async () => {
      log = await createLog(context, logNumber)
    })
    return log!
  } catch (error) {
    await log?.abandon()
    if (!versions.isCurrentUncertain) await removeAttempt(context, edit, manifestNumber)
    throw error
  }
}

async function createLog(
  { fileSystem, directory, now }: NewStateContext,
  number: number,
): Promise<WriteAheadLog> {
  try {
    return await WriteAheadLog.create({ fileSystem, directory, now }, number)
  } catch (error) {
    throw ioError('create', join(directory, logFileName(number)), error)
  }
}

// Best effort, and many of them may not exist: the next open removes what is left.
async function removeAttempt(
  { fileSystem, directory }: NewStateContext,
  { newFiles, logNumber }: VersionEdit,
  manifestNumber: number,
): Promise<void> {
  const names = newFiles.map(({ file }) => tableFileName(file.number))
  if (logNumber !== undefined) names.push(logFileName(logNumber))
  names.push(temporaryFileName(manifestNumber), manifestFileName(manifestNumber))
  await Promise.allSettled(names.map((name) => fileSystem.unlink(join(directory, name))))
}
