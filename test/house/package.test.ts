// What npm would publish, and whether the documents tell the truth about the commands.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { readRecipe } from '../../scripts/prebuilds/recipe.ts'
import { MODULE_NAME, TARGETS } from '../../scripts/prebuilds/targets.ts'
import { binding } from '../../ts/index.ts'
import { ROOT, sourceFiles } from './source-tree.ts'

interface PackageJson {
  readonly gypfile?: boolean
  readonly scripts: Readonly<Record<string, string>>
}

const INSTALL_SCRIPTS = [
  'preinstall',
  'install',
  'postinstall',
  'prepublish',
  'preprepare',
  'prepare',
  'postprepare',
]

const manifest = JSON.parse(fs.readFileSync(join(ROOT, 'package.json'), 'utf8')) as PackageJson

/** The paths in the tarball that `npm pack` would make. */
async function packedPaths(): Promise<string[]> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error']
  const script = process.env['npm_execpath']
  const run = promisify(execFile)
  const { stdout } = script?.endsWith('.js')
    ? await run(process.execPath, [script, ...args], { cwd: ROOT })
    : await run('npm', args, { cwd: ROOT, shell: process.platform === 'win32' })
  const [tarball] = JSON.parse(stdout) as { files: { path: string }[] }[]
  return tarball!.files.map(({ path }) => path)
}

test('the tarball holds the library and what compiles the native module, and no .gyp at its root', async (t) => {
  const paths = await packedPaths()
  const required = [
    'README.md',
    'LICENSE',
    'package.json',
    'dist/ts/index.js',
    'dist/ts/index.d.ts',
    'dist/ts/cli/main.js',
    'dist/ts/compaction/worker.js',
    'native/addon.gypi',
    'native/binding.gyp',
    ...readRecipe(join(ROOT, 'native')).sources.map((path) =>
      relative(ROOT, path).replaceAll('\\', '/'),
    ),
  ]
  t.deepEqual(
    required.filter((path) => !paths.includes(path)),
    [],
  )
  // npm would run node-gyp on every user's machine for one at the root, whatever gypfile says.
  t.deepEqual(
    paths.filter((path) => /^[^/]*\.gyp$/.test(path)),
    [],
  )
  const modules = TARGETS.map(({ name }) => `prebuilds/${name}/${MODULE_NAME}`)
  const wanted =
    /^(?:dist\/ts\/.*(?:\.js|\.d\.ts)|native\/(?:core|napi)\/\w+\.(?:cc|h)|native\/(?:addon\.gypi|binding\.gyp)|[A-Z]+(?:\.md)?|package\.json)$/
  t.deepEqual(
    paths.filter((path) => !wanted.test(path) && !modules.includes(path)),
    [],
  )
})

test('nothing runs when the package is installed', (t) => {
  t.is(manifest.gypfile, false)
  t.deepEqual(
    INSTALL_SCRIPTS.filter((name) => name in manifest.scripts),
    [],
  )
})

test('the first program of README.md runs and prints what it says', async (t) => {
  const text = fs.readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, program] = /```js\n([\s\S]*?)```/.exec(text)!
  const directory = fs.mkdtempSync(join(tmpdir(), 'sluicedb-readme-'))
  t.teardown(() => fs.rmSync(directory, { recursive: true }))
  const code = program!.replace("'./data'", JSON.stringify(join(directory, 'data')))
  const args = ['--input-type=module', '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT })
  t.is(stdout, `<Buffer 31>\nundefined\n${binding.kind}\n`)
})

const guides = fs
  .readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)

for (const document of ['README.md', 'CONTRIBUTING.md', ...guides]) {
  test(`every command in ${document} exists`, (t) => {
    const text = fs.readFileSync(join(ROOT, document), 'utf8')
    const scripts = [...text.matchAll(/\bnpm (start|test)\b|\bnpm run ([\w:-]+)/g)]
    const names = scripts.map((match) => match[1] ?? match[2]!)
    t.deepEqual(
      names.filter((name) => !(name in manifest.scripts)),
      [],
    )
    const programs = [
      ...text.matchAll(/(?:\bnode |(?:^|[\s`]))((?:dist\/)?(?:scripts|\.ci)\/[\w./-]+)/gm),
    ]
    const missing = programs
      .map((match) => match[1]!)
      .map((path) => path.replace(/^dist\/(.*)\.js$/, '$1.ts'))
      .filter((path) => !fs.existsSync(join(ROOT, path)))
    t.deepEqual(missing, [])
  })
}

test('every rule that a source or a test names by its number is in CONTRIBUTING.md', (t) => {
  const rules = fs.readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8')
  const named = sourceFiles()
    .filter(({ path }) => path.endsWith('.ts'))
    .flatMap(({ text }) => [...text.matchAll(/\/\/.*|\* .*/g)].map(([comment]) => comment))
    .flatMap((comment) => [...comment.matchAll(/\bW\d+\b/g)].map(([rule]) => rule))
  t.true(named.length > 10)
  t.deepEqual(
    [...new Set(named)].filter((rule) => !rules.includes(`| ${rule} |`)),
    [],
  )
})
