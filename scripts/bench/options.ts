// The command line of the benchmark.

import { parseArgs } from 'node:util'
import { ROW_NAMES } from './rows.ts'

export interface BenchOptions {
  readonly rows: ReadonlySet<string>
  /** Of one round of one store. */
  readonly seconds: number
  readonly rounds: number
  /** Of the observation of event loop and memory. */
  readonly loopSeconds: number
  /** Bytes of log to recover. */
  readonly logBytes: number
  /** Where the results are written, relative to the current directory. */
  readonly json: string
}

export const USAGE: string = `npm run bench -- [options]
  --rows a,b          some of: ${ROW_NAMES.join(', ')}
  --seconds 2         of one round of one store
  --rounds 5          of each row; the stores take turns, the median counts
  --loop-seconds 60   of the row event-loop
  --log-megabytes 64  of the row recovery
  --json path         where the results go; bench/results.json`

/** Throws an Error that says what is wrong with the command line. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: ROW_NAMES.join(',') },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '5' },
      'loop-seconds': { type: 'string', default: '60' },
      'log-megabytes': { type: 'string', default: '64' },
      json: { type: 'string', default: 'bench/results.json' },
    },
  })
  const rows = new Set(values.rows.split(','))
  for (const row of rows) {
    if (!ROW_NAMES.includes(row)) throw new Error(`no row is called '${row}'`)
  }
  return {
    rows,
    seconds: positive('seconds', values.seconds),
    rounds: Math.ceil(positive('rounds', values.rounds)),
    loopSeconds: positive('loop-seconds', values['loop-seconds']),
    logBytes: positive('log-megabytes', values['log-megabytes']) * 1e6,
    json: values.json,
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < Infinity)) throw new Error(`--${name} must be a positive number`)
  return value
}
