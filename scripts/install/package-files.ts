// The package as npm would publish it, and a folder that has it installed.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { prebuiltFolder } from '../../ts/platform/prebuilt.ts'

/** The repository, from dist/scripts/install. */
export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url))

const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
const run = promisify(execFile)

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
}

/** Runs npm: this very one under `npm run`, else that of the PATH. */
export async function npm(
  args: readonly string[],
  directory: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const script = process.env['npm_execpath']
  const options = { cwd: directory, env: environment, maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = script?.endsWith('.js')
    ? await run(process.execPath, [script, ...args], options)
    : await run('npm', args, { ...options, shell: process.platform === 'win32' })
  return stdout
}

/** Packs the repository, whose dist is up to date, and resolves to the tarball's path. */
export async function packPackage(directory: string): Promise<string> {
  const args = ['pack', '--json', `--pack-destination=${directory}`, ...QUIET]
  const [packed] = JSON.parse(await npm(args, ROOT)) as { filename: string }[]
  return join(directory, packed!.filename)
}

/** An empty folder with a package.json, as `npm init` makes it. */
export function makeApp(directory: string): string {
  fs.mkdirSync(directory, { recursive: true })
  fs.writeFileSync(join(directory, 'package.json'), '{ "name": "app", "private": true }\n')
  return directory
}

/** Installs the tarball with npm, from its cache where that has the dependencies. */
export async function installWithNpm(
  app: string,
  tarball: string,
  environment?: NodeJS.ProcessEnv,
  flags: readonly string[] = [],
): Promise<void> {
  const quiet = QUIET.filter((flag) => flag !== '--ignore-scripts')
  await npm(['install', '--prefer-offline', ...quiet, ...flags, tarball], app, environment)
}

/** Unpacks the tarball to where npm would put it, beside links to the repository's dependencies. */
export async function installByLinks(app: string, tarball: string): Promise<void> {
  const modules = join(app, 'node_modules')
  const target = installedPackage(app)
  fs.mkdirSync(target, { recursive: true })
  await run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'])
  const { dependencies } = JSON.parse(
    fs.readFileSync(join(target, 'package.json'), 'utf8'),
  ) as Manifest
  for (const name of Object.keys(dependencies)) linkDependency(modules, name)
}

/** Links the repository's copy of the package `name` into `modules`. */
export function linkDependency(modules: string, name: string): void {
  const link = join(modules, name)
  fs.mkdirSync(dirname(link), { recursive: true })
  fs.symlinkSync(join(ROOT, 'node_modules', name), link, 'junction')
}

export function installedPackage(app: string): string {
  return join(app, 'node_modules', 'sluicedb')
}

/** The module for this system in a folder that has the package installed. */
export function shippedModule(app: string): string {
  return join(installedPackage(app), prebuiltFolder(), 'sluicedb.node')
}

/**
 * Puts the module that this repository built in the place of a shipped one, where none was built to
 * be shipped. False when there is none either.
 */
export function shipBuiltModule(app: string): boolean {
  const shipped = shippedModule(app)
  if (fs.existsSync(shipped)) return true
  const built = join(ROOT, 'build', 'Release', 'sluicedb.node')
  if (!fs.existsSync(built)) return false
  fs.mkdirSync(dirname(shipped), { recursive: true })
  fs.copyFileSync(built, shipped)
  return true
}
