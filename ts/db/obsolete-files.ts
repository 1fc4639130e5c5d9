// Removes the files of a directory that no live version, nor the manifest and log in use, need.
//
// Requires: CURRENT names the manifest in use, and the directory was synced since; before that, an
// older manifest may still be the one that the next open reads.

import { join } from 'node:path'
import { type NumberedFile, parseFileName } from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { InfoLog } from '../platform/info-log.ts'
import { FOOTER_SIZE, hasMagic } from '../table/format.ts'
import type { VersionSet } from '../version/version-set.ts'
import { moveToLost, pruneOrphans } from './lost-files.ts'

export interface ObsoleteContext {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly infoLog: InfoLog
  readonly versions: VersionSet
  /**
   * Numbers from here on were not known to the manifest that the database was opened with: an
   * unknown manifest or whole table among them is moved to lost/, since that manifest may have been cut.
   */
  readonly knownBelow: number
  /** What is in the directory. */
  readonly names: Iterable<string>
}

/** Removes them, best effort: the next open tries again. Returns what was moved to lost/. */
export async function removeObsoleteFiles(context: ObsoleteContext): Promise<string[]> {
  const { fileSystem, directory, infoLog, versions, knownBelow } = context
  const live = versions.liveFileNumbers()
  const moved: string[] = []
  for (const name of context.names) {
    const file = parseFileName(name)
    if (file === undefined || isNeeded(file, live, versions)) continue
    const path = join(directory, name)
    try {
      if (file.number < knownBelow || (await isWorthless(fileSystem, path, file))) {
        await fileSystem.unlink(path)
      } else {
        moved.push(await moveToLost(fileSystem, directory, name))
      }
    } catch (error) {
      infoLog.write(`cannot remove ${name}: ${String(error)}`)
    }
  }
  if (moved.length > 0) await prune(context)
  return moved
}

async function prune({ fileSystem, directory, infoLog }: ObsoleteContext): Promise<void> {
  try {
    for (const path of await pruneOrphans(fileSystem, directory)) {
      infoLog.write(`removed ${path}: lost/ held too many tables that no manifest named`)
    }
  } catch (error) {
    infoLog.write(`cannot prune lost/: ${String(error)}`)
  }
}

// A log was replayed, or copied to lost/. A temporary file never became anything, and neither did a
// table without its end, which every kill in the middle of a flush leaves: no manifest names one.
async function isWorthless(
  fileSystem: FileSystem,
  path: string,
  { kind }: NumberedFile,
): Promise<boolean> {
  if (kind !== 'table') return kind === 'log' || kind === 'temporary'
  const file = await fileSystem.openRandomAccess(path)
  try {
    if (file.sizeBytes < FOOTER_SIZE) return true
    return !hasMagic(await file.read(file.sizeBytes - FOOTER_SIZE, FOOTER_SIZE), 0)
  } finally {
    await file.close()
  }
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
