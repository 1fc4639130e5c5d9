// Blocks with hash slots: the same entries, found the same.

import test from 'ava'
import { sequenceOfKey } from '../../ts/format/internal-key.ts'
import { BlockCache } from '../../ts/table/block-cache.ts'
import { BlockSearch } from '../../ts/table/block-search.ts'
import { Block, BlockCursor } from '../../ts/table/block.ts'
import { HashedBlockLayout, PLAIN, findHashed } from '../../ts/table/hashed-block.ts'
import { LookupKey } from '../../ts/table/lookup-key.ts'
import { Random } from '../crash/random.ts'
import { SEED, buildBlock, entry, randomEntries, userKeyOf } from './entries.ts'
import type { Entry } from './entries.ts'

const FILE = 'db/000005.ldb'
const search = new BlockSearch()
const layout = new HashedBlockLayout()

function blockOf(entries: readonly Entry[], interval = 16): Block {
  return new Block(buildBlock(entries, interval), FILE, 7)
}

function told(bytes: Buffer, isThere: boolean): string {
  if (!isThere) return 'nothing'
  return `${search.type} ${bytes.toString('hex', search.valueStart, search.valueEnd)}`
}

test('a hashed block holds the same entries, each at a restart point', (t) => {
  const random = new Random(SEED)
  let hashed = 0
  for (let round = 0; round < 200; round++) {
    const entries = randomEntries(random, random.between(1, 60), random.pick([5, 200]))
    if (!layout.layOut(blockOf(entries, random.between(1, 20)))) continue
    hashed++
    const copy = new Block(layout.contents.subarray(0, layout.contentsBytes), FILE, 7)
    t.is(copy.restartCount, entries.length)
    const cursor = new BlockCursor()
    cursor.open(copy)
    for (const [i, { key, value }] of entries.entries()) {
      t.is(copy.restartAt(i), cursor.position)
      t.true(cursor.next())
      t.true(key.equals(cursor.key.subarray(0, cursor.keyLength)), `seed ${SEED}`)
      t.true(value.equals(copy.bytes.subarray(cursor.valueStart, cursor.valueEnd)))
    }
    t.false(cursor.next())
    const slots = [...layout.slots.subarray(0, 2 ** layout.bits)]
    t.is(slots.filter((slot) => slot !== 0).length, entries.length)
    t.true(slots.length * 2 >= entries.length * 3, 'a third is free')
  }
  t.true(hashed > 50, `${hashed}`)
})

test('every version of every key is found as in the block that it was made of', (t) => {
  const random = new Random(SEED)
  let hashed = 0
  for (let round = 0; round < 200; round++) {
    const entries = randomEntries(random, random.between(1, 100), 300)
    const block = blockOf(entries)
    const cache = new BlockCache(1_000_000)
    const table = cache.enter(3)
    // Not at the beginning of a segment, nor of an array of words.
    cache.put(table, 0, blockOf(randomEntries(random, 10, 30)))
    cache.put(table, 1, block)
    t.true(cache.find(table, 1))
    const { segment, slotsAt, slotBits, contentsAt } = cache
    if (slotBits === PLAIN) continue
    hashed++
    for (let i = 0; i < 200; i++) {
      const known = random.pick(entries)
      const tail = random.percent(30) ? random.bytes(random.below(3)) : Buffer.alloc(0)
      const sequence = sequenceOfKey(known.key, known.key.length) + random.between(-1, 2)
      const key = LookupKey.of(Buffer.concat([userKeyOf(known), tail]), Math.max(0, sequence))
      const expected = told(block.bytes, search.find(block, key.bytes, key.length))
      const { words, buffer } = segment
      const isThere = findHashed(words, slotsAt >>> 2, slotBits, buffer, contentsAt, key, search)
      t.is(told(buffer, isThere), expected, `seed ${SEED}, round ${round}`)
    }
  }
  t.true(hashed > 50, `${hashed}`)
})

test('many versions of one key are found each by its sequence', (t) => {
  const entries = Array.from({ length: 60 }, (_, i) =>
    entry('key', 600 - 10 * i, 1, `value ${600 - 10 * i}`.padEnd(60)),
  )
  t.true(layout.layOut(blockOf(entries)))
  const { slots, bits, contents } = layout
  for (let sequence = 10; sequence < 620; sequence += 5) {
    const key = LookupKey.of(Buffer.from('key'), sequence)
    t.true(findHashed(slots, 0, bits, contents, 0, key, search))
    const value = contents.toString('latin1', search.valueStart, search.valueEnd).trimEnd()
    t.is(value, `value ${Math.min(600, Math.floor(sequence / 10) * 10)}`)
  }
  t.false(findHashed(slots, 0, bits, contents, 0, LookupKey.of(Buffer.from('key'), 9), search))
})

test('lengths of more than a byte are read whole', (t) => {
  const long = 'k'.repeat(300)
  const entries = [entry(long, 5, 1, 'v'.repeat(20_000)), entry(`${long}z`, 5, 1, 'short')]
  t.true(layout.layOut(blockOf(entries)))
  const { slots, bits, contents } = layout
  const find = (key: string): string => {
    const target = LookupKey.of(Buffer.from(key), 9)
    return told(contents, findHashed(slots, 0, bits, contents, 0, target, search))
  }
  t.is(find(long), `1 ${'76'.repeat(20_000)}`)
  t.is(find(`${long}z`), `1 ${Buffer.from('short').toString('hex')}`)
  t.is(find(`${long}y`), 'nothing')
})

test('what would grow too much, is too large, is empty or is damaged, is not hashed', (t) => {
  const many = Array.from({ length: 300 }, (_, i) => entry(`${1000 + i}`, 1, 1))
  t.false(layout.layOut(blockOf(many)))
  const long = Array.from({ length: 20 }, (_, i) => entry('k'.repeat(100) + i, 9, 1))
  t.false(layout.layOut(blockOf(long.toSorted((a, b) => Buffer.compare(a.key, b.key)))))
  t.false(layout.layOut(blockOf([entry('k', 1, 1, 'x'.repeat(70_000))])))
  t.false(layout.layOut(blockOf([])))
  const contents = buildBlock([entry('a', 1, 1, 'value'), entry('b', 1, 1, 'value')], 16)
  contents[17] = 0xff
  t.false(layout.layOut(new Block(contents, FILE, 7)))
})
