// The rows of the install matrix: ways to use the installed package, each with what has to come of
// it. A row resolves to what was seen, in a few words, and rejects when that is wrong.

import fs from 'node:fs'
import { join } from 'node:path'
import type { App, Run, RunOptions } from './app.ts'
import { execute } from './app.ts'
import { linkDependency, ROOT, shippedModule } from './package-files.ts'
import { COMMON_JS, ESM, IN_WORKER, READER, TYPESCRIPT } from './programs.ts'

export interface Row {
  readonly name: string
  run(app: App): Promise<string>
}

/** Those that need nothing but an installed package: they run in `npm test` too. */
export const CHEAP_ROWS: readonly Row[] = [
  { name: 'from an ES module', run: (app) => native(app, 'program.mjs', ESM) },
  { name: 'from CommonJS, by require()', run: (app) => native(app, 'program.cjs', COMMON_JS) },
  { name: 'from TypeScript, compiled by tsc', run: fromTypeScript },
  { name: 'inside a worker thread', run: (app) => native(app, 'worker.mjs', IN_WORKER) },
  { name: 'in a bundle that keeps it external', run: fromBundle },
  { name: 'with --no-addons', run: (app) => forbidden(app, ['--no-addons']) },
  { name: 'under the permission model', run: underPermissions },
  { name: 'with SLUICEDB_BINDING', run: withVariable },
  { name: 'with the shipped module deleted', run: withoutModule },
  { name: 'with a shipped module that does not load', run: withBrokenModule },
]

async function native(app: App, name: string, program: string): Promise<string> {
  return expectNative(await app.run(app.write(name, program)))
}

function expectNative({ answer, warnings }: Run): string {
  if (answer.kind !== 'native') throw new Error(`not native: ${answer.reason}`)
  if (warnings !== 0) throw new Error('warned of native')
  return 'native'
}

/** The twin, with a reason that says `why`, told as often as it has to be. */
function expectTwin({ answer, warnings }: Run, why: RegExp, expectedWarnings: number): string {
  if (answer.kind !== 'js') throw new Error('not the twin')
  if (!why.test(answer.reason ?? '')) throw new Error(`the reason is ${answer.reason}`)
  if (warnings !== expectedWarnings) throw new Error(`${warnings} warnings`)
  return warnings === 0 ? 'js, silent' : `js, ${warnings} warning`
}

async function fromTypeScript(app: App): Promise<string> {
  const project = join(app.directory, 'typescript')
  fs.mkdirSync(project, { recursive: true })
  for (const name of ['@types/node', 'undici-types']) {
    if (!fs.existsSync(join(app.directory, 'node_modules', name))) {
      linkDependency(join(app.directory, 'node_modules'), name)
    }
  }
  app.write('typescript/program.mts', TYPESCRIPT)
  app.write('typescript/program.cts', TYPESCRIPT)
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    module: 'nodenext',
    target: 'es2022',
    types: ['node'],
  }
  app.write('typescript/tsconfig.json', JSON.stringify({ compilerOptions: options }))
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const { code, stdout } = await execute(process.execPath, [tsc, '-p', '.'], {
    cwd: project,
    env: app.environment(),
  })
  if (code !== 0) throw new Error(`tsc says\n${stdout}`)
  expectNative(await app.run(join(project, 'program.cjs')))
  return expectNative(await app.run(join(project, 'program.mjs')))
}

async function fromBundle(app: App): Promise<string> {
  const { build } = await import('esbuild')
  const entry = app.write('bundle-entry.mjs', ESM)
  const outfile = join(app.directory, 'bundle.mjs')
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['sluicedb'],
    logLevel: 'silent',
  })
  return expectNative(await app.run(outfile))
}

async function forbidden(app: App, flags: readonly string[]): Promise<string> {
  const run = await app.run(app.write('program.mjs', ESM), { flags })
  return expectTwin(run, /addon/i, 0)
}

/**
 * With all rights but that to load addons. Newer Nodes forbid fsync there: then a database can be
 * read, and to open it for writing is an error that says so.
 */
async function underPermissions(app: App): Promise<string> {
  const flag = await permissionFlag(app)
  const flags = [flag, '--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker', '--no-warnings']
  const writer = app.write('program.mjs', ESM)
  const database = app.newDatabase()
  await app.run(writer, { database })
  const read = await app.run(app.write('reader.mjs', READER), { database, flags })
  const reading = expectTwin(read, /addon/i, 0)
  const { code, stderr } = await execute(app.node, [...flags, writer, app.newDatabase()], {
    cwd: app.directory,
    env: app.environment(),
  })
  if (code === 0) return forbidden(app, flags)
  if (!/LEVEL_NOT_SUPPORTED/.test(stderr) || !/forbids fsync/.test(stderr)) throw new Error(stderr)
  return `${reading}, read-only: writing is refused, as Node forbids fsync`
}

/** It was experimental before Node 23.5, and 22.13. */
async function permissionFlag(app: App): Promise<string> {
  return (await accepts(app, ['--permission'])) ? '--permission' : '--experimental-permission'
}

async function accepts(app: App, flags: readonly string[]): Promise<boolean> {
  const options = { cwd: app.directory, env: app.environment() }
  return (await execute(app.node, [...flags, '--version'], options)).code === 0
}

async function withVariable(app: App): Promise<string> {
  const program = app.write('program.mjs', ESM)
  const run = (value: string, options: RunOptions = {}): Promise<Run> =>
    app.run(program, { ...options, environment: app.environment({ SLUICEDB_BINDING: value }) })
  expectNative(await run('native'))
  return expectTwin(await run('js'), /^SLUICEDB_BINDING is js$/, 0)
}

async function withoutModule(app: App): Promise<string> {
  return withModuleReplaced(app, undefined, /sluicedb\.node: not there/)
}

async function withBrokenModule(app: App): Promise<string> {
  return withModuleReplaced(app, 'not a shared library', /prebuilds.*sluicedb\.node: .+/)
}

/** Falls back and says so once, also with a worker; forced to native it ends with the reason. */
async function withModuleReplaced(
  app: App,
  contents: string | undefined,
  why: RegExp,
): Promise<string> {
  const file = shippedModule(app.directory)
  const aside = `${file}.aside`
  fs.renameSync(file, aside)
  try {
    if (contents !== undefined) fs.writeFileSync(file, contents)
    const program = app.write('program.mjs', ESM)
    expectTwin(await app.run(app.write('worker.mjs', IN_WORKER)), why, 1)
    const environment = app.environment({ SLUICEDB_BINDING: 'native' })
    const forced = await execute(app.node, [program, join(app.directory, 'never')], {
      cwd: app.directory,
      env: environment,
    })
    if (forced.code === 0 || !why.test(forced.stderr)) {
      throw new Error(`forced to native it says ${forced.stderr}`)
    }
    return expectTwin(await app.run(program), why, 1)
  } finally {
    fs.rmSync(file, { force: true })
    fs.renameSync(aside, file)
  }
}
