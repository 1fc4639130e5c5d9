// Looks at every record of a log: its checksum, its batch, its sequence.

import { setImmediate } from 'node:timers/promises'
import { batchCount } from '../../format/batch.ts'
import { ioError } from '../../format/error.ts'
import { LogReader } from '../../log/log-reader.ts'
import type { FileSystem } from '../../platform/file-system.ts'
import { leavesHole, sequenceOfBatch } from '../log-batch.ts'
import type { Findings } from './verify-report.ts'

/** Bytes of records after which other code has its turn. */
const TURN_BYTES = 256 * 1024

export interface LogPlace {
  readonly number: number
  readonly path: string
  /** The last log may end in the middle of a record: a crash. */
  readonly isLast: boolean
  /** Of the manifest, both; 0 where it is not known. */
  readonly logNumber: number
  readonly lastSequence: number
}

/**
 * Looks at the log. `lastInLogs` is the last sequence of the logs before it, 0 for the first; the
 * promise is for the same after it. Rejects with LEVEL_ABORTED.
 */
export async function verifyLog(
  fileSystem: FileSystem,
  place: LogPlace,
  lastInLogs: number,
  findings: Findings,
): Promise<number> {
  const { path } = place
  const check = new LogCheck(place, lastInLogs, findings)
  try {
    const bytes = await fileSystem.readFile(path).catch((error: unknown) => {
      throw ioError('read', path, error)
    })
    findings.counts.files++
    await check.run(new LogReader(bytes, (data, start, end) => fileSystem.crc32c(data, start, end)))
    findings.advance(path, bytes.length - check.doneBytes)
  } catch (error) {
    findings.caught(error, 'log', path)
  }
  findings.fileDone(path)
  return check.last
}

class LogCheck {
  last: number
  doneBytes = 0
  readonly #place: LogPlace
  readonly #findings: Findings

  constructor(place: LogPlace, last: number, findings: Findings) {
    this.#place = place
    this.last = last
    this.#findings = findings
  }

  async run(reader: LogReader): Promise<void> {
    let turnAt = 0
    for (let isFirst = true; reader.next(); isFirst = false) {
      this.#checkBatch(reader, isFirst)
      this.#findings.advance(this.#place.path, reader.recordOffset - this.doneBytes)
      this.doneBytes = reader.recordOffset
      if (this.doneBytes - turnAt < TURN_BYTES) continue
      turnAt = this.doneBytes
      await setImmediate()
    }
    tellDamage(reader, this.#place, this.#findings)
  }

  #checkBatch(reader: LogReader, isFirst: boolean): void {
    const { number, path, logNumber, lastSequence } = this.#place
    const { counts } = this.#findings
    const sequence = sequenceOfBatch(reader, path, this.last)
    const known = Math.max(this.last, lastSequence)
    if (isFirst && leavesHole(number, sequence, logNumber, known)) {
      this.#findings.error('sequence', path, `sequences before ${sequence} are missing`, 0)
    }
    const count = batchCount(reader.bytes, reader.start)
    // A batch without writes has the sequence that comes next: it vouches for those before it.
    this.last = Math.max(this.last, sequence + count - 1)
    counts.records++
    counts.writes += count
  }
}

function tellDamage({ damage }: LogReader, { path, isLast }: LogPlace, findings: Findings): void {
  if (damage === undefined) return
  const { kind, offset, droppedBytes, reason } = damage
  const message = `${reason}; ${droppedBytes} bytes to the end`
  if (kind === 'torn' && isLast) findings.warning('log-tail', path, message, offset)
  else findings.error('log', path, message, offset)
}
