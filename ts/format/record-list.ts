// Records of any bytes behind each other, as they are handed to a log together.
//
//   list   := record*
//   record := length: fixed32  bytes
//
// In memory only: on disk each record is one of its own in the log's blocks (log-block.ts). The
// lengths stand between the records, and not in an array beside them, so that a list is one buffer
// for whoever writes it, in C++ too.
//
// Invariant of RecordList: bytes[0, end) is a whole list of `count` records. Bytes handed in are copied
// before the call returns, their length read once. A call that throws (there is no memory) leaves the
// list as it was.

import { copyAll } from './batch.ts'
import { fixed32At, putFixed32 } from './coding.ts'
import { lengthOf } from './user-bytes.ts'

export const RECORD_LENGTH_SIZE = 4

const INITIAL_CAPACITY = 4096

export class RecordList {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_CAPACITY)
  end = 0
  count = 0

  /** Requires: the record is shorter than 2^32. */
  append(record: Uint8Array): void {
    const length = lengthOf(record)
    this.#reserve(RECORD_LENGTH_SIZE + length)
    putFixed32(this.bytes, this.end, length)
    copyAll(record, length, this.bytes, this.end + RECORD_LENGTH_SIZE)
    this.end += RECORD_LENGTH_SIZE + length
    this.count++
  }

  /** Bytes of the records without their lengths. */
  get dataBytes(): number {
    return this.end - this.count * RECORD_LENGTH_SIZE
  }

  /** Empty again; the memory stays. */
  clear(): void {
    this.end = 0
    this.count = 0
  }

  #reserve(sizeBytes: number): void {
    const needed = this.end + sizeBytes
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.end)
    this.bytes = grown
  }
}

/** Where the record at `position` of a list ends, or -1 when `end` cuts it. */
export function recordEnd(list: Buffer, position: number, end: number): number {
  const start = position + RECORD_LENGTH_SIZE
  if (start > end) return -1
  const recordEnd = start + fixed32At(list, position)
  return recordEnd > end ? -1 : recordEnd
}
