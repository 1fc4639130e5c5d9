// The short keys between blocks.

import test from 'ava'
import { compareInternal, makeInternalKey } from '../../ts/format/internal-key.ts'
import { shortenToSeparator, shortenToSuccessor } from '../../ts/table/separator.ts'
import { Random } from '../crash/random.ts'
import { SEED } from './entries.ts'

const LARGEST_TAG = '01ffffffffffffff'

function key(userKey: string): Buffer {
  return makeInternalKey(Buffer.from(userKey, 'latin1'), 100, 1)
}

function separator(last: string, next: string): string {
  const bytes = key(last)
  const limit = key(next)
  return bytes.toString('hex', 0, shortenToSeparator(bytes, bytes.length, limit, 0, limit.length))
}

function successor(last: string): string {
  const bytes = key(last)
  return bytes.toString('hex', 0, shortenToSuccessor(bytes, bytes.length))
}

function hex(userKey: string): string {
  return Buffer.from(userKey, 'latin1').toString('hex')
}

test('a separator is cut after the first byte that differs, which grows by one', (t) => {
  t.is(separator('the quick brown fox', 'the who'), hex('the r') + LARGEST_TAG)
})

test('a separator stays whole where nothing shorter lies between the keys', (t) => {
  for (const [last, next] of [
    ['foo', 'foobar'], // a prefix of the next
    ['foob', 'fooc'], // the byte grown would be the next key's
    ['f', 'hello'], // not shorter when cut
    ['a\xffb', 'b'], // the byte cannot grow below the limit
    ['same', 'same'], // versions of one key
  ] as const) {
    t.is(separator(last, next), key(last).toString('hex'), `${last} | ${next}`)
  }
})

test('a successor is cut after the first byte that can grow', (t) => {
  t.is(successor('foo'), hex('g') + LARGEST_TAG)
  t.is(successor('\xff\xffabc'), hex('\xff\xffb') + LARGEST_TAG)
  t.is(successor('f'), key('f').toString('hex'))
  t.is(successor('\xff\xff'), key('\xff\xff').toString('hex'))
  t.is(successor(''), key('').toString('hex'))
})

test('separators lie between the keys they separate', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 20_000; round++) {
    const keys = [0, 1].map(() => {
      const userKey = random.bytes(random.below(6))
      for (let i = 0; i < userKey.length; i++) userKey[i] = 0xfc + (userKey[i]! % 4)
      return makeInternalKey(userKey, random.below(1000), 1)
    })
    keys.sort((a, b) => compareInternal(a, 0, a.length, b, 0, b.length))
    const [last, next] = keys as [Buffer, Buffer]
    if (last.equals(next)) continue
    const bytes = Buffer.from(last)
    const end = shortenToSeparator(bytes, bytes.length, next, 0, next.length)
    const order =
      compareInternal(last, 0, last.length, bytes, 0, end) <= 0 &&
      compareInternal(bytes, 0, end, next, 0, next.length) < 0
    if (!order) t.fail(`seed ${SEED}: ${last.toString('hex')} ${next.toString('hex')}`)
    const later = Buffer.from(last)
    const laterEnd = shortenToSuccessor(later, later.length)
    if (compareInternal(last, 0, last.length, later, 0, laterEnd) > 0) {
      t.fail(`seed ${SEED}: ${last.toString('hex')}`)
    }
  }
  t.pass()
})
