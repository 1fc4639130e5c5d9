// Bloom filters and their hash, in LevelDB's bytes.

import test from 'ava'
import { bloomHash, bloomMayContain, bloomSize, probesFor, putBloom } from '../../ts/table/bloom.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'

function hashOf(...bytes: number[]): number {
  return bloomHash(Uint8Array.from(bytes), 0, bytes.length)
}

function filterOf(keys: readonly Buffer[], bitsPerKey = 10): Buffer {
  const hashes = Uint32Array.from(keys, (key) => bloomHash(key, 0, key.length))
  const filter = Buffer.alloc(bloomSize(keys.length, bitsPerKey), 0xee)
  putBloom(filter, 0, hashes, keys.length, bitsPerKey)
  return filter
}

function mayContain(filter: Buffer, key: Buffer): boolean {
  return bloomMayContain(filter, 0, filter.length, bloomHash(key, 0, key.length))
}

function numberKey(number: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeUInt32LE(number)
  return key
}

// These are LevelDB's own vectors for this seed (util/hash_test.cc).
test('the hash has the values of LevelDB at every length modulo four', (t) => {
  t.is(hashOf(), 0xbc9f1d34)
  t.is(hashOf(0x62), 0xef1345c4)
  t.is(hashOf(0xc3, 0x97), 0x5b663814)
  t.is(hashOf(0xe2, 0x99, 0xa5), 0x323c078f)
  t.is(hashOf(0xe1, 0x80, 0xb9, 0x32), 0xed21633a)
})

test('the hash of a range does not depend on what surrounds it', (t) => {
  const bytes = Buffer.from('..range of bytes...')
  t.is(bloomHash(bytes, 2, 16), bloomHash(bytes.subarray(2, 16), 0, 14))
})

test('a filter has at least 64 bits and one to thirty probes', (t) => {
  t.is(bloomSize(1, 10), 9)
  t.is(bloomSize(6, 10), 9)
  t.is(bloomSize(7, 10), 10)
  t.deepEqual([1, 10, 14, 43, 44, 100].map(probesFor), [1, 6, 9, 29, 30, 30])
})

// See table-builder.test.ts for where these bytes come from.
test('the filter of three keys has the bytes of LevelDB', (t) => {
  const filter = filterOf([Buffer.from('apple'), Buffer.from('apricot'), Buffer.from('banana')])
  t.is(filter.toString('hex'), '4245000ca002d00f06')
})

test('the bits are those of division, whatever the size of the filter', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 500; round++) {
    const count = random.between(1, random.pick([3, 50, 2000]))
    const bitsPerKey = random.between(1, 40)
    const hashes = Uint32Array.from({ length: count }, () => random.next())
    // Next to multiples of the size, where a quotient is most easily one off.
    const bits = (bloomSize(count, bitsPerKey) - 1) * 8
    for (let i = 0; i < count; i += 3) {
      const multiple = Math.floor(hashes[i]! / bits) * bits
      hashes[i] = Math.max(0, multiple + random.between(-1, 1))
    }
    const filter = Buffer.alloc(bloomSize(count, bitsPerKey))
    putBloom(filter, 0, hashes, count, bitsPerKey)
    const expected = Buffer.alloc(filter.length)
    expected[filter.length - 1] = probesFor(bitsPerKey)
    for (const hash of hashes) {
      const delta = ((hash >>> 17) | (hash << 15)) >>> 0
      for (let probe = 0; probe < probesFor(bitsPerKey); probe++) {
        const bit = ((hash + probe * delta) % 2 ** 32) % bits
        expected[bit >>> 3]! |= 1 << (bit & 7)
      }
    }
    if (!filter.equals(expected)) t.fail(seeded(`round ${round}`))
    for (const hash of hashes) {
      if (!bloomMayContain(filter, 0, filter.length, hash)) t.fail(seeded(`round ${round}`))
    }
  }
  t.pass()
})

test('a filter never denies a key it was made of, and seldom admits another', (t) => {
  for (const count of [1, 10, 100, 1000, 10_000]) {
    const keys = Array.from({ length: count }, (_, i) => numberKey(i))
    const filter = filterOf(keys)
    t.true(keys.every((key) => mayContain(filter, key)))
    let admitted = 0
    for (let i = 0; i < 10_000; i++)
      if (mayContain(filter, numberKey(1_000_000_000 + i))) admitted++
    t.true(admitted < 200, `${admitted} of 10000 at ${count}`)
  }
})

test('a filter with more than thirty probes is of a later format and admits everything', (t) => {
  const filter = filterOf([Buffer.from('a')])
  t.false(mayContain(filter, Buffer.from('b')))
  filter[filter.length - 1] = 31
  t.true(mayContain(filter, Buffer.from('b')))
})

test('a filter without bits denies everything', (t) => {
  t.false(bloomMayContain(Buffer.from([6]), 0, 1, 12345))
  t.false(bloomMayContain(Buffer.alloc(0), 0, 0, 12345))
})
