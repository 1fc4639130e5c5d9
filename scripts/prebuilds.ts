// Builds the native module for every system that it is shipped for, into prebuilds/, and looks at
// what was built.
//
//   npm run prebuilds                           all targets
//   npm run prebuilds -- linux-x64 win32-x64    those
//   npm run prebuilds -- --check                builds nothing: are they all there, newer than their
//                                               sources, and sound? npm runs it before publishing
//
// Not called `prebuild`, because npm would run a script of that name before each `npm run build`.
//
// Invariant: what a build leaves in prebuilds/ is a whole module without a known problem.

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { type Compiler, compile } from './prebuilds/compile.ts'
import { newestGlibc, problemsOf } from './prebuilds/problems.ts'
import { newestSource, readRecipe } from './prebuilds/recipe.ts'
import { readSharedLibrary } from './prebuilds/read-library.ts'
import { MODULE_NAME, TARGETS, type Target } from './prebuilds/targets.ts'
import { findZig } from './prebuilds/zig.ts'

/** From dist/scripts. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NATIVE = join(ROOT, 'native')

function moduleFile({ name }: Target): string {
  return join(ROOT, 'prebuilds', name, MODULE_NAME)
}

function chosenTargets(names: readonly string[]): readonly Target[] {
  for (const name of names) {
    if (TARGETS.some((target) => target.name === name)) continue
    throw new Error(
      `no target ${name}; there are ${TARGETS.map((target) => target.name).join(', ')}`,
    )
  }
  return names.length === 0 ? TARGETS : TARGETS.filter(({ name }) => names.includes(name))
}

async function build(targets: readonly Target[], sourcesMs: number): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'sluicedb-prebuild-'))
  try {
    const compiler: Compiler = {
      zig: findZig(),
      native: NATIVE,
      recipe: readRecipe(NATIVE),
      scratch,
    }
    for (const target of targets) {
      const startMs = performance.now()
      await compile(compiler, target, moduleFile(target))
      const seconds = ((performance.now() - startMs) / 1000).toFixed(0)
      console.log(`${target.name} compiled in ${seconds} s`)
      const problems = problemsAt(target, sourcesMs)
      if (problems.length === 0) continue
      rmSync(moduleFile(target))
      throw new Error(`${target.name}: ${problems.join('; ')}`)
    }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** Prints a line for every module, and whether it is what it should be. */
function check(targets: readonly Target[], sourcesMs: number): boolean {
  const rows = targets.map((target) => ({ target, problems: problemsAt(target, sourcesMs) }))
  for (const { target, problems } of rows) {
    const text = problems.length === 0 ? describe(target) : problems.join('; ')
    console.log(`${target.name.padEnd(17)} ${text}`)
  }
  return rows.every(({ problems }) => problems.length === 0)
}

/** `sourcesMs`: when its sources were last written. */
function problemsAt(target: Target, sourcesMs: number): string[] {
  const file = moduleFile(target)
  const modifiedMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs
  if (modifiedMs === undefined) return ['not there']
  if (modifiedMs < sourcesMs) return ['older than its sources']
  return problemsOf(readFileSync(file), target)
}

function describe(target: Target): string {
  const bytes = readFileSync(moduleFile(target))
  const library = readSharedLibrary(bytes, target)
  const glibc = newestGlibc(library)
  const needs = library.libraries.map((name) => name.replace(/^.*\//, '')).join(', ')
  const [size, packed] = [bytes, gzipSync(bytes, { level: 9 })].map(({ length }) =>
    `${(length / 1000).toFixed(0)} kB`.padStart(7),
  )
  const oldest = glibc === undefined ? '' : `; glibc ${glibc}`
  const system = library.oldestSystem === undefined ? '' : `; macOS ${library.oldestSystem}`
  return `${size}, ${packed} packed; ${needs || 'no library'}${oldest}${system}`
}

const { values, positionals } = parseArgs({
  options: { check: { type: 'boolean', default: false } },
  allowPositionals: true,
})
try {
  const targets = chosenTargets(positionals)
  const sourcesMs = newestSource(NATIVE)
  if (!values.check) await build(targets, sourcesMs)
  if (!check(targets, sourcesMs)) process.exitCode = 1
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
