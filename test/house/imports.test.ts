// The layers hold: imports run one way, and the system is reached where it was meant to be.

import test from 'ava'
import { importsOf, sourceFiles } from './source-tree.ts'

/** From the lowest to the highest. A file imports from its own floor or from those before it. */
const FLOORS = [
  'ts/format/',
  'ts/platform/',
  'ts/log/',
  'ts/journal/',
  'ts/memtable/',
  'ts/table/',
  'ts/version/',
  'ts/compaction/',
  'ts/db/',
  'ts/level/',
  'ts/cli/',
  'ts/index.ts',
]

const files = sourceFiles().filter(({ path }) => path.startsWith('ts/') && path.endsWith('.ts'))
const imports = new Map(files.map((file) => [file.path, importsOf(file)]))

function floorOf(path: string): number {
  return FLOORS.findIndex((floor) => path.startsWith(floor))
}

/** 'file imports what' for each import that `isWrong` objects to. */
function offences(isWrong: (path: string, imported: string) => boolean): string[] {
  return [...imports].flatMap(([path, sources]) =>
    sources
      .filter((imported) => isWrong(path, imported))
      .map((imported) => `${path} imports ${imported}`),
  )
}

test('imports are found: of files, of types, of packages', (t) => {
  const text = [
    "import fs from 'node:fs' // import c from './not-this.ts'",
    "import type {\n  A,\n} from '../format/a.ts'",
    "export { b } from './b.ts'",
    "const late = await import('./late.ts')",
    "import 'side-effect'",
    "/* import d from './nor-this.ts' */ const url = 'https://example.org/x'",
  ].join('\n')
  t.deepEqual(importsOf({ path: 'ts/log/x.ts', text }), [
    'node:fs',
    'ts/format/a.ts',
    'ts/log/b.ts',
    'ts/log/late.ts',
    'side-effect',
  ])
})

test('every file of ts stands on a floor', (t) => {
  t.true(files.length > 0)
  t.deepEqual(
    files.map(({ path }) => path).filter((path) => floorOf(path) === -1),
    [],
  )
})

test('a file imports from its own floor or a lower one', (t) => {
  t.deepEqual(
    offences((path, imported) => imported.startsWith('ts/') && floorOf(imported) > floorOf(path)),
    [],
  )
})

test('what ts imports of itself exists, and nothing outside ts is imported', (t) => {
  t.deepEqual(
    offences(
      (_path, imported) =>
        /^(?:\.\.|test|scripts|native)\//.test(imported) ||
        (imported.startsWith('ts/') && !imports.has(imported)),
    ),
    [],
  )
})

test('no file imports itself by way of others', (t) => {
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
    if (done.has(path) || trail.includes(path)) return
    for (const imported of imports.get(path) ?? []) visit(imported, [...trail, path])
    done.add(path)
  }
  for (const path of imports.keys()) visit(path, [])
  t.deepEqual(cycles, [])
})

test('ts/format imports no module of Node', (t) => {
  t.deepEqual(
    offences((path, imported) => path.startsWith('ts/format/') && imported.startsWith('node:')),
    [],
  )
})

test('only ts/platform imports node:fs', (t) => {
  t.deepEqual(
    offences(
      (path, imported) =>
        /^(?:node:)?fs(?:\/|$)/.test(imported) && !path.startsWith('ts/platform/'),
    ),
    [],
  )
})

// The loader, because it warns on the main thread alone.
test('only the pool and the worker of ts/compaction, and the loader, import node:worker_threads', (t) => {
  t.deepEqual(
    offences(
      (path, imported) =>
        /^(?:node:)?worker_threads$/.test(imported) &&
        !/^ts\/compaction\/[^/]*(?:pool|worker)[^/]*\.ts$/.test(path) &&
        path !== 'ts/platform/load-binding.ts',
    ),
    [],
  )
})

test('modules of Node are imported by their node: names', (t) => {
  const bare =
    /^(?:assert|buffer|child_process|crypto|events|net|os|path|perf_hooks|url|util|zlib)$/
  t.deepEqual(
    offences((_path, imported) => bare.test(imported)),
    [],
  )
})
