// What installing costs, beside the stores that it is compared with: the bytes that are downloaded,
// the bytes on the disk with all dependencies, and the time that npm takes, with its cache warm.

import fs from 'node:fs'
import { join } from 'node:path'
import { installWithNpm, makeApp, npm, packPackage, ROOT } from './package-files.ts'

const ROUNDS = 5
const MB = 1_000_000

interface Measured {
  readonly name: string
  readonly specifier: string
  readonly timesMs: number[]
}

/** Prints a row of README.md's table for each package. `directory`: empty, for the installs. */
export async function printSizes(directory: string): Promise<void> {
  const packages: Measured[] = [
    { name: 'SluiceDB', specifier: await packPackage(directory), timesMs: [] },
    { name: 'classic-level', specifier: pinned('classic-level'), timesMs: [] },
    { name: 'lmdb', specifier: pinned('lmdb'), timesMs: [] },
  ]
  // The first round fills npm's cache.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { name, specifier, timesMs } of packages) {
      const app = join(directory, name)
      fs.rmSync(app, { recursive: true, force: true })
      makeApp(app)
      const startMs = performance.now()
      await installWithNpm(app, specifier, undefined, ['--ignore-scripts'])
      if (round > 0) timesMs.push(performance.now() - startMs)
    }
  }
  console.log('| | packed | on disk | packages | install |')
  for (const measured of packages) console.log(await tableRow(measured, directory))
}

async function tableRow({ name, timesMs }: Measured, directory: string): Promise<string> {
  const app = join(directory, name)
  const installed = installedPackages(app)
  const median = timesMs.toSorted((a, b) => a - b)[ROUNDS >> 1]!
  return [
    `| ${name}`,
    `${megabytes(await packedBytes(installed, directory))} MB`,
    `${megabytes(bytesUnder(join(app, 'node_modules')))} MB`,
    String(installed.length),
    `${(median / 1000).toFixed(1)} s |`,
  ].join(' | ')
}

/** The version that the benchmarks compare with. */
function pinned(name: string): string {
  const path = join(ROOT, 'node_modules', name, 'package.json')
  const { version } = JSON.parse(fs.readFileSync(path, 'utf8')) as { version: string }
  return `${name}@${version}`
}

interface Installed {
  readonly name: string
  readonly version: string
}

function installedPackages(app: string): Installed[] {
  const path = join(app, 'node_modules', '.package-lock.json')
  const { packages } = JSON.parse(fs.readFileSync(path, 'utf8')) as {
    packages: Readonly<Record<string, { version: string }>>
  }
  return Object.entries(packages)
    .filter(([folder]) => fs.existsSync(join(app, folder)))
    .map(([folder, { version }]) => ({ name: folder.replace(/^.*node_modules\//, ''), version }))
}

/** Of all tarballs together; ours is the one in `directory`. */
async function packedBytes(installed: readonly Installed[], directory: string): Promise<number> {
  const others = installed.filter(({ name }) => name !== 'sluicedb')
  const specifiers = others.map(({ name, version }) => `${name}@${version}`)
  const args = ['pack', '--dry-run', '--json', '--prefer-offline', '--loglevel=error']
  const packed = JSON.parse(await npm([...args, ...specifiers], directory)) as { size: number }[]
  const own = others.length < installed.length ? ownTarballBytes(directory) : 0
  return packed.reduce((sum, { size }) => sum + size, own)
}

function ownTarballBytes(directory: string): number {
  const [name] = fs.readdirSync(directory).filter((file) => file.endsWith('.tgz'))
  return fs.statSync(join(directory, name!)).size
}

function bytesUnder(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + fs.statSync(join(entry.parentPath, entry.name)).size, 0)
}

function megabytes(bytes: number): string {
  return (bytes / MB).toFixed(1)
}
