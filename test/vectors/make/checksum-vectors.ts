// CRC-32C and its mask: the values of RFC 3720 (appendix B.4) as literals, the others by the reference.

import { crc32c, hex, mask, text } from './reference.ts'
import { VectorList } from './vector-list.ts'

const ISCSI_READ = hex(
  '01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018 28000000 00000000 02000000 00000000',
)

const WORD = text('sluice')

export function checksumVectors(): VectorList {
  const list = new VectorList('crc32c')
  const known: readonly (readonly [string, Buffer, number])[] = [
    ['nothing', Buffer.alloc(0), 0],
    ['check value', text('123456789'), 0xe306_9283],
    ['RFC 3720, 32 zeroes', Buffer.alloc(32), 0x8a91_36aa],
    ['RFC 3720, 32 ones', Buffer.alloc(32, 0xff), 0x62a8_ab43],
    ['RFC 3720, ascending', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd_794e],
    [
      'RFC 3720, descending',
      Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)),
      0x113f_db5c,
    ],
    ['RFC 3720, iSCSI read', ISCSI_READ, 0xd996_3a56],
  ]
  for (const [name, bytes, crc] of known) list.expect(name, { do: 'crc32c', bytes }, { crc })
  // Around the word sizes and unrolled loops of fast implementations.
  for (const length of [
    1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 255, 1023, 1024, 4103,
  ]) {
    // Of one word over and over.
    const times = Math.ceil(length / WORD.length)
    const bytes = { of: { repeat: WORD, times }, from: 0, to: length }
    list.expect(
      `${length} bytes`,
      { do: 'crc32c', bytes },
      { crc: crc32c(Buffer.alloc(length, WORD)) },
    )
  }
  list.expect(
    'a block of one byte value',
    { do: 'crc32c', bytes: Buffer.alloc(32_768, 'a') },
    { crc: crc32c(Buffer.alloc(32_768, 'a')) },
  )
  for (const crc of [0, 1, 0x7fff, 0x8000, 0x8a91_36aa, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    const name = crc.toString(16).padStart(8, '0')
    list.expect(`mask ${name}`, { do: 'crc32c.mask', crc }, { masked: mask(crc) })
    list.expect(`unmask of ${name}`, { do: 'crc32c.unmask', masked: mask(crc) }, { crc })
  }
  list.expect(
    'mask of nothing is the delta',
    { do: 'crc32c.mask', crc: 0 },
    { masked: 0xa282_ead8 },
  )
  return list
}
