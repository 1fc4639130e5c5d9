// build: compiles the native module on this machine, where no shipped one fits. It needs a C++
// compiler, make and Python, and gets node-gyp through npm.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { loadBinding } from '../platform/load-binding.ts'
import { type Exit, FAILED, OK } from './exit-code.ts'
import { makeOutput, type Streams } from './output.ts'
import { examples } from './shared-options.ts'

/** From dist/ts/cli. */
const NATIVE_DIRECTORY = fileURLToPath(new URL('../../../native/', import.meta.url))
const NODE_GYP = 'node-gyp@12'

export function addBuildCommand(program: Command, streams: Streams, exit: Exit): void {
  examples(
    program
      .command('build')
      .description('compile the native module on this machine, where none fits that was shipped')
      .option('--json', 'print JSON'),
    'npx sluicedb build',
  ).action(async ({ json = false }: { readonly json?: boolean }) => {
    const args = ['exec', '--yes', '--', NODE_GYP, 'rebuild', '--directory', NATIVE_DIRECTORY]
    const exitCode = await run('npm', args, json)
    const { kind, reason } = loadBinding()
    exit.code = exitCode === 0 && kind === 'native' ? OK : FAILED
    makeOutput(json, streams).result({ binding: kind, reason }, [
      `binding: ${kind}`,
      ...(reason === undefined ? [] : [reason]),
    ])
  })
}

// With JSON on standard output the compiler's words go to the other one.
function run(command: string, args: readonly string[], isJson: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', isJson ? 2 : 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    })
    child.on('error', reject)
    child.on('close', (code) => {
      resolve(code ?? FAILED)
    })
  })
}
