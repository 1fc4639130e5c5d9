// JSON lines in and out: {"key": ..., "value": ...}, one entry a line, on standard input and output.
// Both ends are streamed: a database of any size goes through in little memory.

import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { WriteBatch } from '../format/write-batch.ts'
import { decode, encode } from './encoding.ts'
import { UsageError } from './exit-code.ts'
import { makeOutput, type Streams } from './output.ts'
import { reading } from './read-commands.ts'
import { type Common, keyOptions, type Range, rangeOf, rangeOptions } from './shared-options.ts'
import { writing } from './write-commands.ts'

/** Bytes of a batch: large enough to share a log record, small enough for any memtable. */
const BATCH_BYTES: number = 256 * 1024

export function addTransferCommands(program: Command, streams: Streams): void {
  rangeOptions(
    keyOptions(program.command('export <dir>').description('write entries as JSON lines')),
  ).action((dir: string, options: Common & Range) => exportEntries(dir, options, streams))
  keyOptions(
    program.command('import <dir>').description('store entries that are read as JSON lines'),
  )
    .option('--create', 'create the database where there is none')
    .action((dir: string, options: Common & { readonly create?: boolean }) =>
      importEntries(dir, options, streams),
    )
}

async function exportEntries(
  dir: string,
  options: Common & Range,
  streams: Streams,
): Promise<void> {
  const output = makeOutput(true, streams)
  await reading(dir, async (db) => {
    for await (const [key, value] of db.iterator(rangeOf(options))) {
      const entry = {
        key: encode(key, options.keyEncoding),
        value: encode(value, options.valueEncoding),
      }
      await output.item(entry, '')
    }
  })
}

async function importEntries(
  dir: string,
  options: Common & { readonly create?: boolean },
  streams: Streams,
): Promise<void> {
  let lineNumber = 0
  await writing(dir, options.create === true, async (db) => {
    const batch = new WriteBatch()
    for await (const line of createInterface({ input: streams.input })) {
      lineNumber++
      if (line.trim() === '') continue
      const { key, value } = parseEntry(line, lineNumber)
      batch.put(decode(key, options.keyEncoding), decode(value, options.valueEncoding))
      if (batch.sizeBytes < BATCH_BYTES) continue
      await db.write(batch)
      batch.clear()
    }
    // One sync for all: it covers every batch before it.
    await db.write(batch, { sync: true })
  })
  makeOutput(options.json === true, streams).result({ lines: lineNumber }, [
    `${lineNumber} lines read`,
  ])
}

function parseEntry(
  line: string,
  lineNumber: number,
): { readonly key: string; readonly value: string } {
  let entry: unknown
  try {
    entry = JSON.parse(line)
  } catch (error) {
    throw new UsageError(`line ${lineNumber} is no JSON: ${(error as Error).message}`)
  }
  if (typeof entry === 'object' && entry !== null && 'key' in entry && 'value' in entry) {
    const { key, value } = entry
    if (typeof key === 'string' && typeof value === 'string') return { key, value }
  }
  throw new UsageError(`line ${lineNumber} has no key and value that are strings`)
}
