// Options that several commands take.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { decode, ENCODINGS, type Encoding } from './encoding.ts'

export interface Common {
  readonly json?: boolean
  readonly keyEncoding: Encoding
  readonly valueEncoding: Encoding
}

export interface Range {
  readonly keyEncoding: Encoding
  readonly gt?: string
  readonly gte?: string
  readonly lt?: string
  readonly lte?: string
}

/** --json, --key-encoding and --value-encoding. */
export function keyOptions(command: Command): Command {
  return command
    .option('--json', 'print JSON')
    .addOption(encodingOption('--key-encoding <name>', 'how keys are written'))
    .addOption(encodingOption('--value-encoding <name>', 'how values are written'))
}

function encodingOption(flags: string, description: string): Option {
  return new Option(flags, description).choices(ENCODINGS).default('utf8')
}

export function rangeOptions(command: Command): Command {
  return command
    .option('--gt <key>', 'keys above this one')
    .option('--gte <key>', 'keys from this one on')
    .option('--lt <key>', 'keys below this one')
    .option('--lte <key>', 'keys up to this one')
}

/** Ends the command's help with lines that show its use. */
export function examples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`)
}

/** The bounds as bytes. Throws UsageError for one that is not of the encoding. */
export function rangeOf(range: Range): Record<string, Buffer> {
  const bounds: Record<string, Buffer> = {}
  for (const name of ['gt', 'gte', 'lt', 'lte'] as const) {
    const bound = range[name]
    if (bound !== undefined) bounds[name] = decode(bound, range.keyEncoding)
  }
  return bounds
}

/** A whole number of at least 1. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError('It must be a whole number, 1 or more.')
  }
  return count
}
