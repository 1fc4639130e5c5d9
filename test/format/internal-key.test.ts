// Internal keys: their bytes, their order, and the sequences that are refused.

import test from 'ava'
import {
  compareBytes,
  compareInternal,
  makeInternalKey,
  MAX_SEQUENCE,
  sequenceOfKey,
  TYPE_DELETION,
  TYPE_VALUE,
  typeOfKey,
} from '../../ts/format/internal-key.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from './seed.ts'

function compare(a: Buffer, b: Buffer): number {
  return Math.sign(compareInternal(a, 0, a.length, b, 0, b.length))
}

test('an internal key is the user key, then sequence and type as one number', (t) => {
  const foo = Buffer.from('foo')
  t.is(makeInternalKey(foo, 1, TYPE_VALUE).toString('hex'), '666f6f0101000000000000')
  t.is(makeInternalKey(foo, 0x12_3456, TYPE_DELETION).toString('hex'), '666f6f0056341200000000')
  t.is(
    makeInternalKey(Buffer.alloc(0), MAX_SEQUENCE, TYPE_VALUE).toString('hex'),
    '01ffffffffffff1f',
  )
})

test('sequence and type are read back at every power of two', (t) => {
  for (let bits = 0; bits <= 53; bits++) {
    for (const sequence of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
      if (sequence > MAX_SEQUENCE) continue
      for (const type of [TYPE_DELETION, TYPE_VALUE]) {
        const key = makeInternalKey(Buffer.from('k'), sequence, type)
        t.is(key.readBigUInt64LE(1), (BigInt(sequence) << 8n) | BigInt(type))
        t.is(sequenceOfKey(key, key.length), sequence)
        t.is(typeOfKey(key, key.length), type)
      }
    }
  }
})

test('a sequence above 2^53 - 1 is refused, never rounded', (t) => {
  const key = Buffer.alloc(8)
  for (const sequence of [2n ** 53n, 2n ** 53n + 1n, 2n ** 56n - 1n]) {
    key.writeBigUInt64LE((sequence << 8n) | 1n)
    t.is(sequenceOfKey(key, 8), -1, String(sequence))
  }
})

test('user keys ascend bytewise, a prefix comes first, and the newest entry leads its equals', (t) => {
  const inOrder = [
    makeInternalKey(Buffer.alloc(0), 1, TYPE_VALUE),
    makeInternalKey(Buffer.from([0]), 9, TYPE_VALUE),
    makeInternalKey(Buffer.from([0, 0]), 9, TYPE_VALUE),
    makeInternalKey(Buffer.from('a'), MAX_SEQUENCE, TYPE_VALUE),
    makeInternalKey(Buffer.from('a'), 2 ** 32, TYPE_VALUE),
    makeInternalKey(Buffer.from('a'), 256, TYPE_VALUE),
    makeInternalKey(Buffer.from('a'), 256, TYPE_DELETION),
    makeInternalKey(Buffer.from('a'), 255, TYPE_VALUE),
    makeInternalKey(Buffer.from('a'), 0, TYPE_DELETION),
    makeInternalKey(Buffer.from('aa'), 1, TYPE_VALUE),
    makeInternalKey(Buffer.from('b'), 1, TYPE_VALUE),
    makeInternalKey(Buffer.from([0x7f]), 1, TYPE_VALUE),
    makeInternalKey(Buffer.from([0x80]), 1, TYPE_VALUE),
    makeInternalKey(Buffer.from([0xff]), 1, TYPE_VALUE),
  ]
  for (const [i, a] of inOrder.entries()) {
    for (const [j, b] of inOrder.entries()) t.is(compare(a, b), Math.sign(i - j), `${i} ${j}`)
  }
})

test('the order is that of user key and then of the tag downwards, for any two keys', (t) => {
  const random = new Random(SEED)
  const keys = Array.from({ length: 300 }, () => {
    const userKey = Buffer.from(
      Array.from({ length: random.below(4) }, () => random.pick([0, 1, 255])),
    )
    const sequence = random.percent(50) ? random.below(4) : random.next() * random.below(2 ** 21)
    return makeInternalKey(userKey, sequence, random.below(2))
  })
  for (const a of keys) {
    for (const b of keys) {
      const users = Buffer.compare(a.subarray(0, -8), b.subarray(0, -8))
      const [tagA, tagB] = [a.readBigUInt64LE(a.length - 8), b.readBigUInt64LE(b.length - 8)]
      const tags = tagA > tagB ? -1 : tagA < tagB ? 1 : 0
      if (compare(a, b) !== (users === 0 ? tags : users)) {
        t.fail(seeded(`${a.toString('hex')} ${b.toString('hex')}`))
        return
      }
    }
  }
  t.pass()
})

test('a comparison looks at its ranges alone', (t) => {
  const a = Buffer.from('xxabcyy')
  const b = Buffer.from('abcd')
  t.true(compareBytes(a, 2, 5, b, 0, 4) < 0)
  t.is(compareBytes(a, 2, 5, b, 0, 3), 0)
  t.true(compareBytes(a, 2, 5, b, 0, 2) > 0)
  t.is(compareBytes(a, 3, 3, b, 2, 2), 0)
  t.true(compareBytes(a, 3, 3, b, 2, 3) < 0)
})
