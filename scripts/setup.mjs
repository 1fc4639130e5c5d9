// Makes a fresh clone ready to run, and a ready one ready again: the first step of `npm start`,
// `npm test` and `npm run bench`. Plain JavaScript with no dependency, because it installs them.
//
// Steps, each one skipped when there is nothing to do:
//   1. dependencies   npm ci, when node_modules is missing or older than package-lock.json
//   2. native module  scripts/build-native.mjs; without a compiler one line says so and TypeScript
//                     does the work
//   3. dist           outputs whose source is gone are removed, then tsc compiles what changed
//
// `--native` does steps 1 and 2 only, and fails when the native module could not be built.
//
// Invariant: when it exits with 0, dist holds exactly what the sources say.

import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DIST = join(ROOT, 'dist')
const SOURCE_FOLDERS = ['ts', 'test', 'scripts']
const OUTPUT = /\.(?:js|js\.map|d\.ts|d\.ts\.map)$/
/** The first release with require() of ES modules and no flag. */
const OLDEST_NODE = [20, 19]

const NATIVE_ONLY = process.argv.includes('--native')

class SetupError extends Error {}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  throw new SetupError(
    `Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.version}.`,
  )
}

/** Runs a program in the project's folder, its output on ours, and resolves to its exit code. */
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', ...options })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
}

/** Under `npm run` this very npm is used; else the one on the PATH, a .cmd file on Windows. */
function npm(args) {
  const script = process.env.npm_execpath
  return script?.endsWith('.js')
    ? run(process.execPath, [script, ...args])
    : run('npm', args, { shell: process.platform === 'win32' })
}

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}

async function installDependencies() {
  // npm writes this file last, so an install that was cut off does not count as one.
  const installed = modified(join(ROOT, 'node_modules', '.package-lock.json'))
  const locked = modified(join(ROOT, 'package-lock.json'))
  if (installed !== undefined && (locked === undefined || installed >= locked)) return
  console.log('Installing dependencies')
  // No install script is needed: every native dependency carries its binaries, one package or one
  // folder per platform. Development dependencies are needed under NODE_ENV=production too.
  const command = locked === undefined ? 'install' : 'ci'
  const flags = ['--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const code = await npm([command, ...flags])
  if (code !== 0) throw new SetupError(`npm ${command} ended with ${code}.`)
}

/** Resolves to why there is no native module, or to undefined when there is one. */
async function buildNativeModule() {
  const script = join(ROOT, 'scripts', 'build-native.mjs')
  try {
    const { buildNative } = await import(pathToFileURL(script).href)
    const { built, reason = 'no reason given', output = '' } = await buildNative()
    if (built) return undefined
    if (NATIVE_ONLY) process.stderr.write(output)
    return reason
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function filesUnder(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

function removeEmptyFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name))
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder)
}

/**
 * tsc neither removes the output of a source that was deleted (ava would go on running it) nor
 * writes an output again that somebody removed (its notes say that it was written).
 */
function matchOutputsToSources() {
  let missing = false
  for (const name of SOURCE_FOLDERS) {
    const source = join(ROOT, name)
    const target = join(DIST, name)
    const outputs = filesUnder(target).filter((path) => OUTPUT.test(path))
    for (const path of outputs) {
      const stem = path.slice(target.length).replace(OUTPUT, '')
      if (!existsSync(`${source}${stem}.ts`)) rmSync(path)
    }
    if (existsSync(target)) removeEmptyFolders(target)
    missing ||= filesUnder(source)
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
      .some((path) => !existsSync(`${target}${path.slice(source.length, -'.ts'.length)}.js`))
  }
  if (missing) rmSync(join(DIST, '.tsbuildinfo'), { force: true })
}

async function compile() {
  matchOutputsToSources()
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const code = await run(process.execPath, [compiler, '-p', 'tsconfig.json'])
  if (code !== 0) throw new SetupError('The TypeScript sources do not compile; see above.')
}

async function setUp() {
  checkNode()
  await installDependencies()
  // Together: the C++ compiler and tsc take a core each. Both are awaited whatever happens.
  const compiling = NATIVE_ONLY ? undefined : compile()
  const [native, compiled] = await Promise.allSettled([buildNativeModule(), compiling])
  const reason = native.status === 'fulfilled' ? native.value : String(native.reason)
  if (reason !== undefined) {
    const line = `No native module (${reason.trim().split('\n')[0]}).`
    if (NATIVE_ONLY) throw new SetupError(line)
    console.log(`${line} Going on in TypeScript.`)
  }
  if (compiled.status === 'rejected') throw compiled.reason
}

try {
  await setUp()
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
