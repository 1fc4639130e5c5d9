// Commands that only read: they open without the lock, also beside a process that writes.

import type { Command } from 'commander'
import { DB } from '../db/database.ts'
import { decode, encode, type Encoding } from './encoding.ts'
import { type Exit, NEGATIVE, OK } from './exit-code.ts'
import { makeOutput, type Output, sizeText, type Streams } from './output.ts'
import {
  type Common,
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

export function addReadCommands(program: Command, streams: Streams, exit: Exit): void {
  keyOptions(program.command('get <dir> <key>').description('print the value of a key')).action(
    async (dir: string, key: string, options: Common) => {
      exit.code = await get(dir, key, options, makeOutput(options.json === true, streams))
    },
  )
  rangeOptions(
    keyOptions(program.command('scan <dir>').description('print the entries of a range, in order')),
  )
    .option('--limit <count>', 'print at most so many', parseCount)
    .option('--reverse', 'from the last to the first')
    .option('--no-values', 'keys only')
    .option('--no-keys', 'values only')
    .action((dir: string, options: ScanOptions) =>
      scan(dir, options, makeOutput(options.json === true, streams)),
    )
  program
    .command('stats <dir>')
    .description('say what is in the directory: levels, files, sizes, what recovery found')
    .option('--json', 'print JSON')
    .action((dir: string, options: Common) =>
      stats(dir, makeOutput(options.json === true, streams)),
    )
}

async function get(dir: string, key: string, options: Common, output: Output): Promise<number> {
  const value = await reading(dir, (db) => db.get(decode(key, options.keyEncoding)))
  if (value === undefined) return NEGATIVE
  const text = encode(value, options.valueEncoding)
  output.result({ key, value: text }, [text])
  return OK
}

async function scan(dir: string, options: ScanOptions, output: Output): Promise<void> {
  const { keyEncoding, valueEncoding, limit, reverse = false } = options
  const keys = options.keys !== false
  const values = options.values !== false
  await reading(dir, async (db) => {
    const iterator = db.iterator({
      ...rangeOf(options),
      reverse,
      keys,
      values,
      ...(limit === undefined ? {} : { limit }),
    })
    for await (const [key, value] of iterator) {
      const entry = entryTexts(key, value, keyEncoding, valueEncoding)
      await output.item(entry, Object.values(entry).join('\t'))
    }
  })
}

function entryTexts(
  key: Buffer | undefined,
  value: Buffer | undefined,
  keyEncoding: Encoding,
  valueEncoding: Encoding,
): { readonly key?: string; readonly value?: string } {
  return {
    ...(key === undefined ? {} : { key: encode(key, keyEncoding) }),
    ...(value === undefined ? {} : { value: encode(value, valueEncoding) }),
  }
}

async function stats(dir: string, output: Output): Promise<void> {
  await reading(dir, async (db) => {
    const { levels, lastSequence, recovery } = db.stats()
    const lines = levels.flatMap(({ files, sizeBytes }, level) =>
      files === 0 ? [] : [`level ${level}: ${files} files, ${sizeText(sizeBytes)}`],
    )
    lines.push(`last sequence: ${lastSequence}`)
    lines.push(`in logs: ${recovery.writes} writes, ${sizeText(recovery.logBytes)}`)
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
