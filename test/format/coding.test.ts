// Integers as bytes: every edge of every length, against BigInt.

import test from 'ava'
import {
  fixed32At,
  fixed64At,
  MAX_EXACT,
  putFixed32,
  putFixed64,
  putVarint,
  varint32At,
  varint32End,
  varint64At,
  varint64End,
  varintLength,
} from '../../ts/format/coding.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from './seed.ts'

/** Both sides of every length of a varint, and of every power of two that a number holds exactly. */
function edges(): number[] {
  const values = new Set<number>([0])
  for (let bits = 0; bits <= 53; bits++) {
    for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
      if (value <= MAX_EXACT) values.add(value)
    }
  }
  return [...values]
}

function oracleVarint(value: bigint): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)])
    bytes.push(Number(rest & 127n) | 128)
  }
}

function varintOf(value: number): Buffer {
  const bytes = Buffer.alloc(12, 0xaa)
  return bytes.subarray(0, putVarint(bytes, 0, value))
}

test('a fixed32 is four bytes, least significant first', (t) => {
  const bytes = Buffer.alloc(6, 0xaa)
  putFixed32(bytes, 1, 0x1234_5678)
  t.is(bytes.toString('hex'), 'aa78563412aa')
  for (const value of edges().filter((value) => value < 2 ** 32)) {
    putFixed32(bytes, 1, value)
    t.is(bytes.readUInt32LE(1), value)
    t.is(fixed32At(bytes, 1), value)
  }
})

test('a fixed64 is eight bytes, least significant first', (t) => {
  const bytes = Buffer.alloc(10, 0xaa)
  putFixed64(bytes, 1, 0x1e_2345_6789_abcd)
  t.is(bytes.toString('hex'), 'aacdab896745231e00aa')
  for (const value of edges()) {
    putFixed64(bytes, 1, value)
    t.is(bytes.readBigUInt64LE(1), BigInt(value))
    t.is(fixed64At(bytes, 1), value)
  }
})

test('a fixed64 above 2^53 - 1 is refused, never rounded', (t) => {
  const bytes = Buffer.alloc(8)
  for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 56n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    bytes.writeBigUInt64LE(value)
    t.is(fixed64At(bytes, 0), -1, String(value))
  }
})

test('a varint has as many bytes as its value needs, the lowest seven bits first', (t) => {
  t.is(varintOf(0).toString('hex'), '00')
  t.is(varintOf(127).toString('hex'), '7f')
  t.is(varintOf(128).toString('hex'), '8001')
  t.is(varintOf(300).toString('hex'), 'ac02')
  t.is(varintOf(2 ** 32 - 1).toString('hex'), 'ffffffff0f')
  t.is(varintOf(2 ** 32).toString('hex'), '8080808010')
  t.is(varintOf(MAX_EXACT).toString('hex'), 'ffffffffffffff0f')
  for (const value of edges()) {
    const expected = oracleVarint(BigInt(value))
    t.deepEqual(varintOf(value), expected, String(value))
    t.is(varintLength(value), expected.length, String(value))
  }
})

test('every varint is read back, and ends where it ends', (t) => {
  const random = new Random(SEED)
  const values = edges()
  for (let i = 0; i < 20_000; i++) {
    values.push(
      Math.floor((random.next() * 2 ** 21 + random.below(2 ** 21)) / 2 ** random.below(53)),
    )
  }
  const bytes = Buffer.alloc(14, 0xff)
  for (const value of values) {
    const end = putVarint(bytes, 3, value)
    t.deepEqual(bytes.subarray(3, end), oracleVarint(BigInt(value)), seeded(String(value)))
    t.is(varint64End(bytes, 3, bytes.length), end, seeded(String(value)))
    t.is(varint64At(bytes, 3), value, seeded(String(value)))
    const fits32 = value < 2 ** 32
    t.is(varint32End(bytes, 3, bytes.length), fits32 ? end : -1, seeded(String(value)))
    if (fits32) t.is(varint32At(bytes, 3), value, seeded(String(value)))
    bytes.fill(0xff)
  }
})

test('a varint that its limit cuts is none, whatever stands behind the limit', (t) => {
  for (const value of edges()) {
    const bytes = Buffer.concat([varintOf(value), Buffer.alloc(12)])
    const length = varintLength(value)
    for (let limit = 0; limit < length; limit++) {
      t.is(varint32End(bytes, 0, limit), -1, `${value} cut to ${limit}`)
      t.is(varint64End(bytes, 0, limit), -1, `${value} cut to ${limit}`)
    }
  }
  t.is(varint32End(Buffer.alloc(0), 0, 0), -1)
  t.is(varint64End(Buffer.of(1), 1, 1), -1)
})

test('a varint that is too long or too large is none', (t) => {
  for (const hex of ['808080808000', 'ffffffffff00', 'ffffffff10', 'ffffffff7f', '8080808010']) {
    const bytes = Buffer.from(hex, 'hex')
    t.is(varint32End(bytes, 0, bytes.length), -1, hex)
  }
  const eleven = Buffer.from('8080808080808080808000', 'hex')
  t.is(varint64End(eleven, 0, eleven.length), -1)
  for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    const bytes = oracleVarint(value)
    t.is(varint64End(bytes, 0, bytes.length), bytes.length, String(value))
    t.is(varint64At(bytes, 0), -1, String(value))
  }
})

test('a varint with needless zero groups is read, as LevelDB reads it', (t) => {
  const bytes = Buffer.from('8500', 'hex')
  t.is(varint32End(bytes, 0, 2), 2)
  t.is(varint32At(bytes, 0), 5)
  const longest = Buffer.from('85808080808080808000', 'hex')
  t.is(varint64End(longest, 0, 10), 10)
  t.is(varint64At(longest, 0), 5)
})
