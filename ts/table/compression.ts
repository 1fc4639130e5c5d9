// How block contents are compressed, and expanded without trusting what they say of themselves.
//
// Snappy comes from the native binding; where that is not in use, from the `snappy` package, which
// has binaries of its own; where that cannot load either, from the TypeScript twin. It is looked for
// at the first block that needs it: a database without compression never pays for it. `require`,
// because a first use in synchronous code cannot await an import.
// Zstd is only read, where Node's zlib has it (22.15 and later); LevelDB 1.20 does not know it.
//
// Invariant: memory for expanded contents is allocated only after their claimed size was found
// possible for the number of bytes they were stored in.

import { createRequire } from 'node:module'
import zlib from 'node:zlib'

import { varint32At, varint32End } from '../format/coding.ts'
import { SluiceError, corruption } from '../format/error.ts'
import type { Binding } from '../platform/binding.ts'
import { binding } from '../platform/load-binding.ts'
import { TYPE_SNAPPY, TYPE_ZSTD } from './format.ts'

export { snappyBound } from '../format/snappy-encoder.ts'

export interface SnappyCodec {
  readonly source: 'binding' | 'package' | 'twin'
  /**
   * Compresses bytes[start, end) to target[position...] and returns where that ends.
   * Requires: snappyBound(end - start) bytes of room; no overlap.
   */
  compress(bytes: Buffer, start: number, end: number, target: Buffer, position: number): number
  /**
   * Expands bytes[start, end) to exactly target[0, length); false when they are malformed.
   * Requires: length is the one at their head; no overlap.
   */
  expand(bytes: Buffer, start: number, end: number, target: Buffer, length: number): boolean
}

/** A copy of at most 64 bytes takes at least 3: no Snappy data expands more. */
const SNAPPY_MAX_EXPANSION = 64 / 3
/** An RLE block of 128 KiB takes 4 bytes: no Zstd data expands more. */
const ZSTD_MAX_EXPANSION = 32_768
/** Far above any block a builder of ours makes; Zstd's own bound alone would let small files ask for much. */
const ZSTD_MAX_SIZE = 2 ** 30

type Require = (name: string) => unknown
type ZstdExpand = (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer

interface SnappyPackage {
  compressSync(bytes: Uint8Array, options: { copyOutputData: boolean }): Buffer
  uncompressSync(bytes: Uint8Array, options: { copyOutputData: boolean }): Buffer
}

// The default of `snappy` wraps native memory in an external buffer, which costs three times as
// much on 4 KiB as copying the output.
const COPY_OUTPUT = { copyOutputData: true }

let loaded: SnappyCodec | undefined

/** The codec in use, loaded at the first call. */
export function snappyCodec(): SnappyCodec {
  return (loaded ??= loadSnappy(binding, createRequire(import.meta.url)))
}

/** Chooses by the binding in use and by what `require` can load. */
export function loadSnappy(inUse: Binding, require: Require): SnappyCodec {
  if (inUse.kind === 'native') return bindingCodec(inUse, 'binding')
  try {
    return packageCodec(require('snappy') as SnappyPackage)
  } catch {
    // Wherever the fault lies, the twin does the same, only slower.
    return bindingCodec(inUse, 'twin')
  }
}

function bindingCodec(inUse: Binding, source: 'binding' | 'twin'): SnappyCodec {
  return {
    source,
    compress: (bytes, start, end, target, position) =>
      inUse.compressSnappy(bytes, start, end, target, position),
    expand: (bytes, start, end, target, length) =>
      inUse.expandSnappy(bytes, varint32End(bytes, start, end), end, target, 0, length),
  }
}

function packageCodec(snappy: SnappyPackage): SnappyCodec {
  return {
    source: 'package',
    compress: (bytes, start, end, target, position) => {
      const compressed = snappy.compressSync(bytes.subarray(start, end), COPY_OUTPUT)
      target.set(compressed, position)
      return position + compressed.length
    },
    expand: (bytes, start, end, target, length) => {
      try {
        const expanded = snappy.uncompressSync(bytes.subarray(start, end), COPY_OUTPUT)
        if (expanded.length !== length) return false
        target.set(expanded)
        return true
      } catch {
        // It throws for malformed data, and for nothing else: the length was found possible before.
        return false
      }
    },
  }
}

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
  if (snappyCodec().expand(bytes, start, end, target, length)) return
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
