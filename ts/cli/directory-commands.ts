// Commands for a directory as a whole: verify, repair, compact, destroy.

import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { DB } from '../db/database.ts'
import { type Exit, NEGATIVE, OK, UsageError } from './exit-code.ts'
import { makeOutput, type Output, sizeText, type Streams } from './output.ts'
import { writing } from './write-commands.ts'

interface Json {
  readonly json?: boolean
}

export function addDirectoryCommands(program: Command, streams: Streams, exit: Exit): void {
  program
    .command('verify <dir>')
    .description('check every byte: checksums, orders, the manifest against the directory')
    .option('--json', 'print JSON')
    .action(async (dir: string, options: Json) => {
      exit.code = await verify(dir, makeOutput(options.json === true, streams))
    })
  program
    .command('repair <dir>')
    .description('save what can be saved of a damaged database')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .action((dir: string, options: Json & { readonly dryRun?: boolean; readonly yes?: boolean }) =>
      repair(dir, options, makeOutput(options.json === true, streams), streams),
    )
  program
    .command('compact <dir>')
    .description('bring all entries to the lowest level that holds any')
    .option('--json', 'print JSON')
    .action((dir: string, options: Json) =>
      compact(dir, makeOutput(options.json === true, streams)),
    )
  program
    .command('destroy <dir>')
    .description('remove the database; other files in the directory stay')
    .option('--yes', 'do not ask')
    .action(async (dir: string, options: { readonly yes?: boolean }) => {
      await confirm(`Remove the database in ${dir}?`, options.yes, streams)
      await DB.destroy(dir)
    })
}

async function verify(dir: string, output: Output): Promise<number> {
  const progress = output.progress(0)
  const report = await DB.verify(dir, {
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
  if (omittedProblems > 0) lines.push(`and ${omittedProblems} problems more`)
  lines.push(
    `${counts.files} files, ${counts.entries} entries in tables, ${counts.writes} writes in logs, ${sizeText(counts.bytes)}: ${ok ? 'no error' : 'damaged'}`,
  )
  output.result(report, lines)
  return ok ? OK : NEGATIVE
}

async function repair(
  dir: string,
  { dryRun = false, yes }: { readonly dryRun?: boolean; readonly yes?: boolean },
  output: Output,
  streams: Streams,
): Promise<void> {
  if (!dryRun) await confirm(`Repair the database in ${dir}?`, yes, streams)
  const report = await DB.repair(dir, { dryRun })
  const lines = report.files
    .filter(({ outcome }) => outcome !== 'kept')
    .map(
      ({ file, outcome, entries, reason }) =>
        `${outcome}: ${file}, ${entries} entries${reason === undefined ? '' : `: ${reason}`}`,
    )
  for (const { file, offset, bytes, reason } of report.losses) {
    lines.push(`lost: ${file} at ${offset}, ${sizeText(bytes)}: ${reason}`)
  }
  const verb = dryRun ? 'would be' : 'were'
  lines.push(
    report.isNeeded
      ? `${report.keptEntries} entries ${verb} kept, ${sizeText(report.lostBytes)} ${verb} lost`
      : 'nothing is wrong',
  )
  output.result(report, lines)
}

async function compact(dir: string, output: Output): Promise<void> {
  await writing(dir, false, async (db) => {
    const before = totalBytes(db)
    const progress = output.progress(before)
    try {
      await db.compactRange(undefined, undefined, {
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

function totalBytes(db: DB): number {
  return db.stats().levels.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

// Where nobody can be asked, silence is no consent.
async function confirm(
  question: string,
  yes: boolean | undefined,
  { input, error }: Streams,
): Promise<void> {
  if (yes === true) return
  if (input.isTTY !== true || error.isTTY !== true) {
    throw new UsageError(`${question} Say --yes: there is nobody to ask.`)
  }
  const prompt = createInterface({ input, output: error })
  try {
    const answer = await prompt.question(`${question} [y/N] `)
    if (!/^y(?:es)?$/i.test(answer.trim())) throw new UsageError('Nothing was done.')
  } finally {
    prompt.close()
  }
}
