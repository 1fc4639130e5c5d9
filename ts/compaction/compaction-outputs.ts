// The tables that a compaction writes: begun with the first entry of each, cut, synced, and removed
// when the job fails.
//
// An output ends, always in front of a new user key,
//   at size      when it has reached maxFileSizeBytes
//   at overlap   when the grandparents that it has passed add up to more than grandparentLimitBytes:
//                compacting it later would mean merging with all of them

import { join } from 'node:path'
import { ioError } from '../format/error.ts'
import { tableFileName } from '../format/file-name.ts'
import { compareInternal, TAG_SIZE } from '../format/internal-key.ts'
import type { FileSystem, WritableFile } from '../platform/file-system.ts'
import { TableBuilder } from '../table/table-builder.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { CompactionJob } from './compaction-job.ts'
import type { MergeRun } from './merge-run.ts'

export class CompactionOutputs {
  readonly #job: CompactionJob
  readonly #fileSystem: FileSystem
  readonly #files: FileMetadata[] = []
  #file: WritableFile | undefined
  #builder: TableBuilder | undefined
  #smallest: Buffer = Buffer.alloc(0)
  /** Outputs begun. */
  #count = 0
  #grandparent = 0
  #overlapBytes = 0
  #hasSeenKey = false

  constructor(job: CompactionJob, fileSystem: FileSystem) {
    this.#job = job
    this.#fileSystem = fileSystem
  }

  /** Those that are finished, in key order. */
  get files(): readonly FileMetadata[] {
    return this.#files
  }

  get writtenBytes(): number {
    return this.#files.reduce((sum, file) => sum + file.sizeBytes, 0)
  }

  /** Ends the output in front of the entry that the run is at, where it is due. */
  beforeUserKey(run: MergeRun): void {
    const isOverlapping = this.#passGrandparents(run.key.buffer, run.userEnd + TAG_SIZE)
    const builder = this.#builder
    if (builder === undefined || this.#count >= this.#job.outputNumbers.length) return
    if (isOverlapping || builder.sizeBytes >= this.#job.maxFileSizeBytes) this.#finishOutput()
  }

  /** Adds the entry that the run is at. Requires: its user key shares `shared` bytes with the last. */
  add(run: MergeRun, shared: number): void {
    const { key, value, valueStart, valueEnd } = run
    const keyLength = run.userEnd + TAG_SIZE
    const builder = this.#builder
    if (builder === undefined) {
      this.#begin(key.buffer, keyLength).addAfter(0, key, 0, keyLength, value, valueStart, valueEnd)
    } else {
      builder.addAfter(shared, key, 0, keyLength, value, valueStart, valueEnd)
    }
  }

  /** Ends the last output and makes the directory entries durable. */
  finish(): void {
    this.#finishOutput()
    if (this.#count === 0) return
    try {
      this.#fileSystem.syncDirectorySync(this.#job.directory)
    } catch (error) {
      throw ioError('sync', this.#job.directory, error)
    }
  }

  /** Removes every output, after a failure. */
  remove(): void {
    this.#closeQuietly()
    for (const number of this.#job.outputNumbers.slice(0, this.#count)) {
      try {
        this.#fileSystem.unlinkSync(this.#pathOf(number))
      } catch {
        // Ignored: the error that stopped the job is what counts, and a table that no manifest names
        // is removed at the next open.
      }
    }
  }

  #passGrandparents(key: Buffer, keyLength: number): boolean {
    const { grandparents, grandparentLimitBytes } = this.#job
    while (this.#grandparent < grandparents.length) {
      const { largest, sizeBytes } = grandparents[this.#grandparent]!
      if (compareInternal(key, 0, keyLength, largest, 0, largest.length) <= 0) break
      if (this.#hasSeenKey) this.#overlapBytes += sizeBytes
      this.#grandparent++
    }
    this.#hasSeenKey = true
    if (this.#overlapBytes <= grandparentLimitBytes) return false
    this.#overlapBytes = 0
    return true
  }

  #begin(key: Buffer, keyLength: number): TableBuilder {
    const number = this.#job.outputNumbers[this.#count]
    if (number === undefined) throw new Error('no file number was reserved for an output')
    const path = this.#pathOf(number)
    this.#count++
    try {
      this.#file = this.#fileSystem.createWritableSync(path)
    } catch (error) {
      throw ioError('create', path, error)
    }
    this.#smallest = Buffer.from(key.subarray(0, keyLength))
    this.#builder = new TableBuilder(this.#file, this.#job.table, (bytes, start, end) =>
      this.#fileSystem.crc32c(bytes, start, end),
    )
    return this.#builder
  }

  #finishOutput(): void {
    const builder = this.#builder
    const file = this.#file
    if (builder === undefined || file === undefined) return
    const largest = builder.lastKey()
    builder.finish()
    this.#sync(file)
    this.#builder = undefined
    this.#closeQuietly()
    this.#files.push({
      number: this.#job.outputNumbers[this.#count - 1]!,
      sizeBytes: builder.sizeBytes,
      smallest: this.#smallest,
      largest,
    })
  }

  #sync(file: WritableFile): void {
    try {
      file.syncSync()
    } catch (error) {
      throw ioError('sync', file.path, error)
    }
  }

  #closeQuietly(): void {
    try {
      this.#file?.closeSync()
    } catch {
      // Ignored: what counts was synced before, and the descriptor is gone whatever close(2) says.
    }
    this.#file = undefined
  }

  #pathOf(number: number): string {
    return join(this.#job.directory, tableFileName(number))
  }
}
