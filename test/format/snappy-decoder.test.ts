// Our Snappy decoder against what the packages compress, and against damage.

import test from 'ava'
import snappy from 'snappy'
import snappyjs from 'snappyjs'
import { varint32End } from '../../ts/format/coding.ts'
import { expandSnappy } from '../../ts/format/snappy-decoder.ts'
import { Random } from '../crash/random.ts'
import { SEED } from './seed.ts'
import { sample } from './snappy-sample.ts'

const COPY = { copyOutputData: true }

/** Expands whole Snappy data into as many bytes as `length` says, or undefined. */
function expand(data: Buffer, length: number): Buffer | undefined {
  const target = Buffer.alloc(length)
  const start = varint32End(data, 0, data.length)
  return expandSnappy(data, start, data.length, target, 0, length) ? target : undefined
}

function elements(hex: string, length: number): string | undefined {
  const target = Buffer.alloc(length)
  const source = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  return expandSnappy(source, 0, source.length, target, 0, length)
    ? target.toString('latin1')
    : undefined
}

test('each kind of element expands', (t) => {
  t.is(elements('08616263 0103', 7), 'abcabca')
  t.is(elements('0061 fe0100', 65), 'a'.repeat(65))
  t.is(elements('0061 0f01000000', 5), 'aaaaa')
  t.is(elements('f003 61626364', 4), 'abcd')
  t.is(elements('f40300 61626364', 4), 'abcd')
  t.is(elements('f8030000 61626364', 4), 'abcd')
  t.is(elements('fc03000000 61626364', 4), 'abcd')
  t.is(elements('', 0), '')
})

test('malformed elements are refused', (t) => {
  for (const [hex, length, why] of [
    ['0861', 3, 'literal cut'],
    ['f0', 3, 'literal length cut'],
    ['fcf0ffffff61', 3, 'literal of nearly 2^32 bytes'],
    ['fcffffffff61', 3, 'literal of 2^32 bytes'],
    ['01', 4, 'copy before anything'],
    ['0061 01', 5, 'short copy cut'],
    ['0061 0201', 5, 'copy cut'],
    ['0061 03010000', 5, 'long copy cut'],
    ['0061 0100', 5, 'offset zero'],
    ['0061 0102', 5, 'offset before the beginning'],
    ['0061 0fffffffff', 5, 'offset of 2^32 - 1'],
    ['0061 fe0100', 64, 'copy past the end'],
    ['0461 62', 1, 'literal past the end'],
    ['0061', 2, 'expanded to less than it said'],
  ] as const) {
    t.is(elements(hex, length), undefined, why)
  }
})

test('what either package compresses expands to the same bytes', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 300; round++) {
    const bytes = sample(random)
    for (const data of [snappy.compressSync(bytes, COPY), snappyjs.compress(bytes)]) {
      if (!expand(data, bytes.length)?.equals(bytes)) t.fail(`seed ${SEED}, round ${round}`)
    }
  }
  t.pass()
})

test('damaged data expands to what the native package makes of it, or is refused as there', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 5000; round++) {
    const bytes = sample(random).subarray(0, 300)
    const data = snappy.compressSync(bytes, COPY)
    const start = varint32End(data, 0, data.length)
    for (let flips = random.between(1, 3); flips > 0 && data.length > start; flips--) {
      data[random.between(start, data.length - 1)]! ^= 1 << random.below(8)
    }
    let native: Buffer | undefined
    try {
      native = snappy.uncompressSync(data, COPY) as Buffer
    } catch {
      // Refused: native stays undefined.
    }
    const ours = expand(data, bytes.length)
    const same = native === undefined ? ours === undefined : ours?.equals(native) === true
    if (!same) t.fail(`seed ${SEED}, round ${round}: ${data.toString('hex')}`)
  }
  t.pass()
})
