// Snappy data, element by element, as literal bytes.

import { type Bytes, concat, fixed, hex, text, varint } from './reference.ts'
import { VectorList } from './vector-list.ts'

/** Name, data, what it expands to. */
const GOOD: readonly (readonly [string, string, string])[] = [
  ['no bytes', '00', ''],
  ['a literal with its length in four bytes', '02 fc 01000000 6162', '6162'],
  ['a copy with an offset of one byte', '08 0c 61626364 01 04', '6162636461626364'],
  ['a copy with an offset of two bytes', '08 0c 61626364 0e 0400', '6162636461626364'],
  ['a copy with an offset of four bytes', '08 0c 61626364 0f 04000000', '6162636461626364'],
  ['a copy of one byte', '02 00 61 02 0100', '6161'],
  ['a copy that overlaps itself', '0a 00 61 15 01 ', `61${'61'.repeat(9)}`],
  ['a pattern of two that overlaps', '08 04 6162 16 0200', '6162616261626162'],
  ['two copies', '0c 0c 61626364 01 04 01 08', '616263646162636461626364'],
  ['a literal behind a copy', '09 0c 61626364 01 04 00 7a', '61626364616263647a'],
]

const BAD: readonly (readonly [string, string])[] = [
  ['no length', ''],
  ['a length that is cut', '80'],
  ['a length of six bytes', '8080808080 00'],
  ['a length and nothing else', '05'],
  ['a literal that is cut', '04 0c 6162'],
  ['a literal whose length is cut', '04 f4 03'],
  ['a literal longer than said', '02 08 616263'],
  ['fewer bytes than said', '04 08 616263'],
  ['more elements than said', '03 08 616263 00 64'],
  ['a copy at the beginning', '04 01 01'],
  ['a copy from before the beginning', '08 0c 61626364 01 05'],
  ['an offset of 0', '08 0c 61626364 01 00'],
  ['an offset of 0 in two bytes', '08 0c 61626364 0e 0000'],
  ['a copy longer than said', '06 0c 61626364 01 04'],
  ['a copy that is cut', '08 0c 61626364 01'],
  ['an offset of two bytes that is cut', '08 0c 61626364 0e 04'],
  ['an offset of four bytes that is cut', '08 0c 61626364 0f 040000'],
  ['an offset near 2^32', '08 0c 61626364 0f ffffffff'],
  ['a claim of 4 GiB', 'ffffffff0f 00 61'],
  ['bytes behind the end', '00 00'],
]

function run(length: number): Bytes {
  return Buffer.alloc(length, 'x')
}

function literal(bytes: Bytes): Bytes {
  const rest = bytes.length - 1
  if (rest < 60) return concat(Buffer.of(rest << 2), bytes)
  const length = rest < 256 ? 1 : rest < 65_536 ? 2 : 3
  return concat(Buffer.of((59 + length) << 2), fixed(rest, length), bytes)
}

export function snappyVectors(): VectorList {
  const list = new VectorList('snappy')
  for (const length of [1, 59, 60, 61, 256, 257, 65_536, 65_537]) {
    const expanded = run(length)
    const bytes = concat(varint(length), literal(expanded))
    list.expect(`a literal of ${length} bytes`, { do: 'snappy.expand', bytes }, { bytes: expanded })
  }
  for (const [name, bytes, expanded] of GOOD) {
    list.expect(name, { do: 'snappy.expand', bytes: hex(bytes) }, { bytes: expanded })
  }
  const far = concat(varint(3000 + 4), literal(run(3000)), hex('0f'), fixed(2999, 4))
  list.expect('a copy from far behind', { do: 'snappy.expand', bytes: far }, { bytes: run(3004) })
  for (const [name, bytes] of BAD)
    list.error(name, { do: 'snappy.expand', bytes: hex(bytes) }, 'corruption')
  const sources: readonly (readonly [string, Bytes])[] = [
    ['no bytes', hex('')],
    ['one byte', text('a')],
    ['fifteen bytes', text('abcdefghijklmno')],
    ['a run', run(1000)],
    ['a run of more than 64 KiB', run(70_000)],
    ['text that repeats', Buffer.alloc(500, 'the quick brown fox ')],
    [
      'what does not compress',
      Buffer.from(Array.from({ length: 512 }, (_, i) => (i * i * 31 + (i >> 3) * 17) & 255)),
    ],
  ]
  for (const [name, bytes] of sources) {
    list.expect(`of ${name}`, { do: 'snappy.compress', bytes }, { expandsTo: bytes })
  }
  return list
}
