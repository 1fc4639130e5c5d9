// One module for one target: a single call of the compiler, which links its own C++ library in.

import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { cacheFolder } from './zig.ts'
import type { Recipe } from './recipe.ts'
import { type Format, MODULE_NAME, type Target } from './targets.ts'

/** What Node looks up in a module. Nothing else is exported, so that the linker can drop the rest. */
export const ENTRY_POINTS: readonly string[] = [
  'napi_register_module_v1',
  'node_api_module_get_api_version_v1',
]

const SHARED = ['-fPIC', '-shared', '-s', '-ffunction-sections', '-fdata-sections']

const require = createRequire(import.meta.url)
const headers = require('node-api-headers') as { include_dir: string; def_paths: DefPaths }
const addonApi = require('node-addon-api') as { include_dir: string }

interface DefPaths {
  readonly node_api_def: string
}

export interface Compiler {
  readonly zig: string
  /** The folder of addon.gypi. */
  readonly native: string
  readonly recipe: Recipe
  /** For what the linker wants as files. */
  readonly scratch: string
}

/** Writes the module to `file`, whole or not at all. Rejects with the compiler's words. */
export async function compile(compiler: Compiler, target: Target, file: string): Promise<void> {
  const { zig, native, recipe } = compiler
  // Not in its place: linkers leave notes for debuggers beside it.
  const output = join(compiler.scratch, target.name, MODULE_NAME)
  mkdirSync(dirname(output), { recursive: true })
  await run(zig, [
    'c++',
    '-target',
    target.triple,
    ...recipe.flags,
    ...recipe.defines.map((define) => `-D${define}`),
    ...[native, addonApi.include_dir, headers.include_dir].map((folder) => `-I${folder}`),
    ...SHARED,
    join(native, 'prebuilt', 'cxa_demangle.cc'),
    ...recipe.sources,
    ...(await linkerFlags(compiler, target.format)),
    '-o',
    output,
  ])
  mkdirSync(dirname(file), { recursive: true })
  copyFileSync(output, `${file}.new`)
  renameSync(`${file}.new`, file)
}

async function linkerFlags(compiler: Compiler, format: Format): Promise<string[]> {
  if (format === 'mach-o') return ['-Wl,-undefined,dynamic_lookup']
  if (format === 'pe') return [await importLibrary(compiler)]
  const script = join(compiler.scratch, 'exports.map')
  writeFileSync(script, `{ global: ${ENTRY_POINTS.join('; ')}; local: *; };\n`)
  return ['-Wl,--gc-sections', `-Wl,--version-script=${script}`]
}

/** What tells the linker for Windows that Node's functions are those of node.exe. */
async function importLibrary({ zig, scratch }: Compiler): Promise<string> {
  const library = join(scratch, 'libnode_api.a')
  const { node_api_def } = headers.def_paths
  await run(zig, ['dlltool', '-m', 'i386:x86-64', '-d', node_api_def, '-l', library])
  return library
}

function run(command: string, args: readonly string[]): Promise<void> {
  const environment = { ...process.env, ZIG_GLOBAL_CACHE_DIR: join(cacheFolder(), 'zig-cache') }
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${args[0]} ended with ${signal ?? code}\n${output}`))
    })
  })
}
