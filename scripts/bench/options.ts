// The command line of the benchmark.

import { parseArgs } from 'node:util'
import { MAX_ENTRIES } from './entries.ts'
import { ROW_NAMES } from './rows.ts'

export interface BenchOptions {
  readonly rows: ReadonlySet<string>
  /** Of one round of one store. */
  readonly seconds: number
  readonly rounds: number
  /** Sizes of the databases that are loaded and read. */
  readonly entries: readonly number[]
  /** Loads of each store and size. */
  readonly loads: number
  /** Of the observation of event loop and memory. */
  readonly loopSeconds: number
  /** Bytes of log to recover. */
  readonly logBytes: number
  /** Where the results are written, relative to the current directory. */
  readonly out: string
  /** Also puts them into README.md and docs/. */
  readonly publish: boolean
}

export const USAGE: string = `npm run bench -- [options]
  --rows a,b          some of: ${ROW_NAMES.join(', ')}
  --seconds 1         of one round of one store
  --rounds 5          of each row; the stores take turns, the median counts
  --entries 1000000   of the rows of a loaded database; 1000000,10000000 for both sizes
  --loads 3           of each store and size
  --loop-seconds 60   of the row event-loop
  --log-megabytes 64  of the row recovery
  --out bench         where results.json, results.md and results.svg go
  --publish           puts them into README.md, docs/benchmarks.md and docs/bench.svg too`

/** Throws an Error that says what is wrong with the command line. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string', default: ROW_NAMES.join(',') },
      seconds: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '5' },
      entries: { type: 'string', default: '1000000' },
      loads: { type: 'string', default: '3' },
      'loop-seconds': { type: 'string', default: '60' },
      'log-megabytes': { type: 'string', default: '64' },
      out: { type: 'string', default: 'bench' },
      publish: { type: 'boolean', default: false },
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
    entries: values.entries.split(',').map((text) => Math.ceil(positive('entries', text))),
    loads: Math.ceil(positive('loads', values.loads)),
    loopSeconds: positive('loop-seconds', values['loop-seconds']),
    logBytes: positive('log-megabytes', values['log-megabytes']) * 1e6,
    out: values.out,
    publish: values.publish,
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0 && value < MAX_ENTRIES) return value
  throw new Error(`--${name} must be a positive number below 2^32`)
}
