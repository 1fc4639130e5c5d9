// The shipped modules: what they are made of, and what the script finds wrong with one.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { newestGlibc, problemsOf } from '../../scripts/prebuilds/problems.ts'
import { readRecipe } from '../../scripts/prebuilds/recipe.ts'
import { readSharedLibrary } from '../../scripts/prebuilds/read-library.ts'
import { MODULE_NAME, TARGETS, type Target } from '../../scripts/prebuilds/targets.ts'
import { ROOT } from './source-tree.ts'

const NATIVE = join(ROOT, 'native')

function targetNamed(name: string): Target {
  return TARGETS.find((target) => target.name === name)!
}

/** A module of another package, for the formats that nothing here makes. */
function foreignModule(folder: string): Buffer {
  const prebuilds = join(ROOT, 'node_modules', 'classic-level', 'prebuilds')
  return fs.readFileSync(join(prebuilds, folder, 'classic-level.node'))
}

test('addon.gypi names every source of the module, and CMakeLists.txt the same ones', (t) => {
  const { sources, defines } = readRecipe(NATIVE)
  const named = sources.map((path) => path.slice(NATIVE.length + 1).replaceAll('\\', '/'))
  const there = ['core', 'napi'].flatMap((folder) =>
    fs
      .readdirSync(join(NATIVE, folder))
      .filter((name) => name.endsWith('.cc'))
      .map((name) => `${folder}/${name}`),
  )
  t.deepEqual(named.toSorted(), there.toSorted())
  const cmake = fs.readFileSync(join(NATIVE, 'CMakeLists.txt'), 'utf8')
  const inCMake = [...cmake.matchAll(/^\s+((?:core|napi)\/\w+\.cc)/gm)].map((match) => match[1]!)
  t.deepEqual(inCMake.toSorted(), there.toSorted())
  t.true(defines.includes('NAPI_VERSION=8'))
})

test('a module for Windows is read: its processor, its libraries and its entry point', (t) => {
  const library = readSharedLibrary(foreignModule('win32-x64'), targetNamed('win32-x64'))
  t.is(library.machine, 0x8664)
  t.true(library.libraries.includes('KERNEL32.dll'))
  t.true(library.imports.some(({ name }) => name === 'napi_create_function'))
  t.true(library.exports.includes('napi_register_module_v1'))
})

test('a module for Linux is read: its processor, its libraries and the glibc it needs', (t) => {
  const library = readSharedLibrary(foreignModule('linux-x64'), targetNamed('linux-x64'))
  t.is(library.machine, 62)
  t.true(library.libraries.includes('libc.so.6'))
  t.true(library.exports.includes('napi_register_module_v1'))
  t.regex(newestGlibc(library) ?? '', /^2\.\d+$/)
})

test('what would not load is told: the wrong format, processor, library or C library', (t) => {
  const linux = foreignModule('linux-x64')
  t.deepEqual(problemsOf(linux, targetNamed('win32-x64')), ['Error: no PE file'])
  t.deepEqual(problemsOf(linux, targetNamed('darwin-x64')), ['Error: no 64-bit Mach-O file'])
  t.deepEqual(problemsOf(Buffer.alloc(100), targetNamed('linux-x64')), [
    'Error: no 64-bit ELF file',
  ])
  const onArm = problemsOf(linux, targetNamed('linux-arm64'))
  t.true(onArm.includes('made for the processor 62'), onArm.join('; '))
  const onMusl = problemsOf(linux, targetNamed('linux-x64-musl'))
  t.true(onMusl.includes('needs the library libc.so.6'), onMusl.join('; '))
  const older = { ...targetNamed('linux-x64'), triple: 'x86_64-linux-gnu.2.1' }
  const onOld = problemsOf(linux, older)
  t.true(
    onOld.some((problem) => problem.startsWith('needs glibc 2.')),
    onOld.join('; '),
  )
})

test('what was built to be shipped has no problem', (t) => {
  const problems = TARGETS.flatMap((target) => {
    const file = join(ROOT, 'prebuilds', target.name, MODULE_NAME)
    if (!fs.existsSync(file)) return []
    return problemsOf(fs.readFileSync(file), target).map((problem) => `${target.name}: ${problem}`)
  })
  t.deepEqual(problems, [])
})
