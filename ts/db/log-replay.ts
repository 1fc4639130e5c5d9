// Replays the write-ahead logs of a database into level-0 tables, up to the first damage.
//
//   for every log, oldest first: every batch, checked whole, into a memtable; a full one is flushed
//   at the first damage, or hole (log-batch.ts):  stop; it and all later logs are kept under lost/
//
// A batch whose checksum is right and whose contents are impossible is no crash: the open fails with
// LEVEL_CORRUPTION, and nothing is applied or removed.

import { join } from 'node:path'
import type { FlushResult } from '../compaction/flush-job.ts'
import type { JobRunner } from '../compaction/job-runner.ts'
import { BATCH_HEADER_SIZE, batchCount } from '../format/batch.ts'
import { ioError } from '../format/error.ts'
import { logFileName } from '../format/file-name.ts'
import { LogReader } from '../log/log-reader.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { TableOptions } from '../table/table-options.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { VersionSet } from '../version/version-set.ts'
import { leavesHole, sequenceOfBatch } from './log-batch.ts'
import { copyToLost } from './lost-files.ts'
import type { MemtableMemory } from './memtable-memory.ts'
import type { DroppedPart } from './recovery-report.ts'

// Below this a flush in place takes less time than a worker takes to start (some 40 ms).
const INLINE_FLUSH_BYTES = 512 * 1024

export interface ReplayContext {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly jobs: JobRunner
  readonly inlineJobs: JobRunner
  readonly table: TableOptions
  readonly memory: MemtableMemory
  readonly versions: VersionSet
}

export class LogReplay {
  readonly #context: ReplayContext
  readonly files: FileMetadata[] = []
  readonly dropped: DroppedPart[] = []
  logs = 0
  records = 0
  writes = 0
  logBytes = 0
  /** The last sequence that was replayed; 0 when there was none. */
  lastSequence = 0
  #memtable: Memtable | undefined
  // The table being written.
  #writing: Promise<void> = Promise.resolve()

  constructor(context: ReplayContext) {
    this.#context = context
  }

  /**
   * Replays the logs, given in order, and flushes what they held. Rejects with LEVEL_CORRUPTION or
   * LEVEL_IO_ERROR; tables that were written by then are named by no manifest.
   */
  async run(logNumbers: readonly number[]): Promise<void> {
    try {
      await this.#replay(logNumbers)
      await this.#flush()
    } finally {
      await this.#writing
    }
  }

  async #replay(logNumbers: readonly number[]): Promise<void> {
    for (const [index, number] of logNumbers.entries()) {
      const isWhole = await this.#replayLog(number)
      if (isWhole) continue
      for (const later of logNumbers.slice(index + 1)) {
        await this.#drop(later, 0, 'follows a log with damage')
      }
      break
    }
  }

  // True when every byte of the log was replayed.
  async #replayLog(number: number): Promise<boolean> {
    const { fileSystem, directory, versions } = this.#context
    const path = join(directory, logFileName(number))
    const bytes = await this.#readLog(path)
    const reader = new LogReader(bytes, (data, start, end) => fileSystem.crc32c(data, start, end))
    this.logs++
    this.logBytes += bytes.length
    let isFirst = true
    while (reader.next()) {
      const sequence = sequenceOfBatch(reader, path, this.lastSequence)
      if (isFirst && leavesHole(number, sequence, versions.logNumber, this.#lastKnown())) {
        await this.#drop(number, 0, `sequences before ${sequence} are missing`)
        return false
      }
      isFirst = false
      await this.#apply(reader, sequence)
    }
    const { damage } = reader
    if (damage === undefined) return true
    await this.#drop(number, damage.offset, damage.reason)
    return false
  }

  async #readLog(path: string): Promise<Buffer> {
    try {
      return await this.#context.fileSystem.readFile(path)
    } catch (error) {
      throw ioError('read', path, error)
    }
  }

  #lastKnown(): number {
    return Math.max(this.lastSequence, this.#context.versions.lastSequence)
  }

  async #apply(reader: LogReader, sequence: number): Promise<void> {
    const { bytes, start, end } = reader
    const count = batchCount(bytes, start)
    const payloadBytes = end - start - BATCH_HEADER_SIZE
    if (this.#memtable?.hasRoom(payloadBytes, count) === false) await this.#flush()
    this.#memtable ??= this.#context.memory.create(payloadBytes, count)
    this.#memtable.insertBatch(bytes, start, end, count, sequence)
    this.records++
    this.writes += count
    // A batch without writes has the sequence that comes next: it vouches for those before it.
    this.lastSequence = Math.max(this.lastSequence, sequence + count - 1)
  }

  // Begins to write the memtable as a table, once the one before it is written: the next memtable
  // fills meanwhile, and there are never more than two.
  async #flush(): Promise<void> {
    const memtable = this.#memtable
    this.#memtable = undefined
    await this.#writing
    if (memtable === undefined || memtable.entryCount === 0) return
    this.#writing = this.#writeTable(memtable)
    // Looked at when the next flush begins, or at the end; until then nobody must have missed it.
    this.#writing.catch(() => undefined)
  }

  async #writeTable(memtable: Memtable): Promise<void> {
    const { directory, table, versions, memory, jobs, inlineJobs } = this.#context
    const runner = memtable.usedBytes < INLINE_FLUSH_BYTES ? inlineJobs : jobs
    const file: FlushResult = await runner.run({
      kind: 'flush',
      directory,
      fileNumber: versions.newFileNumber(),
      memory: memtable.memory,
      lastSequence: this.lastSequence,
      table,
      // Done once for all of them, before CURRENT leads to the manifest that names them.
      syncsDirectory: false,
    })
    memory.recycle(memtable)
    if (file !== undefined) this.files.push(file)
  }

  async #drop(number: number, offset: number, reason: string): Promise<void> {
    const { fileSystem, directory } = this.#context
    const name = logFileName(number)
    const path = join(directory, name)
    const sizeBytes = await fileSystem.fileSize(path).catch((error: unknown) => {
      throw ioError('read', path, error)
    })
    if (sizeBytes === offset) return
    const keptAs = await copyToLost(fileSystem, directory, name)
    this.dropped.push({ file: path, offset, droppedBytes: sizeBytes - offset, reason, keptAs })
  }
}
