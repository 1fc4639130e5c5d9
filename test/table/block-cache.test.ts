// The block cache: bounded by the memory that it holds, fair to what is used, and every block in it
// the one that was put.

import test from 'ava'
import { BlockCache, type CachedTable } from '../../ts/table/block-cache.ts'
import { Block, BlockCursor } from '../../ts/table/block.ts'
import { Random } from '../crash/random.ts'
import { SEED, buildBlock, entry } from './entries.ts'

const FILE = 'db/000005.ldb'
const cursor = new BlockCursor()
/** What a block of 4096 bytes with one entry takes: a header, two slots, the contents. */
const CHARGE = 16 + 8 + 4096

/** A block of so many bytes with one entry, whose key is a number. Requires: sizeBytes >= 256. */
function blockOf(sizeBytes: number, number = 0): Block {
  // Beside the value: its length and two more, key and tag, a restart point and their count.
  const lengthBytes = sizeBytes < 16_384 ? 2 : 3
  const value = 'x'.repeat(sizeBytes - lengthBytes - 2 - 16 - 8)
  const contents = buildBlock([entry(String(number).padStart(8, '0'), 1, 1, value)], 16)
  return new Block(contents, FILE, 0)
}

/** The number of the block that is kept at the ordinal; undefined when none is. */
function numberAt(cache: BlockCache, table: CachedTable, ordinal: number): number | undefined {
  if (!cache.find(table, ordinal)) return undefined
  cursor.open(cache.copyFound(FILE, 0))
  cursor.next()
  return Number(cursor.key.toString('latin1', 0, 8))
}

/** As a table does it: look, read, keep what is wanted. Returns whether it was there. */
function read(cache: BlockCache, table: CachedTable, ordinal: number): boolean {
  if (cache.find(table, ordinal)) return true
  if (cache.wants(table, ordinal, true)) cache.put(table, ordinal, blockOf(4096, ordinal))
  return false
}

test('what is put is found again, and only there', (t) => {
  const cache = new BlockCache(100_000)
  const [a, b] = [cache.enter(3), cache.enter(3)]
  cache.put(a, 1, blockOf(4096, 77))
  t.is(numberAt(cache, a, 1), 77)
  t.is(numberAt(cache, a, 0), undefined)
  t.is(numberAt(cache, b, 1), undefined)
  t.is(cache.hits, 1)
})

test('a block is charged with what it takes, and memory with what is held', (t) => {
  const cache = new BlockCache(100_000)
  const table = cache.enter(1)
  const empty = new Block(Buffer.alloc(4), FILE, 0)
  cache.put(table, 0, empty)
  t.is(cache.usedBytes, 24, 'a header, four bytes of contents, padding')
  t.is(cache.allocatedBytes, 3125, 'one segment of 32')
  cache.put(table, 0, empty)
  t.is(cache.usedBytes, 24, 'the same block again takes the place of the first')
})

test('a copy is of the contents, byte for byte, when the block cannot be hashed', (t) => {
  const cache = new BlockCache(200_000)
  const table = cache.enter(1)
  const block = new Block(buildBlock([entry('key', 9, 1, 'x'.repeat(70_000))], 16), FILE, 9)
  cache.put(table, 0, block)
  t.true(cache.find(table, 0))
  const copy = cache.copyFound(FILE, 9)
  t.true(copy.bytes.equals(block.bytes))
  t.is(copy.offset, 9)
})

test('the bound holds whatever is put, and the last one is there', (t) => {
  const random = new Random(SEED)
  for (const capacityBytes of [5000, 43_521, 10 * CHARGE, 1_000_000]) {
    const cache = new BlockCache(capacityBytes)
    const table = cache.enter(100)
    for (let i = 0; i < 1000; i++) {
      const ordinal = random.below(100)
      const sizeBytes = random.percent(5) ? random.between(300, 12_000) : random.between(300, 4000)
      cache.put(table, ordinal, blockOf(sizeBytes, i))
      t.true(cache.allocatedBytes <= capacityBytes)
      t.true(cache.usedBytes <= cache.allocatedBytes)
      const isTooLarge = sizeBytes + 100 > capacityBytes
      if (!isTooLarge) t.is(numberAt(cache, table, ordinal), i, `seed ${SEED}`)
    }
    cache.put(table, 0, blockOf(capacityBytes + 1))
    t.is(numberAt(cache, table, 0), undefined, 'larger than the cache')
    cache.drop(table)
    t.is(cache.usedBytes, 0)
  }
})

test('random puts, reads and drops: what is found is what was put last', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 20; round++) {
    const cache = new BlockCache(random.between(20_000, 300_000))
    const tables = Array.from({ length: 4 }, () => ({
      table: cache.enter(200),
      put: new Map<number, number>(),
    }))
    let found = 0
    for (let i = 0; i < 3000; i++) {
      const at = random.below(4)
      const { table, put } = tables[at]!
      const ordinal = random.percent(50) ? random.below(20) : random.below(200)
      if (random.percent(1)) {
        cache.drop(table)
        tables[at] = { table: cache.enter(200), put: new Map() }
      } else if (random.percent(50)) {
        cache.put(table, ordinal, blockOf(random.between(300, 3000), i))
        put.set(ordinal, i)
      } else {
        const number = numberAt(cache, table, ordinal)
        if (number !== undefined) found++
        if (number !== undefined && number !== put.get(ordinal)) {
          t.fail(`seed ${SEED}, round ${round}: ${number} for ${put.get(ordinal)}`)
        }
      }
    }
    t.true(found > 20, `${found}`)
    t.true(cache.allocatedBytes <= cache.capacityBytes)
    for (const { table } of tables) cache.drop(table)
    t.is(cache.usedBytes, 0)
  }
})

test('a block that was used since the last round is spared, one that was not goes', (t) => {
  const cache = new BlockCache(32 * 4 * CHARGE)
  const table = cache.enter(300)
  for (let i = 0; i < 128; i++) cache.put(table, i, blockOf(4096, i))
  t.is(cache.usedBytes, cache.allocatedBytes)
  cache.find(table, 0)
  cache.find(table, 2)
  cache.put(table, 200, blockOf(4096, 200))
  t.deepEqual(
    [0, 1, 2, 3, 4, 200].map((ordinal) => numberAt(cache, table, ordinal)),
    [0, undefined, 2, undefined, 4, 200],
  )
})

test('where all of a segment was used, a part of it goes', (t) => {
  const cache = new BlockCache(32 * 8 * CHARGE)
  const table = cache.enter(300)
  for (let i = 0; i < 256; i++) cache.put(table, i, blockOf(4096, i))
  for (let i = 0; i < 8; i++) cache.find(table, i)
  cache.put(table, 299, blockOf(4096, 299))
  const left = [0, 1, 2, 3, 4, 5, 6, 7].map((ordinal) => numberAt(cache, table, ordinal))
  t.deepEqual(left, [0, 1, 2, 3, 4, 5, undefined, undefined])
})

test('a full cache keeps what is read again, not what is read once', (t) => {
  const cache = new BlockCache(64 * CHARGE)
  const table = cache.enter(10_000)
  for (let round = 0; round < 2; round++) for (let i = 0; i < 60; i++) read(cache, table, i)
  const { hits } = cache
  for (let i = 100; i < 10_000; i++) {
    read(cache, table, i)
    read(cache, table, i % 50)
  }
  t.true(cache.hits - hits > 9_800, `${cache.hits - hits} of 9900`)
  for (let round = 0; round < 3; round++) for (let i = 90; i < 100; i++) read(cache, table, i)
  for (let i = 90; i < 100; i++) t.true(read(cache, table, i), 'a new set takes its place')
})

test('a read that does not fill the cache is counted and leaves no trace', (t) => {
  const cache = new BlockCache(4 * CHARGE)
  const table = cache.enter(10)
  for (let i = 0; i < 4; i++) cache.put(table, i, blockOf(4096))
  t.false(cache.wants(table, 7, false))
  t.false(cache.wants(table, 7, true), 'its first miss that counts')
  t.true(cache.wants(table, 7, true))
  t.is(cache.misses, 3)
})

test('dropped blocks free their room, and those of others stay', (t) => {
  const cache = new BlockCache(64 * CHARGE)
  const [a, b] = [cache.enter(32), cache.enter(32)]
  for (let i = 0; i < 32; i++) {
    cache.put(a, i, blockOf(4096, i))
    cache.put(b, i, blockOf(4096, i))
  }
  t.is(cache.usedBytes, 64 * CHARGE)
  cache.drop(a)
  t.is(cache.usedBytes, 32 * CHARGE)
  const c = cache.enter(20)
  for (let i = 0; i < 20; i++) cache.put(c, i, blockOf(4096, i))
  for (let i = 0; i < 32; i++) t.is(numberAt(cache, b, i), i)
  for (let i = 0; i < 20; i++) t.is(numberAt(cache, c, i), i)
})

test('nothing is kept for a table that was dropped', (t) => {
  const cache = new BlockCache(100_000)
  const table = cache.enter(1)
  cache.drop(table)
  cache.put(table, 0, blockOf(4096))
  t.false(cache.find(table, 0))
  t.is(cache.usedBytes, 0)
})
