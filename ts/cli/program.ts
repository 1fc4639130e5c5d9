// The command line: its commands, and what an error comes to.

import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { SluiceError } from '../format/error.ts'
import { addBenchCommand } from './bench-command.ts'
import { addBuildCommand } from './build-command.ts'
import { addDirectoryCommands } from './directory-commands.ts'
import { addDumpCommand } from './dump-command.ts'
import { type Exit, FAILED, OK, USAGE, UsageError } from './exit-code.ts'
import type { Streams } from './output.ts'
import { addReadCommands } from './read-commands.ts'
import { addTransferCommands } from './transfer-commands.ts'
import { addWriteCommands } from './write-commands.ts'

/** Runs the command line `args`, without node and script. Resolves to the exit code. */
export async function runProgram(args: readonly string[], streams: Streams): Promise<number> {
  const exit: Exit = { code: OK }
  const program = new Command('sluicedb')
    .version(version())
    .description('Look into, check, repair and change a LevelDB directory')
    .configureOutput({
      writeOut: (text) => streams.out.write(text),
      writeErr: (text) => streams.error.write(text),
    })
    .exitOverride()
  addReadCommands(program, streams, exit)
  addWriteCommands(program)
  addTransferCommands(program, streams)
  addDumpCommand(program, streams, exit)
  addDirectoryCommands(program, streams, exit)
  addBenchCommand(program, streams)
  addBuildCommand(program, streams, exit)
  for (const command of program.commands) command.exitOverride()
  // Every command's first argument is a path; the others may be empty, as keys may.
  program.hook('preAction', (_program, command) => {
    if (command.args[0] === '') throw new UsageError('The path must not be empty.')
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exit.code
  } catch (error) {
    return exitCodeOf(error, streams)
  }
}

function version(): string {
  const manifest = createRequire(import.meta.url)('../../../package.json') as { version: string }
  return manifest.version
}

// A mistake is told in one line; only what is our own defect shows its stack.
function exitCodeOf(error: unknown, { error: stream }: Streams): number {
  // commander has said what it had to.
  if (error instanceof CommanderError) return error.exitCode === 0 ? OK : USAGE
  if (error instanceof UsageError) {
    stream.write(`${error.message}\n`)
    return USAGE
  }
  if (error instanceof SluiceError) {
    const cause = error.cause instanceof SluiceError ? error.cause : error
    stream.write(`${cause.code}: ${cause.message}\n`)
    return FAILED
  }
  // Not Node's own end, whose exit code is 1: for scripts that is the answer no.
  stream.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  return FAILED
}
