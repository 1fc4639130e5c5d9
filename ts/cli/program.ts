// The command line: its commands, and what an error comes to.

import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { SluiceError } from '../format/error.ts'
import { addBenchCommand } from './bench-command.ts'
import { addBuildCommand } from './build-command.ts'
import { addDirectoryCommands } from './directory-commands.ts'
import { addDumpCommand } from './dump-command.ts'
import { type Exit, FAILED, INTERRUPTED, OK, USAGE, UsageError } from './exit-code.ts'
import { type Streams, toJson } from './output.ts'
import { addReadCommands } from './read-commands.ts'
import { addTransferCommands } from './transfer-commands.ts'
import { addWriteCommands } from './write-commands.ts'

const MORE_HELP = `
Exit codes: 0 done; 1 no: there is no such key, or verify found damage; 2 a mistake in the command,
or a question that was not answered with yes; 3 the database or the disk refused.

A key that begins with a dash comes behind --, as in: sluicedb get ./data -- -key
'sluicedb help scan' shows the options of scan, and examples.`

/** Runs the command line `args`, without node and script. Resolves to the exit code. */
export async function runProgram(args: readonly string[], streams: Streams): Promise<number> {
  const exit: Exit = { code: OK }
  const isJson = hasJson(args)
  const program = new Command('sluicedb')
    .version(version())
    .description('Look into, check, repair and change a LevelDB directory')
    .addHelpText('after', MORE_HELP)
    .configureOutput({
      writeOut: (text) => streams.out.write(text),
      writeErr: (text) => streams.error.write(text),
      outputError: (text, write) => {
        write(isJson ? errorJson(undefined, text.trim().replace(/^error: /, '')) : text)
      },
    })
    .exitOverride()
  addReadCommands(program, streams, exit)
  addWriteCommands(program, streams)
  addTransferCommands(program, streams, exit)
  addDumpCommand(program, streams, exit)
  addDirectoryCommands(program, streams, exit)
  addBenchCommand(program, streams)
  addBuildCommand(program, streams, exit)
  // Every command's first argument is a path; the others may be empty, as keys may.
  program.hook('preAction', (_program, command) => {
    if (command.args[0] === '') throw new UsageError('The path must not be empty.')
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exit.code
  } catch (error) {
    return exitCodeOf(error, isJson, streams)
  }
}

function version(): string {
  const manifest = createRequire(import.meta.url)('../../../package.json') as { version: string }
  return manifest.version
}

function hasJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return args.slice(0, end === -1 ? args.length : end).includes('--json')
}

// A mistake is told in one line, or as JSON; only what is our own defect shows its stack.
function exitCodeOf(error: unknown, isJson: boolean, { error: stream }: Streams): number {
  // commander has said what it had to.
  if (error instanceof CommanderError) return error.exitCode === 0 ? OK : USAGE
  const tell = (code: string | undefined, message: string): void => {
    if (isJson) stream.write(errorJson(code, message))
    else stream.write(code === undefined ? `${message}\n` : `${code}: ${message}\n`)
  }
  if (error instanceof UsageError) {
    tell(undefined, error.message)
    return USAGE
  }
  if (isAbort(error)) {
    tell('LEVEL_ABORTED', 'interrupted')
    return INTERRUPTED
  }
  if (error instanceof SluiceError) {
    const cause = error.cause instanceof SluiceError ? error.cause : error
    tell(cause.code, cause.message)
    return FAILED
  }
  // Not Node's own end, whose exit code is 1: for scripts that is the answer no.
  stream.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  return FAILED
}

function errorJson(code: string | undefined, message: string): string {
  return `${toJson({ error: { code, message } })}\n`
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
