// `npm run bench`: SluiceDB beside classic-level and lmdb, in one run, as only ratios within one run
// are stable.
//
//   write rows   puts/s with C writers that each await their own put
//   recovery     MB of log per second of opening
//   event-loop   delay and memory during durable writes at C=256
//
// 16-byte random keys, 100-byte values that Snappy halves, every store with its own defaults, the
// data on the disk behind os.tmpdir(), removed in the end. Results are printed and written as JSON.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { binding } from '../ts/platform/load-binding.ts'
import { measureDiskLimit } from './bench/disk-limit.ts'
import { measureEventLoop } from './bench/event-loop.ts'
import { parseOptions, USAGE } from './bench/options.ts'
import type { BenchOptions } from './bench/options.ts'
import { measureRecovery } from './bench/recovery.ts'
import { WRITE_ROWS } from './bench/rows.ts'
import {
  describeRow,
  eventLoopTable,
  goalResults,
  recoveryTable,
  writeTable,
} from './bench/summary.ts'
import type { MeasuredRow } from './bench/summary.ts'
import { measureWriteRow } from './bench/write-row.ts'
import { count } from './figures.ts'
import { makeScratchDirectory } from './scratch.ts'
import { endAllSubprocesses } from './subprocess.ts'

function versionOf(name: string): string {
  // By path: not every package exports its package.json.
  const paths = createRequire(import.meta.url).resolve.paths(name) ?? []
  for (const path of paths) {
    try {
      const text = readFileSync(resolve(path, name, 'package.json'), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  return 'unknown'
}

function describeMachine(): Record<string, unknown> {
  return {
    date: new Date().toISOString(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    binding: { kind: binding.kind, implementation: binding.implementation, reason: binding.reason },
    peers: { 'classic-level': versionOf('classic-level'), lmdb: versionOf('lmdb') },
  }
}

async function bench(options: BenchOptions, scratch: string): Promise<void> {
  const machine = describeMachine()
  console.log(`Node ${process.versions.node}, ${binding.kind} binding (${binding.implementation})`)
  const syncedAppendsPerSecond = measureDiskLimit(scratch)
  console.log(`The disk: ${count(syncedAppendsPerSecond)} small appends a second, each synced`)
  const results: Record<string, unknown> = {
    machine,
    options: { ...options, rows: [...options.rows] },
  }
  results['syncedAppendsPerSecond'] = syncedAppendsPerSecond

  const measured: MeasuredRow[] = []
  for (const row of WRITE_ROWS.filter(({ name }) => options.rows.has(name))) {
    const figures = await measureWriteRow(row, options, scratch)
    measured.push({ row, figures })
    console.log(`${describeRow(row)}: ${count(figures.sluicedb.median)} puts/s`)
  }
  if (measured.length > 0) {
    console.log(`\n${writeTable(measured)}`)
    results['writes'] = measured.map((one) => ({
      row: one.row,
      putsPerSecond: one.figures,
      goals: goalResults(one),
    }))
  }
  if (options.rows.has('recovery')) {
    const figures = await measureRecovery(options, scratch)
    console.log(`\n${recoveryTable(figures)}`)
    results['recoveryMegabytesPerSecond'] = Object.fromEntries(figures)
  }
  if (options.rows.has('event-loop')) {
    const rounds = await measureEventLoop(options, scratch)
    console.log(`\n${eventLoopTable(rounds, options.loopSeconds)}`)
    results['eventLoop'] = Object.fromEntries(rounds)
  }
  mkdirSync(dirname(resolve(options.json)), { recursive: true })
  writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`)
  console.log(`\nWritten to ${options.json}`)
}

function readOptions(): BenchOptions | undefined {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
    return undefined
  }
}

const options = readOptions()
if (options === undefined) {
  process.exitCode = 2
} else {
  try {
    await bench(options, makeScratchDirectory())
  } finally {
    await endAllSubprocesses()
  }
}
