// The batches in a log, as whoever reads one takes them: whole, in order, and following on each other.
//
// A hole before a log shows in the sequences: its first batch follows on the last one of the log
// before it, or on the manifest's last sequence. The end of a log that was never synced, or the whole
// of it, can vanish so cleanly that nothing else tells. The log that the manifest names is another
// matter: everything before it is in tables, and C++ LevelDB uses up sequences when an append fails,
// so that its log may begin later without a hole.

import { batchCount, batchSequence, checkBatch } from '../format/batch.ts'
import { corruption, SluiceError } from '../format/error.ts'
import { MAX_SEQUENCE } from '../format/internal-key.ts'
import type { LogReader } from '../log/log-reader.ts'

/**
 * The sequence of the batch that the reader is at. Throws LEVEL_CORRUPTION for one that no writer
 * made, or that does not come after `lastSequence`. `path` is the log's, for messages.
 */
export function sequenceOfBatch(reader: LogReader, path: string, lastSequence: number): number {
  const { bytes, start, end, recordOffset } = reader
  try {
    checkBatch(bytes, start, end)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const { code, message } = error
    throw new SluiceError(code, `${message} in ${path} at ${recordOffset}`, {
      file: path,
      offset: recordOffset,
    })
  }
  const sequence = batchSequence(bytes, start)
  const count = batchCount(bytes, start)
  if (sequence < 0 || sequence + count > MAX_SEQUENCE) {
    throw corruption('a batch has a sequence out of range', path, recordOffset)
  }
  if (count > 0 && sequence <= lastSequence) {
    throw corruption(`a batch goes back to sequence ${sequence}`, path, recordOffset)
  }
  return sequence
}

/**
 * Whether writes are missing between `lastSequence`, of the logs before or of the manifest, and the
 * first batch of log `number`, which has `sequence`.
 */
export function leavesHole(
  number: number,
  sequence: number,
  logNumber: number,
  lastSequence: number,
): boolean {
  return number > logNumber && sequence > lastSequence + 1
}
