// The project's own files, as the tests of the house see them.

import fs from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** From dist/test/house. */
export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url))

const FOLDERS = ['ts', 'test', 'scripts', 'native']
/** Left by builds of the native module. */
const BUILT = /^native\/build\//
/** Import and export declarations with a source, bare imports, import(). */
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g
const COMMENT = /\/\*[\s\S]*?\*\/|(^|\s)\/\/[^\n]*/g

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Every text file below the source folders. */
export function sourceFiles(): SourceFile[] {
  return FOLDERS.flatMap((folder) => filesUnder(folder))
    .filter((path) => !BUILT.test(path))
    .map((path) => ({ path, text: fs.readFileSync(join(ROOT, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
}

function filesUnder(folder: string): string[] {
  const entries = fs.readdirSync(join(ROOT, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    const path = posix.join(folder, entry.name)
    return entry.isDirectory() ? filesUnder(path) : [path]
  })
}

/** What a TypeScript file imports: packages by name, our files by their path from the root. */
export function importsOf({ path, text }: SourceFile): string[] {
  const code = text.replace(COMMENT, '$1')
  return [...code.matchAll(IMPORT)].map((match) => {
    const source = match[1] ?? match[2]!
    return source.startsWith('.') ? posix.join(dirname(path), source) : source
  })
}
