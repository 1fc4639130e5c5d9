// Replays the write-ahead logs of a database, up to the first damage.
//
//   for every log, oldest first: every batch, checked whole, into the sink
//   at the first damage, or hole (log-batch.ts):  stop; it and all later logs are kept as they are
//
// A batch whose checksum is right and whose contents are impossible is no crash: the open fails with
// LEVEL_CORRUPTION, and nothing is applied or removed.

import { join } from 'node:path'
import { batchCount } from '../format/batch.ts'
import { ioError } from '../format/error.ts'
import { logFileName } from '../format/file-name.ts'
import { LogReader } from '../log/log-reader.ts'
import type { DroppedPart } from '../log/lost-directory.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { leavesHole, sequenceOfBatch } from './log-batch.ts'

/** Where the batches go. */
export interface BatchSink {
  /** Takes the batch bytes[start, end), whose first write has `sequence`; the bytes are not kept. */
  add(bytes: Buffer, start: number, end: number, sequence: number): Promise<void>
  /** After the last one. */
  finish(): Promise<void>
  /** Resolves when nothing is under way any more, after an error too. Never rejects. */
  settled(): Promise<void>
}

export interface ReplayContext {
  readonly fileSystem: FileSystem
  readonly directory: string
  /** Of the manifest. */
  readonly logNumber: number
  readonly lastSequence: number
  readonly sink: BatchSink
  /**
   * True beside a writer: what is wrong at the very end of the last log, with nothing behind it, is a
   * record that is being written.
   */
  readonly mayBeGrowing?: boolean
  /** Keeps a copy of a log that is not taken over whole, and resolves to its path. */
  readonly keep: (name: string) => Promise<string>
}

export class LogReplay {
  readonly #context: ReplayContext
  readonly dropped: DroppedPart[] = []
  logs = 0
  records = 0
  writes = 0
  logBytes = 0
  /** The last sequence that was replayed; 0 when there was none. */
  lastSequence = 0

  constructor(context: ReplayContext) {
    this.#context = context
  }

  /**
   * Replays the logs, given in order. Rejects with LEVEL_CORRUPTION or LEVEL_IO_ERROR, and with what
   * the sink rejects with.
   */
  async run(logNumbers: readonly number[]): Promise<void> {
    try {
      await this.#replay(logNumbers)
      await this.#context.sink.finish()
    } finally {
      await this.#context.sink.settled()
    }
  }

  async #replay(logNumbers: readonly number[]): Promise<void> {
    for (const [index, number] of logNumbers.entries()) {
      const isWhole = await this.#replayLog(number, index === logNumbers.length - 1)
      if (isWhole) continue
      for (const later of logNumbers.slice(index + 1)) {
        await this.#drop(later, 0, 'follows a log with damage')
      }
      break
    }
  }

  // True when every byte of the log was replayed.
  async #replayLog(number: number, isLast: boolean): Promise<boolean> {
    const { fileSystem, directory, logNumber } = this.#context
    const path = join(directory, logFileName(number))
    const bytes = await this.#readLog(path)
    const reader = new LogReader(bytes, (data, start, end) => fileSystem.crc32c(data, start, end))
    this.logs++
    this.logBytes += bytes.length
    let isFirst = true
    while (reader.next()) {
      const sequence = sequenceOfBatch(reader, path, this.lastSequence)
      if (isFirst && leavesHole(number, sequence, logNumber, this.#lastKnown())) {
        await this.#drop(number, 0, `sequences before ${sequence} are missing`)
        return false
      }
      isFirst = false
      await this.#apply(reader, sequence)
    }
    const { damage } = reader
    if (damage === undefined) return true
    if (this.#context.mayBeGrowing === true && isLast && !reader.hasFragmentsAfterDamage())
      return true
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
    return Math.max(this.lastSequence, this.#context.lastSequence)
  }

  async #apply(reader: LogReader, sequence: number): Promise<void> {
    const { bytes, start, end } = reader
    const count = batchCount(bytes, start)
    await this.#context.sink.add(bytes, start, end, sequence)
    this.records++
    this.writes += count
    // A batch without writes has the sequence that comes next: it vouches for those before it.
    this.lastSequence = Math.max(this.lastSequence, sequence + count - 1)
  }

  async #drop(number: number, offset: number, reason: string): Promise<void> {
    const { fileSystem, directory, keep } = this.#context
    const name = logFileName(number)
    const path = join(directory, name)
    const sizeBytes = await fileSystem.fileSize(path).catch((error: unknown) => {
      throw ioError('read', path, error)
    })
    if (sizeBytes === offset) return
    const keptAs = await keep(name)
    this.dropped.push({ file: path, offset, droppedBytes: sizeBytes - offset, reason, keptAs })
  }
}
