// What a repair is going to do with every file, decided without writing anything: a dry run ends here.

import { basename, join } from 'node:path'
import { logFileName } from '../../format/file-name.ts'
import { sequenceOfKey } from '../../format/internal-key.ts'
import type { FileSystem } from '../../platform/file-system.ts'
import type { FoundFile } from '../directory-files.ts'
import { leavesHole } from '../log-batch.ts'
import type { RepairedFile, RepairLoss, RepairOutcome, RepairReport } from './repair-report.ts'
import type { Survey, SurveyedTable } from './repair-survey.ts'
import { rescueLog } from './rescue-log.ts'
import { salvageTable } from './salvage-table.ts'

export interface Assessment {
  readonly report: Omit<RepairReport, 'dryRun'>
  /** What becomes of each numbered file in the directory, by name. */
  readonly outcomes: ReadonlyMap<string, RepairOutcome>
}

/** Rejects with LEVEL_IO_ERROR or LEVEL_NOT_SUPPORTED. */
export async function assess(
  fileSystem: FileSystem,
  directory: string,
  survey: Survey,
): Promise<Assessment> {
  const assessor = new Assessor(fileSystem, directory, survey)
  await assessor.run()
  return assessor.assessment()
}

/** Whether the table goes into new tables, though nothing is wrong with it. */
export function isRewritten(survey: Survey, { level, number }: SurveyedTable): boolean {
  if (survey.levels === 'merged') return true
  if (level !== 0) return false
  // A read takes the table of level 0 with the highest number first. What is saved of a damaged one
  // has a new number, so all that are newer need higher ones.
  const damaged = survey.tables.filter((table) => table.level === 0 && isDamaged(table))
  return damaged.some((table) => table.number < number)
}

export function isDamaged({ problem }: SurveyedTable): boolean {
  return problem !== undefined
}

class Assessor {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #survey: Survey
  readonly #files: RepairedFile[] = []
  readonly #losses: RepairLoss[] = []
  readonly #outcomes = new Map<string, RepairOutcome>()
  #lastSequence: number

  constructor(fileSystem: FileSystem, directory: string, survey: Survey) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#survey = survey
    const { state, evidence, tables } = survey
    const known = tables.map(({ facts }) => facts?.lastSequence ?? 0)
    this.#lastSequence = Math.max(state?.lastSequence ?? 0, evidence.lastSequence, ...known)
  }

  async run(): Promise<void> {
    for (const table of this.#survey.tables) await this.#assessTable(table)
    for (const { path } of this.#survey.missing) {
      this.#files.push({ file: path, outcome: 'missing', entries: 0, reason: undefined })
    }
    await this.#assessLogs()
    for (const file of this.#survey.files) this.#assessOther(file)
  }

  assessment(): Assessment {
    const { levels, manifestProblem, missing, tables } = this.#survey
    const isNeeded =
      levels === 'merged' ||
      manifestProblem !== undefined ||
      missing.length > 0 ||
      this.#losses.length > 0 ||
      tables.some(isDamaged)
    return {
      report: {
        isNeeded,
        levels,
        manifestProblem,
        files: this.#files,
        losses: this.#losses,
        keptEntries: this.#files.reduce((sum, { entries }) => sum + entries, 0),
        lostBytes: this.#losses.reduce((sum, { bytes }) => sum + bytes, 0),
        lastSequence: this.#lastSequence,
      },
      outcomes: this.#outcomes,
    }
  }

  async #assessTable(table: SurveyedTable): Promise<void> {
    const { path, problem, facts } = table
    const name = basename(path)
    if (!isDamaged(table)) {
      const outcome = isRewritten(this.#survey, table) ? 'rewritten' : 'kept'
      this.#decide(name, outcome, facts?.entries ?? 0, undefined)
      return
    }
    const entries = await salvageTable(this.#fileSystem, path, {
      entry: ({ key, keyLength }) => {
        this.#lastSequence = Math.max(this.#lastSequence, sequenceOfKey(key, keyLength))
      },
      loss: (loss) => this.#losses.push(loss),
    })
    this.#decide(name, entries > 0 ? 'salvaged' : 'dropped', entries, problem)
  }

  async #assessLogs(): Promise<void> {
    const { logs, state } = this.#survey
    let lastInLogs = 0
    for (const number of logs) {
      const name = logFileName(number)
      const path = join(this.#directory, name)
      const lossesBefore = this.#losses.length
      const result = await rescueLog(this.#fileSystem, path, lastInLogs, {
        add: () => Promise.resolve(),
        loss: (loss) => this.#losses.push(loss),
      })
      const { writes, firstSequence, lastSequence } = result
      this.#assessHole(path, number, firstSequence, Math.max(lastInLogs, state?.lastSequence ?? 0))
      lastInLogs = lastSequence
      this.#lastSequence = Math.max(this.#lastSequence, lastSequence)
      const loss = this.#losses[lossesBefore]
      if (loss === undefined) this.#decide(name, 'rewritten', writes, undefined)
      else this.#decide(name, writes > 0 ? 'salvaged' : 'dropped', writes, loss.reason)
    }
  }

  #assessHole(path: string, number: number, first: number | undefined, last: number): void {
    const { state } = this.#survey
    if (state === undefined || first === undefined) return
    if (!leavesHole(number, first, state.logNumber, last)) return
    const reason = `sequences before ${first} are missing`
    const nowhere = { above: undefined, upTo: undefined }
    this.#losses.push({ file: path, offset: 0, bytes: 0, reason, ...nowhere })
  }

  // Everything that is neither a table nor a log that is taken in.
  #assessOther({ name, kind, number }: FoundFile): void {
    if (this.#outcomes.has(name)) return
    const { state, evidence, manifestProblem } = this.#survey
    if (kind === 'manifest' && number === state?.manifestNumber) {
      if (state.damage === undefined) this.#decide(name, 'rewritten', 0, undefined)
      else this.#decide(name, 'salvaged', 0, manifestProblem)
    } else if (kind === 'manifest' && state === undefined) {
      this.#decide(name, 'dropped', 0, manifestProblem)
    } else if (kind === 'table' && evidence.deadTables.has(number)) {
      this.#decide(name, 'removed', 0, 'a manifest says that it was replaced')
    } else if (kind === 'log') {
      this.#decide(name, 'removed', 0, 'what it held is in tables')
    } else if (kind === 'temporary') {
      this.#decide(name, 'removed', 0, 'it was never finished')
    } else {
      this.#decide(name, 'unknown', 0, 'the manifest does not name it')
    }
  }

  #decide(name: string, outcome: RepairOutcome, entries: number, reason: string | undefined): void {
    this.#outcomes.set(name, outcome)
    this.#files.push({ file: join(this.#directory, name), outcome, entries, reason })
  }
}
