// Commands for a directory as a whole: verify, repair, compact, destroy.

import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { DB } from '../db/database.ts'
import { realFileSystem } from '../db/real-environment.ts'
import type { RepairReport } from '../db/tools/repair-report.ts'
import { checkDatabaseIsThere } from '../db/tools/verify.ts'
import { isMissing } from '../format/error.ts'
import { type Exit, NEGATIVE, OK, UsageError } from './exit-code.ts'
import { makeOutput, type Output, quantity, sizeText, type Streams } from './output.ts'
import { examples } from './shared-options.ts'
import { writing } from './write-commands.ts'

interface Json {
  readonly json?: boolean
}

interface Asking extends Json {
  readonly yes?: boolean
}

export function addDirectoryCommands(program: Command, streams: Streams, exit: Exit): void {
  examples(
    program
      .command('verify <dir>')
      .description(
        'check every byte: checksums, orders, the manifest against the directory; takes the lock',
      )
      .option('--json', 'print JSON'),
    'sluicedb verify ./data && echo whole',
  ).action(async (dir: string, options: Json) => {
    exit.code = await verify(dir, makeOutput(options.json === true, streams), streams)
  })
  examples(
    program
      .command('repair <dir>')
      .description('save what can be saved of a damaged database; originals are kept in lost/')
      .option('--dry-run', 'say what would be done, and do nothing')
      .option('--yes', 'do not ask')
      .option('--json', 'print JSON'),
    'sluicedb repair ./data --dry-run',
    'sluicedb repair ./data --yes',
  ).action((dir: string, options: Asking & { readonly dryRun?: boolean }) =>
    repair(dir, options, streams),
  )
  examples(
    program
      .command('compact <dir>')
      .description('bring all entries to the lowest level that holds any')
      .option('--json', 'print JSON'),
    'sluicedb compact ./data',
  ).action((dir: string, options: Json) =>
    compact(dir, makeOutput(options.json === true, streams), streams),
  )
  examples(
    program
      .command('destroy <dir>')
      .description('remove the database; other files in the directory stay')
      .option('--yes', 'do not ask')
      .option('--json', 'print JSON'),
    'sluicedb destroy ./data',
  ).action((dir: string, options: Asking) => destroy(dir, options, streams))
}

async function verify(dir: string, output: Output, streams: Streams): Promise<number> {
  const signal = streams.interruption()
  const progress = output.progress()
  const report = await DB.verify(dir, {
    signal,
    onProgress: ({ doneBytes, totalBytes }) => {
      progress.update(doneBytes, totalBytes)
    },
  }).finally(() => {
    progress.stop()
  })
  const { counts, problems, omittedProblems, ok } = report
  const lines = problems.map(
    ({ severity, code, file, offset, message }) =>
      `${severity}: ${code}: ${file}${offset === undefined ? '' : ` at ${offset}`}: ${message}`,
  )
  if (omittedProblems > 0) lines.push(`and ${quantity(omittedProblems, 'problem')} more`)
  lines.push(
    `${quantity(counts.files, 'file')}, ${entriesText(counts.entries)} in tables, ${quantity(counts.writes, 'write')} in logs, ${sizeText(counts.bytes)}: ${ok ? 'no error' : 'damaged'}`,
  )
  output.result(report, lines)
  return ok ? OK : NEGATIVE
}

async function repair(
  dir: string,
  { dryRun = false, yes = false, json = false }: Asking & { readonly dryRun?: boolean },
  streams: Streams,
): Promise<void> {
  const output = makeOutput(json, streams)
  if (!dryRun && !yes) {
    checkSomebodyIsThere(`Repair the database in ${dir}?`, streams)
    // What there is to decide on.
    const plan = await repairing(dir, true, output)
    if (!plan.isNeeded) return output.result({ ...plan, dryRun }, repairLines(plan))
    for (const line of repairLines(plan)) streams.error.write(`${line}\n`)
    await confirm(`Repair the database in ${resolve(dir)}?`, streams)
  }
  const report = await repairing(dir, dryRun, output)
  output.result(report, repairLines(report))
}

function repairing(dir: string, dryRun: boolean, output: Output): Promise<RepairReport> {
  const progress = output.progress()
  return DB.repair(dir, {
    dryRun,
    onProgress: ({ doneBytes, totalBytes: allBytes }) => {
      progress.update(doneBytes, allBytes)
    },
  }).finally(() => {
    progress.stop()
  })
}

function repairLines(report: RepairReport): string[] {
  if (!report.isNeeded) return ['nothing is wrong']
  const lines = report.files
    .filter(({ outcome }) => outcome !== 'kept')
    .map(
      ({ file, outcome, entries, reason }) =>
        `${outcome}: ${file}, ${entriesText(entries)}${reason === undefined ? '' : `: ${reason}`}`,
    )
  for (const { file, offset, bytes, reason } of report.losses) {
    lines.push(`lost: ${file} at ${offset}, ${sizeText(bytes)}: ${reason}`)
  }
  const verb = report.dryRun ? 'would be' : 'were'
  lines.push(
    `${entriesText(report.keptEntries)} ${verb} kept, ${sizeText(report.lostBytes)} ${verb} lost`,
  )
  return lines
}

async function compact(dir: string, output: Output, streams: Streams): Promise<void> {
  await writing(dir, false, async (db) => {
    const before = totalBytes(db)
    const signal = streams.interruption()
    const progress = output.progress()
    try {
      await db.compactRange(undefined, undefined, {
        signal,
        onProgress: ({ readBytes, totalBytes: allBytes }) => {
          progress.update(readBytes, allBytes)
        },
      })
    } finally {
      progress.stop()
    }
    const after = totalBytes(db)
    output.result({ bytesBefore: before, bytesAfter: after }, [
      `${sizeText(before)} before, ${sizeText(after)} after`,
    ])
  })
}

function entriesText(count: number): string {
  return count === 1 ? '1 entry' : `${count.toLocaleString('en-US')} entries`
}

function totalBytes(db: DB): number {
  return db.stats().levels.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

// Not as DB.destroy, to which a directory without a database is fine: here it is a misspelt path.
async function destroy(
  dir: string,
  { yes = false, json = false }: Asking,
  streams: Streams,
): Promise<void> {
  const path = resolve(dir)
  await checkDatabaseIsThere(realFileSystem(), dir)
  if (!yes) {
    checkSomebodyIsThere(`Remove the database in ${path}?`, streams)
    const { files, bytes } = await sizeOf(path)
    await confirm(
      `Remove the database in ${path}, ${quantity(files, 'file')}, ${sizeText(bytes)}?`,
      streams,
    )
  }
  await DB.destroy(dir)
  makeOutput(json, streams).result({ destroyed: path }, [])
}

async function sizeOf(path: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const fileSystem = realFileSystem()
  let files = 0
  let bytes = 0
  for (const { name, kind } of await fileSystem.readEntries(path)) {
    if (kind !== 'file') continue
    try {
      bytes += await fileSystem.fileSize(join(path, name))
      files++
    } catch (error) {
      // Removed meanwhile: by a database that is open, and that destroy will refuse.
      if (!isMissing(error)) throw error
    }
  }
  return { files, bytes }
}

// Where nobody can be asked, silence is no consent.
function checkSomebodyIsThere(question: string, { input, error }: Streams): void {
  if (input.isTTY === true && error.isTTY === true) return
  throw new UsageError(`${question} Say --yes: there is nobody to ask.`)
}

async function confirm(question: string, { input, error }: Streams): Promise<void> {
  const prompt = createInterface({ input, output: error })
  try {
    // Ctrl-C and Ctrl-D close the prompt, and no answer comes.
    const closed = once(prompt, 'close').then(() => '')
    const answer = await Promise.race([prompt.question(`${question} [y/N] `), closed])
    if (!/^y(?:es)?$/i.test(answer.trim())) throw new UsageError('Nothing was done.')
  } finally {
    prompt.close()
  }
}
