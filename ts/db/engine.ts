// The engine of an open database: one log, two memtables, one version set, one failure.
//
//   write:   write queue ── gate ── log ── memtable ── publish           (write-queue, gate)
//   switch:  new log file ── memtable frozen ── flush begins
//   flush:   table by a job ── manifest ── frozen memtable dropped ── its log removed
//   read:    memtable ── frozen memtable ── tables, newest first
//   compact: tables of a level into the next, by a job ── manifest ── the old ones removed (compactor)
//   resume:  both memtables into tables ── new log ── new manifest ── failure cleared
//
// State, by who may write it (code between two awaits is the critical section):
//   The head of the write queue:  #memtable, #log, and #frozen from undefined to a memtable.
//   The flush under way:          #frozen back to undefined, the version set's edits.
//   resume(), when neither runs:  all of these.
//   Anyone, once:                 #failure; cleared by resume() alone.
//
// Invariants:
//   A frozen memtable has exactly one flush, begun when it was frozen; after a failure, resume().
//   While #failure is set nothing is appended and no flush begins; one that is under way may end.

import { join } from 'node:path'
import type { FlushResult } from '../compaction/flush-job.ts'
import type { BatchBuffer } from '../format/batch.ts'
import { ioError, SluiceError } from '../format/error.ts'
import { logFileName } from '../format/file-name.ts'
import type { WriteAheadLog } from '../log/write-ahead-log.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { InfoLog } from '../platform/info-log.ts'
import type { Lock } from '../platform/lock.ts'
import { BlockCache } from '../table/block-cache.ts'
import type { LookupKey } from '../table/lookup-key.ts'
import { TableCache } from '../table/table-cache.ts'
import type { UserKeyRange } from '../version/file-range.ts'
import { LEVELDB_LIMITS } from '../version/level-rules.ts'
import { emptyEdit, type VersionEdit } from '../version/version-edit.ts'
import type { VersionSet } from '../version/version-set.ts'
import { Compactor, type CompactorContext } from './compactor.ts'
import type { DatabaseEngine } from './database-engine.ts'
import type { Environment } from './environment.ts'
import { type DatabaseEvent, describeEvent } from './event.ts'
import {
  DELAY_LEVEL0_FILES,
  type GateEnvironment,
  type GateLimits,
  makeRoom,
  STOP_LEVEL0_FILES,
} from './gate.ts'
import type { CompactRangeOptions } from './manual-compaction.ts'
import type { MemtableMemory } from './memtable-memory.ts'
import { enterNewState, type NewStateContext } from './new-state.ts'
import { removeObsoleteFiles } from './obsolete-files.ts'
import { ObsoleteTables } from './obsolete-tables.ts'
import { type CheckedOptions, tableOptionsOf } from './options.ts'
import { getFromMemtable, PointReader } from './point-reader.ts'
import { type ReadEnvironment, Reads } from './reads.ts'
import type { RecoveryReport } from './recovery-report.ts'
import { SnapshotList } from './snapshot-list.ts'
import { Counters, type StallCause } from './stats.ts'
import { type WriteEnvironment, WriteQueue } from './write-queue.ts'

const GATE_LIMITS: GateLimits = {
  delayLevel0Files: DELAY_LEVEL0_FILES,
  stopLevel0Files: STOP_LEVEL0_FILES,
}

/** What opening hands to the engine, which owns all of it from then on. */
export interface EngineParts {
  readonly environment: Environment
  readonly directory: string
  readonly options: CheckedOptions
  readonly memory: MemtableMemory
  readonly memtable: Memtable
  readonly versions: VersionSet
  readonly log: WriteAheadLog
  readonly infoLog: InfoLog
  readonly lock: Lock
  readonly report: RecoveryReport
}

export class Engine implements DatabaseEngine {
  readonly queue: WriteQueue
  readonly counters: Counters = new Counters()
  readonly report: RecoveryReport
  readonly points: PointReader
  readonly reads: Reads
  readonly compactor: Compactor
  readonly #environment: Environment
  readonly #directory: string
  readonly #options: CheckedOptions
  readonly #memory: MemtableMemory
  readonly #versions: VersionSet
  /** Undefined when there is to be none. */
  readonly blockCache: BlockCache | undefined
  readonly #tables: TableCache
  readonly #infoLog: InfoLog
  readonly #lock: Lock
  readonly #gate: GateEnvironment
  readonly #obsolete: ObsoleteTables
  readonly #snapshots: SnapshotList
  #memtable: Memtable
  #frozen: Memtable | undefined
  #log: WriteAheadLog
  #flushing: Promise<void> | undefined
  #removing: Promise<void> = Promise.resolve()
  #resuming: Promise<void> | undefined
  #failure: SluiceError | undefined
  #isClosing = false

  constructor(parts: EngineParts) {
    const { environment, directory, options } = parts
    this.#environment = environment
    this.#directory = directory
    this.#options = options
    this.#memory = parts.memory
    this.#versions = parts.versions
    this.#log = parts.log
    this.#infoLog = parts.infoLog
    this.#lock = parts.lock
    this.report = parts.report
    this.#memtable = parts.memtable
    const { fileSystem } = environment
    this.blockCache = options.cacheSize === 0 ? undefined : new BlockCache(options.cacheSize)
    this.#tables = new TableCache(fileSystem, directory, options.maxOpenFiles, {
      crc32c: (bytes, start, end) => fileSystem.crc32c(bytes, start, end),
      verifyChecksums: options.verifyChecksums,
      ...(this.blockCache === undefined ? {} : { blockCache: this.blockCache }),
    })
    this.#obsolete = new ObsoleteTables({
      fileSystem,
      directory,
      infoLog: parts.infoLog,
      versions: parts.versions,
      tables: this.#tables,
      mayRemove: () => this.#failure === undefined,
    })
    parts.versions.onRelease(() => {
      this.#obsolete.removeUnused()
    })
    this.#snapshots = new SnapshotList(environment.now)
    this.points = new PointReader(parts.versions, this.#tables, (key) => this.#getFromMemory(key))
    this.reads = new Reads(this.#readEnvironment())
    this.compactor = new Compactor(this.#compactorContext())
    this.#gate = this.#gateEnvironment()
    this.queue = new WriteQueue(this.#writeEnvironment(), options, parts.versions.lastSequence + 1)
    this.#infoLog.write(`open: ${JSON.stringify(parts.report)}`)
    this.#tell({ type: 'recovery', report: parts.report })
    this.compactor.schedule()
  }

  get failure(): SluiceError | undefined {
    return this.#failure
  }

  get versions(): VersionSet {
    return this.#versions
  }

  get memtable(): Memtable {
    return this.#memtable
  }

  get frozenMemtable(): Memtable | undefined {
    return this.#frozen
  }

  /** Resolves when the frozen memtable, if there is one, is a table. Rejects with the failure. */
  async flushed(): Promise<void> {
    await this.#flushing
    if (this.#failure !== undefined) throw this.#refusal(this.#failure)
  }

  /**
   * Flushes the memtable and compacts what is in the range, down to the deepest level that holds any
   * of it. Rejects with LEVEL_ABORTED, LEVEL_IO_ERROR, LEVEL_CORRUPTION or LEVEL_DATABASE_NOT_OPEN.
   */
  async compactRange(range: UserKeyRange, options: CompactRangeOptions): Promise<void> {
    const compacting = (): Promise<void> => this.compactor.compactRange(range, options)
    if (options.signal?.aborted === true) return compacting()
    await this.queue.switch()
    await this.flushed()
    return compacting()
  }

  /**
   * Saves what the memtables hold into new tables, a new log and a new manifest, and takes writes
   * again. Rejects with LEVEL_IO_ERROR when that fails too; the failure then stays.
   */
  resume(): Promise<void> {
    this.#resuming ??= this.#resume().finally(() => {
      this.#resuming = undefined
    })
    return this.#resuming
  }

  /**
   * Lets what is under way end, and gives everything back, the lock last, whatever fails on the way.
   * Rejects with the first LEVEL_IO_ERROR.
   */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.compactor.close()
    await this.reads.close()
    // A resume that fails has told its caller; here only its end counts.
    await Promise.allSettled([this.#resuming])
    await this.queue.drained()
    await this.#flushing
    await this.#removing
    await this.#obsolete.removed()
    await Promise.all([this.#environment.jobs.close(), this.#environment.compactionJobs.close()])
    await this.#tables.close()
    this.#infoLog.write('close')
    await this.#infoLog.close()
    const [log, manifest] = await Promise.allSettled([this.#log.close(), this.#versions.close()])
    await this.#lock.release()
    for (const outcome of [log, manifest]) if (outcome.status === 'rejected') throw outcome.reason
  }

  #getFromMemory(key: LookupKey): Buffer | null | undefined {
    const found = getFromMemtable(this.#memtable, key)
    if (found !== undefined || this.#frozen === undefined) return found
    return getFromMemtable(this.#frozen, key)
  }

  #readEnvironment(): ReadEnvironment {
    const { now } = this.#environment
    return {
      tables: this.#tables,
      versions: this.#versions,
      memory: this.#memory,
      snapshots: this.#snapshots,
      memtables: () =>
        this.#frozen === undefined ? [this.#memtable] : [this.#memtable, this.#frozen],
      now,
      tell: (event) => {
        this.#tell(event)
      },
    }
  }

  #writeEnvironment(): WriteEnvironment {
    return {
      makeRoom: (sizeBytes, count, force) => this.#makeRoom(sizeBytes, count, force),
      append: (bytes, end, sync) => this.#log.append(bytes, 0, end, sync),
      insert: (batch: BatchBuffer, sequence) => {
        this.#memtable.insertBatch(batch.bytes, 0, batch.end, batch.count, sequence)
      },
      publish: (sequence) => {
        this.#versions.publishSequence(sequence)
      },
      refusal: () => this.#failure && this.#refusal(this.#failure),
      fail: (cause) => this.#failGroup(cause),
      countGroup: (writers, sizeBytes, syncDurationMs) => {
        this.counters.countGroup(writers, sizeBytes, syncDurationMs)
      },
      now: this.#environment.now,
    }
  }

  #compactorContext(): CompactorContext {
    const { fileSystem, compactionJobs, now, pause, levelLimits } = this.#environment
    const { maxFileSize } = this.#options
    return {
      fileSystem,
      directory: this.#directory,
      jobs: compactionJobs,
      versions: this.#versions,
      limits: levelLimits ?? { ...LEVELDB_LIMITS, maxFileSizeBytes: maxFileSize },
      table: tableOptionsOf(this.#options),
      now,
      pause,
      smallestSnapshot: () => this.#snapshots.oldest() ?? this.#versions.lastSequence,
      refusal: () => this.#failure && this.#refusal(this.#failure),
      fail: (error) => this.#fail(error),
      addObsolete: (numbers) => {
        this.#obsolete.add(numbers)
      },
      countCompaction: (work) => {
        this.counters.countCompaction(work)
      },
      countTrivialMove: () => {
        this.counters.countTrivialMove()
      },
      tell: (event) => {
        this.#infoLog.write(describeEvent(event))
        this.#tell(event)
      },
    }
  }

  // What the group at the head needs; the gate asks for it again after every wait.
  #neededBytes = 0
  #neededCount = 0

  #gateEnvironment(): GateEnvironment {
    return {
      limits: GATE_LIMITS,
      failure: () => this.#failure && this.#refusal(this.#failure),
      level0FileCount: () => this.#level0FileCount(),
      level0DelayMs: () => {
        const share = this.#neededBytes / this.#options.writeBufferSize
        return this.compactor.pace.delayMs(this.#level0FileCount(), share)
      },
      hasRoom: () => this.#hasRoom(),
      hasFrozenMemtable: () => this.#frozen !== undefined,
      memtableFlushed: () => this.#flushing ?? Promise.reject(new Error('nothing flushes')),
      level0Changed: () => this.compactor.level0Changed(),
      switchMemtable: () => this.#switchMemtable(),
      delay: this.#environment.delay,
      now: this.#environment.now,
      countStall: (cause, durationMs) => {
        this.#countStall(cause, durationMs)
      },
    }
  }

  #makeRoom(sizeBytes: number, count: number, force: boolean): Promise<void> | undefined {
    this.#neededBytes = sizeBytes
    this.#neededCount = count
    const isSlow = this.#level0FileCount() >= DELAY_LEVEL0_FILES
    if (!force && !isSlow && this.#failure === undefined && this.#hasRoom()) return undefined
    return makeRoom(this.#gate, force)
  }

  // None once it closes: nothing makes level 0 smaller any more, and what was written goes in.
  #level0FileCount(): number {
    return this.#isClosing ? 0 : this.#versions.current.levels[0]!.length
  }

  // An empty memtable that is too small is replaced, not switched: there is nothing to flush.
  #hasRoom(): boolean {
    if (this.#memtable.hasRoom(this.#neededBytes, this.#neededCount)) return true
    if (this.#memtable.entryCount > 0) return false
    const larger = this.#memory.create(this.#neededBytes, this.#neededCount)
    this.#memory.recycle(this.#memtable)
    this.#memtable = larger
    return true
  }

  // At the head of the queue, so no append is under way and everything inserted is published.
  async #switchMemtable(): Promise<void> {
    // Made first: where there is no memory for it, nothing has happened yet.
    const next = this.#memory.create(this.#neededBytes, this.#neededCount)
    const number = this.#versions.newFileNumber()
    try {
      await this.#log.switchTo(number, (error) => {
        this.#fail(ioError('sync', this.#directory, error))
      })
    } catch (error) {
      this.#versions.reuseFileNumber(number)
      this.#memory.recycle(next)
      throw ioError('create', join(this.#directory, logFileName(number)), error)
    }
    this.#frozen = this.#memtable
    this.#memtable = next
    this.#flushing = this.#flush(this.#frozen)
  }

  // Never rejects: its error is the failure, which the gate and resume() look at.
  async #flush(memtable: Memtable): Promise<void> {
    const startMs = this.#environment.now()
    const log = this.#log
    const edit = emptyEdit()
    edit.logNumber = log.number
    edit.previousLogNumber = 0
    // What is in tables, not what is published by then: the first batch of the new log must follow
    // on it, or recovery knows that something between is lost.
    edit.lastSequence = this.#versions.lastSequence
    try {
      const fileNumber = this.#versions.newFileNumber()
      const file = await this.#runFlush(memtable, fileNumber)
      if (file !== undefined) edit.newFiles.push({ level: 0, file })
      // The manifest may not name a log whose name is not durable, and the old log may not be
      // unlinked while it is being synced.
      await log.retired()
      const oldLogNumber = this.#versions.logNumber
      await this.#versions.install(edit)
      this.#frozen = undefined
      this.#flushing = undefined
      this.#memory.recycle(memtable)
      this.#countFlush(file, this.#environment.now() - startMs)
      this.#removeLog(oldLogNumber)
      this.compactor.schedule()
    } catch (error) {
      this.#flushing = undefined
      this.#fail(error)
    }
  }

  #runFlush(memtable: Memtable, fileNumber: number): Promise<FlushResult> {
    return this.#environment.jobs.run({
      kind: 'flush',
      directory: this.#directory,
      fileNumber,
      memory: memtable.memory,
      lastSequence: this.#versions.lastSequence,
      table: tableOptionsOf(this.#options),
      syncsDirectory: true,
    })
  }

  // The log of a flushed memtable, by its number: no listing of the directory a flush. Best effort:
  // the next open removes what is left. Nobody waits for it but close().
  #removeLog(number: number): void {
    const path = join(this.#directory, logFileName(number))
    const before = this.#removing
    this.#removing = this.#environment.fileSystem
      .unlink(path)
      .catch((error: unknown) => {
        this.#infoLog.write(`cannot remove ${path}: ${String(error)}`)
      })
      .then(() => before)
  }

  async #resume(): Promise<void> {
    await this.queue.drained()
    await this.#flushing
    // Its failure, if there is one still to come, is one of the log that is about to be replaced.
    await Promise.allSettled([this.#log.retired()])
    if (this.#failure === undefined) return
    // So that no output of a job is taken for a file that nobody needs, nor an edit for the last one.
    await this.compactor.stop()
    try {
      await this.#enterNewState()
    } finally {
      this.compactor.start()
    }
  }

  async #enterNewState(): Promise<void> {
    // Made before anything is changed: there may be no memory for it.
    const memtable = this.#memory.create(0, 0)
    const log = await enterNewState(this.#newStateContext(), (edit) => this.#rescueMemtables(edit))
    // While writes are still refused, so that nothing comes to be meanwhile that looks obsolete.
    await this.#log.abandon()
    await this.#removeObsolete()
    this.#exchange(log, memtable)
    this.#obsolete.removeUnused()
    this.#infoLog.write('resume')
    this.#tell({ type: 'resume' })
  }

  #newStateContext(): NewStateContext {
    const { fileSystem, now } = this.#environment
    return { fileSystem, directory: this.#directory, now, versions: this.#versions }
  }

  // What the memtables hold, as tables. Only published entries: those of failed groups end here.
  async #rescueMemtables(edit: VersionEdit): Promise<void> {
    for (const memtable of [this.#frozen, this.#memtable]) {
      if (memtable === undefined) continue
      const file = await this.#runFlush(memtable, this.#versions.newFileNumber())
      if (file !== undefined) edit.newFiles.push({ level: 0, file })
    }
    // Burned sequences too: the next open must not give them out again either.
    edit.lastSequence = this.queue.nextSequence - 1
  }

  // In one piece: reads see either the old memtables or the tables made of them. The sequence is
  // published only with the old memtable gone, which holds entries of failed groups below it.
  #exchange(log: WriteAheadLog, memtable: Memtable): void {
    this.#log = log
    if (this.#frozen !== undefined) this.#memory.recycle(this.#frozen)
    this.#frozen = undefined
    this.#memory.recycle(this.#memtable)
    this.#memtable = memtable
    this.#versions.publishSequence(this.queue.nextSequence - 1)
    this.#failure = undefined
  }

  async #removeObsolete(): Promise<void> {
    const { fileSystem } = this.#environment
    const directory = this.#directory
    try {
      await removeObsoleteFiles({
        fileSystem,
        directory,
        infoLog: this.#infoLog,
        versions: this.#versions,
        knownBelow: this.#versions.nextFileNumber,
        names: await fileSystem.readDirectory(directory),
      })
    } catch (error) {
      this.#infoLog.write(`cannot list ${directory}: ${String(error)}`)
    }
  }

  // Returns the first failure, which stays.
  #fail(cause: unknown): SluiceError {
    if (this.#failure !== undefined) return this.#failure
    const error = ioError('write to', this.#directory, cause)
    this.#failure = error
    this.compactor.wakeLevel0Waiters()
    this.#infoLog.write(`failure: ${error.message}`)
    this.#tell({ type: 'failure', error })
    return error
  }

  #failGroup(cause: unknown): SluiceError {
    if (cause instanceof SluiceError && cause.code !== 'LEVEL_IO_ERROR') {
      this.#fail(cause)
      return cause
    }
    const error = ioError('append to', this.#log.path, cause)
    this.#fail(error)
    return new SluiceError(
      'LEVEL_IO_ERROR',
      `${error.message}; whether the write is in the log is unknown`,
      { file: this.#log.path, cause },
    )
  }

  #refusal(failure: SluiceError): SluiceError {
    return new SluiceError(
      'LEVEL_IO_ERROR',
      `Writes are refused until resume(), since: ${failure.message}`,
      { cause: failure },
    )
  }

  #countStall(cause: StallCause, durationMs: number): void {
    this.counters.countStall(cause, durationMs)
    this.#tell({ type: 'stall', cause, durationMs })
  }

  #countFlush(file: FlushResult, durationMs: number): void {
    if (file === undefined) return
    this.counters.countFlush(0, file.sizeBytes, durationMs)
    const { number: fileNumber, sizeBytes } = file
    this.#infoLog.write(
      `flush: table ${fileNumber}, ${sizeBytes} bytes, ${durationMs.toFixed(1)} ms`,
    )
    this.#tell({ type: 'flush', fileNumber, sizeBytes, durationMs })
  }

  // In a microtask of its own: what a listener throws is the process's to handle, not the engine's.
  #tell(event: DatabaseEvent): void {
    const { onEvent } = this.#options
    if (onEvent !== undefined) queueMicrotask(() => onEvent(event))
  }
}
