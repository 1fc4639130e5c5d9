// Commands that only read: they open without the lock, also beside a process that writes.

import type { Command } from 'commander'
import { DB } from '../db/database.ts'
import type { DBIterator, Entry } from '../db/iterator.ts'
import { SluiceError } from '../format/error.ts'
import { decode, type Encoding, jsonOf, lineOf } from './encoding.ts'
import { type Exit, FAILED, NEGATIVE, OK } from './exit-code.ts'
import { makeOutput, type Output, quantity, sizeText, type Streams, toJson } from './output.ts'
import {
  type Common,
  examples,
  keyOptions,
  parseCount,
  type Range,
  rangeOf,
  rangeOptions,
} from './shared-options.ts'

interface ScanOptions extends Common, Range {
  readonly limit?: number
  readonly reverse?: boolean
  readonly keys?: boolean
  readonly values?: boolean
}

/** An entry, or the half of one that was asked for. */
export type AnyEntry = Entry<Buffer | undefined, Buffer | undefined>

/** Entries and bytes of a chunk: large enough to be written as one, small enough for any memory. */
const CHUNK_ENTRIES = 1000
export const CHUNK_BYTES: number = 64 * 1024

export function addReadCommands(program: Command, streams: Streams, exit: Exit): void {
  examples(
    keyOptions(program.command('get <dir> <key>').description('print the value of a key')),
    'sluicedb get ./data user:17',
    'sluicedb get ./data 00ff --key-encoding hex --value-encoding base64',
  ).action(async (dir: string, key: string, options: Common) => {
    exit.code = await get(dir, key, options, streams)
  })
  examples(
    rangeOptions(
      keyOptions(
        program.command('scan <dir>').description('print the entries of a range, in order'),
      ),
    )
      .option('--limit <count>', 'print at most so many', parseCount)
      .option('--reverse', 'from the last to the first')
      .option('--no-values', 'keys only')
      .option('--no-keys', 'values only'),
    "sluicedb scan ./data --gte user: --lt 'user;' --json",
    'sluicedb scan ./data --reverse --limit 10 --no-values',
  ).action(async (dir: string, options: ScanOptions) => {
    exit.code = await scan(dir, options, streams)
  })
  examples(
    program
      .command('stats <dir>')
      .description('say what is in the directory: levels, files, sizes, what recovery found')
      .option('--json', 'print JSON'),
    'sluicedb stats ./data --json',
  ).action((dir: string, options: Common) => stats(dir, makeOutput(options.json === true, streams)))
}

async function get(
  dir: string,
  key: string,
  { keyEncoding, valueEncoding, json = false }: Common,
  streams: Streams,
): Promise<number> {
  const keyBytes = decode(key, keyEncoding)
  const value = await reading(dir, (db) => db.get(keyBytes))
  if (value === undefined) return NEGATIVE
  if (json) {
    makeOutput(json, streams).result({ key, value: jsonOf(value, valueEncoding) }, [])
  } else {
    // As it is stored, so that what is not text can be piped on; a script expects the newline.
    streams.out.write(valueEncoding === 'utf8' ? value : value.toString(valueEncoding))
    streams.out.write('\n')
  }
  return OK
}

async function scan(dir: string, options: ScanOptions, streams: Streams): Promise<number> {
  const { keyEncoding, valueEncoding, limit, reverse = false, json = false } = options
  const output = makeOutput(json, streams)
  const keys = options.keys !== false
  const values = options.values !== false
  const range = rangeOf(options)
  const signal = streams.interruption()
  return reading(dir, async (db) => {
    const iterator = db.iterator({
      ...range,
      reverse,
      keys,
      values,
      highWaterMarkBytes: CHUNK_BYTES,
      ...(limit === undefined ? {} : { limit }),
    })
    const print = json ? jsonLine : textLine
    return eachChunk(iterator, signal, streams, (entries) =>
      output.lines(entries.map((entry) => print(entry, keyEncoding, valueEncoding))),
    )
  })
}

/**
 * Hands the entries to `onChunk`, chunk by chunk. Damage is told as it is met, and what lies behind it
 * goes on. Resolves to the exit code.
 */
export async function eachChunk(
  iterator: DBIterator<Buffer | undefined, Buffer | undefined>,
  signal: AbortSignal,
  { error: stream }: Streams,
  onChunk: (entries: readonly AnyEntry[]) => Promise<void>,
): Promise<number> {
  let exitCode = OK
  for (;;) {
    let entries: readonly AnyEntry[]
    try {
      entries = await iterator.nextv(CHUNK_ENTRIES, { signal })
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'LEVEL_CORRUPTION') throw error
      stream.write(`${error.code}: ${error.message}\n`)
      exitCode = FAILED
      continue
    }
    if (entries.length === 0) return exitCode
    await onChunk(entries)
  }
}

function textLine([key, value]: AnyEntry, keyEncoding: Encoding, valueEncoding: Encoding): string {
  if (key === undefined) return value === undefined ? '' : lineOf(value, valueEncoding)
  const keyText = lineOf(key, keyEncoding)
  return value === undefined ? keyText : `${keyText}\t${lineOf(value, valueEncoding)}`
}

/** The entry as one line of JSON, which import reads. */
export function jsonLine(
  [key, value]: AnyEntry,
  keyEncoding: Encoding,
  valueEncoding: Encoding,
): string {
  return toJson({
    ...(key === undefined ? {} : { key: jsonOf(key, keyEncoding) }),
    ...(value === undefined ? {} : { value: jsonOf(value, valueEncoding) }),
  })
}

async function stats(dir: string, output: Output): Promise<void> {
  await reading(dir, async (db) => {
    const { levels, lastSequence, recovery } = db.stats()
    const lines = levels.flatMap(({ files, sizeBytes }, level) =>
      files === 0 ? [] : [`level ${level}: ${quantity(files, 'file')}, ${sizeText(sizeBytes)}`],
    )
    lines.push(`last sequence: ${lastSequence}`)
    lines.push(`in logs: ${quantity(recovery.writes, 'write')}, ${sizeText(recovery.logBytes)}`)
    for (const { file, offset, droppedBytes, reason } of recovery.dropped) {
      lines.push(`damaged: ${file} at ${offset}, ${sizeText(droppedBytes)}: ${reason}`)
    }
    output.result({ levels, lastSequence, recovery }, lines)
  })
}

/** Runs `act` on the database, opened for reading only. */
export async function reading<T>(dir: string, act: (db: DB) => Promise<T>): Promise<T> {
  const db = await DB.open(dir, { readOnly: true })
  try {
    return await act(db)
  } finally {
    await db.close()
  }
}
