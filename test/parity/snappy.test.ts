// Snappy by C++ and by its twin: the same bytes, readable by every Snappy, and the same judgement of
// malformed ones.

import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import snappy from 'snappy'
import { varint32End } from '../../ts/format/coding.ts'
import { expandSnappy } from '../../ts/format/snappy-decoder.ts'
import { compressSnappy, snappyBound } from '../../ts/format/snappy-encoder.ts'
import { createJsBinding } from '../../ts/platform/js-binding.ts'
import { createNativeBinding, loadNativeModule } from '../../ts/platform/native-binding.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'
import { sample } from '../format/snappy-sample.ts'

const file = fileURLToPath(new URL('../../../build/Release/sluicedb.node', import.meta.url))
const testBuilt = fs.existsSync(file) ? test : test.skip
const COPY = { copyOutputData: true }

/** What the twin makes of them, with the place behind it checked. */
function compressed(bytes: Buffer): Buffer {
  const target = Buffer.alloc(snappyBound(bytes.length))
  return target.subarray(0, compressSnappy(bytes, 0, bytes.length, target, 0))
}

test('short data has these bytes', (t) => {
  for (const [text, hex] of [
    ['', '00'],
    ['a', '0100 61'],
    ['abcd', '040c 61626364'],
    ['aaaaaaaaaaaa', '0c00 61 1d01'],
    ['wxyzwxyzwxyz', '0c0c 7778797a 1104'],
    ['a'.repeat(70), '4600 61 fe0100 0501'],
    ['a'.repeat(67), '4300 61 ee0100 0901'],
  ] as const) {
    t.is(compressed(Buffer.from(text)).toString('hex'), hex.replaceAll(' ', ''), text)
  }
})

test('another Snappy expands what the twin compresses, and it never takes more than it may', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 200; round++) {
    const bytes = sample(random)
    const data = compressed(bytes)
    t.true(data.length <= snappyBound(bytes.length))
    const expanded = snappy.uncompressSync(data, COPY) as Buffer
    if (!expanded.equals(bytes)) t.fail(seeded(`round ${round}`))
  }
})

testBuilt('C++ and the twin compress to the same bytes', (t) => {
  const native = createNativeBinding(loadNativeModule(file))
  const random = new Random(SEED)
  for (let round = 0; round < 300; round++) {
    const bytes = sample(random)
    const start = random.below(bytes.length + 1)
    const end = random.between(start, bytes.length)
    const target = Buffer.alloc(5 + snappyBound(end - start), 0xee)
    const targetEnd = native.compressSnappy(bytes, start, end, target, 5)
    const expected = compressed(bytes.subarray(start, end))
    if (!target.subarray(5, targetEnd).equals(expected)) t.fail(seeded(`round ${round}`))
    t.deepEqual(target.subarray(0, 5), Buffer.alloc(5, 0xee))
  }
})

testBuilt('C++ and the twin expand alike, and refuse the same damage', (t) => {
  const native = createNativeBinding(loadNativeModule(file))
  const random = new Random(SEED)
  let refusedCount = 0
  for (let round = 0; round < 5000; round++) {
    const bytes = sample(random).subarray(0, random.pick([40, 300, 3000]))
    const data = Buffer.from(compressed(bytes))
    const start = varint32End(data, 0, data.length)
    for (let flips = random.below(4); flips > 0 && data.length > start; flips--) {
      data[random.between(start, data.length - 1)]! ^= 1 << random.below(8)
    }
    const end = random.percent(5) ? random.between(start, data.length) : data.length
    const length = random.percent(5) ? random.below(bytes.length + 2) : bytes.length
    const ours = Buffer.alloc(length + 6, 0xee)
    const theirs = Buffer.alloc(length + 6, 0xee)
    const isWhole = expandSnappy(data, start, end, ours, 3, 3 + length)
    const text = seeded(`round ${round}: ${data.toString('hex')}`)
    if (native.expandSnappy(data, start, end, theirs, 3, 3 + length) !== isWhole) t.fail(text)
    if (isWhole && !ours.equals(theirs)) t.fail(text)
    // Whatever came of it, nothing outside was touched.
    t.is(theirs.toString('hex', 0, 3) + theirs.toString('hex', 3 + length), 'ee'.repeat(6), text)
    if (!isWhole) refusedCount++
  }
  t.true(refusedCount > 500, `${refusedCount}`)
})

testBuilt('C++ refuses what has no room, overlaps, or is no range', (t) => {
  const native = createNativeBinding(loadNativeModule(file))
  const bytes = Buffer.alloc(1000)
  const room = snappyBound(100)
  t.notThrows(() => native.compressSnappy(bytes, 0, 100, Buffer.alloc(room), 0))
  t.throws(() => native.compressSnappy(bytes, 0, 100, Buffer.alloc(room - 1), 0), {
    instanceOf: RangeError,
  })
  t.throws(() => native.compressSnappy(bytes, 0, 100, bytes, 50), { message: /overlap/ })
  t.notThrows(() => native.compressSnappy(bytes, 0, 100, bytes, 100))
  t.throws(() => native.expandSnappy(bytes, 0, 100, bytes, 99, 200), { message: /overlap/ })
  t.throws(() => native.expandSnappy(bytes, 0, 100, Buffer.alloc(5), 0, 6), {
    instanceOf: RangeError,
  })
  t.is(createJsBinding().compressSnappy(bytes, 0, 0, Buffer.alloc(32), 0), 1)
})
