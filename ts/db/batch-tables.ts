// Batches out of logs become level-0 tables: into a memtable, and a full one is written as a table.

import type { FlushResult } from '../compaction/flush-job.ts'
import type { JobRunner } from '../compaction/job-runner.ts'
import { BATCH_HEADER_SIZE, batchCount } from '../format/batch.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { TableOptions } from '../table/table-options.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { BatchSink } from './log-replay.ts'
import type { MemtableMemory } from './memtable-memory.ts'

// Below this a flush in place takes less time than a worker takes to start (some 40 ms).
const INLINE_FLUSH_BYTES = 512 * 1024

export interface BatchTablesContext {
  readonly directory: string
  readonly jobs: JobRunner
  readonly inlineJobs: JobRunner
  readonly table: TableOptions
  readonly memory: MemtableMemory
  readonly newFileNumber: () => number
}

export class BatchTables implements BatchSink {
  readonly #context: BatchTablesContext
  /** Those that are written, oldest first; their directory entries are not durable. */
  readonly files: FileMetadata[] = []
  #memtable: Memtable | undefined
  #lastSequence = 0
  // The table being written.
  #writing: Promise<void> = Promise.resolve()

  constructor(context: BatchTablesContext) {
    this.#context = context
  }

  async add(bytes: Buffer, start: number, end: number, sequence: number): Promise<void> {
    const count = batchCount(bytes, start)
    const payloadBytes = end - start - BATCH_HEADER_SIZE
    if (this.#memtable?.hasRoom(payloadBytes, count) === false) await this.#flush()
    this.#memtable ??= this.#context.memory.create(payloadBytes, count)
    this.#memtable.insertBatch(bytes, start, end, count, sequence)
    this.#lastSequence = sequence + count - 1
  }

  /** Rejects with LEVEL_IO_ERROR; tables that were written by then are named by no manifest. */
  async finish(): Promise<void> {
    await this.#flush()
    await this.#writing
  }

  async settled(): Promise<void> {
    await Promise.allSettled([this.#writing])
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
    const { directory, table, newFileNumber, memory, jobs, inlineJobs } = this.#context
    const runner = memtable.usedBytes < INLINE_FLUSH_BYTES ? inlineJobs : jobs
    const file: FlushResult = await runner.run({
      kind: 'flush',
      directory,
      fileNumber: newFileNumber(),
      memory: memtable.memory,
      lastSequence: this.#lastSequence,
      table,
      // Done once for all of them, before CURRENT leads to the manifest that names them.
      syncsDirectory: false,
    })
    memory.recycle(memtable)
    if (file !== undefined) this.files.push(file)
  }
}
