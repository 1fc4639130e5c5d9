// Block compression: which Snappy is used, and what is refused.

import zlib from 'node:zlib'
import test from 'ava'
import snappy from 'snappy'
import type { SluiceError } from '../../ts/format/error.ts'
import type { Binding } from '../../ts/platform/binding.ts'
import { createJsBinding } from '../../ts/platform/js-binding.ts'
import {
  expandBlock,
  loadSnappy,
  type SnappyCodec,
  snappyBound,
  snappyCodec,
} from '../../ts/table/compression.ts'
import { TYPE_SNAPPY, TYPE_ZSTD } from '../../ts/table/format.ts'

const FILE = 'db/000007.ldb'
const TEXT = Buffer.from('the same words again and again, '.repeat(100))

function expand(type: number, bytes: Buffer): Buffer {
  return expandBlock(type, bytes, bytes.length, FILE, 4100)
}

/** TEXT[start, end) as this codec compresses it, at a place in a larger buffer. */
function compress(codec: SnappyCodec, start: number, end: number): Buffer {
  const target = Buffer.alloc(7 + snappyBound(end - start))
  return target.subarray(7, codec.compress(TEXT, start, end, target, 7))
}

function missing(): never {
  throw new Error('no prebuilt binary')
}

test('Snappy is that of the native binding; else of the package; else the twin', (t) => {
  const native: Binding = { ...createJsBinding(), kind: 'native' }
  t.is(loadSnappy(native, missing).source, 'binding')
  t.is(loadSnappy(createJsBinding(), () => snappy).source, 'package')
  t.is(loadSnappy(createJsBinding(), missing).source, 'twin')
  t.is(snappyCodec(), snappyCodec())
})

for (const [name, codec] of [
  ['in use', snappyCodec()],
  ['of the package', loadSnappy(createJsBinding(), () => snappy)],
  ['of the twin', loadSnappy(createJsBinding(), missing)],
] as const) {
  test(`the Snappy ${name} compresses and expands ranges`, (t) => {
    const compressed = compress(codec, 100, 1100)
    t.true(compressed.length < 100)
    t.deepEqual(expand(TYPE_SNAPPY, compressed), TEXT.subarray(100, 1100))
    const larger = Buffer.concat([Buffer.of(1, 2), compressed, Buffer.of(3)])
    const end = 2 + compressed.length
    const target = Buffer.alloc(1001, 0xee)
    t.true(codec.expand(larger, 2, end, target, 1000))
    t.deepEqual(target, Buffer.concat([TEXT.subarray(100, 1100), Buffer.of(0xee)]))
    t.false(codec.expand(larger, 2, end, target, 999))
    t.false(codec.expand(larger, 2, end - 1, target, 1000))
  })
}

test('Snappy data that claims more than it can hold is refused before memory is taken', (t) => {
  const bomb = Buffer.from('ffffffff0f00', 'hex')
  const expected = {
    code: 'LEVEL_CORRUPTION',
    message: /6 bytes of Snappy data cannot hold 4294967295/,
  }
  const error = t.throws<SluiceError>(() => expand(TYPE_SNAPPY, bomb), expected)
  t.is(error.file, FILE)
  t.is(error.offset, 4100)
  const compressed = snappy.compressSync(Buffer.alloc(1_000_000), { copyOutputData: true })
  t.is(expand(TYPE_SNAPPY, compressed).length, 1_000_000, 'the best compression there is passes')
})

test('Snappy data without a whole length, or malformed behind it, is damage', (t) => {
  for (const hex of ['', '80', 'ffffffffff01', '0500', '010061ff']) {
    const error = t.throws<SluiceError>(() => expand(TYPE_SNAPPY, Buffer.from(hex, 'hex')), {
      code: 'LEVEL_CORRUPTION',
    })
    t.is(error.offset, 4100, hex)
  }
})

test('an unknown block type is damage', (t) => {
  for (const type of [3, 7, 255]) {
    const error = t.throws<SluiceError>(() => expand(type, TEXT), { code: 'LEVEL_CORRUPTION' })
    t.true(error.message.includes(`type ${type} `))
    t.is(error.file, FILE)
  }
})

type Compress = (bytes: Uint8Array) => Buffer
const zstdCompress = (zlib as { zstdCompressSync?: Compress }).zstdCompressSync

test('Zstd is read where Node can, and is not supported where it cannot', (t) => {
  if (zstdCompress === undefined) {
    const error = t.throws<SluiceError>(() => expand(TYPE_ZSTD, TEXT), {
      code: 'LEVEL_NOT_SUPPORTED',
    })
    t.is(error.file, FILE)
    t.is(error.offset, 4100)
    return
  }
  t.deepEqual(expand(TYPE_ZSTD, zstdCompress(TEXT)), TEXT)
  t.throws(() => expand(TYPE_ZSTD, TEXT), { code: 'LEVEL_CORRUPTION' })
})
