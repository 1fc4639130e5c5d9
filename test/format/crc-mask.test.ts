// The mask over stored checksums, against LevelDB's own vectors.

import test from 'ava'
import { maskCrc, unmaskCrc } from '../../ts/format/crc-mask.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from './seed.ts'

test('a mask rotates by fifteen and adds a constant', (t) => {
  t.is(maskCrc(0), 0xa282ead8)
  t.is(maskCrc(0xffff_ffff), 0xa282ead7)
  t.is(maskCrc(1), 0xa284ead8)
  t.is(maskCrc(0x8000), 0xa282ead9)
})

test('masking again gives something else, and unmasking as often gives the checksum back', (t) => {
  const foo = Buffer.from('foo')
  const crc = crc32c(foo, 0, foo.length)
  t.is(crc, 0xcfc4ae1d)
  t.not(maskCrc(crc), crc)
  t.not(maskCrc(maskCrc(crc)), crc)
  t.is(unmaskCrc(maskCrc(crc)), crc)
  t.is(unmaskCrc(unmaskCrc(maskCrc(maskCrc(crc)))), crc)
})

test('every checksum survives the mask as an unsigned number', (t) => {
  const random = new Random(SEED)
  const crcs = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x5d7d1528]
  for (let i = 0; i < 10_000; i++) crcs.push(random.next())
  for (const crc of crcs) {
    const masked = maskCrc(crc)
    t.true(masked >= 0 && masked < 2 ** 32, seeded(String(crc)))
    t.is(unmaskCrc(masked), crc, seeded(String(crc)))
  }
})
