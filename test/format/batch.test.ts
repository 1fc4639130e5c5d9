// Batches: their bytes, what WriteBatch makes of calls, and what is refused.

import test from 'ava'
import {
  batchCount,
  batchSequence,
  batchSizeError,
  BatchBuffer,
  BatchCursor,
  checkBatch,
  deleteRecordSize,
  putRecordSize,
} from '../../ts/format/batch.ts'
import { SluiceError } from '../../ts/format/error.ts'
import {
  keyError,
  MAX_BATCH_COUNT,
  MAX_BATCH_SIZE,
  MAX_KEY_SIZE,
  MAX_VALUE_SIZE,
  valueError,
} from '../../ts/format/user-bytes.ts'
import { batchBufferOf, WriteBatch } from '../../ts/format/write-batch.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from './seed.ts'

const b = (text: string): Buffer => Buffer.from(text)

function bytesOf(batch: WriteBatch, sequence = 100): Buffer {
  const buffer = batchBufferOf(batch)
  buffer.seal(sequence)
  return Buffer.from(buffer.bytes.subarray(0, buffer.end))
}

/** The writes of a batch, in order, as one string each. */
function writesOf(batch: WriteBatch): string[] {
  const writes: string[] = []
  batch.iterate({
    put: (key, value) => writes.push(`put ${key.toString('latin1')}=${value.toString('latin1')}`),
    delete: (key) => writes.push(`delete ${key.toString('latin1')}`),
  })
  return writes
}

function fromHex(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}

test('the bytes of a batch are those of LevelDB', (t) => {
  t.is(bytesOf(new WriteBatch(), 0).toString('hex'), '000000000000000000000000')
  const batch = new WriteBatch().put(b('foo'), b('bar')).delete(b('box')).put(b(''), b(''))
  t.deepEqual(
    bytesOf(batch, 0x0102_0304_0506),
    fromHex('0605040302010000 03000000  01 03666f6f 03626172  00 03626f78  01 00 00'),
  )
  const long = new WriteBatch().put(Buffer.alloc(128, 0x6b), Buffer.alloc(300, 0x76))
  t.deepEqual(
    bytesOf(long, 1),
    fromHex(`0100000000000000 01000000 01 8001 ${'6b'.repeat(128)} ac02 ${'76'.repeat(300)}`),
  )
})

test('writes come back in the order in which they were added', (t) => {
  const batch = new WriteBatch()
  batch.put(b('a'), b('1')).delete(b('b')).put(b('a'), b('2')).put(b(''), b('')).delete(b(''))
  t.deepEqual(writesOf(batch), ['put a=1', 'delete b', 'put a=2', 'put =', 'delete '])
  t.is(batch.count, 5)
  t.is(batch.sizeBytes, bytesOf(batch).length)
})

test('an empty batch has no writes and twelve bytes', (t) => {
  const batch = new WriteBatch()
  t.deepEqual([batch.count, batch.sizeBytes, writesOf(batch)], [0, 12, []])
})

test('clear drops every write, and the batch can be filled again', (t) => {
  const batch = new WriteBatch().put(b('a'), Buffer.alloc(5000)).clear()
  t.deepEqual([batch.count, batch.sizeBytes, writesOf(batch)], [0, 12, []])
  t.deepEqual(
    bytesOf(batch.put(b('k'), b('v')), 7),
    fromHex('0700000000000000 01000000 01016b0176'),
  )
})

test('append adds the writes of another batch and leaves that one alone', (t) => {
  const source = new WriteBatch().put(b('b'), b('2')).delete(b('c'))
  const batch = new WriteBatch().put(b('a'), b('1'))
  t.is(batch.append(source), batch)
  t.deepEqual(writesOf(batch), ['put a=1', 'put b=2', 'delete c'])
  t.deepEqual(writesOf(source), ['put b=2', 'delete c'])
  t.is(batch.count, 3)
  batch.append(new WriteBatch())
  t.is(batch.count, 3)
  source.clear().put(b('b'), b('other'))
  t.deepEqual(writesOf(batch), ['put a=1', 'put b=2', 'delete c'])
})

test('a batch appended to itself has its writes twice, also when that makes it grow', (t) => {
  for (const size of [1, 100, 5000]) {
    const batch = new WriteBatch().put(b('a'), Buffer.alloc(size, 0x78)).delete(b('b'))
    const once = writesOf(batch)
    batch.append(batch)
    t.deepEqual(writesOf(batch), [...once, ...once])
    t.is(batch.count, 4)
  }
})

test('append refuses what is no batch', (t) => {
  for (const source of [null, undefined, {}, [], b('x'), Object.create(WriteBatch.prototype)]) {
    const batch = new WriteBatch().put(b('a'), b('1'))
    t.throws(() => batch.append(source as WriteBatch), { instanceOf: TypeError })
    t.is(batch.count, 1)
  }
})

test("what iterate hands out is the handler's to keep and to change", (t) => {
  const batch = new WriteBatch().put(b('key'), b('value'))
  const kept: Buffer[] = []
  batch.iterate({ put: (key, value) => kept.push(key, value), delete: () => undefined })
  for (const bytes of kept) bytes.fill(0)
  t.deepEqual(writesOf(batch), ['put key=value'])
  batch.clear().put(b('xxx'), b('xxxxx'))
  t.deepEqual(kept, [Buffer.alloc(3), Buffer.alloc(5)])
})

test('a handler may add to the batch that it reads: it hears of what was there before', (t) => {
  const batch = new WriteBatch().put(b('a'), b('1')).put(b('b'), b('2'))
  const seen: string[] = []
  batch.iterate({
    put: (key) => {
      seen.push(key.toString())
      batch.put(Buffer.alloc(4000), b('more'))
    },
    delete: () => undefined,
  })
  t.deepEqual([seen, batch.count], [['a', 'b'], 4])
})

test('a refused write leaves the batch as it was', (t) => {
  const batch = new WriteBatch().put(b('a'), b('1'))
  const before = bytesOf(batch)
  t.throws(() => batch.put(null as never, b('v')), { code: 'LEVEL_INVALID_KEY' })
  t.throws(() => batch.put(b('k'), undefined as never), { code: 'LEVEL_INVALID_VALUE' })
  t.throws(() => batch.delete('k' as never), { code: 'LEVEL_INVALID_KEY' })
  // 2 GiB that nobody ever touches: the memory behind it stays the system's.
  t.throws(() => batch.put(b('k'), new Uint8Array(2 ** 31)), { code: 'LEVEL_INVALID_VALUE' })
  t.deepEqual([bytesOf(batch), batch.count], [before, 1])
})

test('sizes of records are known before they are written, at every length of a varint', (t) => {
  for (const size of [0, 1, 127, 128, 16_383, 16_384, 2 ** 21 - 1, 2 ** 21]) {
    const bytes = Buffer.alloc(size)
    const buffer = new BatchBuffer()
    buffer.put(bytes, b('v'))
    t.is(buffer.end, 12 + putRecordSize(size, 1))
    buffer.clear()
    buffer.delete(bytes)
    t.is(buffer.end, 12 + deleteRecordSize(size))
  }
})

test('a batch takes its limits and nothing past them', (t) => {
  t.is(MAX_BATCH_SIZE, 2_147_483_647)
  t.is(MAX_BATCH_COUNT, 4_294_967_295)
  t.is(batchSizeError(MAX_BATCH_SIZE, MAX_BATCH_COUNT), undefined)
  t.is(batchSizeError(MAX_BATCH_SIZE + 1, 1)?.code, 'LEVEL_INVALID_VALUE')
  t.is(batchSizeError(100, MAX_BATCH_COUNT + 1)?.code, 'LEVEL_INVALID_VALUE')
})

test('a key takes 2^32 - 9 bytes and a value 2^32 - 1, and neither one more', (t) => {
  t.is(MAX_KEY_SIZE, 4_294_967_287)
  t.is(MAX_VALUE_SIZE, 4_294_967_295)
  // 4 GiB that nobody ever touches.
  const memory = new ArrayBuffer(2 ** 32)
  const view = (size: number): Uint8Array => new Uint8Array(memory, 0, size)
  t.is(keyError(view(MAX_KEY_SIZE)), undefined)
  t.is(keyError(view(MAX_KEY_SIZE + 1))?.code, 'LEVEL_INVALID_KEY')
  t.is(valueError(view(MAX_VALUE_SIZE)), undefined)
  t.is(valueError(view(MAX_VALUE_SIZE + 1))?.code, 'LEVEL_INVALID_VALUE')
})

function check(hex: string): void {
  const bytes = fromHex(hex)
  checkBatch(bytes, 0, bytes.length)
}

test('a whole batch passes the check, wherever in a buffer it stands', (t) => {
  t.notThrows(() => check('0000000000000000 00000000'))
  t.notThrows(() => check('0100000000000000 02000000 0101610131 000162'))
  const framed = fromHex('ffffff 0100000000000000 01000000 000162 ffffff')
  t.notThrows(() => checkBatch(framed, 3, framed.length - 3))
  t.is(batchSequence(framed, 3), 1)
  t.is(batchCount(framed, 3), 1)
})

const DAMAGED: readonly (readonly [what: string, hex: string])[] = [
  ['nothing at all', ''],
  ['a header cut by one byte', '0100000000000000 000000'],
  ['a record that is not counted', '0100000000000000 00000000 0101610131'],
  ['a record too few', '0100000000000000 02000000 0101610131'],
  ['a count of 2^32 - 1', '0100000000000000 ffffffff 0101610131'],
  ['an unknown type', '0100000000000000 01000000 02 0161 0131'],
  ['the type of a far future', '0100000000000000 01000000 ff 0161 0131'],
  ['a type and nothing more', '0100000000000000 01000000 01'],
  ['a key cut by one byte', '0100000000000000 01000000 00 0261'],
  ['a put without its value', '0100000000000000 01000000 01 0161'],
  ['a value cut by one byte', '0100000000000000 01000000 01 0161 0231'],
  ['a key length cut in its varint', '0100000000000000 01000000 00 80'],
  ['a value length cut in its varint', '0100000000000000 01000000 01 0161 ff'],
  ['a key length of 2^32 - 1', '0100000000000000 01000000 00 ffffffff0f 61'],
  ['a key length above 32 bits', '0100000000000000 01000000 00 ffffffff1f 61'],
  ['a key length of six bytes', '0100000000000000 01000000 00 818080808000 61'],
  ['bytes behind the last record', '0100000000000000 01000000 000161 00'],
]

for (const [what, hex] of DAMAGED) {
  test(`no batch: ${what}`, (t) => {
    t.is(t.throws(() => check(hex), { instanceOf: SluiceError }).code, 'LEVEL_CORRUPTION')
  })
}

test('a batch cut anywhere is none', (t) => {
  const whole = bytesOf(
    new WriteBatch().put(b('key'), Buffer.alloc(200)).delete(b('other')).put(b(''), b('')),
  )
  t.notThrows(() => checkBatch(whole, 0, whole.length))
  for (let end = 0; end < whole.length; end++) {
    t.throws(() => checkBatch(whole, 0, end), { code: 'LEVEL_CORRUPTION' }, String(end))
  }
})

test('random bytes are a batch or LEVEL_CORRUPTION, and a cursor stays inside them', (t) => {
  const random = new Random(SEED)
  const cursor = new BatchCursor()
  let whole = 0
  for (let i = 0; i < 20_000; i++) {
    const bytes = random.bytes(12 + random.below(12))
    // Near the truth, so that some get far.
    bytes.fill(0, 8, 12)
    bytes[8] = random.below(3)
    for (let at = 12; at < bytes.length; at++) if (random.percent(70)) bytes[at] = random.below(3)
    try {
      checkBatch(bytes, 0, bytes.length)
      whole++
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'LEVEL_CORRUPTION') {
        t.fail(seeded(String(error)))
        return
      }
      continue
    }
    cursor.reset(bytes, 0, bytes.length)
    let end = 12
    while (cursor.next()) {
      const { keyStart, keyEnd, valueStart, valueEnd } = cursor
      const isInside = end < keyStart && keyStart <= keyEnd && keyEnd <= valueStart
      if (!isInside || valueStart > valueEnd || valueEnd > bytes.length) t.fail(seeded(`${i}`))
      end = valueEnd
    }
    if (end !== bytes.length) t.fail(seeded(`${i}: not read to its end`))
  }
  t.true(whole > 100, seeded(`${whole} of the random batches were whole`))
})
