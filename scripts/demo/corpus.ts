// The files that the demonstration stores: all of the project's, node_modules included.
//
// Left out: .git and what a build leaves, which change under our hands; symbolic links, which would
// store a file twice; files above LARGEST_BYTES, of which 256 at once would not fit in memory.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

export interface CorpusFile {
  /** Relative to the root, with forward slashes: the key. */
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

const LARGEST_BYTES = 256 * 1024 * 1024
const LEFT_OUT_AT_ROOT = /^(?:\.git|\.dist-.*|dist|build|bench)$/

/** Every file of the corpus, in the order of their names. */
export function listCorpus(root: string): CorpusFile[] {
  const files: CorpusFile[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (folder !== root || !LEFT_OUT_AT_ROOT.test(entry.name)) visit(path)
      } else if (entry.isFile()) {
        const { size, mtimeMs } = statSync(path)
        const name = relative(root, path).split(sep).join('/')
        if (size <= LARGEST_BYTES) files.push({ name, sizeBytes: size, modifiedMs: mtimeMs })
      }
    }
  }
  visit(root)
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** The name; below a folder for the copy when there is one. */
export function keyOf(file: CorpusFile, copy?: number): Buffer {
  return Buffer.from(copy === undefined ? file.name : `${copy}/${file.name}`)
}

export function readCorpusFile(root: string, file: CorpusFile): Buffer {
  return readFileSync(join(root, file.name))
}

/** Whether somebody has written the file since it was listed. */
export function hasChanged(root: string, file: CorpusFile): boolean {
  const now = statSync(join(root, file.name), { throwIfNoEntry: false })
  return now === undefined || now.size !== file.sizeBytes || now.mtimeMs !== file.modifiedMs
}

export function totalBytes(files: readonly CorpusFile[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0)
}
