// Runs the shipped modules where an emulator can.
//
//   npm run prebuilds:run                         every target that can be run here
//   npm run prebuilds:run -- linux-arm64          that one
//   npm run prebuilds:run -- --suite linux-arm64  and the tests of the module and the engine on it
//
//   linux-x64           this Node
//   linux-arm64         Node for ARM under qemu-aarch64-static, with /usr/aarch64-linux-gnu as its root
//   win32-x64           Node for Windows under wine64
//   linux-x64-musl      a program linked with musl (musl-gcc), which loads the module with every symbol
//                       bound; no Node with musl can be had from npm
//   linux-arm64-musl, darwin-*  nothing; the file alone is looked at, by scripts/prebuilds.ts
//
// In each Node scripts/prebuilds/emulated.ts loads the module with SLUICEDB_BINDING=native, checks what
// it computes, reads a database that was written here, and writes one that is read here.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { installNode } from './install/nodes.ts'
import { checkDatabase, writeDatabase } from './prebuilds/emulated-database.ts'
import { runMuslHost } from './prebuilds/musl-host.ts'
import { MODULE_NAME } from './prebuilds/targets.ts'

/** From dist/scripts. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const EMULATED_NODE = '20.20.2'
const TIMEOUT_MS = 900_000
/** Those that go through the module, and the engine's own. */
const SUITE = ['platform', 'parity', 'table', 'format', 'log', 'db', 'level']

interface Emulator {
  readonly command: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
}

const EMULATORS: Readonly<Record<string, () => Promise<Emulator>>> = {
  'linux-x64': () => Promise.resolve({ command: [process.execPath] }),
  'linux-arm64': async () => {
    const node = await installNode(EMULATED_NODE, 'linux-arm64')
    return { command: ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu', node] }
  },
  'win32-x64': async () => {
    const node = await installNode(EMULATED_NODE, 'win32-x64')
    const environment = { NODE_SKIP_PLATFORM_CHECK: '1', WINEDEBUG: '-all' }
    return { command: ['/usr/lib/wine/wine64', node], environment }
  },
}

/** A package root with one shipped module, and the compiled sources and tests. */
function stage(directory: string, target: string): string {
  const root = join(directory, target)
  const prebuilt = join('prebuilds', target, MODULE_NAME)
  fs.mkdirSync(join(root, 'prebuilds', target), { recursive: true })
  fs.copyFileSync(join(ROOT, prebuilt), join(root, prebuilt))
  fs.cpSync(join(ROOT, 'dist'), join(root, 'dist'), {
    recursive: true,
    filter: (path) => !/\.(?:map|d\.ts)$/.test(path),
  })
  const ava = { files: ['dist/test/**/*.test.js'], workerThreads: false, concurrency: 2 }
  fs.writeFileSync(join(root, 'package.json'), JSON.stringify({ type: 'module', ava }))
  fs.symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'), 'junction')
  return root
}

/** Has every process start its children under the emulator too; gives the options for Node. */
function wrapChildren(root: string, command: readonly string[]): string {
  const wrapper = join(root, 'emulated-node')
  const preload = join(root, 'wrap-children.mjs')
  fs.writeFileSync(wrapper, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 })
  fs.writeFileSync(preload, `process.execPath = ${JSON.stringify(wrapper)}\n`)
  return `--import=${preload}`
}

async function runTarget(target: string, directory: string, withSuite: boolean): Promise<string> {
  if (target === 'linux-x64-musl') return runMuslHost(ROOT, directory)
  const emulate = EMULATORS[target]
  if (emulate === undefined) throw new Error('no emulator')
  const { command, environment: needed } = await emulate()
  const root = stage(directory, target)
  const [ours, theirs, report] = ['ours', 'theirs', 'report'].map((name) => join(root, name))
  await writeDatabase(ours!)
  const script = join('dist', 'scripts', 'prebuilds', 'emulated.js')
  const [program, ...args] = command
  const options = {
    cwd: root,
    env: { ...process.env, ...needed, SLUICEDB_BINDING: 'native' },
    timeout: TIMEOUT_MS,
  }
  const paths = ['ours', 'theirs', 'report']
  execFileSync(program!, [...args, script, ...paths], { ...options, stdio: ['ignore', 2, 2] })
  const said = fs.readFileSync(report!, 'utf8')
  if (!said.startsWith('ok')) throw new Error(said)
  await checkDatabase(theirs!)
  if (withSuite) {
    const environment = { ...options.env, NODE_OPTIONS: wrapChildren(root, command) }
    const tests = SUITE.map((folder) => `dist/test/${folder}/**/*.test.js`)
    const ava = join('node_modules', 'ava', 'entrypoints', 'cli.mjs')
    const flags = ['--tap', '--timeout=15m', ...tests]
    execFileSync(program!, [...args, ava, ...flags], {
      ...options,
      env: environment,
      stdio: 'inherit',
    })
  }
  return `${said}; its database was read here`
}

const { values, positionals } = parseArgs({
  options: { suite: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const scratch = fs.mkdtempSync(join(tmpdir(), 'sluicedb-emulated-'))
try {
  const targets =
    positionals.length > 0 ? positionals : [...Object.keys(EMULATORS), 'linux-x64-musl']
  for (const target of targets) {
    try {
      console.log(`${target.padEnd(17)} ${await runTarget(target, scratch, values.suite)}`)
    } catch (error) {
      console.log(`${target.padEnd(17)} FAILED: ${String(error)}`)
      process.exitCode = 1
    }
  }
} finally {
  fs.rmSync(scratch, { recursive: true })
}
