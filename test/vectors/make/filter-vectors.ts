// Bloom filters, and the filter block over them.

import {
  type BlockKeys,
  bloomOf,
  type Bytes,
  concat,
  filterBlockOf,
  fixed,
  hex,
  text,
} from './reference.ts'
import { VectorList } from './vector-list.ts'

function numbered(count: number): Bytes[] {
  return Array.from({ length: count }, (_, i) => fixed(i, 4))
}

/** Two keys that are in no filter of these. */
function ask(filter: string): { do: string; filter: string; keys: Bytes[] } {
  return { do: 'filter.match', filter, keys: [text('a'), hex('')] }
}

export function filterVectors(): VectorList {
  const list = new VectorList('filter')
  const sets: readonly (readonly [string, readonly Bytes[], number])[] = [
    ['no key', [], 10],
    ['the empty key', [hex('')], 10],
    ['one key', [text('hello')], 10],
    ['two keys', [text('hello'), text('world')], 10],
    [
      'keys of one to nine bytes',
      Array.from({ length: 9 }, (_, i) => Buffer.alloc(i + 1, i + 0x7c)),
      10,
    ],
    ['bytes with the high bit', [hex('80'), hex('ff80'), hex('ffff80'), hex('ffffff80')], 10],
    ['a hundred keys', numbered(100), 10],
    ['a hundred keys, one bit each', numbered(100), 1],
    ['a hundred keys, 16 bits each', numbered(100), 16],
    ['ten keys, 60 bits each', numbered(10), 60],
    ['keys whose bits fill no whole byte', numbered(13), 5],
  ]
  for (const [name, keys, bitsPerKey] of sets) {
    const filter = bloomOf(keys, bitsPerKey)
    list.expect(`of ${name}`, { do: 'filter.write', bitsPerKey, keys }, { filter })
    list.expect(
      `${name}, each a match`,
      { do: 'filter.match', filter, keys },
      { matches: keys.map(() => true) },
    )
  }
  const absent = [text('x'), text('foo'), hex(''), fixed(100_000, 4)]
  list.expect(
    'keys that are not there',
    { do: 'filter.match', filter: bloomOf([text('hello'), text('world')], 10), keys: absent },
    { matches: [false, false, false, false] },
  )
  list.expect('of no bytes matches nothing', ask(''), { matches: [false, false] })
  list.expect('without a bit matches nothing', ask('06'), { matches: [false, false] })
  list.expect('of no key matches nothing', ask('000000000000000006'), { matches: [false, false] })
  list.expect('with 31 probes is of a format to come, and matches', ask('00000000000000001f'), {
    matches: [true, true],
  })
  list.expect('with 255 probes matches', ask('0000000000000000ff'), { matches: [true, true] })
  list.expect('with no probe matches', ask('000000000000000000'), { matches: [true, true] })
  addFilterBlocks(list)
  return list
}

function block(offset: number, ...keys: readonly string[]): BlockKeys {
  return { offset, keys: keys.map(text) }
}

interface Probe {
  readonly offset: number
  readonly key: Bytes
  readonly matches: boolean
}

function probe(offset: number, key: string, matches: boolean): Probe {
  return { offset, key: text(key), matches }
}

function addFilterBlocks(list: VectorList): void {
  const shapes: readonly { name: string; blocks: BlockKeys[]; end: number }[] = [
    { name: 'no block', blocks: [], end: 0 },
    { name: 'one block', blocks: [block(0, 'foo', 'bar')], end: 100 },
    {
      name: 'blocks in the same 2 KiB',
      blocks: [block(0, 'foo'), block(1000, 'bar'), block(2047, 'box')],
      end: 2100,
    },
    { name: 'a block at 2 KiB', blocks: [block(0, 'foo'), block(2048, 'bar')], end: 2200 },
    { name: 'a gap of 4 KiB', blocks: [block(0, 'foo'), block(7000, 'hello')], end: 7100 },
    { name: 'a large last block', blocks: [block(0, 'foo'), block(2100, 'bar')], end: 20_000 },
  ]
  for (const { name, blocks, end } of shapes) {
    const bytes = filterBlockOf(blocks, end, 10)
    list.expect(
      `block of ${name}`,
      {
        do: 'filter-block.write',
        bitsPerKey: 10,
        blocks: blocks.map((keys) => ({ ...keys })),
        end,
      },
      { bytes },
    )
  }
  const bytes = filterBlockOf(
    [block(0, 'foo', 'bar'), block(3100, 'box'), block(9000, 'hello')],
    9100,
    10,
  )
  const probes = [
    probe(0, 'foo', true),
    probe(100, 'bar', true),
    probe(0, 'box', false),
    probe(0, 'hello', false),
    probe(3100, 'box', true),
    probe(3100, 'foo', false),
    probe(4100, 'foo', false),
    probe(4100, 'box', false),
    probe(9000, 'hello', true),
    probe(9000, 'foo', false),
    probe(100_000, 'foo', true),
  ]
  const queries = probes.map(({ offset, key }) => ({ offset, key }))
  const matches = probes.map((query) => query.matches)
  list.expect('block, asked', { do: 'filter-block.match', bytes, queries }, { matches })
  const always = queries.map(() => true)
  for (const [name, damaged] of [
    ['of no bytes', hex('')],
    ['of four bytes', hex('0000000b')],
    [
      'whose array is behind its end',
      concat(bytes.subarray(0, -5), fixed(1_000_000, 4), hex('0b')),
    ],
  ] as const) {
    list.expect(
      `block ${name} hides nothing`,
      { do: 'filter-block.match', bytes: damaged, queries },
      { matches: always },
    )
  }
}
