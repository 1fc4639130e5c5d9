// Log files made by hand for the tests of the reader: fragments one by one, or whole records.

import { putFixed32 } from '../../ts/format/coding.ts'
import { maskCrc } from '../../ts/format/crc-mask.ts'
import { BLOCK_SIZE } from '../../ts/format/log-block.ts'
import { LogReader, type LogDamage } from '../../ts/log/log-reader.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'

export const FULL = 1
export const FIRST = 2
export const MIDDLE = 3
export const LAST = 4

/** One fragment, with its checksum right. */
export function fragment(type: number, data: Uint8Array): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(6), Buffer.of(type), data])
  bytes.writeUInt16LE(data.length, 4)
  putFixed32(bytes, 0, maskCrc(crc32c(bytes, 6, bytes.length)))
  return bytes
}

/** A log of these records, laid out as LevelDB's writer does it, byte for byte from its rules. */
export function logOf(records: readonly Uint8Array[]): Buffer {
  const pieces: Buffer[] = []
  let size = 0
  const add = (piece: Buffer): void => {
    pieces.push(piece)
    size += piece.length
  }
  for (const record of records) {
    let at = 0
    let isFirst = true
    do {
      let left = BLOCK_SIZE - (size % BLOCK_SIZE)
      if (left < 7) {
        add(Buffer.alloc(left))
        left = BLOCK_SIZE
      }
      const length = Math.min(left - 7, record.length - at)
      const isLast = at + length === record.length
      const type = isFirst ? (isLast ? FULL : FIRST) : isLast ? LAST : MIDDLE
      add(fragment(type, record.subarray(at, at + length)))
      at += length
      isFirst = false
    } while (at < record.length)
  }
  return Buffer.concat(pieces)
}

export interface ReadResult {
  readonly records: Buffer[]
  readonly offsets: number[]
  readonly damage: LogDamage | undefined
  readonly hasMore: boolean
}

/** All that a reader hands out, copied, and how it ended. */
export function readLog(file: Buffer): ReadResult {
  const reader = new LogReader(file, crc32c)
  const records: Buffer[] = []
  const offsets: number[] = []
  while (reader.next()) {
    records.push(Buffer.from(reader.bytes.subarray(reader.start, reader.end)))
    offsets.push(reader.recordOffset)
  }
  // The end stays the end.
  if (reader.next()) throw new Error('a reader went on behind its end')
  return { records, offsets, damage: reader.damage, hasMore: reader.hasFragmentsAfterDamage() }
}
