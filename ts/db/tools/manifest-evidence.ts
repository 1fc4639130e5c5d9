// What the manifests in a directory still prove, also where they are damaged.
//
// A number is never used twice, so a table that any edit takes out of the database for good is dead,
// whatever the records say that cannot be read. The same goes for logs below a log number. So deleted
// data is not brought back by a table that was only not removed yet. A later manifest that has the
// table all the same is right: the edit was the last of a manifest that failed, and never took effect.

import { join } from 'node:path'
import { ioError, SluiceError } from '../../format/error.ts'
import { manifestFileName } from '../../format/file-name.ts'
import { COMPARATOR_NAME } from '../../format/internal-key.ts'
import { LogReader } from '../../log/log-reader.ts'
import type { FileSystem } from '../../platform/file-system.ts'
import { decodeEdit, type VersionEdit } from '../../version/version-edit.ts'

export interface ManifestEvidence {
  /** Tables that a compaction replaced or emptied. */
  readonly deadTables: ReadonlySet<number>
  /** Logs below it are in tables; 0 where nothing is known. */
  readonly logNumber: number
  readonly lastSequence: number
}

/**
 * Reads every record that can be read. Rejects with LEVEL_IO_ERROR or LEVEL_NOT_SUPPORTED.
 * Requires: the numbers ascend.
 */
export async function gatherEvidence(
  fileSystem: FileSystem,
  directory: string,
  manifestNumbers: readonly number[],
): Promise<ManifestEvidence> {
  const deadTables = new Set<number>()
  let logNumber = 0
  let lastSequence = 0
  for (const number of manifestNumbers) {
    const path = join(directory, manifestFileName(number))
    for (const edit of readableEdits(fileSystem, await readWhole(fileSystem, path))) {
      checkComparator(edit, path)
      const added = new Set(edit.newFiles.map(({ file }) => file.number))
      for (const deleted of edit.deletedFiles) {
        // One that the same edit adds was moved to another level.
        if (!added.has(deleted.number)) deadTables.add(deleted.number)
      }
      for (const table of added) deadTables.delete(table)
      logNumber = Math.max(logNumber, edit.logNumber ?? 0)
      lastSequence = Math.max(lastSequence, edit.lastSequence ?? 0)
    }
  }
  return { deadTables, logNumber, lastSequence }
}

function* readableEdits(fileSystem: FileSystem, bytes: Buffer): Generator<VersionEdit, void> {
  const reader = new LogReader(bytes, (data, start, end) => fileSystem.crc32c(data, start, end))
  do {
    while (reader.next()) {
      try {
        yield decodeEdit(reader.bytes, reader.start, reader.end)
      } catch (error) {
        // What does not follow the grammar proves nothing; what is of a newer format may not be touched.
        if (!(error instanceof SluiceError) || error.code !== 'LEVEL_CORRUPTION') throw error
      }
    }
  } while (reader.skipDamage())
}

function checkComparator({ comparator }: VersionEdit, path: string): void {
  if (comparator === undefined || comparator === COMPARATOR_NAME) return
  const message = `The database is ordered by ${comparator}, not by ${COMPARATOR_NAME}`
  throw new SluiceError('LEVEL_NOT_SUPPORTED', message, { file: path })
}

async function readWhole(fileSystem: FileSystem, path: string): Promise<Buffer> {
  try {
    return await fileSystem.readFile(path)
  } catch (error) {
    throw ioError('read', path, error)
  }
}
