// What installing costs, beside the stores that it is compared with: the bytes that are downloaded,
// the bytes on the disk with all dependencies, and the time that npm takes, with its cache warm.

import fs from 'node:fs'
import { join } from 'node:path'
import { installWithNpm, makeApp, npm, packPackage, ROOT } from './package-files.ts'

const ROUNDS = 5
const MB = 1_000_000

interface Measured {
  readonly name: string
  readonly tarball: string
  readonly timesMs: number[]
}

/** Prints a row of README.md's table for each package. `directory`: empty, for the installs. */
export async function printSizes(directory: string): Promise<void> {
  const packages: Measured[] = [
    { name: 'sluicedb', tarball: await packPackage(directory), timesMs: [] },
    { name: 'classic-level', tarball: await packPinned('classic-level', directory), timesMs: [] },
    { name: 'lmdb', tarball: await packPinned('lmdb', directory), timesMs: [] },
  ]
  // The first round fills npm's cache.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { name, tarball, timesMs } of packages) {
      const app = join(directory, name)
      fs.rmSync(app, { recursive: true, force: true })
      makeApp(app)
      const startMs = performance.now()
      await installWithNpm(app, tarball, undefined, ['--ignore-scripts'])
      if (round > 0) timesMs.push(performance.now() - startMs)
    }
  }
  console.log('| | packed | on disk | packages | install |')
  for (const measured of packages) console.log(await tableRow(measured, directory))
}

async function tableRow(measured: Measured, directory: string): Promise<string> {
  const { name, timesMs } = measured
  const app = join(directory, name)
  const installed = installedPackages(app)
  const median = timesMs.toSorted((a, b) => a - b)[ROUNDS >> 1]!
  return [
    `| ${name}`,
    `${megabytes(await packedBytes(installed, measured, directory))} MB`,
    `${megabytes(bytesUnder(join(app, 'node_modules')))} MB`,
    String(installed.length),
    `${(median / 1000).toFixed(1)} s |`,
  ].join(' | ')
}

/** The tarball of the version that the benchmarks compare with: all are installed from a file. */
async function packPinned(name: string, directory: string): Promise<string> {
  const path = join(ROOT, 'node_modules', name, 'package.json')
  const { version } = JSON.parse(fs.readFileSync(path, 'utf8')) as { version: string }
  const args = ['pack', '--json', `--pack-destination=${directory}`, `${name}@${version}`]
  const [packed] = JSON.parse(await npm(args, directory)) as { filename: string }[]
  return join(directory, packed!.filename)
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

/** Of all tarballs together; that of the package itself is a file. */
async function packedBytes(
  installed: readonly Installed[],
  { name: own, tarball }: Measured,
  directory: string,
): Promise<number> {
  const specifiers = installed
    .filter(({ name }) => name !== own)
    .map(({ name, version }) => `${name}@${version}`)
  const args = ['pack', '--dry-run', '--json', '--prefer-offline', '--loglevel=error']
  const packed = JSON.parse(await npm([...args, ...specifiers], directory)) as { size: number }[]
  return packed.reduce((sum, { size }) => sum + size, fs.statSync(tarball).size)
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
