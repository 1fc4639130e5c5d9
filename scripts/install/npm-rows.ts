// Rows of the install matrix in which npm itself installs the tarball, into a folder of their own.

import fs from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { App, execute } from './app.ts'
import { installWithNpm, makeApp, npm, shipBuiltModule, shippedModule } from './package-files.ts'
import { ESM } from './programs.ts'

export interface NpmRow {
  readonly name: string
  /** `app`: gives the folder to work in, and the Node to run. */
  run(app: App, tarball: string): Promise<string>
}

export const NPM_ROWS: readonly NpmRow[] = [
  { name: 'npm install, with a compiler', run: (app, tarball) => install(app, tarball) },
  { name: 'npm install, without a compiler', run: installWithoutCompiler },
  {
    name: 'npm install --ignore-scripts',
    run: (app, tarball) => install(app, tarball, undefined, ['--ignore-scripts']),
  },
  { name: 'module deleted, then npx sluicedb build', run: buildAgain },
]

/** Resolves to what was seen, and to how it was installed. Nothing may be compiled. */
async function install(
  app: App,
  tarball: string,
  environment?: NodeJS.ProcessEnv,
  flags: readonly string[] = [],
): Promise<string> {
  const folder = makeApp(fs.mkdtempSync(`${app.directory}-`))
  await installWithNpm(folder, tarball, environment, flags)
  const compiled = join(folder, 'node_modules', 'sluicedb', 'native', 'build')
  if (fs.existsSync(compiled)) throw new Error('npm compiled the module')
  if (!shipBuiltModule(folder)) throw new Error('there is no module')
  return kindIn(new App(folder, app.node))
}

async function kindIn(app: App): Promise<string> {
  const { answer, warnings } = await app.run(app.write('program.mjs', ESM))
  if (answer.kind !== 'native' || warnings !== 0) throw new Error(`not native: ${answer.reason}`)
  return 'native'
}

/** With a PATH that has node, npm and a shell, and nothing else. */
async function installWithoutCompiler(app: App, tarball: string): Promise<string> {
  const tools = fs.mkdtempSync(`${app.directory}-tools-`)
  for (const program of ['node', 'npm', 'sh']) {
    fs.symlinkSync(findProgram(program), join(tools, program))
  }
  const environment: NodeJS.ProcessEnv = { ...process.env, PATH: tools }
  for (const name of ['CXX', 'CC', 'PYTHON', 'npm_config_python']) delete environment[name]
  return install(app, tarball, environment)
}

function findProgram(name: string): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = folders.map((folder) => join(folder, name)).find((path) => fs.existsSync(path))
  if (found === undefined) throw new Error(`there is no ${name} here`)
  return fs.realpathSync(found)
}

async function buildAgain(app: App, tarball: string): Promise<string> {
  const folder = makeApp(fs.mkdtempSync(`${app.directory}-`))
  await installWithNpm(folder, tarball)
  const here = new App(folder, app.node)
  fs.rmSync(dirname(shippedModule(folder)), { recursive: true, force: true })
  const { answer, warnings } = await here.run(here.write('program.mjs', ESM))
  if (answer.kind !== 'js' || warnings !== 1) {
    throw new Error(`${answer.kind}, ${warnings} warnings`)
  }
  const startMs = performance.now()
  await npm(['exec', '--no', '--', 'sluicedb', 'build'], folder, here.environment())
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0)
  const status = await execute(here.node, ['-p', "require('sluicedb').binding.kind"], {
    cwd: folder,
    env: here.environment(),
  })
  if (status.stdout !== 'native\n') throw new Error(`then ${status.stdout}${status.stderr}`)
  return `js, 1 warning; after ${seconds} s ${await kindIn(here)}`
}
