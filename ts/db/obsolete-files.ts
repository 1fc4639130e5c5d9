// Removes the files of a directory that the current version, manifest and log have no use for.
//
// Requires: CURRENT names the manifest in use, and the directory was synced since; before that, an
// older manifest may still be the one that the next open reads.

import { join } from 'node:path'
import { type NumberedFile, parseFileName } from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { InfoLog } from '../platform/info-log.ts'
import type { VersionSet } from '../version/version-set.ts'
import { moveToLost } from './lost-files.ts'

export interface ObsoleteContext {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly infoLog: InfoLog
  readonly versions: VersionSet
  /**
   * Numbers from here on were not known to the manifest that the database was opened with: an
   * unknown table or manifest among them is moved to lost/, since that manifest may have been cut.
   */
  readonly knownBelow: number
  /** What is in the directory. */
  readonly names: readonly string[]
}

/** Removes them, best effort: the next open tries again. Returns what was moved to lost/. */
export async function removeObsoleteFiles(context: ObsoleteContext): Promise<string[]> {
  const { fileSystem, directory, infoLog, versions, knownBelow } = context
  const live = new Set(versions.current.levels.flat().map(({ number }) => number))
  const moved: string[] = []
  for (const name of context.names) {
    const file = parseFileName(name)
    if (file === undefined || isNeeded(file, live, versions)) continue
    // A log was replayed, or copied to lost/; a temporary file never became anything.
    const { kind, number } = file
    const mayUnlink = kind === 'log' || kind === 'temporary' || number < knownBelow
    try {
      if (mayUnlink) await fileSystem.unlink(join(directory, name))
      else moved.push(await moveToLost(fileSystem, directory, name))
    } catch (error) {
      infoLog.write(`cannot remove ${name}: ${String(error)}`)
    }
  }
  return moved
}

function isNeeded(file: NumberedFile, live: ReadonlySet<number>, versions: VersionSet): boolean {
  switch (file.kind) {
    case 'table':
      return live.has(file.number)
    case 'manifest':
      return file.number === versions.manifestNumber
    case 'log':
      return file.number >= versions.logNumber || file.number === versions.previousLogNumber
    case 'temporary':
      return false
  }
}
