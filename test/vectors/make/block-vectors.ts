// Blocks: contents, restart points, trailers.

import {
  blockOf,
  type Bytes,
  concat,
  fixed,
  hex,
  internalKey,
  stored,
  text,
  varint,
} from './reference.ts'
import { VectorList } from './vector-list.ts'

type Pair = readonly [Bytes, Bytes]

function keyed(...keys: readonly string[]): Pair[] {
  return keys.map((key, i) => [internalKey(text(key), 1000n - BigInt(i), 1), text(`value ${i}`)])
}

const SHAPES: readonly (readonly [string, readonly Pair[]])[] = [
  ['one entry', keyed('key')],
  ['keys with nothing in common', keyed('a', 'b', 'c', 'd', 'e')],
  ['each key a prefix of the next', keyed('', 'a', 'aa', 'aaa', 'aaaa')],
  ['long common starts', keyed('prefix-1', 'prefix-10', 'prefix-11', 'prefix-2', 'prefiy')],
  [
    'entries of one key',
    [5n, 4n, 3n].map((sequence) => [internalKey(text('k'), sequence, 1), text('v')]),
  ],
  [
    'lengths of one and two bytes',
    [
      [internalKey(Buffer.alloc(119, 'k'), 1n, 1), Buffer.alloc(127, 'v')],
      [internalKey(Buffer.alloc(120, 'k'), 1n, 1), Buffer.alloc(128, 'v')],
      [internalKey(Buffer.alloc(300, 'k'), 1n, 1), Buffer.alloc(20_000, 'v')],
    ],
  ],
  [
    'forty entries',
    Array.from({ length: 40 }, (_, i): Pair => [
      internalKey(text(`key-${String(i).padStart(3, '0')}`), BigInt(i), i % 5 === 0 ? 0 : 1),
      i % 5 === 0 ? hex('') : text(`v${i}`),
    ]),
  ],
]

export function blockVectors(): VectorList {
  const list = new VectorList('block')
  for (const restartInterval of [1, 2, 3, 16]) {
    for (const [name, entries] of SHAPES) {
      const bytes = blockOf(entries, restartInterval)
      const shape = `${name}, a restart point every ${restartInterval}`
      list.expect(`of ${shape}`, { do: 'block.write', restartInterval, entries }, { bytes })
      list.expect(shape, { do: 'block.read', bytes }, { entries })
    }
  }
  list.expect(
    'of nothing',
    { do: 'block.write', restartInterval: 16, entries: [] },
    { bytes: '0000000001000000' },
  )
  list.expect('of nothing, read', { do: 'block.read', bytes: '0000000001000000' }, { entries: [] })
  list.expect('without a restart point', { do: 'block.read', bytes: '00000000' }, { entries: [] })
  addSeeks(list)
  addDamagedBlocks(list)
  addStoredBlocks(list)
  return list
}

function addSeeks(list: VectorList): void {
  const entries = keyed('b', 'bb', 'd', 'f', 'ff', 'h')
  for (const restartInterval of [1, 2, 16]) {
    const bytes = blockOf(entries, restartInterval)
    for (const target of ['', 'a', 'b', 'ba', 'bb', 'c', 'e', 'ff', 'h', 'ha']) {
      const found = entries.find(([key]) => Buffer.compare(key.subarray(0, -8), text(target)) >= 0)
      list.expect(
        `the first key from '${target}' on, a restart point every ${restartInterval}`,
        { do: 'block.seek', bytes, target: internalKey(text(target), 2000n, 1) },
        { entry: found ?? null },
      )
    }
  }
  const versions = [9n, 6n, 3n].map((n): Pair => [internalKey(text('k'), n, 1), text(`at ${n}`)])
  for (const [sequence, index] of [
    [10n, 0],
    [9n, 0],
    [8n, 1],
    [3n, 2],
    [2n, undefined],
  ] as const) {
    list.expect(
      `the newest entry at sequence ${sequence}`,
      {
        do: 'block.seek',
        bytes: blockOf(versions, 2),
        target: internalKey(text('k'), sequence, 1),
      },
      { entry: index === undefined ? null : versions[index]! },
    )
  }
}

/** Restart points and their count. */
function tail(...numbers: readonly number[]): Bytes {
  return concat(...numbers.map((n) => fixed(n, 4)))
}

/** A block of one entry with these lengths. */
function entry(shared: number, rest: number, value: number, bytes: Bytes): Bytes {
  return concat(varint(shared), varint(rest), varint(value), bytes, tail(0, 1))
}

function addDamagedBlocks(list: VectorList): void {
  const entries = keyed('aa', 'ab', 'ac', 'ad')
  const good = blockOf(entries, 2)
  const body = good.subarray(0, -12)
  const second = good.readUInt32LE(good.length - 8)
  const damaged: readonly (readonly [string, Bytes])[] = [
    ['no bytes', hex('')],
    ['three bytes', hex('000000')],
    ['more restart points than there is room', concat(body, tail(0, second, 1000))],
    ['a restart count near 2^32', concat(body, tail(0, second, 0xffff_ffff))],
    ['an entry that is cut', concat(body.subarray(0, -1), tail(0, second, 2))],
    ['a first entry that shares', entry(1, 1, 1, text('kv'))],
    [
      'a key that shares more than there is',
      concat(body, varint(100), hex('0101'), text('kv'), tail(0, second, 2)),
    ],
    ['a key past the entries', entry(0, 3, 0, text('kv'))],
    ['a value past the entries', entry(0, 1, 3, text('kv'))],
    ['a length of six bytes', concat(hex('80808080808000 01 01'), text('kv'), tail(0, 1))],
    ['lengths near 2^32', concat(hex('00 ffffffff0f ffffffff0f'), text('kv'), tail(0, 1))],
    ['half an entry header', concat(hex('0001'), tail(0, 1))],
    ['a first restart point behind the first entry', concat(body, tail(second, second, 2))],
  ]
  for (const [name, bytes] of damaged) list.error(name, { do: 'block.read', bytes }, 'corruption')
  const harmless = {
    or: [{ expect: { entries }, why: 'who reads all entries need not look at the restart points' }],
  }
  const restarts: readonly (readonly [string, Bytes])[] = [
    ['a restart point behind the entries', concat(body, tail(0, body.length, 2))],
    ['restart points that do not ascend', concat(body, tail(0, 0, 2))],
  ]
  for (const [name, bytes] of restarts)
    list.error(name, { do: 'block.read', bytes }, 'corruption', harmless)
}

function addStoredBlocks(list: VectorList): void {
  const contents = blockOf(keyed('a', 'b'), 16)
  const snappy = concat(
    varint(contents.length),
    hex(`f0${(contents.length - 1).toString(16)}`),
    contents,
  )
  const plain = stored(contents)
  const change = (at: number): Bytes => {
    const bytes = Buffer.from(plain)
    bytes[at]! ^= 0x01
    return bytes
  }
  list.expect('stored as it is', { do: 'block.unpack', bytes: plain }, { contents })
  list.expect('stored by Snappy', { do: 'block.unpack', bytes: stored(snappy, 1) }, { contents })
  list.expect(
    'stored, of no bytes',
    { do: 'block.unpack', bytes: stored(hex('')) },
    { contents: '' },
  )
  const damaged: readonly (readonly [string, Bytes])[] = [
    ['a bit of the first byte', change(0)],
    ['a bit of the last byte', change(contents.length - 1)],
    ['a bit of the type', change(contents.length)],
    ['a bit of the checksum', change(contents.length + 1)],
    ['a checksum that is not masked', concat(plain.subarray(0, -4), fixed(0, 4))],
    ['an unknown type', stored(contents, 7)],
    ['Snappy data that is cut', stored(snappy.subarray(0, -1), 1)],
    ['Snappy of what is not Snappy data', stored(hex('ffffffffffff'), 1)],
  ]
  for (const [name, bytes] of damaged) {
    list.error(`stored, ${name}`, { do: 'block.unpack', bytes }, 'corruption')
  }
}
