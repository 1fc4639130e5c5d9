// Searching keys by their first bytes as numbers: the same place as a search over whole keys finds.

import test from 'ava'
import { compareInternal, makeInternalKey } from '../../ts/format/internal-key.ts'
import { SortedKeys } from '../../ts/table/sorted-keys.ts'
import { Random } from '../crash/random.ts'
import { SEED } from './entries.ts'

const key = (text: string, sequence = 1): Buffer =>
  makeInternalKey(Buffer.from(text, 'latin1'), sequence, 1)

function compare(a: Buffer, b: Buffer): number {
  return compareInternal(a, 0, a.length, b, 0, b.length)
}

test('the first key not below the target is found', (t) => {
  const keys = SortedKeys.of(['b', 'd', 'f'].map((text) => key(text)))
  const found = ['a', 'b', 'ba', 'c', 'd', 'e', 'f', 'f\0', 'z'].map((text) =>
    keys.lowerBound(key(text), 9 + Number(text.length > 1)),
  )
  t.deepEqual(found, [0, 0, 1, 1, 1, 2, 2, 3, 3])
})

test('without keys there is none', (t) => {
  const none = SortedKeys.of([])
  t.is(none.lowerBound(key('a'), 9), 0)
})

test('equal numbers are told apart by the keys: zeroes at the end, long keys, tags', (t) => {
  const keys = [
    key('p'),
    key('p\0'),
    key('p\0\0\0\0\0\0'),
    key('p\0\0\0\0\0\0\0'),
    key('pabcdefgh', 9),
    key('pabcdefgh', 5),
    key('pabcdefgi'),
  ]
  const sorted = SortedKeys.of(keys)
  for (const [i, one] of keys.entries()) t.is(sorted.lowerBound(one, one.length), i)
  t.is(sorted.lowerBound(key('pabcdefgh', 7), 17), 5)
  t.is(sorted.lowerBound(key('pabcdefgh', 4), 17), 6)
})

test('what all keys begin with does not hide a target that begins otherwise', (t) => {
  const keys = SortedKeys.of([key('user:1000'), key('user:1001'), key('user:2000')])
  for (const [text, at] of [
    ['', 0],
    ['use', 0],
    ['user:', 0],
    ['user9', 0],
    ['user:1001', 1],
    ['user:3', 3],
    ['user;', 3],
    ['v', 3],
  ] as const) {
    t.is(keys.lowerBound(key(text), text.length + 8), at, text)
  }
})

test('random keys are found where a search over whole keys finds them', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 300; round++) {
    const shared = random.bytes(random.below(12))
    const letters = random.pick([2, 256])
    const make = (): Buffer => {
      const tail = random.bytes(random.below(10)).map((byte) => byte % letters)
      return makeInternalKey(Buffer.concat([shared, tail]), random.below(5), 1)
    }
    const keys = Array.from({ length: random.below(40) }, make).toSorted(compare)
    const sorted = SortedKeys.of(keys)
    for (let i = 0; i < 40; i++) {
      const target = random.percent(80) ? make() : makeInternalKey(random.bytes(3), 1, 1)
      const expected = keys.findIndex((one) => compare(one, target) >= 0)
      const found = sorted.lowerBound(target, target.length)
      if (found !== (expected === -1 ? keys.length : expected)) {
        t.fail(`seed ${SEED}, round ${round}: ${target.toString('hex')}`)
      }
    }
  }
  t.pass()
})

test('keys that crowd at one place, or lie far apart, are found as others', (t) => {
  const near = Array.from({ length: 100 }, (_, i) => Buffer.from([5, 5, 5, 5, 5, 5, i]))
  const spread = Array.from({ length: 100 }, (_, i) => Buffer.from([i * 2, 7]))
  const doubled = Array.from({ length: 40 }, (_, i) => Buffer.from([0, 2 ** (i % 8), i]))
  for (const userKeys of [
    near,
    [Buffer.from([0]), ...near, Buffer.from([255, 255, 255, 255, 255, 255, 255])],
    [...near, Buffer.from([255])],
    spread,
    doubled,
  ]) {
    const keys = userKeys.map((userKey) => makeInternalKey(userKey, 3, 1)).toSorted(compare)
    const sorted = SortedKeys.of(keys)
    for (const [i, one] of keys.entries()) {
      t.is(sorted.lowerBound(one, one.length), i)
      const behind = makeInternalKey(one.subarray(0, one.length - 8), 2, 1)
      t.is(sorted.lowerBound(behind, behind.length), i + 1)
    }
  }
})
