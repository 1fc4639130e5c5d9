// Runs the vectors against any implementation: node dist/test/vectors/run.js [options] -- program args...
//
//   --only text      vectors with this in their names
//   --known file     JSON, { "name of a vector": "why it fails" }: these have to fail
//   --timeout ms     for one answer; default 10000
//   --json           the report as JSON, on one line
//   --quiet          no line for a vector that passes
//
// Exit codes: 0 all passed or unsupported, known failures failed; 1 something else; 2 it could not be run.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Judgement, judge } from './judge.ts'
import { type Report, runVectors } from './run-vectors.ts'
import { readVectors } from './vector-file.ts'

const DEFAULT_TIMEOUT_MS = 10_000

function print(report: Report, { failures, counts }: Judgement, isQuiet: boolean): void {
  for (const { name, outcome, detail } of report.outcomes) {
    if (isQuiet && outcome !== 'fail') continue
    console.log(`${outcome.padEnd(11)} ${name}${detail === undefined ? '' : `: ${detail}`}`)
  }
  for (const failure of failures) console.log(`FAILED ${failure}`)
  const { pass, other, fail, unsupported } = counts
  console.log(
    `${report.implementation}: ${pass} passed, ${other} passed otherwise, ${fail} failed, ${unsupported} unsupported`,
  )
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      known: { type: 'string' },
      timeout: { type: 'string', default: String(DEFAULT_TIMEOUT_MS) },
      json: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
    },
  })
  const [program, ...args] = positionals
  if (program === undefined) throw new Error('no program: run.js [options] -- program args...')
  const timeoutMs = Number(values.timeout)
  if (!(timeoutMs > 0)) throw new Error(`--timeout ${values.timeout} is no number of milliseconds`)
  const { only, known } = values
  const vectors = readVectors().filter(({ name }) => only === undefined || name.includes(only))
  if (vectors.length === 0) throw new Error(`no vector has '${only}' in its name`)
  const report = await runVectors({ program, args }, vectors, { timeoutMs })
  const reasons =
    known === undefined ? {} : (JSON.parse(readFileSync(known, 'utf8')) as Record<string, string>)
  const judgement = judge(report, reasons)
  if (values.json) console.log(JSON.stringify({ ...report, ...judgement }))
  else print(report, judgement, values.quiet)
  return judgement.failures.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
