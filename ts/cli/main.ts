#!/usr/bin/env node
// The entry of the command `sluicedb`.
//
// A command that asks for it hears of SIGINT and SIGTERM once, ends what it does, and then the
// process ends by that signal, as others expect it. The next one, and any one in another command,
// ends the process at once: the database bears that.

import { FAILED } from './exit-code.ts'
import { runProgram } from './program.ts'

// A reader that has seen enough, such as head, closes the pipe: that is no error. What cannot be written,
// as to a full disk, is one; the rest is not worth doing then.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    if (stream === process.stdout)
      process.stderr.write(`cannot write the output: ${error.message}\n`)
    process.exit(FAILED)
  })
}

let caught: NodeJS.Signals | undefined

function interruption(): AbortSignal {
  const controller = new AbortController()
  const stop = (signal: NodeJS.Signals): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop)
    caught = signal
    controller.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  return controller.signal
}

process.exitCode = await runProgram(process.argv.slice(2), {
  input: process.stdin,
  out: process.stdout,
  error: process.stderr,
  interruption,
})
if (caught !== undefined) process.kill(process.pid, caught)
