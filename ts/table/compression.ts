// How block contents are compressed, and expanded without trusting what they say of themselves.
//
// Snappy is the binding's, in C++ or in TypeScript. Rejected for the TypeScript binding: the `snappy`
// package, twice to three times as fast as the twin (4 KiB of JSON: compress 4.7 us beside 8.0 us,
// expand 2.8 us beside 8.3 us; 2026-11-21, `node dist/scripts/bench-pieces.js snappy`), because every
// user would install 1.4 MB that is never loaded where our own module is.
// Zstd is only read, where Node's zlib has it (22.15 and later); LevelDB 1.20 does not know it.
//
// Invariant: memory for expanded contents is allocated only after their claimed size was found
// possible for the number of bytes they were stored in.

import zlib from 'node:zlib'

import { varint32At, varint32End } from '../format/coding.ts'
import { SluiceError, corruption } from '../format/error.ts'
import { binding } from '../platform/load-binding.ts'
import { TYPE_SNAPPY, TYPE_ZSTD } from './format.ts'

export { snappyBound } from '../format/snappy-encoder.ts'

/** A copy of at most 64 bytes takes at least 3: no Snappy data expands more. */
const SNAPPY_MAX_EXPANSION = 64 / 3
/** An RLE block of 128 KiB takes 4 bytes: no Zstd data expands more. */
const ZSTD_MAX_EXPANSION = 32_768
/** Far above any block a builder of ours makes; Zstd's own bound alone would let small files ask for much. */
const ZSTD_MAX_SIZE = 2 ** 30

type ZstdExpand = (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer

/**
 * The contents that were stored as bytes[0, size), in a new buffer.
 * Throws LEVEL_CORRUPTION naming file and offset when they are damaged or of an unknown type, and
 * LEVEL_NOT_SUPPORTED for Zstd where Node cannot read it.
 * Requires: type is not TYPE_NONE.
 */
export function expandBlock(
  type: number,
  bytes: Buffer,
  size: number,
  file: string,
  offset: number,
): Buffer {
  if (type === TYPE_SNAPPY) return expandSnappyBlock(bytes, size, file, offset)
  if (type === TYPE_ZSTD) return expandZstdBlock(bytes, size, file, offset)
  throw corruption(`block type ${type} is unknown`, file, offset)
}

function expandSnappyBlock(bytes: Buffer, size: number, file: string, offset: number): Buffer {
  const length = snappyLength(bytes, 0, size, file, offset)
  const expanded = Buffer.allocUnsafeSlow(length)
  expandSnappyTo(bytes, 0, size, expanded, length, file, offset)
  return expanded
}

/**
 * How long the contents are that are stored as the Snappy data bytes[start, end). Throws
 * LEVEL_CORRUPTION when it does not say so, or cannot be true.
 */
export function snappyLength(
  bytes: Buffer,
  start: number,
  end: number,
  file: string,
  offset: number,
): number {
  const elementsAt = varint32End(bytes, start, end)
  if (elementsAt === -1) throw corruption('Snappy data without a length', file, offset)
  const length = varint32At(bytes, start)
  if (length > (end - elementsAt) * SNAPPY_MAX_EXPANSION) {
    throw corruption(`${end - start} bytes of Snappy data cannot hold ${length}`, file, offset)
  }
  return length
}

/**
 * Expands the Snappy data bytes[start, end) to target[0, length). Throws LEVEL_CORRUPTION.
 * Requires: length is what snappyLength says.
 */
export function expandSnappyTo(
  bytes: Buffer,
  start: number,
  end: number,
  target: Buffer,
  length: number,
  file: string,
  offset: number,
): void {
  const elementsAt = varint32End(bytes, start, end)
  if (binding.expandSnappy(bytes, elementsAt, end, target, 0, length)) return
  throw corruption('malformed Snappy data', file, offset)
}

function expandZstdBlock(bytes: Buffer, size: number, file: string, offset: number): Buffer {
  const expand = (zlib as { zstdDecompressSync?: ZstdExpand }).zstdDecompressSync
  if (expand === undefined) {
    const what = `${file}: blocks are Zstd-compressed, which Node ${process.version} cannot read`
    throw new SluiceError('LEVEL_NOT_SUPPORTED', what, { file, offset })
  }
  const maxOutputLength = Math.min(ZSTD_MAX_SIZE, size * ZSTD_MAX_EXPANSION)
  try {
    return expand(bytes.subarray(0, size), { maxOutputLength })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw corruption(`malformed Zstd data (${reason})`, file, offset)
  }
}
