// Checksums of both bindings, against the polynomial itself.

import test from 'ava'
import { bothBindings, nativeBinding } from './both-bindings.ts'

/** Bit by bit, from the polynomial: the oracle. */
function slowCrc32c(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffffffff
  for (let at = start; at < end; at++) {
    crc ^= bytes[at]!
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78
  }
  return ~crc >>> 0
}

/** RFC 3720 appendix B.4, and LevelDB's own 'a' against 'foo'. */
const iscsiReadCommand = Buffer.from(
  `01c0${'00'.repeat(14)}1400000000000400000000140000001828${'00'.repeat(7)}02${'00'.repeat(7)}`,
  'hex',
)
const vectors: readonly (readonly [string, Uint8Array, number])[] = [
  ['32 zero bytes', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of 0xff', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ['an iSCSI read command', iscsiReadCommand, 0xd9963a56],
  ['123456789', Buffer.from('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(0), 0],
]

for (const binding of bothBindings) {
  for (const [name, bytes, expected] of vectors) {
    test(`${binding.kind}: the CRC-32C of ${name} is the published one`, (t) => {
      t.is(binding.crc32c(bytes, 0, bytes.length), expected)
      // Inside a larger buffer, and repeated beyond what JavaScript is left to do.
      const padded = Buffer.concat([Buffer.alloc(5, 1), bytes, Buffer.alloc(3, 2)])
      t.is(binding.crc32c(padded, 5, 5 + bytes.length), expected)
    })
  }

  test(`${binding.kind}: every length to 1100 and every start to 16 agrees with the polynomial`, (t) => {
    const bytes = Buffer.from(
      Uint8Array.from({ length: 1200 }, (_, i) => (i * 167 + (i >> 3)) & 255),
    )
    for (let length = 0; length <= 1100; length += length < 420 ? 1 : 17) {
      const start = length % 17
      const end = start + length
      if (binding.crc32c(bytes, start, end) !== slowCrc32c(bytes, start, end)) {
        t.fail(`[${start}, ${end})`)
      }
    }
    t.pass()
  })

  test(`${binding.kind}: lengths around the long stripes agree with the polynomial`, (t) => {
    const bytes = Buffer.from(
      Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31 + (i >> 7)) & 255),
    )
    for (const length of [3071, 3072, 3073, 3456, 6143, 6144, 6145, 32761, 65536, 69_999]) {
      t.is(binding.crc32c(bytes, 1, 1 + length), slowCrc32c(bytes, 1, 1 + length), `${length}`)
    }
  })

  test(`${binding.kind}: shared memory is read like any other`, (t) => {
    const shared = new Uint8Array(new SharedArrayBuffer(4096)).fill(9)
    const plain = new Uint8Array(4096).fill(9)
    t.is(binding.crc32c(shared, 100, 4000), binding.crc32c(plain, 100, 4000))
  })
}

test('the implementation is named', (t) => {
  for (const binding of bothBindings) {
    t.true(['sse4.2', 'armv8', 'portable', 'js'].includes(binding.implementation))
  }
  if (nativeBinding !== undefined) t.not(nativeBinding.implementation, 'js')
})
