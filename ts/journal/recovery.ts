// What opening a log does before the first append.
//
//   for every file, oldest first: read it to its end, or to its first damage
//     its number is not the position that comes next:  records are missing; it and all later ones go
//     damaged, or torn:                                what it holds up to there stays; later ones go
//   what goes is kept in lost/: a file that stays in part as a copy, others as they are
//   the last file that stays is made anew from its records, synced, unless nothing is in it
//
// Why anew: what the last file holds may be in memory only. A sync of it would not tell: where one
// failed before, the next says that all is well. After a clean close the last file is empty.
//
// Why the directory can be opened again after a crash anywhere in here: a file is kept before it goes,
// later ones go before the one with the damage is made anew, and a rename puts that in place.

import { join } from 'node:path'
import { corruption, ioError } from '../format/error.ts'
import { LOST_DIRECTORY_NAME, logFileName, temporaryFileName } from '../format/file-name.ts'
import { RecordList } from '../format/record-list.ts'
import type { LogDamage } from '../log/log-reader.ts'
import { type DroppedPart, keepCopy, keepMoved } from '../log/lost-directory.ts'
import { PagedLogReader } from '../log/paged-log-reader.ts'
import type { FileSystem, RandomAccessFile } from '../platform/file-system.ts'
import type { LogFile } from '../platform/log-file.ts'
import { FIRST_POSITION, pathOfLog } from './log-directory.ts'

const COPY_BYTES = 2 ** 20

export interface RecoveredLog {
  /** Ascending; where the last one is empty, it is begun again. */
  readonly files: readonly number[]
  readonly nextPosition: number
  /** What was read: files, and the records and bytes in them. */
  readonly filesRead: number
  readonly records: number
  readonly bytes: number
  readonly dropped: readonly DroppedPart[]
}

/** What reading a file found. */
interface Contents {
  readonly records: number
  readonly sizeBytes: number
  readonly damage: LogDamage | undefined
}

export class LogRecovery {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #dropped: DroppedPart[] = []
  #filesRead = 0
  #records = 0
  #bytes = 0

  constructor(fileSystem: FileSystem, directory: string) {
    this.#fileSystem = fileSystem
    this.#directory = directory
  }

  /**
   * Recovers the log whose files are `numbers`. Rejects with LEVEL_IO_ERROR.
   * Requires: the lock; `numbers` ascend.
   */
  async run(numbers: readonly number[], verifyAll: boolean): Promise<RecoveredLog> {
    const files: number[] = []
    let position = numbers[0] ?? FIRST_POSITION
    for (const [index, number] of numbers.entries()) {
      const later = numbers.slice(index + 1)
      if (number !== position) {
        const isHole = number > position
        const missing = `records ${position} to ${number - 1} are missing before it`
        await this.#dropFrom(number, isHole ? missing : 'its records are in the files before it')
        await this.#dropAll(later)
        break
      }
      files.push(number)
      const isLast = later.length === 0
      if (!isLast && !verifyAll) {
        position = later[0]!
        continue
      }
      const contents = await this.#read(number)
      position = number + contents.records
      if (contents.damage !== undefined) await this.#dropRest(number, contents.damage, later)
      if (contents.damage !== undefined || (isLast && contents.sizeBytes > 0)) {
        const { sizeBytes, records } = contents
        await rewriteLog(this.#fileSystem, this.#directory, number, sizeBytes, records)
      }
      if (contents.damage !== undefined) break
    }
    return {
      files,
      nextPosition: position,
      filesRead: this.#filesRead,
      records: this.#records,
      bytes: this.#bytes,
      dropped: this.#dropped,
    }
  }

  async #read(number: number): Promise<Contents> {
    return reading(this.#fileSystem, this.#directory, number, async (file) => {
      const reader = pagedReader(this.#fileSystem, file, file.sizeBytes)
      let records = 0
      while (reader.next() || (await reader.advance())) records++
      const { damage } = reader
      this.#filesRead++
      this.#records += records
      this.#bytes += damage?.offset ?? file.sizeBytes
      return { records, sizeBytes: file.sizeBytes, damage }
    })
  }

  // The file keeps what it holds up to the damage.
  async #dropRest(number: number, damage: LogDamage, later: readonly number[]): Promise<void> {
    const { offset, droppedBytes, reason } = damage
    const name = logFileName(number)
    const keptName = await this.#freeName(name)
    const keptAs = await keepCopy(this.#fileSystem, this.#directory, name, keptName)
    const file = pathOfLog(this.#directory, number)
    this.#dropped.push({ file, offset, droppedBytes, reason, keptAs })
    await this.#dropAll(later)
  }

  async #dropAll(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) await this.#dropFrom(number, 'follows a file with damage')
    await this.#syncDirectory()
  }

  async #dropFrom(number: number, reason: string): Promise<void> {
    const name = logFileName(number)
    const file = pathOfLog(this.#directory, number)
    const droppedBytes = await this.#fileSystem.fileSize(file).catch((error: unknown) => {
      throw ioError('read', file, error)
    })
    const keptName = await this.#freeName(name)
    const keptAs = await keepMoved(this.#fileSystem, this.#directory, name, keptName)
    this.#dropped.push({ file, offset: 0, droppedBytes, reason, keptAs })
  }

  // A position, and so a name, is used again after records of it were dropped.
  async #freeName(name: string): Promise<string> {
    const lost = join(this.#directory, LOST_DIRECTORY_NAME)
    try {
      await this.#fileSystem.createDirectory(lost)
      const taken = new Set(await this.#fileSystem.readDirectory(lost))
      for (let copy = 1; ; copy++) {
        const free = copy === 1 ? name : `${name}.${copy}`
        if (!taken.has(free)) return free
      }
    } catch (error) {
      throw ioError('list', lost, error)
    }
  }

  async #syncDirectory(): Promise<void> {
    try {
      await this.#fileSystem.syncDirectory(this.#directory)
    } catch (error) {
      throw ioError('sync', this.#directory, error)
    }
  }
}

/**
 * Makes file `number` anew of the records in its first `sizeBytes`, up to the first damage, durably.
 * Rejects with LEVEL_IO_ERROR, or with LEVEL_CORRUPTION where it does not hold the
 * `expectedRecords`; the file is then as it was, or new.
 */
export async function rewriteLog(
  fileSystem: FileSystem,
  directory: string,
  number: number,
  sizeBytes: number,
  expectedRecords: number,
): Promise<void> {
  const path = pathOfLog(directory, number)
  const temporary = join(directory, temporaryFileName(number))
  await reading(fileSystem, directory, number, async (file) => {
    const reader = pagedReader(fileSystem, file, Math.min(sizeBytes, file.sizeBytes))
    const target = await fileSystem.createLog(temporary)
    let records: number
    try {
      records = await copyRecords(reader, target)
    } finally {
      await target.close()
    }
    if (records !== expectedRecords) {
      throw corruption(`record ${number + records} cannot be read`, path, reader.nextOffset)
    }
  })
  // Behind the reading: Windows does not replace a file that is open.
  try {
    await fileSystem.rename(temporary, path)
    await fileSystem.syncDirectory(directory)
  } catch (error) {
    throw ioError('recover', path, error)
  }
}

async function copyRecords(reader: PagedLogReader, target: LogFile): Promise<number> {
  const list = new RecordList()
  let records = 0
  while (reader.next() || (await reader.advance())) {
    const { bytes, start, end } = reader.current
    list.append(bytes.subarray(start, end))
    records++
    if (list.end < COPY_BYTES) continue
    await target.appendRecords(list.bytes, 0, list.end, false)
    list.clear()
  }
  await target.appendRecords(list.bytes, 0, list.end, true)
  return records
}

function pagedReader(
  fileSystem: FileSystem,
  file: RandomAccessFile,
  sizeBytes: number,
): PagedLogReader {
  return new PagedLogReader(file, sizeBytes, (bytes, start, end) =>
    fileSystem.crc32c(bytes, start, end),
  )
}

async function reading<T>(
  fileSystem: FileSystem,
  directory: string,
  number: number,
  read: (file: RandomAccessFile) => Promise<T>,
): Promise<T> {
  const path = pathOfLog(directory, number)
  try {
    const file = await fileSystem.openRandomAccess(path)
    try {
      return await read(file)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw ioError('recover', path, error)
  }
}
