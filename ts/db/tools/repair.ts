// Repairs a database: makes one of it that opens, with all that can be read of what it held.
//
//   lock ── survey (what is to be believed) ── assessment (what becomes of each file) ── a dry run
//   ends here ── new tables ── copies of damaged files in lost/ ── a new log, a new manifest, CURRENT
//   ── old files removed
//
//   levels kept      the manifest is the truth: tables stay where they are; a damaged one is replaced
//                    by what can be read of it, at its level; what the logs held becomes the newest
//                    tables of level 0
//   levels merged    no manifest fits: all tables, and the logs, are merged by sequence (merge-tables.ts)
//                    into the last level, where no table lies below that could hide or bring back
//                    anything
//
// Invariants:
//   Until CURRENT is renamed nothing that was there is changed or removed; a repair that is cut short
//   can be run again and comes to the same contents. Its own unfinished tables, if the next one
//   takes them in, hold nothing but what the old ones hold too.
//   Every file of which anything could not be read is in lost/, whole, before it is removed.
//   What the disk refuses to read is not given up: the repair fails, and nothing has changed.
//
// A lost block may have held a newer value, or a deletion, than what is found below it. No repair can
// know; the report gives the range of keys in which older values may show.

import { join } from 'node:path'
import { logFileName, tableFileName } from '../../format/file-name.ts'
import type { FileMetadata } from '../../version/file-metadata.ts'
import type { ManifestState } from '../../version/manifest-reader.ts'
import { LEVEL_COUNT, type VersionEdit } from '../../version/version-edit.ts'
import { VersionSet } from '../../version/version-set.ts'
import { Version } from '../../version/version.ts'
import { BatchTables } from '../batch-tables.ts'
import { checkPath, takeLock } from '../../platform/directory-path.ts'
import type { Environment } from '../environment.ts'
import { copyToLost, moveToLost } from '../lost-files.ts'
import { MemtableMemory } from '../memtable-memory.ts'
import { enterNewState } from '../new-state.ts'
import { type CheckedOptions, checkOptions, tableOptionsOf } from '../options.ts'
import { mergeTables } from './merge-tables.ts'
import { type Assessment, assess, isDamaged, isRewritten } from './repair-assessment.ts'
import type { RepairOptions, RepairReport } from './repair-report.ts'
import { type Survey, type SurveyedTable, surveyDirectory } from './repair-survey.ts'
import { rescueLog } from './rescue-log.ts'
import { rewriteTable } from './rewrite-table.ts'
import { checkDatabaseIsThere } from './verify.ts'

/** What a repair uses of a database's environment. */
export type RepairEnvironment = Pick<Environment, 'fileSystem' | 'jobs' | 'inlineJobs' | 'now'>

/**
 * Repairs the database in `path`, and reports what it kept and what it could not.
 * Rejects with TypeError, LEVEL_DATABASE_MISSING, LEVEL_LOCKED, LEVEL_IO_ERROR or LEVEL_NOT_SUPPORTED;
 * then every file is as it was. The environment's jobs end with the call.
 */
export async function repairDatabase(
  path: string,
  options: RepairOptions,
  environment: RepairEnvironment,
): Promise<RepairReport> {
  try {
    checkPath(path)
    checkRepairOptions(options)
    const { dryRun = false, onProgress } = options
    const { fileSystem } = environment
    await checkDatabaseIsThere(fileSystem, path)
    const lock = await takeLock(path, fileSystem)
    try {
      const survey = await surveyDirectory(fileSystem, path, onProgress)
      const assessment = await assess(fileSystem, path, survey)
      if (!dryRun && assessment.report.isNeeded) {
        await new Repair(environment, path, survey, assessment).run()
      }
      return { dryRun, ...assessment.report }
    } finally {
      await lock.release()
    }
  } finally {
    await environment.jobs.close()
  }
}

function checkRepairOptions(options: RepairOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options must be an object')
  }
  for (const name of Object.keys(options)) {
    if (name !== 'dryRun' && name !== 'onProgress') throw new TypeError(`unknown option ${name}`)
  }
  const { dryRun = false, onProgress } = options
  // A truthy value that is not true would be a repair that somebody only wanted to look at.
  if (typeof dryRun !== 'boolean') throw new TypeError('dryRun must be a boolean')
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError('onProgress must be a function')
  }
}

class Repair {
  readonly #environment: RepairEnvironment
  readonly #directory: string
  readonly #survey: Survey
  readonly #assessment: Assessment
  readonly #options: CheckedOptions = checkOptions({})
  readonly #versions: VersionSet
  /** Tables that may have been written and are not in the new version. */
  readonly #spare = new Set<number>()

  constructor(
    environment: RepairEnvironment,
    directory: string,
    survey: Survey,
    assessment: Assessment,
  ) {
    this.#environment = environment
    this.#directory = directory
    this.#survey = survey
    this.#assessment = assessment
    this.#versions = new VersionSet(environment.fileSystem, directory, startOf(survey))
    for (const number of survey.usedNumbers) this.#versions.markFileNumberUsed(number)
  }

  async run(): Promise<void> {
    const { fileSystem, now } = this.#environment
    const directory = this.#directory
    const versions = this.#versions
    const { lastSequence } = this.#assessment.report
    try {
      const log = await enterNewState({ fileSystem, directory, now, versions }, async (edit) => {
        if (this.#survey.levels === 'merged') await this.#mergeAll(edit)
        else await this.#keepLevels(edit)
        await this.#copyDamaged()
        versions.publishSequence(lastSequence)
        edit.lastSequence = lastSequence
      })
      // Both are durable by now, so that a close that fails takes nothing back.
      await Promise.allSettled([log.close(), versions.close()])
      await this.#removeOld()
    } finally {
      await this.#removeSpare()
    }
  }

  async #keepLevels(edit: VersionEdit): Promise<void> {
    const { tables, missing } = this.#survey
    for (const { file } of missing) if (file !== undefined) this.#takeOut(edit, file.number)
    // Oldest first, so that those of level 0 keep their order under new numbers.
    for (const table of tables.toSorted((a, b) => a.number - b.number)) {
      if (!isDamaged(table) && !isRewritten(this.#survey, table)) continue
      this.#takeOut(edit, table.number)
      const file = await this.#rewrite(table)
      if (file === undefined) continue
      edit.newFiles.push({ level: table.level!, file })
      this.#spare.delete(file.number)
    }
    for (const file of await this.#rescueLogs()) {
      edit.newFiles.push({ level: 0, file })
      this.#spare.delete(file.number)
    }
  }

  async #mergeAll(edit: VersionEdit): Promise<void> {
    const files: FileMetadata[] = []
    for (const table of this.#survey.tables) {
      const file = isDamaged(table) ? await this.#rewrite(table) : metadataOf(table)
      if (file !== undefined) files.push(file)
    }
    files.push(...(await this.#rescueLogs()))
    const context = {
      directory: this.#directory,
      jobs: this.#environment.jobs,
      table: tableOptionsOf(this.#options),
      newFileNumber: () => this.#versions.newFileNumber(),
      onTable: (number: number) => this.#spare.add(number),
    }
    const { lastSequence } = this.#assessment.report
    for (const file of await mergeTables(context, files, lastSequence)) {
      edit.newFiles.push({ level: LEVEL_COUNT - 1, file })
      this.#spare.delete(file.number)
    }
  }

  #takeOut(edit: VersionEdit, number: number): void {
    const level = this.#versions.current.levels.findIndex((files) =>
      files.some((file) => file.number === number),
    )
    edit.deletedFiles.push({ level, number })
  }

  #rewrite({ path }: SurveyedTable): Promise<FileMetadata | undefined> {
    const number = this.#versions.newFileNumber()
    this.#spare.add(number)
    const table = tableOptionsOf(this.#options)
    return rewriteTable(this.#environment.fileSystem, this.#directory, path, number, table)
  }

  /** What the logs hold, as tables, oldest first. */
  async #rescueLogs(): Promise<readonly FileMetadata[]> {
    const { fileSystem, jobs, inlineJobs } = this.#environment
    const tables = new BatchTables({
      directory: this.#directory,
      jobs,
      inlineJobs,
      table: tableOptionsOf(this.#options),
      memory: new MemtableMemory(this.#options.writeBufferSize),
      newFileNumber: () => {
        const number = this.#versions.newFileNumber()
        this.#spare.add(number)
        return number
      },
    })
    try {
      let lastSequence = 0
      for (const number of this.#survey.logs) {
        const path = join(this.#directory, logFileName(number))
        const sink = {
          add: tables.add.bind(tables),
          // Told when it was decided what to do.
          loss: (): void => undefined,
        }
        const result = await rescueLog(fileSystem, path, lastSequence, sink)
        lastSequence = result.lastSequence
      }
      await tables.finish()
    } finally {
      await tables.settled()
    }
    return tables.files
  }

  async #copyDamaged(): Promise<void> {
    for (const [name, outcome] of this.#assessment.outcomes) {
      if (outcome !== 'salvaged' && outcome !== 'dropped') continue
      await copyToLost(this.#environment.fileSystem, this.#directory, name)
    }
  }

  // Best effort: the repair is done, and the next open removes what is left.
  async #removeOld(): Promise<void> {
    const { fileSystem } = this.#environment
    for (const [name, outcome] of this.#assessment.outcomes) {
      if (outcome === 'kept') continue
      const removal =
        outcome === 'unknown'
          ? moveToLost(fileSystem, this.#directory, name)
          : fileSystem.unlink(join(this.#directory, name))
      await Promise.allSettled([removal])
    }
  }

  async #removeSpare(): Promise<void> {
    const { fileSystem } = this.#environment
    const names = [...this.#spare].map(tableFileName)
    await Promise.allSettled(names.map((name) => fileSystem.unlink(join(this.#directory, name))))
  }
}

/** Where the new version begins: at the manifest's, or, to be filled anew, at none. */
function startOf({ levels, state }: Survey): ManifestState {
  if (levels === 'kept' && state !== undefined) return state
  return {
    version: Version.empty(),
    manifestNumber: state?.manifestNumber ?? 0,
    logNumber: 0,
    previousLogNumber: 0,
    nextFileNumber: state?.nextFileNumber ?? 1,
    lastSequence: 0,
    compactPointers: new Map(),
    damage: undefined,
  }
}

/** What was found in a table in which nothing is wrong; undefined for one without entries. */
function metadataOf({ number, facts }: SurveyedTable): FileMetadata | undefined {
  if (facts?.smallest === undefined || facts.largest === undefined) return undefined
  const { sizeBytes, smallest, largest } = facts
  return { number, sizeBytes, smallest, largest }
}
