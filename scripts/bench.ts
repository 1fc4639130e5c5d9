// `npm run bench`: SluiceDB beside classic-level, lmdb, and better-sqlite3 where that is installed, in
// one run, as only ratios within one run are stable.
//
//   write rows   puts/s with C writers that each await their own put
//   loaded rows  a random load, what it leaves on the disk, and reading it, for each --entries
//   recovery     MB of log per second of opening
//   event-loop   delay and memory during durable writes at C=256
//   http-server  the example server that answers when the disk has the request
//
// 16-byte random keys, 100-byte values that Snappy halves, every store with its own defaults but for
// the size of its cache, the data on the disk behind os.tmpdir(), removed in the end. Results are
// printed, and written as JSON, as Markdown and as a chart.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { binding } from '../ts/platform/load-binding.ts'
import { chartOf } from './bench/chart.ts'
import { measureDiskLimit } from './bench/disk-limit.ts'
import { measureEventLoop } from './bench/event-loop.ts'
import { LoadedRows } from './bench/loaded-rows.ts'
import { parseOptions, USAGE } from './bench/options.ts'
import type { BenchOptions } from './bench/options.ts'
import { publish } from './bench/publish.ts'
import { measureRecovery } from './bench/recovery.ts'
import { DATA_ROW_NAMES, PEERS, WRITE_ROWS } from './bench/rows.ts'
import {
  eventLoopSection,
  briefSection,
  goalResults,
  growthSection,
  isAtMost,
  markdownOf,
  recoverySection,
  rowsSection,
} from './bench/summary.ts'
import type { MeasuredRow, MeasuredSize, Section } from './bench/summary.ts'
import { measureWriteRow } from './bench/write-row.ts'
import { linesOf, measureServers } from './examples/http/compare.ts'
import { count, table } from './figures.ts'
import { makeScratchDirectory } from './scratch.ts'
import { endAllSubprocesses } from './subprocess.ts'

const HTTP_CONNECTIONS = [64, 256]
const HTTP_SECONDS = 3

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
    peers: Object.fromEntries(PEERS.map((peer) => [peer, versionOf(peer)])),
  }
}

/** Gathers what one run finds, and prints each part as soon as it is there. */
class Results {
  readonly json: Record<string, unknown>
  readonly sections: Section[] = []
  readonly drawn: MeasuredRow[] = []

  constructor(json: Record<string, unknown>) {
    this.json = json
  }

  add(name: string, json: unknown, section: Section): void {
    this.json[name] = json
    this.sections.push(section)
    console.log(`\n${section.title}\n${table(section.cells)}\n`)
  }
}

function rowsAsJson(rows: readonly MeasuredRow[]): unknown {
  return rows.map((one) => ({
    ...one,
    goals: goalResults(one),
    isAtMost: isAtMost(one),
  }))
}

async function measureWrites(
  options: BenchOptions,
  scratch: string,
  results: Results,
): Promise<void> {
  const measured: MeasuredRow[] = []
  for (const row of WRITE_ROWS.filter(({ name }) => options.rows.has(name))) {
    const figures = await measureWriteRow(row, options, scratch)
    measured.push({ row, figures })
    console.log(`${row.title}: ${count(figures.sluicedb!.median)} puts/s`)
  }
  if (measured.length === 0) return
  results.add('writes', rowsAsJson(measured), rowsSection('Writes, puts per second', measured))
  results.drawn.push(...measured)
}

async function measureLoaded(
  options: BenchOptions,
  scratch: string,
  results: Results,
): Promise<void> {
  if (![...DATA_ROW_NAMES].some((name) => options.rows.has(name))) return
  const sizes: MeasuredSize[] = []
  for (const entries of options.entries) {
    const rows = await new LoadedRows(entries, options, scratch, console.log).measure()
    sizes.push({ entries, rows })
    const title = `A database of ${count(entries)} entries, entries per second`
    results.add(`loaded-${entries}`, rowsAsJson(rows), rowsSection(title, rows))
  }
  results.drawn.push(...sizes[0]!.rows)
  if (sizes.length < 2) return
  results.add(
    'growth',
    sizes.map(({ entries }) => entries),
    growthSection(sizes),
  )
}

async function bench(options: BenchOptions, scratch: string): Promise<void> {
  const machine = describeMachine()
  console.log(`Node ${process.versions.node}, ${binding.kind} binding (${binding.implementation})`)
  const syncedAppendsPerSecond = measureDiskLimit(scratch)
  console.log(`The disk: ${count(syncedAppendsPerSecond)} small appends a second, each synced`)
  const results = new Results({
    machine,
    options: { ...options, rows: [...options.rows] },
    syncedAppendsPerSecond,
  })
  await measureWrites(options, scratch, results)
  await measureLoaded(options, scratch, results)
  if (options.rows.has('recovery')) {
    const figures = await measureRecovery(options, scratch)
    const json = Object.fromEntries(figures)
    results.add('recoveryMegabytesPerSecond', json, recoverySection(figures))
  }
  if (options.rows.has('event-loop')) {
    const rounds = await measureEventLoop(options, scratch)
    const section = eventLoopSection(rounds, options.loopSeconds)
    results.add('eventLoop', Object.fromEntries(rounds), section)
  }
  if (options.rows.has('http-server')) {
    for (const connections of HTTP_CONNECTIONS)
      await measureHttp(connections, options, scratch, results)
  }
  write(options, results, syncedAppendsPerSecond)
}

async function measureHttp(
  connections: number,
  { rounds }: BenchOptions,
  scratch: string,
  results: Results,
): Promise<void> {
  const turns = await measureServers(scratch, { connections, seconds: HTTP_SECONDS, rounds })
  const title = `The HTTP server of scripts/examples/, ${connections} connections`
  const cells = linesOf(turns)
  results.add(`http-${connections}`, Object.fromEntries(turns), { title, cells })
}

function write(options: BenchOptions, results: Results, syncedAppendsPerSecond: number): void {
  const conditions =
    `${cpus().length} cores, ${count(syncedAppendsPerSecond)} synced appends a second by one ` +
    `thread, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`
  const command = `npm run bench -- ${process.argv.slice(2).join(' ')}`
  const markdown = [`${conditions}; \`${command.trim()}\`\n`, ...results.sections.map(markdownOf)]
  const chart = chartOf(`Higher is better; ${conditions}`, results.drawn)
  mkdirSync(options.out, { recursive: true })
  writeFileSync(join(options.out, 'results.json'), `${JSON.stringify(results.json, null, 2)}\n`)
  writeFileSync(join(options.out, 'results.md'), markdown.join('\n'))
  writeFileSync(join(options.out, 'results.svg'), chart)
  console.log(`Written to ${options.out}`)
  if (!options.publish) return
  const brief = `${markdownOf(briefSection(results.drawn))}\n${conditions}.`
  publish({ brief, full: markdown.join('\n'), chart })
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
