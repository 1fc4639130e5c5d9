// Opens a database to read it only: without the lock, without writing anything, beside a writer or not.
//
//   the directory's state ── CURRENT ── manifest ── its tables, opened ── a listing ── the logs, replayed
//   into memory;  where anything of this fails and the directory has another state than before, again
//
// Why what it sees is one state, a writer at work or not:
//   The manifest is read before the directory is listed. A log that it names is removed only after a
//   later edit, so where the log is still listed and can be read, it has all that the tables lack.
//   A writer begins a log when the one before it has all of its records. So of the logs that are
//   listed only the last can grow; it is read to where it ends at that moment.
//   Tables never change, and one that is open stays.
// What is read is thus a prefix of what was written, and no hole: the newest writes may be missing.
//
// The end of the last log and of the manifest may be a record that is being written. It is the end, not
// damage.
//
// What the logs hold takes about as much memory as they do on the disk.

import { join } from 'node:path'
import { BATCH_HEADER_SIZE, batchCount } from '../format/batch.ts'
import { corruption, ioError, isMissing, SluiceError } from '../format/error.ts'
import { CURRENT_NAME, manifestFileName } from '../format/file-name.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { type ManifestState, readCurrent, readManifest } from '../version/manifest-reader.ts'
import { VersionSet } from '../version/version-set.ts'
import { listFiles, missingLog, neededLogs, traceOfDatabase } from './directory-files.ts'
import type { Environment } from './environment.ts'
import { type BatchSink, LogReplay } from './log-replay.ts'
import { MemtableMemory } from './memtable-memory.ts'
import { type CheckedOptions, openTableLimit } from './options.ts'
import { ReadOnlyEngine } from './read-only-engine.ts'
import { ReadOnlyFiles } from './read-only-files.ts'
import type { RecoveryReport } from './recovery-report.ts'

/** What a read-only open uses of a database's environment. */
export type ReadOnlyEnvironment = Pick<Environment, 'fileSystem' | 'now' | 'delay'>

/** A writer that changes the directory faster than it can be read is given up on after so many. */
const MOST_TRIES = 100
const PAUSE_MS = 1

/**
 * Opens the database in `directory` read-only. Rejects with LEVEL_DATABASE_MISSING, LEVEL_CORRUPTION,
 * LEVEL_IO_ERROR or LEVEL_NOT_SUPPORTED.
 */
export async function openReadOnly(
  directory: string,
  options: CheckedOptions,
  environment: ReadOnlyEnvironment,
): Promise<ReadOnlyEngine> {
  const { fileSystem } = environment
  const maxOpenFiles = openTableLimit(options, fileSystem)
  const files = new ReadOnlyFiles(fileSystem, directory, maxOpenFiles)
  try {
    for (let tries = 1; ; tries++) {
      const before = await directoryState(fileSystem, directory)
      try {
        return await openOnce(directory, { ...options, maxOpenFiles }, environment, files)
      } catch (error) {
        if (tries === MOST_TRIES) throw error
        // What fails although nothing has changed would fail again.
        if ((await directoryState(fileSystem, directory)) === before) throw error
      }
      await environment.delay(PAUSE_MS)
    }
  } catch (error) {
    await files.close()
    throw error
  }
}

async function openOnce(
  directory: string,
  options: CheckedOptions,
  { fileSystem, now }: ReadOnlyEnvironment,
  files: ReadOnlyFiles,
): Promise<ReadOnlyEngine> {
  const startMs = now()
  const state = await readState(fileSystem, directory)
  await files.hold(state.version)
  const memory = new MemtableMemory(options.writeBufferSize)
  const memtables = new Memtables(memory)
  const replay = await replayLogs(fileSystem, directory, state, memtables)
  const versions = new VersionSet(fileSystem, directory, state)
  versions.publishSequence(Math.max(state.lastSequence, replay.lastSequence))
  return new ReadOnlyEngine({
    directory,
    options,
    now,
    crc32c: (bytes, start, end) => fileSystem.crc32c(bytes, start, end),
    memory,
    memtables: memtables.newestFirst(),
    versions,
    files,
    report: reportOf(replay, now() - startMs),
  })
}

function reportOf(replay: LogReplay, durationMs: number): RecoveryReport {
  const { logs, records, writes, logBytes, dropped } = replay
  const nothing = { created: false, tables: 0, lostSequences: 0, movedToLost: [] }
  return { ...nothing, logs, records, writes, logBytes, dropped, durationMs }
}

async function readState(fileSystem: FileSystem, directory: string): Promise<ManifestState> {
  const number = await readCurrent(fileSystem, directory)
  if (number !== undefined) {
    return readManifest(fileSystem, join(directory, manifestFileName(number)), number)
  }
  const found = traceOfDatabase(await listFiles(fileSystem, directory))
  if (found === undefined) {
    throw new SluiceError('LEVEL_DATABASE_MISSING', `The database in ${directory} does not exist`)
  }
  throw corruption(`${CURRENT_NAME} is missing beside ${found.name}`, directory)
}

async function replayLogs(
  fileSystem: FileSystem,
  directory: string,
  state: ManifestState,
  sink: BatchSink,
): Promise<LogReplay> {
  const numbers = neededLogs(state, await listFiles(fileSystem, directory))
  const missing = missingLog(state, numbers, directory)
  if (missing !== undefined) throw missing
  const { logNumber, lastSequence } = state
  const replay = new LogReplay({
    fileSystem,
    directory,
    logNumber,
    lastSequence,
    sink,
    mayBeGrowing: true,
    // Nothing is written here: the file is where it was.
    keep: (name) => Promise.resolve(join(directory, name)),
  })
  await replay.run(numbers)
  return replay
}

/** What changes with whatever a writer does: names, and the sizes of what is appended to. */
async function directoryState(fileSystem: FileSystem, directory: string): Promise<string> {
  let names: string[]
  try {
    names = await fileSystem.readDirectory(directory)
  } catch (error) {
    if (!isMissing(error)) throw ioError('list', directory, error)
    throw new SluiceError('LEVEL_DATABASE_MISSING', `${directory} does not exist`, { cause: error })
  }
  const state: string[] = []
  for (const name of names.toSorted()) {
    const grows = /^MANIFEST-|\.log$/.test(name)
    state.push(grows ? `${name} ${await sizeOf(fileSystem, join(directory, name))}` : name)
  }
  return state.join('\n')
}

async function sizeOf(fileSystem: FileSystem, path: string): Promise<number> {
  try {
    return await fileSystem.fileSize(path)
  } catch (error) {
    if (isMissing(error)) return -1
    throw ioError('read', path, error)
  }
}

/** Keeps what is replayed. */
class Memtables implements BatchSink {
  readonly #all: Memtable[] = []
  readonly #memory: MemtableMemory

  constructor(memory: MemtableMemory) {
    this.#memory = memory
  }

  async add(bytes: Buffer, start: number, end: number, sequence: number): Promise<void> {
    const count = batchCount(bytes, start)
    const payloadBytes = end - start - BATCH_HEADER_SIZE
    let memtable = this.#all.at(-1)
    if (memtable?.hasRoom(payloadBytes, count) !== true) {
      memtable = this.#memory.create(payloadBytes, count)
      this.#all.push(memtable)
    }
    memtable.insertBatch(bytes, start, end, count, sequence)
  }

  newestFirst(): readonly Memtable[] {
    return this.#all.length === 0 ? [this.#memory.create(0, 0)] : this.#all.toReversed()
  }

  finish(): Promise<void> {
    return Promise.resolve()
  }

  settled(): Promise<void> {
    return Promise.resolve()
  }
}
