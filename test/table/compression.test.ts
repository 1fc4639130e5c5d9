// Block compression: which Snappy is used, and what is refused.

import zlib from 'node:zlib'
import test from 'ava'
import snappy from 'snappy'
import snappyjs from 'snappyjs'
import type { SluiceError } from '../../ts/format/error.ts'
import { expandBlock, loadSnappy, snappyCodec } from '../../ts/table/compression.ts'
import { TYPE_SNAPPY, TYPE_ZSTD } from '../../ts/table/format.ts'

const FILE = 'db/000007.ldb'
const TEXT = Buffer.from('the same words again and again, '.repeat(100))

function expand(type: number, bytes: Buffer): Buffer {
  return expandBlock(type, bytes, bytes.length, FILE, 4100)
}

test('the native Snappy is used where it loads', (t) => {
  const codec = snappyCodec()
  t.is(codec.kind, 'native')
  t.is(codec.reason, undefined)
  t.is(snappyCodec(), codec)
  t.deepEqual(expand(TYPE_SNAPPY, codec.compress(TEXT, TEXT.length)), TEXT)
})

test('without the native Snappy the JavaScript one is used, and the reason kept', (t) => {
  const codec = loadSnappy((name) => {
    if (name === 'snappy') throw new Error('no prebuilt binary')
    return snappyjs
  })
  t.is(codec.kind, 'js')
  t.is(codec.reason, 'no prebuilt binary')
  const compressed = codec.compress(TEXT, 1000)
  t.true(Buffer.isBuffer(compressed))
  t.true(compressed.length < 100)
  t.deepEqual(expand(TYPE_SNAPPY, compressed), TEXT.subarray(0, 1000))
  t.deepEqual(codec.expand(compressed, compressed.length, 1000), TEXT.subarray(0, 1000))
  t.is(codec.expand(compressed, compressed.length, 999), undefined)
  t.is(codec.expand(compressed, compressed.length - 1, 1000), undefined)
})

test('only the asked part of a larger buffer is compressed', (t) => {
  const codec = snappyCodec()
  t.deepEqual(expand(TYPE_SNAPPY, codec.compress(TEXT, 100)), TEXT.subarray(0, 100))
})

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
