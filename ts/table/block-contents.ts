// From what is stored of a block to its contents: checksum, type, expansion.

import { fixed32At } from '../format/coding.ts'
import { unmaskCrc } from '../format/crc-mask.ts'
import { corruption } from '../format/error.ts'
import { expandBlock } from './compression.ts'
import { BLOCK_TRAILER_SIZE, TYPE_NONE } from './format.ts'
import type { Crc32c } from './table-builder.ts'

/**
 * Throws LEVEL_CORRUPTION unless the checksum of the block stored as bytes[start, start + size) with
 * its trailer behind is right. Requires: all of them are there.
 */
export function verifyBlock(
  bytes: Buffer,
  start: number,
  size: number,
  file: string,
  offset: number,
  crc32c: Crc32c,
): void {
  const checkedEnd = start + size + 1
  if (crc32c(bytes, start, checkedEnd) === unmaskCrc(fixed32At(bytes, checkedEnd))) return
  throw corruption('block checksum mismatch', file, offset)
}

/**
 * The contents of the block stored as the whole of `stored`, trailer included, at `offset` of
 * `file`: `stored` itself without its trailer (a view), or a new buffer. Without `crc32c` the
 * checksum is not looked at.
 * Throws LEVEL_CORRUPTION, or LEVEL_NOT_SUPPORTED for a compression that cannot be read here.
 * Requires: stored.length >= BLOCK_TRAILER_SIZE.
 */
export function blockContents(
  stored: Buffer,
  file: string,
  offset: number,
  crc32c: Crc32c | undefined,
): Buffer {
  const size = stored.length - BLOCK_TRAILER_SIZE
  if (crc32c !== undefined) verifyBlock(stored, 0, size, file, offset, crc32c)
  const type = stored[size]!
  if (type === TYPE_NONE) return stored.subarray(0, size)
  return expandBlock(type, stored, size, file, offset)
}
