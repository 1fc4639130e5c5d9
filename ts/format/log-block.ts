// How one record is laid into the blocks of LevelDB's log format.
//
//   file   := block*                 every block is BLOCK_SIZE bytes; the last may be shorter
//   block  := fragment* trailer?     trailer: zeroes, when fewer than HEADER_SIZE bytes are left
//   fragment := checksum: fixed32 (masked CRC-32C of type and data)  length: fixed16  type: u8  data
//   record := FULL | FIRST MIDDLE* LAST
//
// Invariants:
//   A header never straddles two blocks, so a reader that lost its way finds it at the next block.
//   An empty record is one FULL fragment of length 0. A block with exactly HEADER_SIZE bytes left
//   takes a FIRST fragment of length 0, as LevelDB's writer does.

import { putFixed32 } from './coding.ts'
import { maskCrc } from './crc-mask.ts'

// On disk: never change these values.
export const BLOCK_SIZE = 32768
export const HEADER_SIZE: number = 4 + 2 + 1 // checksum, length, type
/** What preallocated files are filled with; a writer never writes it. */
export const TYPE_ZERO = 0
export const TYPE_FULL = 1
export const TYPE_FIRST = 2
export const TYPE_MIDDLE = 3
export const TYPE_LAST = 4

/** The CRC-32C of what `crc` covers followed by bytes[start, end); 0 covers nothing. */
export type ExtendCrc = (crc: number, bytes: Uint8Array, start: number, end: number) => number

const DATA_SIZE = BLOCK_SIZE - HEADER_SIZE
const TYPES = Uint8Array.of(TYPE_ZERO, TYPE_FULL, TYPE_FIRST, TYPE_MIDDLE, TYPE_LAST)
const ZEROES = new Uint8Array(HEADER_SIZE - 1)

/** Zeroes that go before the next record. Requires: 0 <= blockOffset < BLOCK_SIZE. */
export function trailerLength(blockOffset: number): number {
  const left = BLOCK_SIZE - blockOffset
  return left < HEADER_SIZE ? left : 0
}

/** Fragments of a record of `length` bytes. Requires: 0 <= blockOffset < BLOCK_SIZE. */
export function fragmentCount(blockOffset: number, length: number): number {
  const left = BLOCK_SIZE - blockOffset
  const first = left < HEADER_SIZE ? DATA_SIZE : left - HEADER_SIZE
  return length <= first ? 1 : 1 + Math.ceil((length - first) / DATA_SIZE)
}

/**
 * Appends to `target` the pieces of the record bytes[start, end), in the order of the file, when
 * `blockOffset` bytes of the current block are used. Returns the bytes in all pieces together.
 * The data pieces are views of `bytes`: nothing is copied.
 * Requires: 0 <= start <= end <= bytes.length; 0 <= blockOffset < BLOCK_SIZE.
 */
export function fragmentRecord(
  bytes: Uint8Array,
  start: number,
  end: number,
  blockOffset: number,
  extendCrc: ExtendCrc,
  target: Uint8Array[],
): number {
  const trailer = trailerLength(blockOffset)
  if (trailer > 0) target.push(ZEROES.subarray(0, trailer))
  const count = fragmentCount(blockOffset, end - start)
  const headers = Buffer.allocUnsafeSlow(count * HEADER_SIZE)
  let left = trailer > 0 ? BLOCK_SIZE : BLOCK_SIZE - blockOffset
  let at = start
  for (let i = 0; i < count; i++) {
    const next = Math.min(end, at + left - HEADER_SIZE)
    const type = typeOf(i, count)
    const header = headers.subarray(i * HEADER_SIZE, (i + 1) * HEADER_SIZE)
    const crc = extendCrc(extendCrc(0, TYPES, type, type + 1), bytes, at, next)
    putFixed32(header, 0, maskCrc(crc))
    putLengthAndType(header, 0, next - at, type)
    target.push(header)
    if (next > at) target.push(bytes.subarray(at, next))
    at = next
    left = BLOCK_SIZE
  }
  return trailer + headers.length + (end - start)
}

/** Most bytes that a list of records of `listBytes`, lengths included, takes in blocks. */
export function blocksBound(listBytes: number, count: number): number {
  const dataBytes = listBytes + count * HEADER_SIZE
  return dataBytes + (Math.ceil(dataBytes / DATA_SIZE) + 1) * 2 * HEADER_SIZE
}

/**
 * Writes the record bytes[start, end) to target[position...], as it stands in its blocks when
 * `blockOffset` bytes of the current one are used, and returns where that ends.
 * Requires: 0 <= start <= end <= bytes.length; 0 <= blockOffset < BLOCK_SIZE; there is room.
 */
export function layOutRecord(
  bytes: Buffer,
  start: number,
  end: number,
  blockOffset: number,
  crc32c: (bytes: Uint8Array, start: number, end: number) => number,
  target: Buffer,
  position: number,
): number {
  const trailer = trailerLength(blockOffset)
  target.fill(0, position, position + trailer)
  const count = fragmentCount(blockOffset, end - start)
  let left = trailer > 0 ? BLOCK_SIZE : BLOCK_SIZE - blockOffset
  let at = start
  let to = position + trailer
  for (let i = 0; i < count; i++) {
    const next = Math.min(end, at + left - HEADER_SIZE)
    const dataEnd = to + HEADER_SIZE + (next - at)
    putLengthAndType(target, to, next - at, typeOf(i, count))
    bytes.copy(target, to + HEADER_SIZE, at, next)
    putFixed32(target, to, maskCrc(crc32c(target, to + HEADER_SIZE - 1, dataEnd)))
    at = next
    to = dataEnd
    left = BLOCK_SIZE
  }
  return to
}

function typeOf(fragment: number, count: number): number {
  if (count === 1) return TYPE_FULL
  if (fragment === 0) return TYPE_FIRST
  return fragment === count - 1 ? TYPE_LAST : TYPE_MIDDLE
}

function putLengthAndType(header: Uint8Array, at: number, length: number, type: number): void {
  header[at + 4] = length
  header[at + 5] = length >>> 8
  header[at + 6] = type
}
