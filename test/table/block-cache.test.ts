// The block cache: bounded by the memory that its blocks hold, fair to what is used.

import test from 'ava'
import { BlockCache } from '../../ts/table/block-cache.ts'
import { Block } from '../../ts/table/block.ts'

/** A block without entries and restart points that holds so many bytes. */
function blockOf(sizeBytes: number): Block {
  return new Block(Buffer.alloc(sizeBytes), 'db/000005.ldb', 0, 4)
}

/** What an entry of a block of 4096 bytes is charged. */
const CHARGE = 4096 + 256

/** As a table does it: look, read, keep what is wanted. Returns whether it was there. */
function read(
  cache: BlockCache,
  slots: ReturnType<typeof BlockCache.slotsFor>,
  i: number,
): boolean {
  if (cache.get(slots, i) !== undefined) return true
  if (cache.wants(5, i, true)) cache.put(slots, i, blockOf(4096))
  return false
}

test('what is put is found again, and only there', (t) => {
  const cache = new BlockCache(100_000)
  const [a, b] = [BlockCache.slotsFor(3), BlockCache.slotsFor(3)]
  const block = blockOf(4096)
  cache.put(a, 1, block)
  t.is(cache.get(a, 1), block)
  t.is(cache.get(a, 0), undefined)
  t.is(cache.get(b, 1), undefined)
  t.is(cache.hits, 1)
  t.is(cache.usedBytes, CHARGE)
})

test('a block is charged with all the memory that it keeps alive', (t) => {
  const cache = new BlockCache(100_000)
  const slots = BlockCache.slotsFor(1)
  cache.put(slots, 0, new Block(Buffer.alloc(50_000).subarray(0, 4), 'db/000005.ldb', 0))
  t.is(cache.usedBytes, 50_000 + 256)
  cache.put(slots, 0, blockOf(4096))
  t.is(cache.usedBytes, CHARGE, 'the same block again takes the place of the first')
})

test('the bound holds whatever is put', (t) => {
  const cache = new BlockCache(10 * CHARGE)
  const slots = BlockCache.slotsFor(100)
  for (let i = 0; i < 100; i++) {
    cache.put(slots, i, blockOf(100 + ((i * 7919) % 9000)))
    t.true(cache.usedBytes <= cache.capacityBytes)
    t.not(cache.get(slots, i), undefined)
  }
  cache.put(slots, 0, blockOf(10 * CHARGE))
  t.is(cache.get(slots, 0), undefined, 'larger than the cache')
  cache.drop(slots)
  t.is(cache.usedBytes, 0)
})

test('a block that was used since the hand passed is spared, one that was not goes', (t) => {
  const cache = new BlockCache(4 * CHARGE)
  const slots = BlockCache.slotsFor(10)
  for (let i = 0; i < 4; i++) cache.put(slots, i, blockOf(4096))
  cache.get(slots, 0)
  cache.get(slots, 2)
  cache.put(slots, 4, blockOf(4096))
  t.deepEqual(slots.map((entry) => entry !== undefined).slice(0, 5), [
    true,
    false,
    true,
    true,
    true,
  ])
  cache.put(slots, 5, blockOf(4096))
  t.deepEqual(slots.map((entry) => entry !== undefined).slice(0, 6), [
    true,
    false,
    true,
    false,
    true,
    true,
  ])
})

test('a full cache keeps what is read again, not what is read once', (t) => {
  const cache = new BlockCache(20 * CHARGE)
  const slots = BlockCache.slotsFor(10_000)
  for (let i = 0; i < 20; i++) read(cache, slots, i)
  for (let i = 0; i < 20; i++) read(cache, slots, i)
  const { hits } = cache
  for (let i = 100; i < 10_000; i++) {
    read(cache, slots, i)
    read(cache, slots, i % 19)
  }
  t.true(cache.hits - hits > 9_800, `${cache.hits - hits} of 9900`)
  for (let round = 0; round < 3; round++) for (let i = 50; i < 60; i++) read(cache, slots, i)
  for (let i = 50; i < 60; i++) t.true(read(cache, slots, i), 'a new set takes its place')
})

test('a read that does not fill the cache is counted and leaves no trace', (t) => {
  const cache = new BlockCache(4 * CHARGE)
  const slots = BlockCache.slotsFor(10)
  for (let i = 0; i < 4; i++) cache.put(slots, i, blockOf(4096))
  t.false(cache.wants(5, 7, false))
  t.false(cache.wants(5, 7, true), 'its first miss that counts')
  t.true(cache.wants(5, 7, true))
  t.is(cache.misses, 3)
})

test('dropped slots free their room, and those of others stay', (t) => {
  const cache = new BlockCache(10 * CHARGE)
  const [a, b] = [BlockCache.slotsFor(5), BlockCache.slotsFor(5)]
  for (let i = 0; i < 5; i++) {
    cache.put(a, i, blockOf(4096))
    cache.put(b, i, blockOf(4096))
  }
  cache.drop(a)
  t.is(cache.usedBytes, 5 * CHARGE)
  const c = BlockCache.slotsFor(5)
  for (let i = 0; i < 5; i++) cache.put(c, i, blockOf(4096))
  for (let i = 0; i < 5; i++) t.true(cache.get(b, i) !== undefined && cache.get(c, i) !== undefined)
})
