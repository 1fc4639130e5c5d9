// The tables of a database that is only read, kept although its writer may remove them.
//
// A writer unlinks a table once a compaction has replaced it; a file that is open stays readable. So
// the tables of the version are opened, and only opened, when the database is: as many as may be open
// at a time. Those beyond that number are opened when they are read, and where one is gone by then the
// error says so. Copies or links of them were rejected: a read-only database writes nothing.

import { join } from 'node:path'
import { corruption, isMissing, SluiceError } from '../format/error.ts'
import { tableFileName } from '../format/file-name.ts'
import type { FileSystem, RandomAccessFile } from '../platform/file-system.ts'
import { openTableFile, type TableFiles } from '../table/table-file.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { Version } from '../version/version.ts'
import { findTable } from './directory-files.ts'
import { inLanes } from './lanes.ts'

/** Tables that are opened at a time: a pool of four threads is kept busy. */
const LANES = 8

export class ReadOnlyFiles implements TableFiles {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #mostHeld: number
  /** By number and by path, of the same files. */
  readonly #held = new Map<number, RandomAccessFile>()
  readonly #byPath = new Map<string, RandomAccessFile>()

  constructor(fileSystem: FileSystem, directory: string, mostHeld: number) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#mostHeld = mostHeld
  }

  /**
   * Holds the tables of the version, as many as may be, and looks whether the others are there. Those
   * of an earlier call are kept where the version has them too: a table never changes, so a call
   * that failed has not been for nothing.
   * Rejects with LEVEL_CORRUPTION for one that is missing or has another size than the manifest gives
   * it, or with LEVEL_IO_ERROR.
   */
  async hold(version: Version): Promise<void> {
    const files = version.levels.flat()
    const toHold = files.slice(0, this.#mostHeld)
    await this.#letGo(new Set(toHold.map(({ number }) => number)))
    const isToBeHeld = new Set(toHold)
    await inLanes(files, LANES, async (file) => {
      if (this.#held.has(file.number)) return
      if (isToBeHeld.has(file)) await this.#add(file)
      else await this.#look(file)
    })
  }

  async openRandomAccess(path: string): Promise<RandomAccessFile> {
    const held = this.#byPath.get(path)
    if (held !== undefined) return new LentFile(held)
    try {
      return await this.#fileSystem.openRandomAccess(path)
    } catch (error) {
      throw this.#explained(path, error)
    }
  }

  openRandomAccessSync(path: string): RandomAccessFile {
    const held = this.#byPath.get(path)
    if (held !== undefined) return new LentFile(held)
    try {
      return this.#fileSystem.openRandomAccessSync(path)
    } catch (error) {
      throw this.#explained(path, error)
    }
  }

  /** Never rejects: of files that were only read, a failed close says nothing. */
  close(): Promise<void> {
    return this.#letGo(new Set())
  }

  async #letGo(unless: ReadonlySet<number>): Promise<void> {
    const closing: RandomAccessFile[] = []
    for (const [number, file] of this.#held) {
      if (unless.has(number)) continue
      this.#held.delete(number)
      this.#byPath.delete(file.path)
      closing.push(file)
    }
    await Promise.allSettled(closing.map((file) => file.close()))
  }

  async #add({ number, sizeBytes }: FileMetadata): Promise<void> {
    const file = await this.#open(number)
    try {
      checkSize(file, sizeBytes)
    } catch (error) {
      await Promise.allSettled([file.close()])
      throw error
    }
    this.#held.set(number, file)
    this.#byPath.set(file.path, file)
  }

  async #open(number: number): Promise<RandomAccessFile> {
    try {
      return await openTableFile(this.#fileSystem, this.#directory, number)
    } catch (error) {
      const isGone = error instanceof SluiceError && isMissing(error.cause)
      throw isGone ? missing(join(this.#directory, tableFileName(number))) : error
    }
  }

  async #look({ number, sizeBytes }: FileMetadata): Promise<void> {
    const found = await findTable(this.#fileSystem, this.#directory, number)
    if (found === undefined) throw missing(join(this.#directory, tableFileName(number)))
    checkSize(found, sizeBytes)
  }

  #explained(path: string, error: unknown): unknown {
    // The older name is the one that the cache tries last.
    if (!isMissing(error) || !path.endsWith('.sst')) return error
    return new SluiceError(
      'LEVEL_IO_ERROR',
      `A table was removed by the database's writer since this read-only open (${path}, or .ldb): ` +
        'open it again, or with a maxOpenFiles above its number of tables',
      { file: path, cause: error },
    )
  }
}

/** A held file in the hands of the table cache, which may close it: it stays open. */
class LentFile implements RandomAccessFile {
  readonly #file: RandomAccessFile

  constructor(file: RandomAccessFile) {
    this.#file = file
  }

  get path(): string {
    return this.#file.path
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#file.read(position, length)
  }

  readSync(position: number, length: number): Buffer {
    return this.#file.readSync(position, length)
  }

  readIntoSync(position: number, length: number, target: Buffer): void {
    this.#file.readIntoSync(position, length, target)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  closeSync(): void {
    // Closed with all the others, when the database is.
  }
}

function checkSize({ path, sizeBytes }: { path: string; sizeBytes: number }, wanted: number): void {
  if (sizeBytes === wanted) return
  throw corruption(`a table has ${sizeBytes} bytes and not ${wanted}`, path)
}

function missing(path: string): SluiceError {
  return corruption('a table of the manifest is missing', path)
}
