// Block compression: what is expanded, and what is refused.

import zlib from 'node:zlib'
import test from 'ava'
import snappy from 'snappy'
import type { SluiceError } from '../../ts/format/error.ts'
import { binding } from '../../ts/platform/load-binding.ts'
import { expandBlock, expandSnappyTo, snappyBound } from '../../ts/table/compression.ts'
import { TYPE_SNAPPY, TYPE_ZSTD } from '../../ts/table/format.ts'

const FILE = 'db/000007.ldb'
const TEXT = Buffer.from('the same words again and again, '.repeat(100))

function expand(type: number, bytes: Buffer): Buffer {
  return expandBlock(type, bytes, bytes.length, FILE, 4100)
}

test('the Snappy of the binding compresses and expands ranges', (t) => {
  const target = Buffer.alloc(7 + snappyBound(1000))
  const compressed = target.subarray(7, binding.compressSnappy(TEXT, 100, 1100, target, 7))
  t.true(compressed.length < 100)
  t.deepEqual(expand(TYPE_SNAPPY, compressed), TEXT.subarray(100, 1100))
  const larger = Buffer.concat([Buffer.of(1, 2), compressed, Buffer.of(3)])
  const end = 2 + compressed.length
  const contents = Buffer.alloc(1001, 0xee)
  expandSnappyTo(larger, 2, end, contents, 1000, FILE, 4100)
  t.deepEqual(contents, Buffer.concat([TEXT.subarray(100, 1100), Buffer.of(0xee)]))
  const damage = { code: 'LEVEL_CORRUPTION' }
  t.throws(() => expandSnappyTo(larger, 2, end, contents, 999, FILE, 4100), damage)
  t.throws(() => expandSnappyTo(larger, 2, end - 1, contents, 1000, FILE, 4100), damage)
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
