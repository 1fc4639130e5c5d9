// One sorted run of a compaction's inputs: its files, one behind the other.

import { join } from 'node:path'
import { corruption, ioError, isMissing } from '../format/error.ts'
import { oldTableFileName, tableFileName } from '../format/file-name.ts'
import { TAG_SIZE } from '../format/internal-key.ts'
import type { FileSystem, RandomAccessFile } from '../platform/file-system.ts'
import type { BlockCursor } from '../table/block.ts'
import { Table } from '../table/table.ts'
import type { TableCursor } from '../table/table-cursor.ts'
import type { FileMetadata } from '../version/file-metadata.ts'

export class MergeRun {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #files: readonly FileMetadata[]
  #nextFile = 0
  #table: Table | undefined
  #cursor: TableCursor | undefined
  readBytes = 0

  constructor(fileSystem: FileSystem, directory: string, files: readonly FileMetadata[]) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#files = files
  }

  /** The entry. Requires: the last move found one. */
  get entry(): BlockCursor {
    return this.#cursor!.entry
  }

  /** Of the file of the entry. */
  get path(): string {
    return this.#table!.file.path
  }

  /** Where the block of the entry is stored in its file. */
  get blockOffset(): number {
    return 0
  }

  /** Goes to the first or next entry; false behind the last one. */
  next(): boolean {
    let isFound = this.#cursor !== undefined && this.#cursor.next()
    while (!isFound) {
      if (!this.#openNext()) return false
      isFound = this.#cursor!.seekToFirst()
    }
    if (this.entry.keyLength < TAG_SIZE) {
      throw corruption('internal key too short', this.path, this.blockOffset)
    }
    return true
  }

  close(): void {
    this.#table?.closeSync()
    this.#table = undefined
    this.#cursor = undefined
  }

  #openNext(): boolean {
    this.close()
    if (this.#nextFile === this.#files.length) return false
    const { number, sizeBytes } = this.#files[this.#nextFile++]!
    const file = this.#openFile(number)
    try {
      this.#table = Table.openSync(file, number, {
        crc32c: (bytes, start, end) => this.#fileSystem.crc32c(bytes, start, end),
      })
    } catch (error) {
      file.closeSync()
      throw error
    }
    this.#cursor = this.#table.entries()
    this.readBytes += sizeBytes
    return true
  }

  #openFile(number: number): RandomAccessFile {
    const path = join(this.#directory, tableFileName(number))
    try {
      return this.#fileSystem.openRandomAccessSync(path)
    } catch (error) {
      if (!isMissing(error)) throw ioError('open', path, error)
      try {
        return this.#fileSystem.openRandomAccessSync(
          join(this.#directory, oldTableFileName(number)),
        )
      } catch {
        throw ioError('open', path, error)
      }
    }
  }
}
