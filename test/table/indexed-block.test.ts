// Blocks with fingerprints: the same entries, found the same.

import test from 'ava'
import { sequenceOfKey } from '../../ts/format/internal-key.ts'
import { BlockCache } from '../../ts/table/block-cache.ts'
import { BlockSearch } from '../../ts/table/block-search.ts'
import { Block, BlockCursor } from '../../ts/table/block.ts'
import { indexedBlock } from '../../ts/table/indexed-block.ts'
import { LookupKey } from '../../ts/table/lookup-key.ts'
import { Random } from '../crash/random.ts'
import { SEED, buildBlock, entry, randomEntries, userKeyOf } from './entries.ts'
import type { Entry } from './entries.ts'

const FILE = 'db/000005.ldb'
const search = new BlockSearch()

/** In memory of its own, as the cache counts it. */
function blockOf(entries: readonly Entry[], interval = 16): Block {
  const contents = buildBlock(entries, interval)
  const own = Buffer.allocUnsafeSlow(contents.length)
  contents.copy(own)
  return new Block(own, FILE, 7)
}

function told(block: Block, isThere: boolean): string {
  if (!isThere) return 'nothing'
  return `${search.type} ${block.bytes.toString('hex', search.valueStart, search.valueEnd)}`
}

test('an indexed block holds the same entries, each at a restart point', (t) => {
  const random = new Random(SEED)
  let indexed = 0
  for (let round = 0; round < 200; round++) {
    const entries = randomEntries(random, random.between(1, 60), random.pick([5, 200]))
    const block = blockOf(entries, random.between(1, 20))
    const copy = indexedBlock(block)
    if (copy === undefined) continue
    indexed++
    t.true(copy.hasFingerprints)
    t.is(copy.restartCount, entries.length)
    t.is(copy.offset, 7)
    const cursor = new BlockCursor()
    cursor.open(copy)
    for (const [i, { key, value }] of entries.entries()) {
      t.is(copy.restartAt(i), cursor.position)
      t.true(cursor.next())
      t.true(key.equals(cursor.key.subarray(0, cursor.keyLength)), `seed ${SEED}`)
      t.true(value.equals(copy.bytes.subarray(cursor.valueStart, cursor.valueEnd)))
    }
    t.false(cursor.next())
  }
  t.true(indexed > 50, `${indexed}`)
})

test('every version of every key is found as in the block that it was made of', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 100; round++) {
    const entries = randomEntries(random, random.between(1, 100), 300)
    const block = blockOf(entries)
    const copy = indexedBlock(block)
    if (copy === undefined) continue
    for (let i = 0; i < 200; i++) {
      const known = random.pick(entries)
      const tail = random.percent(30) ? random.bytes(random.below(3)) : Buffer.alloc(0)
      const sequence = sequenceOfKey(known.key, known.key.length) + random.between(0, 2)
      const key = LookupKey.of(Buffer.concat([userKeyOf(known), tail]), sequence)
      const expected = told(block, search.find(block, key.bytes, key.length))
      t.is(told(copy, search.findIndexed(copy, key)), expected, `seed ${SEED}, round ${round}`)
    }
  }
})

test('what would grow too much, is too large or has too many entries, or is damaged, stays as it is', (t) => {
  const many = Array.from({ length: 300 }, (_, i) => entry(`${1000 + i}`, 1, 1))
  t.is(indexedBlock(blockOf(many)), undefined)
  const long = Array.from({ length: 20 }, (_, i) => entry('k'.repeat(100) + i, 9, 1))
  t.is(indexedBlock(blockOf(long.toSorted((a, b) => Buffer.compare(a.key, b.key)))), undefined)
  t.is(indexedBlock(blockOf([entry('k', 1, 1, 'x'.repeat(40_000))])), undefined)
  t.is(indexedBlock(blockOf([])), undefined)
  const contents = buildBlock([entry('a', 1, 1, 'value'), entry('b', 1, 1, 'value')], 16)
  contents[17] = 0xff
  t.is(indexedBlock(new Block(contents, FILE, 7)), undefined)
})

test('the cache indexes a block when it is found, once, and charges what it holds then', (t) => {
  const cache = new BlockCache(100_000)
  const slots = BlockCache.slotsFor(1)
  const entries = Array.from({ length: 10 }, (_, i) => entry(`key${i}`, 1, 1, 'x'.repeat(30)))
  const block = blockOf(entries)
  cache.put(slots, 0, block)
  t.is(cache.usedBytes, block.bytes.length + 256)
  const found = cache.get(slots, 0)
  t.true(found!.hasFingerprints)
  t.is(cache.usedBytes, found!.bytes.length + 256)
  t.is(cache.get(slots, 0), found)
  cache.drop(slots)
  t.is(cache.usedBytes, 0)
})

test('a full cache stays within its bound when its blocks are indexed', (t) => {
  const cache = new BlockCache(20_000)
  const slots = BlockCache.slotsFor(100)
  const random = new Random(SEED)
  for (let i = 0; i < 100; i++) {
    const value = 'x'.repeat(random.between(10, 100))
    const entries = Array.from({ length: 20 }, (_, j) => entry(`key${100 + j}`, 1, 1, value))
    cache.put(slots, i, blockOf(entries))
    for (let j = 0; j <= i; j++) cache.get(slots, j)
    t.true(cache.usedBytes <= cache.capacityBytes)
  }
})
