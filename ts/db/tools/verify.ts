// Verifies a database: whether every byte that means something can be read and says what it should.
//
//   lock ── CURRENT ── manifest ── the directory against it ── every table ── every log
//
// It takes the lock, since only then what it sees is one state: a writer changes the directory at any
// moment. All it may create is LOCK, where there was none; it writes nothing else. On a file system
// that is mounted read-only nobody writes, and it goes on without a lock.
//
// Without a manifest that can be read nobody knows which tables are live, so all that are there are
// looked at, each for itself.

import { join } from 'node:path'
import { errnoOf, isMissing, ioError, SluiceError } from '../../format/error.ts'
import {
  CURRENT_NAME,
  logFileName,
  manifestFileName,
  tableFileName,
} from '../../format/file-name.ts'
import type { FileSystem } from '../../platform/file-system.ts'
import type { FileMetadata } from '../../version/file-metadata.ts'
import { type ManifestState, readCurrent, readManifest } from '../../version/manifest-reader.ts'
import { checkPath, takeLock } from '../../platform/directory-path.ts'
import { findTable, type FoundFile, listFiles, missingLog, neededLogs } from '../directory-files.ts'
import { Findings, type VerifyOptions, type VerifyReport } from './verify-report.ts'
import { verifyLog } from './verify-log.ts'
import { verifyTable } from './verify-table.ts'

/**
 * Verifies the database in `path`. What is wrong with it is in the report; rejects only where there
 * is nothing to report on: LEVEL_DATABASE_MISSING, LEVEL_LOCKED, LEVEL_ABORTED, or LEVEL_IO_ERROR
 * for the directory itself.
 */
export async function verifyDatabase(
  path: string,
  options: VerifyOptions,
  fileSystem: FileSystem,
): Promise<VerifyReport> {
  checkPath(path)
  checkVerifyOptions(options)
  await checkDatabaseIsThere(fileSystem, path)
  const lock = await takeLockIfWritable(path, fileSystem)
  try {
    const verification = new Verification(fileSystem, path, new Findings(options))
    return await verification.run()
  } finally {
    await lock?.release()
  }
}

function checkVerifyOptions(options: VerifyOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options must be an object')
  }
  for (const name of Object.keys(options)) {
    if (name !== 'signal' && name !== 'onProgress') throw new TypeError(`unknown option ${name}`)
  }
  const { signal, onProgress } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('signal must be an AbortSignal')
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError('onProgress must be a function')
  }
}

/** Before the lock: taking it makes a file. Rejects with LEVEL_DATABASE_MISSING or LEVEL_IO_ERROR. */
export async function checkDatabaseIsThere(fileSystem: FileSystem, path: string): Promise<void> {
  let names: string[]
  try {
    names = await fileSystem.readDirectory(path)
  } catch (error) {
    if (!isMissing(error)) throw ioError('list', path, error)
    throw new SluiceError('LEVEL_DATABASE_MISSING', `${path} does not exist`, { cause: error })
  }
  if (names.includes(CURRENT_NAME) || (await listFiles(fileSystem, path)).length > 0) return
  throw new SluiceError('LEVEL_DATABASE_MISSING', `${path} holds no database`)
}

async function takeLockIfWritable(
  path: string,
  fileSystem: FileSystem,
): Promise<{ release(): Promise<void> } | undefined> {
  try {
    return await takeLock(path, fileSystem)
  } catch (error) {
    if (error instanceof SluiceError && errnoOf(error.cause) === 'EROFS') return undefined
    throw error
  }
}

interface FoundTable {
  readonly path: string
  readonly metadata: FileMetadata | undefined
}

class Verification {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #findings: Findings

  constructor(fileSystem: FileSystem, directory: string, findings: Findings) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#findings = findings
  }

  async run(): Promise<VerifyReport> {
    const files = await listFiles(this.#fileSystem, this.#directory)
    this.#findings.advance(this.#directory, 0)
    const state = await this.#readState(files)
    const tables = await this.#tables(state, files)
    const logs = neededLogs(state ?? { logNumber: 0, previousLogNumber: 0 }, files)
    this.#findings.totalBytes += await this.#logBytes(logs)
    if (state !== undefined) this.#checkDirectory(state, files, logs)
    for (const { path, metadata } of tables) {
      const lastSequence = state?.lastSequence ?? Number.MAX_SAFE_INTEGER
      await verifyTable(this.#fileSystem, path, { metadata, lastSequence }, this.#findings)
    }
    await this.#verifyLogs(state, logs)
    return this.#findings.report()
  }

  async #readState(files: readonly FoundFile[]): Promise<ManifestState | undefined> {
    const currentPath = join(this.#directory, CURRENT_NAME)
    let path = currentPath
    try {
      const number = await readCurrent(this.#fileSystem, this.#directory)
      if (number === undefined) {
        const example = files[0]!.name
        this.#findings.error('current', currentPath, `CURRENT is missing beside ${example}`)
        return undefined
      }
      path = join(this.#directory, manifestFileName(number))
      const state = await readManifest(this.#fileSystem, path, number)
      await this.#countManifest(path)
      const { damage } = state
      if (damage !== undefined) {
        this.#findings.warning('log-tail', path, damage.reason, damage.offset)
      }
      return state
    } catch (error) {
      this.#findings.caught(error, path === currentPath ? 'current' : 'manifest', path)
      return undefined
    }
  }

  async #countManifest(path: string): Promise<void> {
    const sizeBytes = await this.#sizeOf(path)
    this.#findings.counts.files++
    this.#findings.totalBytes += sizeBytes
    this.#findings.advance(path, sizeBytes)
  }

  /** The live tables, or, where nobody knows which these are, all of them. */
  async #tables(
    state: ManifestState | undefined,
    files: readonly FoundFile[],
  ): Promise<FoundTable[]> {
    const findings = this.#findings
    if (state === undefined) {
      const found = files.filter(({ kind }) => kind === 'table')
      const paths = found.map(({ name }) => join(this.#directory, name))
      for (const path of paths) findings.totalBytes += await this.#sizeOf(path)
      return paths.map((path) => ({ path, metadata: undefined }))
    }
    const tables: FoundTable[] = []
    for (const metadata of state.version.levels.flat()) {
      const path = join(this.#directory, tableFileName(metadata.number))
      try {
        const found = await findTable(this.#fileSystem, this.#directory, metadata.number)
        if (found === undefined) {
          findings.error('missing-file', path, 'a table of the manifest is missing')
          continue
        }
        findings.totalBytes += found.sizeBytes
        tables.push({ path: found.path, metadata })
      } catch (error) {
        findings.caught(error, 'table', path)
      }
    }
    return tables
  }

  #checkDirectory(
    state: ManifestState,
    files: readonly FoundFile[],
    logs: readonly number[],
  ): void {
    const missing = missingLog(state, logs, this.#directory)
    if (missing?.file !== undefined) {
      this.#findings.error('missing-file', missing.file, 'a log of the manifest is missing')
    }
    const live = new Set(state.version.levels.flat().map(({ number }) => number))
    for (const { kind, number, name } of files) {
      const isNamed =
        (kind === 'table' && live.has(number)) ||
        (kind === 'log' && logs.includes(number)) ||
        (kind === 'manifest' && number === state.manifestNumber)
      if (isNamed) continue
      const path = join(this.#directory, name)
      this.#findings.warning('orphan-file', path, 'the manifest does not name this file')
    }
  }

  async #verifyLogs(state: ManifestState | undefined, logs: readonly number[]): Promise<void> {
    const { logNumber, lastSequence } = state ?? { logNumber: 0, lastSequence: 0 }
    let lastInLogs = 0
    for (const [index, number] of logs.entries()) {
      const path = join(this.#directory, logFileName(number))
      const isLast = index === logs.length - 1
      const place = { number, path, isLast, logNumber, lastSequence }
      // Without a manifest nobody knows where the logs begin that follow on each other.
      if (state === undefined) place.logNumber = number
      lastInLogs = await verifyLog(this.#fileSystem, place, lastInLogs, this.#findings)
    }
  }

  async #logBytes(logs: readonly number[]): Promise<number> {
    let sum = 0
    for (const number of logs) sum += await this.#sizeOf(join(this.#directory, logFileName(number)))
    return sum
  }

  // For the progress alone: what cannot be had is told when the file is read.
  async #sizeOf(path: string): Promise<number> {
    try {
      return await this.#fileSystem.fileSize(path)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      return 0
    }
  }
}
