// What can be read of a log, also behind damage.
//
// An open stops at the first damage, so that no write is seen without those before it. A repair is
// called for when there is damage, and is to save what can be saved: it takes every whole batch behind
// it too, and says what is missing in between. Checksums are always looked at, and a batch is taken
// whole or not at all.

import { setImmediate } from 'node:timers/promises'
import { batchCount } from '../../format/batch.ts'
import { ioError, SluiceError } from '../../format/error.ts'
import { LogReader } from '../../log/log-reader.ts'
import type { FileSystem } from '../../platform/file-system.ts'
import { sequenceOfBatch } from '../log-batch.ts'
import type { RepairLoss } from './repair-report.ts'

/** Bytes of records after which other code has its turn. */
const TURN_BYTES = 256 * 1024

export interface RescueSink {
  add(bytes: Buffer, start: number, end: number, sequence: number): Promise<void>
  loss(loss: RepairLoss): void
}

/** What is known of the logs before, and after. */
export interface RescueResult {
  readonly writes: number
  /** Of its first batch; undefined where there is none. */
  readonly firstSequence: number | undefined
  readonly lastSequence: number
}

/**
 * Reads the log in `path` into the sink. `lastSequence` is the last one of the logs before.
 * Rejects with LEVEL_IO_ERROR, and with what the sink rejects with.
 */
export async function rescueLog(
  fileSystem: FileSystem,
  path: string,
  lastSequence: number,
  sink: RescueSink,
): Promise<RescueResult> {
  const bytes = await fileSystem.readFile(path).catch((error: unknown) => {
    throw ioError('read', path, error)
  })
  const reader = new LogReader(bytes, (data, start, end) => fileSystem.crc32c(data, start, end))
  const rescue = new Rescue(path, lastSequence, sink)
  let turnAt = 0
  do {
    while (reader.next()) {
      await rescue.take(reader)
      if (reader.recordOffset - turnAt < TURN_BYTES) continue
      turnAt = reader.recordOffset
      await setImmediate()
    }
    if (reader.damage !== undefined) rescue.damage(reader.damage.offset, reader.damage.reason)
  } while (reader.skipDamage())
  rescue.end(bytes.length)
  const { writes, firstSequence, lastSequence: last } = rescue
  return { writes, firstSequence, lastSequence: last }
}

class Rescue {
  writes = 0
  firstSequence: number | undefined
  lastSequence: number
  readonly #path: string
  readonly #sink: RescueSink
  /** Damage whose end is not known yet. */
  #open: { readonly offset: number; readonly reason: string } | undefined

  constructor(path: string, lastSequence: number, sink: RescueSink) {
    this.#path = path
    this.lastSequence = lastSequence
    this.#sink = sink
  }

  async take(reader: LogReader): Promise<void> {
    const { bytes, start, end, recordOffset } = reader
    this.end(recordOffset)
    let sequence: number
    try {
      sequence = sequenceOfBatch(reader, this.#path, this.lastSequence)
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      this.damage(recordOffset, error.message)
      return
    }
    await this.#sink.add(bytes, start, end, sequence)
    this.firstSequence ??= sequence
    const count = batchCount(bytes, start)
    this.writes += count
    this.lastSequence = Math.max(this.lastSequence, sequence + count - 1)
  }

  /** What begins at `offset` is lost, up to the next record that is read. */
  damage(offset: number, reason: string): void {
    this.#open ??= { offset, reason }
  }

  /** Ends what is lost, if anything is. */
  end(offset: number): void {
    if (this.#open === undefined) return
    const loss = { file: this.#path, above: undefined, upTo: undefined, ...this.#open }
    this.#sink.loss({ ...loss, bytes: offset - loss.offset })
    this.#open = undefined
  }
}
