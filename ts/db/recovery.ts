// Brings a database directory to a state in which it can be written: creates it, or recovers it.
//
//   CURRENT ── manifest ── every live table is there, with its size ── the logs it names, replayed
//   ── a new log ── a new manifest ── CURRENT renamed ── only then, old files removed
//
// Invariants:
//   Until CURRENT is renamed, nothing that was there is changed or removed: an open that fails, or is
//   killed, leaves the next one the same data (W11, W13).
//   Only ENOENT means that a file is missing; what is missing though the manifest names it is
//   corruption, never a reason to go on without it.
//   Tables and manifests are removed only where their number was given out before the manifest's next
//   file number, or where they were never finished. Others that nothing names are moved to lost/.

import { join } from 'node:path'
import { corruption, SluiceError } from '../format/error.ts'
import { CURRENT_NAME, manifestFileName, tableFileName } from '../format/file-name.ts'
import type { DroppedPart } from '../log/lost-directory.ts'
import type { WriteAheadLog } from '../log/write-ahead-log.ts'
import { syncUpwards } from '../platform/sync-upwards.ts'
import type { InfoLog } from '../platform/info-log.ts'
import { type ManifestState, readCurrent, readManifest } from '../version/manifest-reader.ts'
import { createDatabase, FIRST_MANIFEST_NUMBER, VersionSet } from '../version/version-set.ts'
import {
  findTable,
  type FoundFile,
  listFiles,
  missingLog,
  neededLogs,
  traceOfDatabase,
} from './directory-files.ts'
import { BatchTables } from './batch-tables.ts'
import type { Environment } from './environment.ts'
import { LogReplay } from './log-replay.ts'
import { copyToLost } from './lost-files.ts'
import type { MemtableMemory } from './memtable-memory.ts'
import { type CheckedOptions, tableOptionsOf } from './options.ts'
import { enterNewState } from './new-state.ts'
import { removeObsoleteFiles } from './obsolete-files.ts'
import type { RecoveryReport } from './recovery-report.ts'

export interface Recovered {
  readonly versions: VersionSet
  readonly log: WriteAheadLog
  readonly report: RecoveryReport
}

export interface RecoveryContext {
  readonly environment: Environment
  readonly directory: string
  readonly options: CheckedOptions
  readonly memory: MemtableMemory
  readonly infoLog: InfoLog
}

/**
 * Recovers or creates the database. Rejects with LEVEL_IO_ERROR, LEVEL_CORRUPTION,
 * LEVEL_NOT_SUPPORTED, LEVEL_DATABASE_MISSING or LEVEL_DATABASE_EXISTS.
 * Requires: the directory's lock is held.
 */
export async function recover(context: RecoveryContext): Promise<Recovered> {
  const { environment, directory } = context
  const startMs = environment.now()
  const files = await listFiles(environment.fileSystem, directory)
  const { state, created } = await readOrCreateState(context, files)
  await checkTables(context, state)
  const logNumbers = neededLogs(state, files)
  const missing = missingLog(state, logNumbers, directory)
  if (missing !== undefined) throw missing

  const versions = new VersionSet(
    environment.fileSystem,
    directory,
    state,
    environment.manifestLimits,
  )
  for (const { number } of files) versions.markFileNumberUsed(number)
  const { fileSystem, now, jobs, inlineJobs } = environment
  const tables = new BatchTables({
    directory,
    jobs,
    inlineJobs,
    table: tableOptionsOf(context.options),
    memory: context.memory,
    newFileNumber: () => versions.newFileNumber(),
  })
  const replay = new LogReplay({
    fileSystem,
    directory,
    logNumber: state.logNumber,
    lastSequence: state.lastSequence,
    sink: tables,
    keep: (name) => copyToLost(fileSystem, directory, name),
  })
  let dropped: DroppedPart[] = []
  const log = await enterNewState({ fileSystem, directory, now, versions }, async (edit) => {
    try {
      await replay.run(logNumbers)
    } finally {
      for (const file of tables.files) edit.newFiles.push({ level: 0, file })
    }
    dropped = [...(await keepDamagedManifest(context, state)), ...replay.dropped]
    versions.publishSequence(Math.max(state.lastSequence, replay.lastSequence))
    edit.lastSequence = versions.lastSequence
  })
  // Without a record there is nothing to tell a log that lost all of its writes from an empty one.
  const lostSequences =
    replay.records === 0 ? 0 : Math.max(0, state.lastSequence - replay.lastSequence)
  const isAllThere = replay.records > 0 && dropped.length === 0 && lostSequences === 0
  const movedToLost = await removeObsoleteFiles({
    fileSystem: environment.fileSystem,
    directory,
    infoLog: context.infoLog,
    versions,
    knownBelow: state.nextFileNumber,
    // Not the manifest's last sequence: C++ LevelDB writes there what only a log may hold.
    replayedUpTo: isAllThere ? replay.lastSequence : undefined,
    // The manifest of the creation was written after the directory was listed.
    names: new Set([...files.map(({ name }) => name), manifestFileName(state.manifestNumber)]),
  })
  const report: RecoveryReport = {
    created,
    logs: replay.logs,
    records: replay.records,
    writes: replay.writes,
    logBytes: replay.logBytes,
    tables: tables.files.length,
    dropped,
    lostSequences,
    movedToLost,
    durationMs: environment.now() - startMs,
  }
  return { versions, log, report }
}

async function readOrCreateState(
  { environment, directory, options }: RecoveryContext,
  files: readonly FoundFile[],
): Promise<{ state: ManifestState; created: boolean }> {
  const { fileSystem } = environment
  const current = await readCurrent(fileSystem, directory)
  if (current === undefined) {
    checkNothingIsThere(files, directory)
    if (!options.createIfMissing) {
      throw new SluiceError('LEVEL_DATABASE_MISSING', `The database in ${directory} does not exist`)
    }
    await createDatabase(fileSystem, directory)
  } else if (options.errorIfExists) {
    throw new SluiceError('LEVEL_DATABASE_EXISTS', `A database exists in ${directory}`)
  }
  const number = current ?? FIRST_MANIFEST_NUMBER
  // Behind the first manifest there is no older one that leads to the same data.
  if (number === FIRST_MANIFEST_NUMBER) await syncUpwards(fileSystem, directory)
  const path = join(directory, manifestFileName(number))
  return {
    state: await readManifest(fileSystem, path, number),
    created: current === undefined,
  }
}

// A directory with files of a database and no CURRENT is a damaged database, not a missing one: to
// create another over it would seal the loss.
function checkNothingIsThere(files: readonly FoundFile[], directory: string): void {
  const found = traceOfDatabase(files)
  if (found === undefined) return
  throw corruption(`${CURRENT_NAME} is missing beside ${found.name}`, directory)
}

// Every live table, with the size that the manifest gives it. C++ LevelDB looks at the names alone.
async function checkTables(
  { environment, directory }: RecoveryContext,
  { version }: ManifestState,
): Promise<void> {
  for (const { number, sizeBytes } of version.levels.flat()) {
    const path = join(directory, tableFileName(number))
    const found = await findTable(environment.fileSystem, directory, number)
    if (found === undefined) throw corruption('a table of the manifest is missing', path)
    if (found.sizeBytes !== sizeBytes) {
      throw corruption(`a table has ${found.sizeBytes} bytes and not ${sizeBytes}`, path)
    }
  }
}

// Kept before the manifest is replaced, which makes it obsolete.
async function keepDamagedManifest(
  { environment, directory }: RecoveryContext,
  { damage, manifestNumber }: ManifestState,
): Promise<DroppedPart[]> {
  if (damage === undefined) return []
  const { offset, droppedBytes, reason } = damage
  const name = manifestFileName(manifestNumber)
  const keptAs = await copyToLost(environment.fileSystem, directory, name)
  return [{ file: join(directory, name), offset, droppedBytes, reason, keptAs }]
}
