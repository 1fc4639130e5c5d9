// The filter block: which filter a block has, and what damage means.

import test from 'ava'
import { bloomHash } from '../../ts/table/bloom.ts'
import { FilterBlock, FilterBlockBuilder } from '../../ts/table/filter-block.ts'

function contentsOf(builder: FilterBlockBuilder): Buffer {
  const size = builder.finish()
  return Buffer.from(builder.bytes.subarray(0, size))
}

function add(builder: FilterBlockBuilder, ...keys: string[]): void {
  for (const key of keys) builder.addKey(Buffer.from(key), 0, key.length)
}

function mayMatch(filter: FilterBlock, blockOffset: number, key: string): boolean {
  return filter.hashMayMatch(blockOffset, bloomHash(Buffer.from(key), 0, key.length))
}

test('a filter block without keys is an empty array and its trailer', (t) => {
  const contents = contentsOf(new FilterBlockBuilder(10))
  t.is(contents.toString('hex'), '000000000b')
  t.true(mayMatch(new FilterBlock(contents), 0, 'foo'))
})

test('blocks that begin in the same 2 KiB share a filter, and 2 KiB without keys match nothing', (t) => {
  const builder = new FilterBlockBuilder(10)
  builder.startBlock(0)
  add(builder, 'foo')
  builder.startBlock(2000)
  add(builder, 'bar')
  builder.startBlock(3100)
  add(builder, 'box')
  builder.startBlock(9000)
  add(builder, 'hello')
  const filter = new FilterBlock(contentsOf(builder))
  t.true(mayMatch(filter, 0, 'foo'))
  t.true(mayMatch(filter, 2000, 'bar'))
  t.false(mayMatch(filter, 0, 'box'))
  t.true(mayMatch(filter, 3100, 'box'))
  t.false(mayMatch(filter, 3100, 'foo'))
  t.false(mayMatch(filter, 4096, 'foo'))
  t.false(mayMatch(filter, 4096, 'hello'))
  t.true(mayMatch(filter, 9000, 'hello'))
  t.false(mayMatch(filter, 9000, 'bar'))
})

test('a filter block with thousands of filters keeps them all', (t) => {
  const builder = new FilterBlockBuilder(10)
  for (let i = 0; i < 5000; i++) {
    builder.startBlock(i * 4096)
    add(builder, `key${i}`)
  }
  const filter = new FilterBlock(contentsOf(builder))
  let admitted = 0
  for (let i = 0; i < 5000; i++) {
    if (!mayMatch(filter, i * 4096, `key${i}`)) t.fail(`key${i} is denied`)
    if (mayMatch(filter, i * 4096, `key${i + 37}`)) admitted++
  }
  t.true(admitted < 50, `${admitted} strangers admitted`)
})

test('whatever does not add up in a filter block is a possible match', (t) => {
  const builder = new FilterBlockBuilder(10)
  add(builder, 'foo')
  const good = contentsOf(builder)
  const cases: Record<string, (bytes: Buffer) => Buffer> = {
    'too short': (bytes) => bytes.subarray(0, 4),
    'array offset past the end': (bytes) => (
      bytes.writeUInt32LE(0xffff_ffff, bytes.length - 5),
      bytes
    ),
    'filter ends past the array': (bytes) => (bytes.writeUInt32LE(9 << 8, bytes.length - 5), bytes),
    'filter begins past its end': (bytes) => (
      bytes.writeUInt32LE(0xffff_ffff, bytes.length - 9),
      bytes
    ),
    'unknown base': (bytes) => ((bytes[bytes.length - 1] = 255), bytes),
  }
  for (const [title, damage] of Object.entries(cases)) {
    const filter = new FilterBlock(damage(Buffer.from(good)))
    t.true(mayMatch(filter, 0, 'foo'), title)
    t.true(mayMatch(filter, 2 ** 52, 'foo'), title)
  }
})
