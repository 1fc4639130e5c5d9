// Tables, whole and damaged. The files stand below data/tables; damage is said as what is put where.

import { compress } from 'snappyjs'
import {
  type Bytes,
  concat,
  type Entry,
  fixed,
  footer,
  hex,
  keyOf,
  type Place,
  stored,
  type TableImage,
  tableOf,
  type TableShape,
  text,
} from './reference.ts'
import type { DataFiles } from './data-files.ts'
import { type Fact, VectorList } from './vector-list.ts'

export interface TableCase {
  /** Also the name of its file. */
  readonly name: string
  readonly entries: readonly Entry[]
  readonly shape: TableShape
  readonly image: TableImage
}

/** Damage, and what can still be read. */
export interface DamagedTable {
  readonly name: string
  /** Put at this place of the table. */
  readonly at: number
  readonly put: Bytes
  /** The ordinals of the data blocks that are lost; 'all' when the table does not open. */
  readonly lost: readonly number[] | 'all'
}

const USUAL: TableShape = { blockSize: 4096, restartInterval: 16, bitsPerKey: 10 }
const SMALL_BLOCKS: TableShape = { blockSize: 200, restartInterval: 4, bitsPerKey: 10 }

export function put(key: string | Bytes, sequence: number | bigint, value: string | Bytes): Entry {
  return { userKey: bytesOf(key), sequence: BigInt(sequence), value: bytesOf(value) }
}

export function deletion(key: string, sequence: number): Entry {
  return { userKey: text(key), sequence: BigInt(sequence), isDeletion: true, value: hex('') }
}

function bytesOf(value: string | Bytes): Bytes {
  return typeof value === 'string' ? text(value) : value
}

/** As LevelDB does it: only where more than an eighth is saved. */
function snappy(contents: Bytes): Bytes | undefined {
  const packed = compress(contents)
  return packed.length < contents.length - Math.floor(contents.length / 8) ? packed : undefined
}

function numbered(count: number, size: number): Entry[] {
  return Array.from({ length: count }, (_, i) => {
    const key = `key-${String(i * 3).padStart(4, '0')}`
    return i % 10 === 9 ? deletion(key, i + 1) : put(key, i + 1, Buffer.alloc(size, `v${i}`))
  })
}

const SOURCES: readonly (readonly [string, readonly Entry[], TableShape])[] = [
  ['one-entry', [put('key', 1, 'value')], USUAL],
  ['no-filter', numbered(20, 12), { ...USUAL, bitsPerKey: 0 }],
  [
    'versions-of-a-key',
    [
      put('', 9, ''),
      put('k', 8, 'newest'),
      deletion('k', 7),
      put('k', 2, 'oldest'),
      put('l', 3, 'l'),
    ],
    { ...USUAL, restartInterval: 1 },
  ],
  ['small-blocks', numbered(40, 30), SMALL_BLOCKS],
  ['small-blocks-no-filter', numbered(40, 30), { ...SMALL_BLOCKS, bitsPerKey: 0 }],
  [
    'filters-with-gaps',
    [put('a', 1, Buffer.alloc(5000, 'a')), put('b', 2, 'b'), put('c', 3, Buffer.alloc(7000, 'c'))],
    { ...SMALL_BLOCKS, restartInterval: 16 },
  ],
  [
    'versions-over-blocks',
    [9, 7, 5, 3].map((sequence) => put('k', sequence, Buffer.alloc(150, `${sequence}`))),
    SMALL_BLOCKS,
  ],
  [
    'level-deep',
    [put('a', 1, 'old'), put('b', 2, 'old'), put('c', 3, 'old'), put('d', 4, 'old')],
    USUAL,
  ],
  ['level-middle', [deletion('b', 12), put('c', 11, 'middle'), put('cc', 10, 'middle')], USUAL],
  ['level-upper', [put('b', 21, 'upper'), deletion('cc', 22), put('f', 20, 'upper')], USUAL],
  ['of-another-writer', numbered(40, 30), { ...SMALL_BLOCKS, isForeign: true }],
  ['snappy', numbered(40, 200), { ...USUAL, compress: snappy }],
  [
    'snappy-where-it-pays',
    [
      ...numbered(4, 300),
      put(
        'random',
        90,
        Buffer.from(Array.from({ length: 300 }, (_, i) => (i * i * 7 + (i >> 2) * 29) & 255)),
      ),
      put('z', 91, Buffer.alloc(400, 'z')),
    ],
    { ...SMALL_BLOCKS, compress: snappy },
  ],
]

export function tableCases(): TableCase[] {
  return SOURCES.map(([name, entries, shape]) => ({
    name,
    entries,
    shape,
    image: tableOf(entries, shape),
  }))
}

export function tableNamed(name: string): TableCase {
  return tableCases().find((table) => table.name === name)!
}

/** What each key has: the newest entry not above the sequence, in the order of the keys asked. */
export function lookup(entries: readonly Entry[], userKey: Bytes, sequence: bigint): Fact {
  const found = entries.find((entry) => entry.userKey.equals(userKey) && entry.sequence <= sequence)
  if (found === undefined) return { absent: true }
  return found.isDeletion === true ? { deleted: true } : { value: found.value }
}

/** Of the table 'small-blocks'. */
export function damagedTables({ image }: TableCase): DamagedTable[] {
  const { bytes, dataBlocks, filter, metaindex, index } = image
  const bit = (at: number): Bytes => Buffer.of(bytes[at]! ^ 0x04)
  const flip = (name: string, at: number, lost: DamagedTable['lost']): DamagedTable => ({
    name,
    at,
    put: bit(at),
    lost,
  })
  const footerAt = bytes.length - 48
  const outside = { offset: bytes.length, size: 10 }
  const inFooter = (
    name: string,
    first: Place,
    second: Place,
    lost: DamagedTable['lost'],
  ): DamagedTable => ({
    name,
    at: footerAt,
    put: footer(first, second),
    lost,
  })
  const second = dataBlocks[1]!
  const contents = bytes.subarray(second.offset, second.offset + second.size)
  return [
    flip('a bit of a data block', second.offset + 20, [1]),
    flip('a bit of the first data block', dataBlocks[0]!.offset + 3, [0]),
    flip('a bit of the last data block', dataBlocks.at(-1)!.offset + 3, [dataBlocks.length - 1]),
    flip("a bit of a data block's checksum", second.offset + second.size + 1, [1]),
    {
      name: 'a data block of an unknown type',
      at: second.offset,
      put: stored(contents, 9),
      lost: [1],
    },
    flip('a bit of the filter', filter!.offset + 5, []),
    flip('a bit of the metaindex', metaindex.offset + 5, []),
    inFooter('a metaindex outside the file', outside, index, []),
    flip('a bit of the index', index.offset + 5, 'all'),
    flip("a bit of the index's checksum", index.offset + index.size + 2, 'all'),
    inFooter('an index outside the file', metaindex, outside, 'all'),
    inFooter('a footer that calls a data block the index', metaindex, second, 'all'),
    {
      name: 'a footer whose handles are malformed',
      at: footerAt,
      put: Buffer.alloc(40, 0xff),
      lost: 'all',
    },
    flip('a bit of the magic', bytes.length - 1, 'all'),
    {
      name: 'a magic in the other order',
      at: bytes.length - 8,
      put: Buffer.from(fixed(0xdb47_7524_8b80_fb57n, 8).toReversed()),
      lost: 'all',
    },
  ]
}

/** In which data block the entry stands. */
export function blockOfEntry(table: TableCase, index: number): number {
  let seen = 0
  for (const [ordinal, { offset, size }] of table.image.dataBlocks.entries()) {
    seen += entryCount(table.image.bytes.subarray(offset, offset + size))
    if (index < seen) return ordinal
  }
  throw new Error('no such entry')
}

/** Of a block whose lengths take a byte each. */
function entryCount(contents: Bytes): number {
  const end = contents.length - 4 - 4 * contents.readUInt32LE(contents.length - 4)
  let count = 0
  for (let at = 0; at < end; at += 3 + contents[at + 1]! + contents[at + 2]!) count++
  return count
}

export function tableVectors(files: DataFiles): VectorList {
  const list = new VectorList('table')
  for (const { name, entries, shape, image } of tableCases()) {
    const bytes = files.add(`tables/${name}.ldb`, image.bytes)
    const pairs = entries.map((entry) => [keyOf(entry), entry.value])
    list.expect(name, { do: 'table.read', bytes }, { entries: pairs })
    const { compress: codec, isForeign, ...rest } = shape
    // Encoders of Snappy are free in what they make of the same bytes.
    if (codec === undefined && isForeign === undefined) {
      list.expect(`of ${name}`, { do: 'table.write', ...rest, entries: pairs }, { bytes })
    }
    addGets(list, name, bytes, entries)
  }
  const nothing = tableOf([], USUAL).bytes
  list.expect('without entries', { do: 'table.read', bytes: nothing }, { entries: [] })
  addDamaged(list, files)
  return list
}

function addGets(list: VectorList, name: string, bytes: Fact, entries: readonly Entry[]): void {
  const newest = 1000n
  const gets = [
    ...entries.map(({ userKey, sequence }) => ({ key: userKey, sequence })),
    ...entries.map(({ userKey }) => ({ key: userKey, sequence: newest })),
    ...['', 'key', 'key-', 'key-0001', 'key-00030', 'zzz'].map((key) => ({
      key: text(key),
      sequence: newest,
    })),
    ...entries
      .slice(0, 3)
      .map(({ userKey, sequence }) => ({ key: userKey, sequence: sequence - 1n })),
  ]
  const values = gets.map(({ key, sequence }) => lookup(entries, key, sequence))
  list.expect(`${name}, key by key`, { do: 'table.get', bytes, gets }, { values })
}

function addDamaged(list: VectorList, files: DataFiles): void {
  const table = tableNamed('small-blocks')
  const { entries, image } = table
  const whole = files.add(`tables/${table.name}.ldb`, image.bytes)
  const gets = entries.map(({ userKey }) => ({ key: userKey, sequence: 1000n }))
  for (const { name, at, put: change, lost } of damagedTables(table)) {
    const bytes = { of: whole, at, put: change }
    const read = { do: 'table.read', bytes }
    if (lost === 'all') {
      list.error(name, read, 'corruption')
      continue
    }
    const values = entries.map(({ userKey }, index) =>
      lost.includes(blockOfEntry(table, index))
        ? { error: 'corruption' }
        : lookup(entries, userKey, 1000n),
    )
    if (lost.length > 0) list.error(name, read, 'corruption')
    else list.expect(name, read, { entries: entries.map((entry) => [keyOf(entry), entry.value]) })
    list.expect(`${name}, key by key`, { do: 'table.get', bytes, gets }, { values })
  }
  for (const [name, to] of [
    ['of no bytes', 0],
    ['shorter than a footer', 47],
    ['cut by one byte', image.bytes.length - 1],
    ['cut in the middle', Math.floor(image.bytes.length / 2)],
  ] as const) {
    list.error(name, { do: 'table.read', bytes: { of: whole, from: 0, to } }, 'corruption')
  }
  const text_ = concat(text('not a table, but longer than a footer, which has 48 bytes'))
  list.error('of something else', { do: 'table.read', bytes: text_ }, 'corruption')
}
