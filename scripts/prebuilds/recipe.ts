// What the native module is made of. native/addon.gypi is the only place that says so.
//
// A .gypi is a Python literal. Ours keeps to the part of it that is JSON with whole-line comments;
// the parser throws when that ends.

import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface Recipe {
  /** Absolute paths. */
  readonly sources: readonly string[]
  readonly defines: readonly string[]
  readonly flags: readonly string[]
}

interface Gypi {
  readonly targets: readonly {
    readonly sources: readonly string[]
    readonly defines: readonly string[]
    readonly cflags_cc: readonly string[]
  }[]
}

/** `native`: the folder of addon.gypi. */
export function readRecipe(native: string): Recipe {
  const text = readFileSync(join(native, 'addon.gypi'), 'utf8')
  const { targets } = JSON.parse(text.replace(/^\s*#.*$/gm, '')) as Gypi
  const [target] = targets
  if (targets.length !== 1 || target === undefined) throw new Error('addon.gypi has not one target')
  return {
    sources: target.sources.map((source) => join(native, source)),
    defines: target.defines,
    flags: target.cflags_cc,
  }
}

/** When the newest file that goes into the module was written, in milliseconds. */
export function newestSource(native: string): number {
  const times = readdirSync(native, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:cc|h|gypi)$/.test(path) && !path.includes('test'))
    .map((path) => statSync(join(native, path)).mtimeMs)
  return Math.max(...times)
}
