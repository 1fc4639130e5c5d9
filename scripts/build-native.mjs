// Builds the native module into build/Release with node-gyp, when it is missing or older than its
// sources. Needs a C++17 compiler, make and Python; without them it says which is missing.
//
// As a program: one line says what was done; exit code 1 when there is no module afterwards, with
// the compiler's own words above that line when it was the compiler that failed.
// As a module: buildNative().

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MODULE = join(ROOT, 'build', 'Release', 'sluicedb.node')

/**
 * Resolves to whether there is an up-to-date module now. `reason`: one line why not; `output`: what
 * the tools said, when they were run. Never rejects because of a missing or failing tool.
 * @returns {Promise<{ built: boolean, reason?: string, output?: string }>}
 */
export async function buildNative() {
  if (isUpToDate()) return { built: true }
  const missing = missingTool()
  if (missing !== undefined) return { built: false, reason: missing }
  let nodeGyp
  try {
    nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  } catch {
    return { built: false, reason: 'node-gyp is not installed' }
  }
  // Not `rebuild`: it would remove what other builds keep under build/.
  const { code, output } = await run(process.execPath, [
    nodeGyp,
    'configure',
    'build',
    '--jobs=max',
    ...nodeDirectoryFlags(),
  ])
  if (code !== 0) return { built: false, reason: failureLine(output), output }
  if (!existsSync(MODULE)) return { built: false, reason: 'node-gyp left no module', output }
  // make leaves the file alone when nothing in it changed; without this we would ask it every time.
  const now = new Date()
  utimesSync(MODULE, now, now)
  return { built: true, output }
}

/** Headers that came with this Node, where they did: node-gyp would download them otherwise. */
export function nodeDirectoryFlags() {
  const prefix = dirname(dirname(process.execPath))
  const hasHeaders = existsSync(join(prefix, 'include', 'node', 'node_api.h'))
  return hasHeaders ? [`--nodedir=${prefix}`] : []
}

function isUpToDate() {
  const built = statSync(MODULE, { throwIfNoEntry: false })
  if (built === undefined) return false
  return sources().every((file) => statSync(file).mtimeMs <= built.mtimeMs)
}

function sources() {
  const native = readdirSync(join(ROOT, 'native'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:cc|h|gypi)$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.startsWith(join(ROOT, 'native', 'core', 'test')))
    .filter((file) => !file.startsWith(join(ROOT, 'native', 'build')))
  return [...native, join(ROOT, 'binding.gyp')]
}

/** Which tool is missing, in words, or undefined. On Windows node-gyp finds its tools itself. */
function missingTool() {
  if (process.platform === 'win32') return undefined
  const compiler = process.env.CXX?.split(' ')
  const compilers = compiler === undefined ? ['c++', 'g++', 'clang++'] : [compiler[0]]
  if (!compilers.some(runs)) return `no C++ compiler: none of ${compilers.join(', ')} runs`
  if (!runs('make')) return 'make is not installed'
  const python = process.env.npm_config_python ?? process.env.PYTHON
  const pythons = python === undefined ? ['python3', 'python'] : [python, 'python3', 'python']
  return pythons.some(runs) ? undefined : 'no Python, which node-gyp needs'
}

function runs(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    child.on('error', (error) => resolve({ code: 1, output: `${output}${error.message}\n` }))
    child.on('close', (code) => resolve({ code, output }))
  })
}

/** The line of node-gyp's output that says most. */
function failureLine(output) {
  const lines = output.split('\n').map((line) => line.trim())
  const line =
    lines.find((text) => /: (?:fatal )?error:/.test(text)) ??
    lines.find((text) => text.startsWith('gyp ERR! stack')) ??
    lines.find((text) => text.startsWith('gyp ERR!')) ??
    'node-gyp failed'
  return line.replace(/^gyp ERR! (?:stack )?/, '')
}

async function main() {
  const { built, reason, output } = await buildNative()
  if (!built && output !== undefined) process.stderr.write(output)
  const done = output === undefined ? 'is up to date' : 'was built'
  console.log(built ? `The native module ${done}.` : `No native module: ${reason}.`)
  process.exitCode = built ? 0 : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
