// bench: what this machine and disk give, in a minute: durable writes, loading, reads. It makes a
// database of its own in the directory given, which must be empty or missing, and removes it.

import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { DB } from '../db/database.ts'
import { WriteBatch } from '../format/write-batch.ts'
import { makeOutput, type Streams } from './output.ts'
import { examples, parseCount } from './shared-options.ts'

interface BenchOptions {
  readonly json?: boolean
  readonly entries: number
  readonly writers: number
}

const BATCH_ENTRIES = 1000
const READS = 100_000
const SYNC_MS = 3000
const WORDS_WIDTH = 34

export function addBenchCommand(program: Command, streams: Streams): void {
  examples(
    program
      .command('bench <dir>')
      .description('measure writes and reads in a new database, and remove it')
      .option('--entries <count>', 'entries to load', parseCount, 500_000)
      .option('--writers <count>', 'durable writers at a time', parseCount, 256)
      .option('--json', 'print JSON'),
    'sluicedb bench ./bench-here --writers 1',
  ).action((dir: string, options: BenchOptions) => bench(dir, options, streams))
}

async function bench(dir: string, options: BenchOptions, streams: Streams): Promise<void> {
  const { entries, writers, json = false } = options
  const value = Buffer.from(randomBytes(50).toString('hex'))
  const db = await DB.open(dir, { createIfMissing: true, errorIfExists: true })
  const output = makeOutput(json, streams)
  const signal = streams.interruption()
  const rates: Record<string, number> = {}
  // Each as soon as it is there: all of them take a minute.
  const measured = async (name: string, words: string, rate: number): Promise<void> => {
    rates[name] = rate
    const text = Math.round(rate).toLocaleString('en-US')
    if (!json) await output.item(undefined, `${words.padEnd(WORDS_WIDTH)}${text.padStart(12)} /s`)
  }
  try {
    const durable = await durablePuts(db, writers, value, signal)
    await measured('durablePutsPerSecond', `durable puts, ${writers} writers`, durable)
    const loaded = await load(db, entries, value, signal)
    await measured('loadedPerSecond', `entries loaded, ${BATCH_ENTRIES} a batch`, loaded)
    await measured('getsPerSecond', 'gets, random', gets(db, entries, signal))
    await measured('scannedPerSecond', 'entries scanned', await scan(db, signal))
    if (json) output.result(rates, [])
  } finally {
    await db.close()
    await DB.destroy(dir)
  }
}

// Spread over the key space, and computed again for reading.
function keyOf(index: number, key: Buffer): Buffer {
  key.writeUInt32BE(Math.imul(index, 2_654_435_761) >>> 0, 0)
  key.writeUInt32BE(index, 4)
  return key
}

async function durablePuts(
  db: DB,
  writers: number,
  value: Buffer,
  signal: AbortSignal,
): Promise<number> {
  const startMs = performance.now()
  let count = 0
  const write = async (writer: number): Promise<void> => {
    const key = Buffer.alloc(16)
    for (let i = 0; performance.now() - startMs < SYNC_MS; i++, count++) {
      signal.throwIfAborted()
      await db.put(keyOf(i * writers + writer, key), value, { sync: true })
    }
  }
  // All of them, so that none writes on when one has been interrupted.
  const ends = await Promise.allSettled(Array.from({ length: writers }, (_, at) => write(at)))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  // Not in SYNC_MS: a put that the disk holds up ends later.
  return (count * 1000) / (performance.now() - startMs)
}

async function load(db: DB, entries: number, value: Buffer, signal: AbortSignal): Promise<number> {
  const startMs = performance.now()
  const key = Buffer.alloc(16)
  const batch = new WriteBatch()
  for (let i = 0; i < entries; i++) {
    batch.put(keyOf(i, key), value)
    if (batch.count < BATCH_ENTRIES && i < entries - 1) continue
    signal.throwIfAborted()
    await db.write(batch)
    batch.clear()
  }
  return (entries * 1000) / (performance.now() - startMs)
}

function gets(db: DB, entries: number, signal: AbortSignal): number {
  signal.throwIfAborted()
  const startMs = performance.now()
  const key = Buffer.alloc(16)
  for (let i = 0; i < READS; i++) {
    const index = Math.floor(Math.random() * entries)
    if (db.getSync(keyOf(index, key)) === undefined) throw new Error(`entry ${index} is missing`)
  }
  return (READS * 1000) / (performance.now() - startMs)
}

async function scan(db: DB, signal: AbortSignal): Promise<number> {
  const startMs = performance.now()
  const iterator = db.iterator()
  let count = 0
  for (let entries = await iterator.nextv(1000, { signal }); entries.length > 0;) {
    count += entries.length
    entries = await iterator.nextv(1000, { signal })
  }
  await iterator.close()
  return (count * 1000) / (performance.now() - startMs)
}
