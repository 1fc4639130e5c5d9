// JSON lines in and out: {"key": ..., "value": ...}, one entry a line, on standard input and output.
// Both ends are streamed: a database of any size goes through in little memory. What export writes,
// import reads, to the byte: what is no UTF-8 is {"base64": ...} in the place of a string.

import { isUtf8 } from 'node:buffer'
import { addAbortSignal, type Readable } from 'node:stream'
import type { Command } from 'commander'
import type { DB } from '../db/database.ts'
import { WriteBatch } from '../format/write-batch.ts'
import { decodeJson, type JsonBytes } from './encoding.ts'
import { type Exit, UsageError } from './exit-code.ts'
import { type Counter, makeOutput, quantity, type Streams } from './output.ts'
import { CHUNK_BYTES, eachChunk, jsonLine, reading } from './read-commands.ts'
import {
  type Common,
  examples,
  keyOptions,
  type Range,
  rangeOf,
  rangeOptions,
} from './shared-options.ts'
import { writing } from './write-commands.ts'

interface ImportOptions extends Common {
  readonly create?: boolean
}

/** Bytes of a batch: large enough to share a log record, small enough for any memtable. */
const BATCH_BYTES: number = 256 * 1024

const NEWLINE = 0x0a
const BYTE_ORDER_MARK = '\ufeff'

export function addTransferCommands(program: Command, streams: Streams, exit: Exit): void {
  examples(
    rangeOptions(
      keyOptions(program.command('export <dir>').description('write entries as JSON lines')),
    ),
    'sluicedb export ./data > data.jsonl',
    'sluicedb export ./data --gte 2026 | gzip > year.jsonl.gz',
  ).action(async (dir: string, options: Common & Range) => {
    exit.code = await exportEntries(dir, options, streams)
  })
  examples(
    keyOptions(
      program.command('import <dir>').description('store entries that are read as JSON lines'),
    ).option('--create', 'create the database where there is none'),
    'sluicedb import ./copy --create < data.jsonl',
    `echo '{"key":"a","value":"1"}' | sluicedb import ./data`,
  ).action((dir: string, options: ImportOptions) => importEntries(dir, options, streams))
}

function exportEntries(dir: string, options: Common & Range, streams: Streams): Promise<number> {
  const { keyEncoding, valueEncoding } = options
  const output = makeOutput(true, streams)
  const range = rangeOf(options)
  const signal = streams.interruption()
  return reading(dir, async (db) => {
    const iterator = db.iterator({ ...range, highWaterMarkBytes: CHUNK_BYTES })
    const counter = output.counter('entries')
    let count = 0
    return eachChunk(iterator, signal, streams, (entries) => {
      counter.update((count += entries.length))
      return output.lines(entries.map((entry) => jsonLine(entry, keyEncoding, valueEncoding)))
    }).finally(() => counter.stop())
  })
}

async function importEntries(dir: string, options: ImportOptions, streams: Streams): Promise<void> {
  const output = makeOutput(options.json === true, streams)
  if (streams.input.isTTY === true)
    streams.error.write('Entries as JSON lines; Ctrl-D ends them.\n')
  const input = addAbortSignal(streams.interruption(), streams.input)
  const lines = await writing(dir, options.create === true, async (db) => {
    const loader = new Loader(db, options, output.counter('lines'))
    try {
      await loader.load(input)
    } finally {
      // Also after a mistake: all before it is stored, and on the disk.
      await loader.end()
    }
    return loader.lineCount
  })
  output.result({ lines }, [`${quantity(lines, 'line')} read`])
}

class Loader {
  lineCount = 0
  readonly #db: DB
  readonly #options: Common
  readonly #counter: Counter
  readonly #batch = new WriteBatch()

  constructor(db: DB, options: Common, counter: Counter) {
    this.#db = db
    this.#options = options
    this.#counter = counter
  }

  /** Rejects with UsageError for a line that is no entry, and those before it are taken. */
  async load(input: Readable): Promise<void> {
    for await (const line of linesOf(input)) {
      this.lineCount++
      this.#add(line)
      if (this.#batch.sizeBytes < BATCH_BYTES) continue
      await this.#db.write(this.#batch)
      this.#batch.clear()
      this.#counter.update(this.lineCount)
    }
  }

  /** Writes what is left. One sync for all: it covers every batch before it. */
  async end(): Promise<void> {
    this.#counter.stop()
    await this.#db.write(this.#batch, { sync: true })
  }

  #add(line: Buffer): void {
    try {
      const text = textOf(line, this.lineCount === 1)
      if (text.trim() === '') return
      const { key, value } = parseEntry(text)
      const { keyEncoding, valueEncoding } = this.#options
      this.#batch.put(decodeJson(key, keyEncoding), decodeJson(value, valueEncoding))
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      const before = this.lineCount === 1 ? '' : `; the lines before it are stored`
      throw new UsageError(`line ${this.lineCount}: ${error.message}${before}`)
    }
  }
}

// Not readline, which takes U+2028 and others for the end of a line: JSON may hold them as they are.
// Bytes and not text, because a decoder replaces what is no UTF-8 without a word.
async function* linesOf(input: Readable): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  for await (const chunk of input as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      const line = bytes.subarray(start, end)
      yield parts.length === 0 ? line : Buffer.concat([...parts, line])
      parts = []
      start = end + 1
    }
    if (start < bytes.length) parts.push(bytes.subarray(start))
  }
  if (parts.length > 0) yield Buffer.concat(parts)
}

/** The line as text. Throws UsageError for bytes that are no UTF-8. */
function textOf(line: Buffer, isFirst: boolean): string {
  if (!isUtf8(line)) throw new UsageError('no UTF-8')
  const text = line.toString()
  // Some editors and shells begin a file so.
  return isFirst && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
}

function parseEntry(line: string): { readonly key: JsonBytes; readonly value: JsonBytes } {
  let entry: unknown
  try {
    entry = JSON.parse(line)
  } catch (error) {
    throw new UsageError(`no JSON: ${(error as Error).message}`)
  }
  if (typeof entry === 'object' && entry !== null && 'key' in entry && 'value' in entry) {
    const { key, value } = entry
    if (isJsonBytes(key) && isJsonBytes(value)) return { key, value }
  }
  throw new UsageError('no key and value that are strings, or {"base64": string}')
}

function isJsonBytes(value: unknown): value is JsonBytes {
  if (typeof value === 'string') return true
  return (
    typeof value === 'object' &&
    value !== null &&
    'base64' in value &&
    typeof value.base64 === 'string'
  )
}
