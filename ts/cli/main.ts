#!/usr/bin/env node
// The entry of the command `sluicedb`.

import { runProgram } from './program.ts'

// A reader that has seen enough, such as head, closes the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await runProgram(process.argv.slice(2), {
  input: process.stdin,
  out: process.stdout,
  error: process.stderr,
})
