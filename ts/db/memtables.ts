// What writes go into: a log, a memtable, and the one before it while it becomes a table.
//
//   switch:   new log file ── the memtable is frozen ── its flush begins
//   flush:    table by a job ── manifest ── the frozen memtable is dropped ── its log removed
//   rescue:   both memtables into tables, after a failure; then exchange() for new ones
//
// State, by who may write it (code between two awaits is the critical section):
//   The head of the write queue:  the memtable, the log, and the frozen one from undefined to a memtable.
//   The flush under way:          the frozen one back to undefined.
//   resume(), when neither runs:  all of these.
//
// Invariants:
//   A frozen memtable has exactly one flush, begun when it was frozen; after a failure, resume().
//   A flush that fails is the database's failure, and the memtable stays frozen.

import { join } from 'node:path'
import type { FlushResult } from '../compaction/flush-job.ts'
import type { JobRunner } from '../compaction/job-runner.ts'
import { ioError } from '../format/error.ts'
import { logFileName } from '../format/file-name.ts'
import type { WriteAheadLog } from '../log/write-ahead-log.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { InfoLog } from '../platform/info-log.ts'
import type { LookupKey } from '../table/lookup-key.ts'
import type { TableOptions } from '../table/table-options.ts'
import { emptyEdit, type VersionEdit } from '../version/version-edit.ts'
import type { VersionSet } from '../version/version-set.ts'
import type { MemtableMemory } from './memtable-memory.ts'
import { getFromMemtable } from './memtable-get.ts'
import { FLUSH, traced } from './tracing.ts'

export interface MemtablesContext {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly jobs: JobRunner
  readonly now: () => number
  readonly infoLog: InfoLog
  readonly versions: VersionSet
  readonly memory: MemtableMemory
  readonly table: TableOptions
  /** Writes are refused from now on. */
  fail(cause: unknown): void
  /** A frozen memtable is a table; undefined where it held nothing. */
  onFlush(file: FlushResult, durationMs: number): void
}

export class Memtables {
  readonly #context: MemtablesContext
  #active: Memtable
  #frozen: Memtable | undefined
  #log: WriteAheadLog
  #flushing: Promise<void> | undefined
  #removing: Promise<void> = Promise.resolve()

  constructor(context: MemtablesContext, memtable: Memtable, log: WriteAheadLog) {
    this.#context = context
    this.#active = memtable
    this.#log = log
  }

  /** The one that is written. */
  get active(): Memtable {
    return this.#active
  }

  /** The one that becomes a table; undefined when none does. */
  get frozen(): Memtable | undefined {
    return this.#frozen
  }

  /** Whether growFor() has made the active one grow past its usual size, and it is filled beyond that. */
  get isOverfull(): boolean {
    return this.#active.usedBytes > this.#context.memory.usualBytes
  }

  /** Those of this moment, newest first. */
  get all(): readonly Memtable[] {
    return this.#frozen === undefined ? [this.#active] : [this.#active, this.#frozen]
  }

  /** Under the active one. */
  get log(): WriteAheadLog {
    return this.#log
  }

  /** Settles with the flush of the frozen one, well or not; undefined when there is none. */
  get flushing(): Promise<void> | undefined {
    return this.#flushing
  }

  /** The value in a new Buffer, null for a deletion, undefined when neither knows the key. */
  get(key: LookupKey): Buffer | null | undefined {
    const found = getFromMemtable(this.#active, key)
    if (found !== undefined || this.#frozen === undefined) return found
    return getFromMemtable(this.#frozen, key)
  }

  /**
   * Whether `count` entries of `sizeBytes` fit into the active one. An empty one that is too small is
   * replaced, not switched: there is nothing to flush.
   */
  hasRoom(sizeBytes: number, count: number): boolean {
    if (this.#active.hasRoom(sizeBytes, count)) return true
    if (this.#active.entryCount > 0) return false
    const larger = this.#context.memory.create(sizeBytes, count)
    this.#context.memory.recycle(this.#active)
    this.#active = larger
    return true
  }

  /**
   * Makes room in the active one for `count` entries of `sizeBytes` without a wait, by growing it past
   * its usual size. False where it would grow too far: only a flush helps then.
   */
  growFor(sizeBytes: number, count: number): boolean {
    if (this.hasRoom(sizeBytes, count)) return true
    const larger = this.#context.memory.grown(this.#active, sizeBytes, count)
    if (larger === undefined) return false
    this.#context.memory.recycle(this.#active)
    this.#active = larger
    return true
  }

  /**
   * Freezes the active one and goes on in a new log, with a memtable that takes `count` entries of
   * `sizeBytes`. Rejects with LEVEL_IO_ERROR, and nothing has changed.
   * Requires: none is frozen, no append is under way, and everything inserted is published.
   */
  async switch(sizeBytes: number, count: number): Promise<void> {
    const { directory, memory, versions } = this.#context
    // Made first: where there is no memory for it, nothing has happened yet.
    const next = memory.create(sizeBytes, count)
    const number = versions.newFileNumber()
    try {
      await this.#log.switchTo(number, (error) => {
        this.#context.fail(ioError('sync', directory, error))
      })
    } catch (error) {
      versions.reuseFileNumber(number)
      memory.recycle(next)
      throw ioError('create', join(directory, logFileName(number)), error)
    }
    this.#frozen = this.#active
    this.#active = next
    this.#flushing = this.#flush(this.#frozen)
  }

  /**
   * Writes what both hold as tables and names these in the edit. Only published entries: those of
   * failed groups end here. Rejects with LEVEL_IO_ERROR. Requires: nothing else is under way.
   */
  async rescue(edit: VersionEdit): Promise<void> {
    for (const memtable of [this.#frozen, this.#active]) {
      if (memtable === undefined) continue
      const file = await this.#writeTable(memtable)
      if (file !== undefined) edit.newFiles.push({ level: 0, file })
    }
  }

  /** Drops both, and goes on with these. */
  exchange(log: WriteAheadLog, memtable: Memtable): void {
    const { memory } = this.#context
    this.#log = log
    if (this.#frozen !== undefined) memory.recycle(this.#frozen)
    this.#frozen = undefined
    memory.recycle(this.#active)
    this.#active = memtable
  }

  /** Resolves when the flush and the removals that were begun have ended. Never rejects. */
  async ended(): Promise<void> {
    await this.#flushing
    await this.#removing
  }

  // Never rejects: its error is the failure, which the gate and resume() look at.
  async #flush(memtable: Memtable): Promise<void> {
    const path = this.#context.directory
    const flush = (): Promise<FlushResult> => this.#makeTable(memtable)
    try {
      if (FLUSH.hasSubscribers) await traced(FLUSH, { path }, flush, sizeOf)
      else await flush()
    } catch (error) {
      this.#flushing = undefined
      this.#context.fail(error)
    }
  }

  async #makeTable(memtable: Memtable): Promise<FlushResult> {
    const { memory, now, versions } = this.#context
    const startMs = now()
    const log = this.#log
    const edit = emptyEdit()
    edit.logNumber = log.number
    edit.previousLogNumber = 0
    // What is in tables, not what is published by then: the first batch of the new log must follow
    // on it, or recovery knows that something between is lost.
    edit.lastSequence = versions.lastSequence
    const file = await this.#writeTable(memtable)
    if (file !== undefined) edit.newFiles.push({ level: 0, file })
    // The manifest may not name a log whose name is not durable, and the old log may not be
    // unlinked while it is being synced.
    await log.retired()
    const oldLogNumber = versions.logNumber
    await versions.install(edit)
    this.#frozen = undefined
    this.#flushing = undefined
    memory.recycle(memtable)
    this.#removeLog(oldLogNumber)
    this.#context.onFlush(file, now() - startMs)
    return file
  }

  #writeTable(memtable: Memtable): Promise<FlushResult> {
    const { directory, jobs, table, versions } = this.#context
    return jobs.run({
      kind: 'flush',
      directory,
      fileNumber: versions.newFileNumber(),
      memory: memtable.memory,
      lastSequence: versions.lastSequence,
      table,
      syncsDirectory: true,
    })
  }

  // The log of a flushed memtable, by its number: no listing of the directory a flush. Best effort:
  // the next open removes what is left. Nobody waits for it but close().
  #removeLog(number: number): void {
    const { directory, fileSystem, infoLog } = this.#context
    const path = join(directory, logFileName(number))
    const before = this.#removing
    this.#removing = fileSystem
      .unlink(path)
      .catch((error: unknown) => {
        infoLog.write(`cannot remove ${path}: ${String(error)}`)
      })
      .then(() => before)
  }
}

function sizeOf(file: FlushResult): { fileNumber: number; sizeBytes: number } | undefined {
  return file && { fileNumber: file.number, sizeBytes: file.sizeBytes }
}
