// Reads CURRENT and the manifest that it names, into the state a database starts from.
//
// What may be missing at the end of a manifest is one record: each is synced before the next is
// written. So an incomplete or damaged end is a crash and is left out, while damage with whole
// records behind it is none, and refused. Whether a cut record mattered is for recovery to see: the
// log or a table that the manifest then names is gone.

import { join } from 'node:path'
import { corruption, ioError, isMissing, SluiceError } from '../format/error.ts'
import { CURRENT_NAME, parseFileName } from '../format/file-name.ts'
import { COMPARATOR_NAME } from '../format/internal-key.ts'
import { type LogDamage, LogReader } from '../log/log-reader.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { Version } from './version.ts'
import { decodeEdit, type VersionEdit } from './version-edit.ts'

/** What a manifest says. Numbers are those of its last edit that has them. */
export interface ManifestState {
  readonly version: Version
  readonly manifestNumber: number
  readonly logNumber: number
  readonly previousLogNumber: number
  readonly nextFileNumber: number
  readonly lastSequence: number
  /** By level, the internal key behind which the next compaction goes on. */
  readonly compactPointers: ReadonlyMap<number, Buffer>
  /** An end that a crash cut off. */
  readonly damage: LogDamage | undefined
}

/**
 * The number of the manifest that CURRENT names, or undefined when there is no CURRENT.
 * Throws LEVEL_CORRUPTION for a CURRENT that is not one name of a manifest and a newline.
 */
export async function readCurrent(
  fileSystem: FileSystem,
  directory: string,
): Promise<number | undefined> {
  const path = join(directory, CURRENT_NAME)
  let text: string
  try {
    text = (await fileSystem.readFile(path)).toString('latin1')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw ioError('read', path, error)
  }
  // The name is parsed, not joined to a path: one with a separator in it leads nowhere.
  const file = text.endsWith('\n') ? parseFileName(text.slice(0, -1)) : undefined
  if (file === undefined || file.kind !== 'manifest') {
    throw corruption('CURRENT does not name a manifest', path)
  }
  return file.number
}

/** Reads the manifest `path`. Throws LEVEL_CORRUPTION, LEVEL_IO_ERROR or LEVEL_NOT_SUPPORTED. */
export async function readManifest(
  fileSystem: FileSystem,
  path: string,
  manifestNumber: number,
): Promise<ManifestState> {
  const reader = new LogReader(
    await readWhole(fileSystem, path),
    fileSystem.crc32c.bind(fileSystem),
  )
  const edits: VersionEdit[] = []
  while (reader.next()) edits.push(decode(reader, path))
  if (reader.damage !== undefined && reader.hasFragmentsAfterDamage()) {
    throw corruption(`manifest: ${reader.damage.reason}`, path, reader.damage.offset)
  }
  return { ...stateAfter(edits, path), manifestNumber, damage: reader.damage }
}

async function readWhole(fileSystem: FileSystem, path: string): Promise<Buffer> {
  try {
    return await fileSystem.readFile(path)
  } catch (error) {
    if (isMissing(error)) throw corruption('CURRENT names a manifest that is not there', path)
    throw ioError('read', path, error)
  }
}

function decode(reader: LogReader, path: string): VersionEdit {
  try {
    return decodeEdit(reader.bytes, reader.start, reader.end)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    throw new SluiceError(error.code, `${error.message} in ${path}`, {
      file: path,
      offset: reader.recordOffset,
    })
  }
}

function stateAfter(
  edits: readonly VersionEdit[],
  path: string,
): Omit<ManifestState, 'manifestNumber' | 'damage'> {
  const last: VersionEdit = { compactPointers: [], deletedFiles: [], newFiles: [] }
  const compactPointers = new Map<number, Buffer>()
  for (const edit of edits) {
    checkComparator(edit, path)
    Object.assign(last, numbersOf(edit))
    for (const { level, key } of edit.compactPointers) compactPointers.set(level, key)
  }
  const { logNumber, previousLogNumber = 0, nextFileNumber, lastSequence } = last
  if (logNumber === undefined) throw corruption('manifest has no log number', path)
  if (nextFileNumber === undefined) throw corruption('manifest has no next file number', path)
  if (lastSequence === undefined) throw corruption('manifest has no last sequence', path)
  const version = applyAll(edits, path)
  checkNumbers(version, { logNumber, previousLogNumber, nextFileNumber }, path)
  return { version, logNumber, previousLogNumber, nextFileNumber, lastSequence, compactPointers }
}

function numbersOf(edit: VersionEdit): Partial<VersionEdit> {
  const { logNumber, previousLogNumber, nextFileNumber, lastSequence } = edit
  return {
    ...(logNumber === undefined ? {} : { logNumber }),
    ...(previousLogNumber === undefined ? {} : { previousLogNumber }),
    ...(nextFileNumber === undefined ? {} : { nextFileNumber }),
    ...(lastSequence === undefined ? {} : { lastSequence }),
  }
}

function checkComparator(edit: VersionEdit, path: string): void {
  if (edit.comparator === undefined || edit.comparator === COMPARATOR_NAME) return
  throw new SluiceError(
    'LEVEL_NOT_SUPPORTED',
    `The database is ordered by ${edit.comparator}, not by ${COMPARATOR_NAME}`,
    { file: path },
  )
}

function applyAll(edits: readonly VersionEdit[], path: string): Version {
  try {
    return Version.empty().apply(edits)
  } catch (error) {
    if (error instanceof SluiceError) throw corruption(error.message, path)
    throw error
  }
}

// A number that was used is below the next one; otherwise the next file would overwrite it.
function checkNumbers(
  version: Version,
  numbers: { logNumber: number; previousLogNumber: number; nextFileNumber: number },
  path: string,
): void {
  const { logNumber, previousLogNumber, nextFileNumber } = numbers
  if (nextFileNumber > Number.MAX_SAFE_INTEGER - 2 ** 32) {
    throw corruption(`manifest: next file number ${nextFileNumber}`, path)
  }
  for (const number of [logNumber, previousLogNumber]) {
    if (number >= nextFileNumber) {
      throw corruption(`manifest: log number ${number} is not below ${nextFileNumber}`, path)
    }
  }
  for (const { number } of version.levels.flat()) {
    if (number >= nextFileNumber) {
      throw corruption(`manifest: file number ${number} is not below ${nextFileNumber}`, path)
    }
  }
}
