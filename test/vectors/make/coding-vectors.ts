// Fixed and variable integers, as literal bytes.

import { hex } from './reference.ts'
import { type Extra, MAY_REFUSE, VectorList } from './vector-list.ts'

const FIXED32: readonly (readonly [number, string])[] = [
  [0, '00000000'],
  [1, '01000000'],
  [255, 'ff000000'],
  [256, '00010000'],
  [0x0102_0304, '04030201'],
  [0x7fff_ffff, 'ffffff7f'],
  [0x8000_0000, '00000080'],
  [0xffff_ffff, 'ffffffff'],
]

const FIXED64: readonly (readonly [bigint, string])[] = [
  [0n, '0000000000000000'],
  [1n, '0100000000000000'],
  [0xffff_ffffn, 'ffffffff00000000'],
  [0x1_0000_0000n, '0000000001000000'],
  [0x0001_0203_0405_0607n, '0706050403020100'],
  [2n ** 53n - 1n, 'ffffffffffff1f00'],
  [2n ** 53n, '0000000000002000'],
  [2n ** 56n - 1n, 'ffffffffffffff00'],
  [2n ** 63n, '0000000000000080'],
  [2n ** 64n - 1n, 'ffffffffffffffff'],
]

const VARINT32: readonly (readonly [number, string])[] = [
  [0, '00'],
  [1, '01'],
  [127, '7f'],
  [128, '8001'],
  [129, '8101'],
  [300, 'ac02'],
  [16_383, 'ff7f'],
  [16_384, '808001'],
  [2_097_151, 'ffff7f'],
  [2_097_152, '80808001'],
  [268_435_455, 'ffffff7f'],
  [268_435_456, '8080808001'],
  [0x7fff_ffff, 'ffffffff07'],
  [0x8000_0000, '8080808008'],
  [0xffff_ffff, 'ffffffff0f'],
]

const VARINT64: readonly (readonly [bigint, string])[] = [
  ...VARINT32.map(([value, bytes]) => [BigInt(value), bytes] as const),
  [0x1_0000_0000n, '8080808010'],
  [2n ** 35n - 1n, 'ffffffff7f'],
  [2n ** 35n, '808080808001'],
  [2n ** 42n, '80808080808001'],
  [2n ** 49n - 1n, 'ffffffffffff7f'],
  [2n ** 49n, '8080808080808001'],
  [2n ** 53n - 1n, 'ffffffffffffff0f'],
  [2n ** 53n, '8080808080808010'],
  [2n ** 56n, '808080808080808001'],
  [2n ** 63n - 1n, 'ffffffffffffffff7f'],
  [2n ** 63n, '80808080808080808001'],
  [2n ** 64n - 1n, 'ffffffffffffffffff01'],
]

function refusable(value: bigint): Extra {
  return value >= 2n ** 53n ? MAY_REFUSE : {}
}

export function codingVectors(): VectorList {
  const list = new VectorList('coding')
  for (const [value, bytes] of FIXED32) {
    list.expect(`fixed32 of ${value}`, { do: 'fixed32.encode', value }, { bytes })
    list.expect(`fixed32 ${bytes}`, { do: 'fixed32.decode', bytes }, { value })
  }
  for (const [value, bytes] of FIXED64) {
    const extra = refusable(value)
    list.expect(`fixed64 of ${value}`, { do: 'fixed64.encode', value }, { bytes }, extra)
    list.expect(`fixed64 ${bytes}`, { do: 'fixed64.decode', bytes }, { value }, extra)
  }
  for (const [value, bytes] of VARINT32) {
    const length = bytes.length / 2
    list.expect(`varint32 of ${value}`, { do: 'varint32.encode', value }, { bytes })
    list.expect(`varint32 ${bytes}`, { do: 'varint32.decode', bytes }, { value, length })
  }
  for (const [value, bytes] of VARINT64) {
    const extra = refusable(value)
    const length = bytes.length / 2
    list.expect(`varint64 of ${value}`, { do: 'varint64.encode', value }, { bytes }, extra)
    list.expect(`varint64 ${bytes}`, { do: 'varint64.decode', bytes }, { value, length }, extra)
  }
  addOddVarints(list)
  return list
}

function addOddVarints(list: VectorList): void {
  for (const name of ['varint32', 'varint64']) {
    const ask = (bytes: string): { do: string; bytes: string } => ({ do: `${name}.decode`, bytes })
    const number = (value: number): number | bigint => (name === 'varint32' ? value : BigInt(value))
    list.expect(`${name} with more behind it`, ask('ac02ff'), { value: number(300), length: 2 })
    list.expect(
      `${name} longer than it need be`,
      ask('ac828000'),
      { value: number(300), length: 4 },
      {
        why: 'no writer makes one, and every reader takes it',
      },
    )
    list.expect(`${name}, zero in three bytes`, ask('808000'), { value: number(0), length: 3 })
    list.error(`${name} of no bytes`, ask(''), 'corruption')
    list.error(`${name} cut after one byte`, ask('80'), 'corruption')
    list.error(`${name} cut after four bytes`, ask('ffffffff'), 'corruption')
  }
  const six = { do: 'varint32.decode', bytes: 'ffffffffff0f' }
  list.error('varint32 of six bytes', six, 'corruption')
  list.error(
    'varint32 of six bytes, zero',
    { do: 'varint32.decode', bytes: '808080808000' },
    'corruption',
  )
  const eleven = hex('ffffffffffffffffffff01')
  list.error('varint64 of eleven bytes', { do: 'varint64.decode', bytes: eleven }, 'corruption')
  list.error(
    'varint64 cut after nine bytes',
    { do: 'varint64.decode', bytes: 'ffffffffffffffffff' },
    'corruption',
  )
  list.error(
    'varint32 above 32 bits',
    { do: 'varint32.decode', bytes: 'ffffffff1f' },
    'corruption',
    {
      or: [{ expect: { value: 0xffff_ffff, length: 5 }, why: 'C++ LevelDB drops the bits above' }],
    },
  )
  list.error(
    'varint64 above 64 bits',
    { do: 'varint64.decode', bytes: 'ffffffffffffffffff7f' },
    'corruption',
    {
      or: [
        { expect: { value: 2n ** 64n - 1n, length: 10 }, why: 'C++ LevelDB drops the bits above' },
        ...MAY_REFUSE.or!,
      ],
    },
  )
}
