// How block contents are compressed, and expanded without trusting what they say of themselves.
//
// Snappy comes from the `snappy` package (native). Where that cannot load, the reason is kept, and
// `snappyjs` compresses while snappy-decoder.ts expands. They are loaded at the first block that needs
// them: a database without compression never pays for them. `require`, because a first use in
// synchronous code cannot await an import.
// Zstd is only read, where Node's zlib has it (22.15 and later); LevelDB 1.20 does not know it.
//
// Invariant: memory for expanded contents is allocated only after their claimed size was found
// possible for the number of bytes they were stored in.

import { createRequire } from 'node:module'
import zlib from 'node:zlib'

import { varint32At, varint32End } from '../format/coding.ts'
import { SluiceError, corruption } from '../format/error.ts'
import { TYPE_SNAPPY, TYPE_ZSTD } from './format.ts'
import { expandSnappy } from './snappy-decoder.ts'

export interface SnappyCodec {
  readonly kind: 'native' | 'js'
  /** Why it is not the native one; absent when it is. */
  readonly reason?: string
  /** bytes[0, size) compressed, in a buffer that is the caller's. */
  compress(bytes: Buffer, size: number): Buffer
  /**
   * The `length` bytes that were compressed as bytes[0, size), in a buffer that is the caller's;
   * undefined when they are malformed. Requires: length is the one at the head of the bytes.
   */
  expand(bytes: Buffer, size: number, length: number): Buffer | undefined
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

interface SnappyJsPackage {
  compress(bytes: Uint8Array): Uint8Array
}

// The default of `snappy` wraps native memory in an external buffer, which costs three times as
// much on 4 KiB as copying the output.
const COPY_OUTPUT = { copyOutputData: true }

let loaded: SnappyCodec | undefined

/** The codec in use, loaded at the first call. */
export function snappyCodec(): SnappyCodec {
  return (loaded ??= loadSnappy(createRequire(import.meta.url)))
}

/** Chooses by what `require` can load. */
export function loadSnappy(require: Require): SnappyCodec {
  try {
    return nativeCodec(require('snappy') as SnappyPackage)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return jsCodec(require('snappyjs') as SnappyJsPackage, reason)
  }
}

function nativeCodec(snappy: SnappyPackage): SnappyCodec {
  return {
    kind: 'native',
    compress: (bytes, size) => snappy.compressSync(bytes.subarray(0, size), COPY_OUTPUT),
    expand: (bytes, size) => {
      try {
        return snappy.uncompressSync(bytes.subarray(0, size), COPY_OUTPUT)
      } catch {
        // It throws for malformed data, and for nothing else: the length was found possible before.
        return undefined
      }
    },
  }
}

function jsCodec(snappyjs: SnappyJsPackage, reason: string): SnappyCodec {
  return {
    kind: 'js',
    reason,
    compress: (bytes, size) => snappyjs.compress(bytes.subarray(0, size)) as Buffer,
    expand: (bytes, size, length) => {
      const expanded = Buffer.allocUnsafeSlow(length)
      const isWhole = expandSnappy(bytes, varint32End(bytes, 0, size), size, expanded)
      return isWhole ? expanded : undefined
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
  const start = varint32End(bytes, 0, size)
  if (start === -1) throw corruption('Snappy data without a length', file, offset)
  const length = varint32At(bytes, 0)
  if (length > (size - start) * SNAPPY_MAX_EXPANSION) {
    throw corruption(`${size} bytes of Snappy data cannot hold ${length}`, file, offset)
  }
  const expanded = snappyCodec().expand(bytes, size, length)
  if (expanded?.length !== length) throw corruption('malformed Snappy data', file, offset)
  return expanded
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
