// The outline of a table file, NNNNNN.ldb (formerly .sst).
//
//   table      := data block*  filter block?  metaindex block  index block  footer
//   block      := contents  type: u8  checksum: fixed32 (masked CRC-32C of contents and type)
//   type       := 0 as it is | 1 Snappy | 2 Zstd
//   handle     := offset: varint64  size: varint64       where contents are, and their stored size
//   index      := (separator => handle)*                 one entry a data block, see separator.ts
//   metaindex  := ('filter.' policy name => handle)?
//   footer     := metaindex handle  index handle  zeroes up to 40 bytes  magic: fixed64
//
// data, metaindex and index contents are laid out as block-builder.ts says, the filter's as
// filter-block.ts says; the filter block is never compressed.
//
// Invariant: a handle is used only after `handleFits` said that it lies inside its file. The footer
// has no checksum, so the handles in it are as trustworthy as the disk.

import {
  MAX_VARINT64_LENGTH,
  fixed32At,
  putFixed32,
  putVarint,
  varint64At,
  varint64End,
} from '../format/coding.ts'

// On disk: never change these values.
export const BLOCK_TRAILER_SIZE: number = 1 + 4 // type, checksum
export const TYPE_NONE = 0
export const TYPE_SNAPPY = 1
export const TYPE_ZSTD = 2
export const MAX_HANDLE_LENGTH: number = 2 * MAX_VARINT64_LENGTH
export const FOOTER_SIZE: number = 2 * MAX_HANDLE_LENGTH + 8
/** 0xdb4775248b80fb57, in halves. */
const MAGIC_LOW = 0x8b80fb57
const MAGIC_HIGH = 0xdb477524
/** The metaindex key of the one filter policy there is. */
export const FILTER_KEY = 'filter.leveldb.BuiltinBloomFilter2'

/** Writes a handle and returns the position after it. Requires: MAX_HANDLE_LENGTH bytes of room. */
export function putHandle(
  bytes: Uint8Array,
  position: number,
  offset: number,
  size: number,
): number {
  return putVarint(bytes, putVarint(bytes, position, offset), size)
}

/** Where the handle at position ends, or -1 when it is cut by limit or malformed. */
export function handleEnd(bytes: Uint8Array, position: number, limit: number): number {
  const middle = varint64End(bytes, position, limit)
  return middle === -1 ? -1 : varint64End(bytes, middle, limit)
}

/** The handle's offset, or -1 when it is not exact. Requires: handleEnd found it well formed. */
export function handleOffset(bytes: Uint8Array, position: number): number {
  return varint64At(bytes, position)
}

/** The handle's size, or -1 when it is not exact. Requires: handleEnd found it well formed. */
export function handleSize(bytes: Uint8Array, position: number): number {
  return varint64At(bytes, varint64End(bytes, position, position + MAX_VARINT64_LENGTH))
}

/** Whether contents and trailer lie before the footer. Subtractions only: no sum can wrap or round. */
export function handleFits(offset: number, size: number, fileSizeBytes: number): boolean {
  const limit = fileSizeBytes - FOOTER_SIZE - BLOCK_TRAILER_SIZE
  return offset >= 0 && size >= 0 && offset <= limit && size <= limit - offset
}

/** Writes the footer. Requires: FOOTER_SIZE bytes of room. */
export function putFooter(
  bytes: Uint8Array,
  position: number,
  metaindexOffset: number,
  metaindexSize: number,
  indexOffset: number,
  indexSize: number,
): void {
  const magicAt = position + 2 * MAX_HANDLE_LENGTH
  const end = putHandle(
    bytes,
    putHandle(bytes, position, metaindexOffset, metaindexSize),
    indexOffset,
    indexSize,
  )
  bytes.fill(0, end, magicAt)
  putFixed32(bytes, magicAt, MAGIC_LOW)
  putFixed32(bytes, magicAt + 4, MAGIC_HIGH)
}

/** Whether a footer with the right magic stands at position. Requires: FOOTER_SIZE bytes there. */
export function hasMagic(bytes: Uint8Array, position: number): boolean {
  const magicAt = position + 2 * MAX_HANDLE_LENGTH
  return fixed32At(bytes, magicAt) === MAGIC_LOW && fixed32At(bytes, magicAt + 4) === MAGIC_HIGH
}
