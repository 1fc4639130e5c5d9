// What a repair has to work with: which manifest is to be believed, and the state of every table.
//
//   CURRENT names a manifest that can be read     it is the truth
//   CURRENT is damaged or names none that exists  the newest manifest that fits the directory is
//   else                                          there is none: every table that is not known to be
//                                                 dead may hold live data
//
// A manifest that lost its end at the edge of a record reads as if it were whole. It shows in the
// directory: a table or a log that it names is gone, for the edits behind the cut replaced it. Then the
// tables that it does not know are taken in as well.

import { join } from 'node:path'
import { ioError, isMissing, SluiceError } from '../../format/error.ts'
import { LOST_DIRECTORY_NAME, manifestFileName, tableFileName } from '../../format/file-name.ts'
import type { FileSystem } from '../../platform/file-system.ts'
import type { FileMetadata } from '../../version/file-metadata.ts'
import { type ManifestState, readCurrent, readManifest } from '../../version/manifest-reader.ts'
import { findTable, type FoundFile, listFiles, missingLog, neededLogs } from '../directory-files.ts'
import { parseLostName } from '../lost-files.ts'
import { gatherEvidence, type ManifestEvidence } from './manifest-evidence.ts'
import { Findings, type VerifyOptions } from './verify-report.ts'
import { type TableFacts, verifyTable } from './verify-table.ts'

export interface SurveyedTable {
  readonly number: number
  readonly path: string
  /** Where it is in the manifest; undefined for one that the manifest does not know. */
  readonly level: number | undefined
  readonly metadata: FileMetadata | undefined
  readonly facts: TableFacts | undefined
  /** The first thing that is wrong with it. */
  readonly problem: string | undefined
}

type WantedTable = Pick<SurveyedTable, 'number' | 'metadata' | 'level'>
type OnProgress = NonNullable<VerifyOptions['onProgress']>

export interface Survey {
  readonly files: readonly FoundFile[]
  /** Of these files, and of those in lost/, which are not to be overwritten. */
  readonly usedNumbers: readonly number[]
  /** Undefined where every table is taken in for itself. */
  readonly state: ManifestState | undefined
  readonly manifestProblem: string | undefined
  readonly evidence: ManifestEvidence
  readonly tables: readonly SurveyedTable[]
  /** Tables and logs that the manifest names and that are not there, by path. */
  readonly missing: readonly { readonly path: string; readonly file: FileMetadata | undefined }[]
  readonly levels: 'kept' | 'merged'
  readonly logs: readonly number[]
}

/**
 * `onProgress` hears how much of the tables is read. Rejects with LEVEL_IO_ERROR or
 * LEVEL_NOT_SUPPORTED: what cannot be read now is not given up.
 */
export async function surveyDirectory(
  fileSystem: FileSystem,
  directory: string,
  onProgress: OnProgress | undefined,
): Promise<Survey> {
  const files = await listFiles(fileSystem, directory)
  const manifests = numbersOf(files, 'manifest')
  const evidence = await gatherEvidence(fileSystem, directory, manifests)
  const { state, problem } = await chooseManifest(fileSystem, directory, files)
  const missing = state === undefined ? [] : await missingOf(fileSystem, directory, state, files)
  const named = new Set(state?.version.levels.flat().map(({ number }) => number))
  const unnamed = numbersOf(files, 'table').filter((number) => {
    return !named.has(number) && !evidence.deadTables.has(number)
  })
  const isCut = missing.length > 0 && unnamed.length > 0
  const wanted = (state?.version.levels ?? []).flatMap((metadatas, level) =>
    metadatas.map((metadata): WantedTable => ({ number: metadata.number, metadata, level })),
  )
  if (state === undefined || isCut) {
    for (const number of unnamed) wanted.push({ number, metadata: undefined, level: undefined })
  }
  const tables = await surveyTables(fileSystem, directory, wanted, onProgress)
  const isMerged = state === undefined || isCut || tables.some(({ problem: p }) => p === RANGE)
  const lost = await lostNumbers(fileSystem, directory)
  return {
    files,
    usedNumbers: [...files.map(({ number }) => number), ...lost],
    state,
    manifestProblem: problem ?? (isCut ? 'the manifest does not know all tables' : undefined),
    evidence,
    tables,
    missing,
    levels: isMerged ? 'merged' : 'kept',
    logs: neededLogs(state ?? { logNumber: evidence.logNumber, previousLogNumber: 0 }, files),
  }
}

async function lostNumbers(fileSystem: FileSystem, directory: string): Promise<number[]> {
  const lost = join(directory, LOST_DIRECTORY_NAME)
  try {
    const names = await fileSystem.readDirectory(lost)
    return names.map((name) => parseLostName(name)?.number ?? 0)
  } catch (error) {
    if (isMissing(error)) return []
    throw ioError('list', lost, error)
  }
}

/** A table whose keys are not where the manifest has them may overlap others of its level. */
const RANGE = 'its keys are not those that the manifest gives'

async function surveyTables(
  fileSystem: FileSystem,
  directory: string,
  wanted: readonly WantedTable[],
  onProgress: OnProgress | undefined,
): Promise<SurveyedTable[]> {
  const found: {
    readonly path: string
    readonly sizeBytes: number
    readonly table: WantedTable
  }[] = []
  for (const table of wanted) {
    const file = await findTable(fileSystem, directory, table.number)
    if (file !== undefined) found.push({ ...file, table })
  }
  const totalBytes = found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const tables: SurveyedTable[] = []
  let before = 0
  for (const { path, sizeBytes, table } of found) {
    const tell: VerifyOptions =
      onProgress === undefined
        ? {}
        : {
            onProgress: ({ file, doneBytes }) => {
              onProgress({ file, doneBytes: before + doneBytes, totalBytes })
            },
          }
    tables.push(await surveyTable(fileSystem, path, table, tell))
    before += sizeBytes
  }
  return tables
}

async function surveyTable(
  fileSystem: FileSystem,
  path: string,
  { number, metadata, level }: WantedTable,
  options: VerifyOptions,
): Promise<SurveyedTable> {
  const findings = new Findings(options)
  const expected = { metadata, lastSequence: Number.MAX_SAFE_INTEGER }
  const facts = await verifyTable(fileSystem, path, expected, findings)
  const { problems } = findings.report()
  const refused = problems.find(({ code }) => code === 'io' || code === 'not-supported')
  if (refused !== undefined) {
    const code = refused.code === 'io' ? 'LEVEL_IO_ERROR' : 'LEVEL_NOT_SUPPORTED'
    throw new SluiceError(code, refused.message, { file: path })
  }
  const isRange = problems.some(({ code }) => code === 'range')
  const problem = isRange ? RANGE : problems[0]?.message
  return { number, path, level, metadata, facts, problem }
}

interface Choice {
  readonly state: ManifestState | undefined
  readonly problem: string | undefined
}

async function chooseManifest(
  fileSystem: FileSystem,
  directory: string,
  files: readonly FoundFile[],
): Promise<Choice> {
  let problem: string
  try {
    const number = await readCurrent(fileSystem, directory)
    if (number !== undefined && numbersOf(files, 'manifest').includes(number)) {
      return await readNamed(fileSystem, directory, number)
    }
    problem = number === undefined ? 'CURRENT is missing' : 'CURRENT names a missing manifest'
  } catch (error) {
    if (!isDamage(error)) throw error
    problem = error.message
  }
  for (const number of numbersOf(files, 'manifest').toReversed()) {
    const { state } = await readNamed(fileSystem, directory, number)
    if (state === undefined) continue
    const missing = await missingOf(fileSystem, directory, state, files)
    if (missing.length === 0) return { state, problem }
  }
  return { state: undefined, problem }
}

async function readNamed(
  fileSystem: FileSystem,
  directory: string,
  number: number,
): Promise<Choice> {
  const path = join(directory, manifestFileName(number))
  try {
    const state = await readManifest(fileSystem, path, number)
    return { state, problem: state.damage?.reason }
  } catch (error) {
    if (!isDamage(error)) throw error
    return { state: undefined, problem: error.message }
  }
}

async function missingOf(
  fileSystem: FileSystem,
  directory: string,
  state: ManifestState,
  files: readonly FoundFile[],
): Promise<Survey['missing']> {
  const missing: { path: string; file: FileMetadata | undefined }[] = []
  for (const file of state.version.levels.flat()) {
    if ((await findTable(fileSystem, directory, file.number)) !== undefined) continue
    missing.push({ path: join(directory, tableFileName(file.number)), file })
  }
  const log = missingLog(state, neededLogs(state, files), directory)
  if (log?.file !== undefined) missing.push({ path: log.file, file: undefined })
  return missing
}

function numbersOf(files: readonly FoundFile[], wanted: FoundFile['kind']): number[] {
  const numbers = files.filter(({ kind }) => kind === wanted).map(({ number }) => number)
  return [...new Set(numbers)].toSorted((a, b) => a - b)
}

function isDamage(error: unknown): error is SluiceError {
  return error instanceof SluiceError && error.code === 'LEVEL_CORRUPTION'
}
