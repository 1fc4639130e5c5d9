// Other versions of Node, from npm, where a package per platform holds its program.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../prebuilds/zig.ts'
import { npm } from './package-files.ts'

/** The path of Node `version` ('22' or '20.19.0') for this platform, or for the one that is named. */
export async function installNode(
  version: string,
  platform = `${process.platform}-${process.arch}`,
): Promise<string> {
  const name = `node-${platform.replace('win32', 'win')}`
  const folder = join(cacheFolder(), 'nodes', `${platform}-${version}`)
  const program = platform.startsWith('win32') ? 'node.exe' : 'node'
  const node = join(folder, 'node_modules', name, 'bin', program)
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true })
    const flags = ['--no-save', '--force', '--ignore-scripts', '--no-audit', '--no-fund']
    await npm(['install', `--prefix=${folder}`, ...flags, `${name}@${version}`], folder)
  }
  if (!existsSync(node)) throw new Error(`${name}@${version} holds no ${program}`)
  return node
}

/** What a Node calls itself. */
export function versionOf(node: string): string {
  return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
}
