// Every file says what it is, and none says what it should not.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ROOT, sourceFiles } from './source-tree.ts'

const COMMENTS: readonly { readonly name: RegExp; readonly opening: RegExp }[] = [
  { name: /\.(?:ts|mjs|cc|h)$/, opening: /^\s*\/[/*]/ },
  { name: /(?:\.gyp|\.gypi|\.sh|CMakeLists\.txt)$/, opening: /^\s*#/ },
]

// In pieces, so that this file does not offend against itself.
const BANNED: readonly (readonly [what: string, pattern: RegExp])[] = [
  [
    'an unfinished note',
    new RegExp(`(?://|\\*|#)\\s*(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`),
  ],
  [
    "a path of somebody's machine",
    new RegExp(`(?:^|[\\s'"\`(=])/(?:${['home/\\w+', 'Users/\\w+', 'root', 'work'].join('|')})/`),
  ],
  ['a registry host', new RegExp(['registry', '(?:npmjs|yarnpkg)'].join('\\.'))],
]

const TOP_LEVEL = new Set([
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'binding.gyp',
  'docs',
  'native',
  'package-lock.json',
  'package.json',
  'scripts',
  'test',
  'ts',
  'tsconfig.json',
])
/** Made by npm and by builds; git ignores them. */
const MADE = new Set([
  'node_modules',
  'prebuilds',
  'dist',
  'build',
  'bench',
  'tsconfig.tsbuildinfo',
])

const files = sourceFiles()

function documents(): { path: string; text: string }[] {
  return fs
    .readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !MADE.has(entry.name))
    .map(({ name }) => ({ path: name, text: fs.readFileSync(join(ROOT, name), 'utf8') }))
}

test('every source file opens with a comment that says what it is', (t) => {
  const paths = new Set(files.map(({ path }) => path))
  const silent = files.filter(({ path, text }) => {
    // A C++ source with a header of its name says it there, and a C++ test is named for its subject.
    const header = path.replace(/(?:_posix|_windows)?\.cc$/, '.h')
    if (header !== path && (paths.has(header) || path.startsWith('native/core/test/'))) return false
    const kind = COMMENTS.find(({ name }) => name.test(path))
    return kind !== undefined && !kind.opening.test(text.replace(/^#!.*\n/, ''))
  })
  t.true(files.length > 0)
  t.deepEqual(
    silent.map(({ path }) => path),
    [],
  )
})

for (const [what, pattern] of BANNED) {
  test(`no file holds ${what}`, (t) => {
    const found = [...files, ...documents()].flatMap(({ path, text }) =>
      text
        .split('\n')
        .map((line, index) => ({ line, place: `${path}:${index + 1}` }))
        .filter(({ line }) => pattern.test(line))
        .map(({ line, place }) => `${place} ${line.trim()}`),
    )
    t.deepEqual(found, [])
  })
}

test('nothing else stands at the top of the project', (t) => {
  const others = fs
    .readdirSync(ROOT)
    .filter((name) => !TOP_LEVEL.has(name) && !MADE.has(name) && !name.startsWith('.'))
    .filter((name) => !name.endsWith('.tgz'))
  t.deepEqual(others, [])
})
