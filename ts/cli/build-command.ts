// build: compiles the native module on this machine, where no shipped one fits. It needs a C++
// compiler, make and Python, and gets node-gyp through npm.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { loadBinding } from '../platform/load-binding.ts'
import { type Exit, FAILED, OK } from './exit-code.ts'
import { makeOutput, type Streams } from './output.ts'

/** From dist/ts/cli. */
const NATIVE_DIRECTORY = fileURLToPath(new URL('../../../native/', import.meta.url))
const NODE_GYP = 'node-gyp@12'

export function addBuildCommand(program: Command, streams: Streams, exit: Exit): void {
  program
    .command('build')
    .description('compile the native module on this machine')
    .action(async () => {
      const args = ['exec', '--yes', '--', NODE_GYP, 'rebuild', '--directory', NATIVE_DIRECTORY]
      const exitCode = await run('npm', args)
      const { kind, reason } = loadBinding()
      exit.code = exitCode === 0 && kind === 'native' ? OK : FAILED
      makeOutput(false, streams).result({}, [
        `binding: ${kind}`,
        ...(reason === undefined ? [] : [reason]),
      ])
    })
}

function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    })
    child.on('error', reject)
    child.on('close', (code) => {
      resolve(code ?? FAILED)
    })
  })
}
