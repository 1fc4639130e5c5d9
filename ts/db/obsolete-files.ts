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
import { inLanes } from './lanes.ts'
import { moveToLost, pruneOrphans } from './lost-files.ts'
import { Findings } from './tools/verify-report.ts'
import { verifyTable } from './tools/verify-table.ts'

// Threads of the pool that removing may have at a time: a file of many blocks takes milliseconds.
const UNLINK_LANES = 2

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
  /**
   * After a recovery that took over everything: the last sequence that it replayed. A whole table that
   * nothing names and that has no entry above it holds what the logs held, or the live tables hold:
   * a kill left it in the middle of a flush. Undefined where that is not known.
   */
  readonly replayedUpTo?: number | undefined
  /** What is in the directory. */
  readonly names: Iterable<string>
}

/** Removes them, best effort: the next open tries again. Returns what was moved to lost/. */
export async function removeObsoleteFiles(context: ObsoleteContext): Promise<string[]> {
  const { fileSystem, directory, infoLog, versions, knownBelow } = context
  const live = versions.liveFileNumbers()
  const known: string[] = []
  const moved: string[] = []
  for (const name of context.names) {
    const file = parseFileName(name)
    if (file === undefined || isNeeded(file, live, versions)) continue
    if (file.number < knownBelow) {
      known.push(name)
      continue
    }
    const path = join(directory, name)
    try {
      if (await isWorthless(context, path, file)) await fileSystem.unlink(path)
      else moved.push(await moveToLost(fileSystem, directory, name))
    } catch (error) {
      infoLog.write(`cannot remove ${name}: ${String(error)}`)
    }
  }
  await inLanes(known, UNLINK_LANES, async (name) => {
    await fileSystem.unlink(join(directory, name)).catch((error: unknown) => {
      infoLog.write(`cannot remove ${name}: ${String(error)}`)
    })
  })
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
  { fileSystem, replayedUpTo }: ObsoleteContext,
  path: string,
  { kind }: NumberedFile,
): Promise<boolean> {
  if (kind !== 'table') return kind === 'log' || kind === 'temporary'
  if (!(await isWhole(fileSystem, path))) return true
  return replayedUpTo !== undefined && (await endsBy(fileSystem, path, replayedUpTo))
}

async function isWhole(fileSystem: FileSystem, path: string): Promise<boolean> {
  const file = await fileSystem.openRandomAccess(path)
  try {
    if (file.sizeBytes < FOOTER_SIZE) return false
    return hasMagic(await file.read(file.sizeBytes - FOOTER_SIZE, FOOTER_SIZE), 0)
  } finally {
    await file.close()
  }
}

// Whether all of the table can be read and no entry of it has a sequence above `lastSequence`.
async function endsBy(
  fileSystem: FileSystem,
  path: string,
  lastSequence: number,
): Promise<boolean> {
  const findings = new Findings({})
  await verifyTable(fileSystem, path, { metadata: undefined, lastSequence }, findings)
  return findings.report().ok
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
