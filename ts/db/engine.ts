// The engine of an open database: one log, two memtables, one version set, one failure.
//
//   write:   write queue ── gate ── log ── memtable ── publish       (write-queue, gate, memtables)
//   flush:   a full memtable becomes a table of level 0              (memtables)
//   compact: tables of a level become tables of the next             (compactor)
//   read:    memtables, then tables, newest first                    (point-reader, reads)
//   resume:  both memtables into tables ── new log ── new manifest ── failure cleared
//
// The parts know nothing of one another: each has an interface of a few functions for what it needs,
// and this file is where they meet.
//
// Invariant: while a failure is set nothing is appended, and neither flush nor compaction begins; one
// that is under way may end.

import type { FlushResult } from '../compaction/flush-job.ts'
import type { BatchBuffer } from '../format/batch.ts'
import type { SluiceError } from '../format/error.ts'
import type { WriteAheadLog } from '../log/write-ahead-log.ts'
import type { Memtable } from '../memtable/memtable.ts'
import type { InfoLog } from '../platform/info-log.ts'
import type { Lock } from '../platform/lock.ts'
import { BlockCache } from '../table/block-cache.ts'
import { TableCache } from '../table/table-cache.ts'
import type { UserKeyRange } from '../version/file-range.ts'
import { LEVELDB_LIMITS } from '../version/level-rules.ts'
import type { VersionSet } from '../version/version-set.ts'
import { Compactor, type CompactorContext } from './compactor.ts'
import type { DatabaseEngine } from './database-engine.ts'
import type { Environment } from './environment.ts'
import { type DatabaseEvent, describeEvent } from './event.ts'
import { Failure } from '../log/failure.ts'
import type { CompactRangeOptions } from './manual-compaction.ts'
import type { MemtableMemory } from './memtable-memory.ts'
import { Memtables, type MemtablesContext } from './memtables.ts'
import { enterNewState } from './new-state.ts'
import { removeObsoleteFiles } from './obsolete-files.ts'
import { ObsoleteTables } from './obsolete-tables.ts'
import { type CheckedOptions, openTableLimit, tableOptionsOf } from './options.ts'
import { PointReader } from './point-reader.ts'
import { type ReadEnvironment, Reads } from './reads.ts'
import type { RecoveryReport } from './recovery-report.ts'
import { SnapshotList } from './snapshot-list.ts'
import { Counters } from './stats.ts'
import { SYNC, traced, tracedSync } from './tracing.ts'
import { type WriteEnvironment, WriteQueue } from './write-queue.ts'
import { WriteRoom, type WriteRoomContext } from './write-room.ts'

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
  readonly #room: WriteRoom
  readonly #obsolete: ObsoleteTables
  readonly #snapshots: SnapshotList
  readonly #failure: Failure
  readonly #memtables: Memtables
  #resuming: Promise<void> | undefined
  #isClosing = false

  constructor(parts: EngineParts) {
    const { environment, directory, options } = parts
    this.#environment = environment
    this.#directory = directory
    this.#options = options
    this.#memory = parts.memory
    this.#versions = parts.versions
    this.#infoLog = parts.infoLog
    this.#lock = parts.lock
    this.report = parts.report
    const { fileSystem } = environment
    this.blockCache = options.cacheSize === 0 ? undefined : new BlockCache(options.cacheSize)
    this.#tables = new TableCache(fileSystem, directory, openTableLimit(options, fileSystem), {
      crc32c: (bytes, start, end) => fileSystem.crc32c(bytes, start, end),
      verifyChecksums: options.verifyChecksums,
      ...(this.blockCache === undefined ? {} : { blockCache: this.blockCache }),
    })
    this.#failure = new Failure(directory, (error) => {
      this.compactor.wakeLevel0Waiters()
      this.#infoLog.write(`failure: ${error.message}`)
      this.#tell({ type: 'failure', error })
    })
    this.#memtables = new Memtables(this.#memtablesContext(), parts.memtable, parts.log)
    this.#obsolete = new ObsoleteTables({
      fileSystem,
      directory,
      infoLog: parts.infoLog,
      versions: parts.versions,
      tables: this.#tables,
      mayRemove: () => this.#failure.error === undefined,
    })
    parts.versions.onRelease(() => {
      this.#obsolete.removeUnused()
    })
    parts.versions.onManifestFailure((error) => this.#failure.set(error))
    this.#snapshots = new SnapshotList(environment.now)
    this.reads = new Reads(this.#readEnvironment())
    this.points = new PointReader(
      parts.versions,
      this.#tables,
      (key) => this.#memtables.get(key),
      (sequence) => this.reads.view(sequence),
    )
    this.compactor = new Compactor(this.#compactorContext())
    this.#room = new WriteRoom(this.#roomContext())
    this.queue = new WriteQueue(this.#writeEnvironment(), options, parts.versions.lastSequence + 1)
    this.#infoLog.write(`open: ${JSON.stringify(parts.report)}`)
    this.#tell({ type: 'recovery', report: parts.report })
    this.compactor.schedule()
  }

  get failure(): SluiceError | undefined {
    return this.#failure.error
  }

  get versions(): VersionSet {
    return this.#versions
  }

  get memtable(): Memtable {
    return this.#memtables.active
  }

  get frozenMemtable(): Memtable | undefined {
    return this.#memtables.frozen
  }

  /** Resolves when the frozen memtable, if there is one, is a table. Rejects with the failure. */
  async flushed(): Promise<void> {
    await this.#memtables.flushing
    const refusal = this.#failure.refusal()
    if (refusal !== undefined) throw refusal
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
    await this.#memtables.ended()
    await Promise.all([this.#environment.jobs.close(), this.#environment.compactionJobs.close()])
    await this.#tables.close()
    // Behind the reads that were under way: each gives up its version.
    await this.#obsolete.close()
    const [log, manifest] = await Promise.allSettled([
      this.#memtables.log.close(),
      this.#versions.close(),
    ])
    this.#infoLog.write('close')
    await this.#infoLog.close()
    await this.#lock.release()
    for (const outcome of [log, manifest]) if (outcome.status === 'rejected') throw outcome.reason
  }

  #memtablesContext(): MemtablesContext {
    const { fileSystem, jobs, now } = this.#environment
    return {
      fileSystem,
      directory: this.#directory,
      jobs,
      now,
      infoLog: this.#infoLog,
      versions: this.#versions,
      memory: this.#memory,
      table: tableOptionsOf(this.#options),
      fail: (cause) => this.#failure.set(cause),
      onFlush: (file, durationMs) => {
        this.#countFlush(file, durationMs)
        this.compactor.schedule()
      },
    }
  }

  #readEnvironment(): ReadEnvironment {
    const { now } = this.#environment
    return {
      tables: this.#tables,
      versions: this.#versions,
      memory: this.#memory,
      snapshots: this.#snapshots,
      memtables: () => this.#memtables.all,
      now,
      tell: (event) => {
        this.#tell(event)
      },
    }
  }

  #writeEnvironment(): WriteEnvironment {
    return {
      makeRoom: (sizeBytes, count, force) => this.#room.make(sizeBytes, count, force),
      append: (bytes, end, sync) => {
        const { log } = this.#memtables
        if (!sync || !SYNC.hasSubscribers) return log.append(bytes, 0, end, sync)
        const append = async (): Promise<void> => log.append(bytes, 0, end, sync)
        return traced(SYNC, { path: log.path, sizeBytes: end }, append, () => undefined)
      },
      canAppendNow: (sync) => this.#memtables.log.canAppendNow(sync),
      appendNow: (bytes, end, sync) => {
        const { log } = this.#memtables
        const append = (): void => log.appendNow(bytes, 0, end, sync)
        if (!sync || !SYNC.hasSubscribers) append()
        else tracedSync(SYNC, { path: log.path, sizeBytes: end }, append, () => undefined)
      },
      growFor: (sizeBytes, count) => this.#memtables.growFor(sizeBytes, count),
      isOverfull: () => this.#memtables.isOverfull,
      insert: (batch: BatchBuffer, sequence) => {
        this.#memtables.active.insertBatch(batch.bytes, 0, batch.end, batch.count, sequence)
      },
      publish: (sequence) => {
        this.#versions.publishSequence(sequence)
      },
      refusal: () => this.#failure.refusal(),
      fail: (cause) => this.#failure.setByGroup(cause, this.#memtables.log.path),
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
      refusal: () => this.#failure.refusal(),
      fail: (error) => this.#failure.set(error),
      addObsolete: (numbers) => {
        this.#obsolete.add(numbers)
      },
      counters: this.counters,
      tell: (event) => {
        this.#infoLog.write(describeEvent(event))
        this.#tell(event)
      },
    }
  }

  #roomContext(): WriteRoomContext {
    const { delay, now } = this.#environment
    return {
      directory: this.#directory,
      memtables: this.#memtables,
      compactor: this.compactor,
      failure: this.#failure,
      memtableBytes: this.#options.writeBufferSize,
      delay,
      now,
      // None once it closes: nothing makes level 0 smaller any more, and what was written goes in.
      level0FileCount: () => (this.#isClosing ? 0 : this.#versions.current.levels[0]!.length),
      countStall: (cause, durationMs) => {
        this.counters.countStall(cause, durationMs)
        this.#tell({ type: 'stall', cause, durationMs })
      },
    }
  }

  async #resume(): Promise<void> {
    await this.queue.drained()
    await this.#memtables.flushing
    // Its failure, if there is one still to come, is one of the log that is about to be replaced.
    await Promise.allSettled([this.#memtables.log.retired()])
    if (this.#failure.error === undefined) return
    // So that no output of a job is taken for a file that nobody needs, nor an edit for the last one.
    await this.compactor.stop()
    try {
      await this.#enterNewState()
    } finally {
      this.compactor.start()
    }
  }

  async #enterNewState(): Promise<void> {
    const { fileSystem, now } = this.#environment
    // Made before anything is changed: there may be no memory for it.
    const memtable = this.#memory.create(0, 0)
    const context = { fileSystem, directory: this.#directory, now, versions: this.#versions }
    const log = await enterNewState(context, async (edit) => {
      await this.#memtables.rescue(edit)
      // Burned sequences too: the next open must not give them out again either.
      edit.lastSequence = this.queue.nextSequence - 1
    })
    // While writes are still refused, so that nothing comes to be meanwhile that looks obsolete.
    await this.#memtables.log.abandon()
    await this.#removeObsolete()
    this.#exchange(log, memtable)
    this.#obsolete.removeUnused()
    this.#infoLog.write('resume')
    this.#tell({ type: 'resume' })
  }

  // In one piece: reads see either the old memtables or the tables made of them. The sequence is
  // published only with the old memtable gone, which holds entries of failed groups below it.
  #exchange(log: WriteAheadLog, memtable: Memtable): void {
    this.#memtables.exchange(log, memtable)
    this.#versions.publishSequence(this.queue.nextSequence - 1)
    this.#failure.clear()
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
