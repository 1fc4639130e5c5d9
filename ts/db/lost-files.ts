// lost/: where files are kept that recovery will not use and may not delete.
//
//   NNNNNN.log, MANIFEST-NNNNNN    damaged, copied before they were replaced
//   damaged-NNNNNN.ldb             the same for a table, by repair
//   NNNNNN.ldb                     a whole table that no manifest names, moved by an open that cannot
//                                  tell that all of it is elsewhere
//
// What is damaged is all there is of it, and stays until somebody takes it away. Tables that no
// manifest names come from kills in the middle of a flush or a compaction, again and again, and are
// bounded: the oldest go when all of them are beyond MOST_ORPHAN_BYTES. Nothing is lost with them: what
// such a table holds is in a log or in the tables that it was made of, and an open that misses a log
// or a table of its manifest refuses, before it moves anything here.

import { join } from 'node:path'
import { ioError, isMissing } from '../format/error.ts'
import { LOST_DIRECTORY_NAME, type NumberedFile, parseFileName } from '../format/file-name.ts'
import { keepCopy, keepMoved } from '../log/lost-directory.ts'
import type { FileSystem } from '../platform/file-system.ts'

const DAMAGED_PREFIX = 'damaged-'
const MOST_ORPHAN_BYTES = 64 * 2 ** 20

/** What a name in lost/ stands for; undefined for one that is not ours. */
export function parseLostName(name: string): NumberedFile | undefined {
  const isDamaged = name.startsWith(DAMAGED_PREFIX)
  const file = parseFileName(isDamaged ? name.slice(DAMAGED_PREFIX.length) : name)
  return isDamaged && file?.kind !== 'table' ? undefined : file
}

/**
 * Copies `name` of the directory into lost/, durably, and returns the copy's path. A copy and not a
 * move: until the new manifest is in place, the next open must find the file where it was.
 * Rejects with LEVEL_IO_ERROR.
 */
export function copyToLost(
  fileSystem: FileSystem,
  directory: string,
  name: string,
): Promise<string> {
  const keptName = parseFileName(name)?.kind === 'table' ? `${DAMAGED_PREFIX}${name}` : name
  return keepCopy(fileSystem, directory, name, keptName)
}

/** Moves `name` of the directory into lost/ and returns its new path. Rejects with LEVEL_IO_ERROR. */
export function moveToLost(
  fileSystem: FileSystem,
  directory: string,
  name: string,
): Promise<string> {
  return keepMoved(fileSystem, directory, name, name)
}

/**
 * Removes tables that no manifest named from lost/, the oldest first, until the others are together
 * not beyond the bound. Resolves to what was removed. Rejects with LEVEL_IO_ERROR.
 */
export async function pruneOrphans(
  fileSystem: FileSystem,
  directory: string,
  mostBytes: number = MOST_ORPHAN_BYTES,
): Promise<string[]> {
  const lost = join(directory, LOST_DIRECTORY_NAME)
  try {
    const orphans = await orphansIn(fileSystem, lost)
    let sumBytes = orphans.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const removed: string[] = []
    for (const { path, sizeBytes } of orphans) {
      if (sumBytes <= mostBytes) break
      await fileSystem.unlink(path)
      removed.push(path)
      sumBytes -= sizeBytes
    }
    return removed
  } catch (error) {
    if (isMissing(error)) return []
    throw ioError('prune', lost, error)
  }
}

interface Orphan {
  readonly path: string
  readonly number: number
  readonly sizeBytes: number
}

/** Oldest first: numbers ascend with time. */
async function orphansIn(fileSystem: FileSystem, lost: string): Promise<Orphan[]> {
  const orphans: Orphan[] = []
  for (const name of await fileSystem.readDirectory(lost)) {
    const file = parseFileName(name)
    if (file?.kind !== 'table') continue
    const path = join(lost, name)
    orphans.push({ path, number: file.number, sizeBytes: await fileSystem.fileSize(path) })
  }
  return orphans.toSorted((a, b) => a.number - b.number)
}
