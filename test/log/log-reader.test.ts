// The log reader: each way in which a log ends, at the exact byte.

import test from 'ava'
import { BLOCK_SIZE } from '../../ts/format/log-block.ts'
import { LogReader } from '../../ts/log/log-reader.ts'
import { BlockLogFile } from '../../ts/platform/block-log-file.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { SEED, seeded } from '../format/seed.ts'
import { FIRST, fragment, FULL, LAST, logOf, MIDDLE, readLog } from './log-file-bytes.ts'

const text = (value: string): Buffer => Buffer.from(value)
const A = text('first')
const B = text('second')

/** A record that leaves `left` bytes of a block whose first `used` bytes are taken. */
function filler(used: number, left: number): Buffer {
  return Buffer.alloc(BLOCK_SIZE - used - 7 - left, 0x66)
}

// Whatever a random part did, this repeats it.
test.afterEach.always((t) => {
  if (!t.passed) t.log(`SLUICE_SEED=${SEED}`)
})

test('an empty file is a clean end', (t) => {
  t.deepEqual(readLog(Buffer.alloc(0)), {
    records: [],
    offsets: [],
    damage: undefined,
    hasMore: false,
  })
})

test('records are read as they were written, with the place of each', (t) => {
  const { records, offsets, damage } = readLog(logOf([A, Buffer.alloc(0), B]))
  t.deepEqual(records, [A, Buffer.alloc(0), B])
  t.deepEqual(offsets, [0, 12, 19])
  t.is(damage, undefined)
})

test('the bytes of one record are those of LevelDB', (t) => {
  const file = logOf([text('foo')])
  t.is(file.subarray(4).toString('hex'), '030001666f6f')
  // The masked CRC-32C of 01 66 6f 6f.
  t.is(file.length, 10)
  t.deepEqual(readLog(file).records, [text('foo')])
})

test('a log that the log writer wrote is read back, records of every size', async (t) => {
  const random = new Random(SEED)
  const disk = new SimulatedDisk(SEED)
  disk.plant('/db/LOCK', Buffer.alloc(0))
  const log = new BlockLogFile('/db/1.log', await disk.createAppendable('/db/1.log'))
  const sizes = [0, 1, 6, 7, 8, 32_754, 32_760, 32_761, 32_762, 32_768, 65_522, 65_523, 100_000]
  const records = sizes.map((size) => random.bytes(size))
  for (let i = 0; i < 40; i++) records.push(random.bytes(random.below(20_000)))
  for (const record of records) log.appendSync(record, 0, record.length)
  await log.close()
  const file = disk.contents('/db').get('/db/1.log')!
  t.deepEqual(file, logOf(records), seeded())
  const read = readLog(file)
  t.deepEqual(read.records, records, seeded())
  t.is(read.damage, undefined)
})

for (let left = 0; left <= 8; left++) {
  test(`a block with ${left} bytes left after a record`, (t) => {
    const first = filler(0, left)
    const whole = logOf([first, A])
    t.deepEqual(readLog(whole).records, [first, A])
    t.is(readLog(whole).damage, undefined)
    const alone = logOf([first])
    t.is(alone.length, BLOCK_SIZE - left)
    t.deepEqual(readLog(alone).records, [first])
    t.is(readLog(alone).damage, undefined)
    // What stands in a trailer is nobody's: LevelDB does not look at it either.
    if (left < 7) whole.fill(0xee, BLOCK_SIZE - left, BLOCK_SIZE)
    if (left < 7) t.deepEqual(readLog(whole).records, [first, A])
  })
}

test('exactly seven bytes left take the first fragment, of no bytes', (t) => {
  const first = filler(0, 7)
  const file = logOf([first, A])
  t.deepEqual(file.subarray(BLOCK_SIZE - 3, BLOCK_SIZE), Buffer.of(0, 0, FIRST))
  t.is(file[BLOCK_SIZE + 6], LAST)
  t.deepEqual(readLog(file).offsets, [0, BLOCK_SIZE - 7])
})

test('an empty first fragment that an old LevelDB left at the end of a block means nothing', (t) => {
  const first = filler(0, 7)
  const left = Buffer.concat([logOf([first]), fragment(FIRST, text(''))])
  for (const next of [
    fragment(FULL, A),
    Buffer.concat([fragment(FIRST, A.subarray(0, 2)), fragment(LAST, A.subarray(2))]),
  ]) {
    const { records, offsets, damage } = readLog(Buffer.concat([left, next, fragment(FULL, B)]))
    t.deepEqual(records, [first, A, B])
    t.deepEqual(offsets, [0, BLOCK_SIZE, BLOCK_SIZE + next.length])
    t.is(damage, undefined)
  }
})

test('a file cut inside a header is torn at the record of that header', (t) => {
  const file = logOf([A, B])
  for (let cut = 13; cut < 19; cut++) {
    const { records, damage, hasMore } = readLog(file.subarray(0, cut))
    t.deepEqual(records, [A])
    t.deepEqual(damage, {
      kind: 'torn',
      offset: 12,
      droppedBytes: cut - 12,
      reason: 'the file ends inside a header',
    })
    t.false(hasMore)
  }
})

test('a file cut inside the data of a fragment is torn at its record', (t) => {
  const file = logOf([A, B])
  for (let cut = 19; cut < file.length; cut++) {
    const { records, damage } = readLog(file.subarray(0, cut))
    t.deepEqual(records, [A])
    t.like(damage, { kind: 'torn', offset: 12, droppedBytes: cut - 12 })
  }
})

test('a first fragment without its last is torn at the first', (t) => {
  const long = Buffer.alloc(3 * BLOCK_SIZE, 0x6c)
  const file = logOf([A, long])
  for (const cut of [BLOCK_SIZE, 2 * BLOCK_SIZE, 2 * BLOCK_SIZE + 3, file.length - 1]) {
    const { records, damage } = readLog(file.subarray(0, cut))
    t.deepEqual(records, [A])
    t.like(damage, { kind: 'torn', offset: 12, droppedBytes: cut - 12 })
  }
})

test('nothing but zeroes to the end is a clean end, whatever their number', (t) => {
  for (const first of [A, filler(0, 3), filler(0, 6), filler(0, 7), filler(0, 9)]) {
    for (const zeroes of [1, 3, 6, 7, 8, 4096, BLOCK_SIZE, 3 * BLOCK_SIZE]) {
      const { records, damage } = readLog(Buffer.concat([logOf([first]), Buffer.alloc(zeroes)]))
      t.deepEqual(records, [first])
      t.is(damage, undefined, `${zeroes} zeroes behind ${first.length} bytes`)
    }
  }
  for (const zeroes of [1, 6, 7, BLOCK_SIZE]) t.is(readLog(Buffer.alloc(zeroes)).damage, undefined)
})

test('zeroes to the end inside a record are torn at the start of the record', (t) => {
  const file = logOf([A, Buffer.alloc(2 * BLOCK_SIZE, 0x6c)])
  file.fill(0, BLOCK_SIZE)
  t.like(readLog(file).damage, { kind: 'torn', offset: 12, droppedBytes: file.length - 12 })
})

test('zeroes with anything behind them are damage', (t) => {
  const { records, damage } = readLog(Buffer.concat([logOf([A]), Buffer.alloc(100), text('x')]))
  t.deepEqual(records, [A])
  t.like(damage, { kind: 'damaged', offset: 12, droppedBytes: 101 })
})

test('a block of zeroes between records is damage with records behind it', (t) => {
  const file = logOf([filler(0, 0), filler(0, 0), A])
  file.fill(0, BLOCK_SIZE, 2 * BLOCK_SIZE)
  const { records, damage, hasMore } = readLog(file)
  t.is(records.length, 1)
  t.like(damage, { kind: 'damaged', offset: BLOCK_SIZE, droppedBytes: BLOCK_SIZE + 12 })
  t.true(hasMore)
})

test('a checksum that does not match is damage, and nothing behind it is handed out', (t) => {
  const file = logOf([A, B, A])
  file[12 + 7] = file[12 + 7]! ^ 1
  const { records, damage, hasMore } = readLog(file)
  t.deepEqual(records, [A])
  t.deepEqual(damage, {
    kind: 'damaged',
    offset: 12,
    droppedBytes: file.length - 12,
    reason: 'checksum mismatch',
  })
  t.true(hasMore)
})

test('a checksum that does not match in the last record has nothing behind it', (t) => {
  const file = logOf([A, B])
  file[file.length - 1] = 0
  t.like(readLog(file), { damage: { kind: 'damaged', offset: 12 }, hasMore: false })
})

test('a fragment that reaches past its block is damage, not the end of the file', (t) => {
  const file = logOf([A, filler(12, 0), B])
  file.writeUInt16LE(0xffff, 12 + 4)
  const { records, damage, hasMore } = readLog(file)
  t.deepEqual(records, [A])
  t.like(damage, { kind: 'damaged', offset: 12, droppedBytes: file.length - 12 })
  t.true(hasMore)
})

test('a bad length in the last block is reported, and its bytes counted', (t) => {
  const file = logOf([A, B])
  for (const length of [7, 1000, BLOCK_SIZE - 12 - 7, 0xffff]) {
    file.writeUInt16LE(length, 12 + 4)
    const { records, damage } = readLog(file)
    t.deepEqual(records, [A])
    t.like(damage, { offset: 12, droppedBytes: file.length - 12 }, String(length))
  }
})

test('an unknown type with a right checksum is damage', (t) => {
  for (const type of [0, 5, 6, 128, 255]) {
    const file = Buffer.concat([logOf([A]), fragment(type, B), fragment(FULL, A)])
    t.like(readLog(file), { records: [A], damage: { kind: 'damaged', offset: 12 } }, String(type))
  }
})

const OUT_OF_ORDER: readonly (readonly [what: string, types: readonly number[]])[] = [
  ['a middle without a first', [MIDDLE]],
  ['a last without a first', [LAST]],
  ['two firsts', [FIRST, FIRST]],
  ['a full inside a record', [FIRST, FULL]],
  ['a full behind a middle', [FIRST, MIDDLE, FULL]],
  ['a first behind a middle', [FIRST, MIDDLE, FIRST]],
]

for (const [what, types] of OUT_OF_ORDER) {
  test(`fragments out of order are damage: ${what}`, (t) => {
    const broken = types.map((type) => fragment(type, B))
    const file = Buffer.concat([logOf([A]), ...broken, fragment(FULL, A), fragment(FULL, A)])
    const { records, damage, hasMore } = readLog(file)
    t.deepEqual(records, [A])
    t.like(damage, { kind: 'damaged', offset: 12, droppedBytes: file.length - 12 })
    t.true(hasMore)
  })
}

test('one whole fragment directly behind a fragment out of order is seen', (t) => {
  for (const types of [[MIDDLE], [LAST]]) {
    const broken = types.map((type) => fragment(type, B))
    const file = Buffer.concat([logOf([A]), ...broken, fragment(FULL, A)])
    t.true(readLog(file).hasMore)
  }
  // Here the fragment that does not belong is a whole record itself.
  t.true(readLog(Buffer.concat([fragment(FIRST, B), fragment(FULL, A)])).hasMore)
})

test('a reader that ended cleanly has nothing after its damage', (t) => {
  t.false(readLog(logOf([A, B])).hasMore)
})

// ---- Properties ----

/** Records of sizes that meet every edge of a block. */
function randomRecords(random: Random): Buffer[] {
  return Array.from({ length: 1 + random.below(6) }, () => {
    const size = random.pick([
      random.below(40),
      random.below(40),
      BLOCK_SIZE - random.below(30),
      random.below(2 * BLOCK_SIZE + 40),
    ])
    return random.bytes(size)
  })
}

/** The end of each record in the file. */
function endsOf(records: readonly Buffer[]): number[] {
  return records.map((_, i) => logOf(records.slice(0, i + 1)).length)
}

function isZero(bytes: Buffer, start: number, end: number): boolean {
  return bytes.subarray(start, end).every((byte) => byte === 0)
}

function isPrefix(read: readonly Buffer[], written: readonly Buffer[]): boolean {
  return read.length <= written.length && read.every((record, i) => record.equals(written[i]!))
}

test('any truncation gives the records before it, and says what it dropped', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 12; round++) {
    const records = randomRecords(random)
    const file = logOf(records)
    const ends = endsOf(records)
    const cuts = new Set(ends.flatMap((end) => [end - 1, end, end + 1, end + 3, end + 7]))
    for (let i = 0; i < 120; i++) cuts.add(random.below(file.length + 1))
    for (let block = 0; block < file.length; block += BLOCK_SIZE) {
      for (let i = -8; i <= 8; i++) cuts.add(block + i)
    }
    for (const cut of cuts) {
      if (cut < 0 || cut > file.length) continue
      const { records: read, damage, hasMore } = readLog(file.subarray(0, cut))
      const whole = ends.filter((end) => end <= cut).length
      const end = whole === 0 ? 0 : ends[whole - 1]!
      const message = seeded(`round ${round}, cut ${cut} of ${file.length}`)
      t.is(read.length, whole, message)
      t.true(isPrefix(read, records), message)
      t.false(hasMore, message)
      // A part of a trailer is no loss, nor are zeroes of which nobody knows what they were to be.
      if (isZero(file, end, cut)) t.is(damage, undefined, message)
      else {
        t.is(damage?.kind, 'torn', message)
        t.is(damage!.offset + damage!.droppedBytes, cut, message)
        t.true(damage!.offset >= end && damage!.offset < end + 7, message)
      }
    }
  }
})

test('no flipped bit yields a record that was not written, or a hole', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 12; round++) {
    const records = randomRecords(random)
    const file = logOf(records)
    const ends = endsOf(records)
    const bits = new Set(Array.from({ length: 250 }, () => random.below(file.length * 8)))
    // Every bit of the first header of each record.
    for (const end of [0, ...ends.slice(0, -1)]) {
      for (let bit = 0; bit < 7 * 8 && end * 8 + bit < file.length * 8; bit++)
        bits.add(end * 8 + bit)
    }
    for (const bit of bits) {
      const at = bit >> 3
      const flipped = Buffer.from(file)
      flipped[at]! ^= 1 << (bit & 7)
      const { records: read, damage } = readLog(flipped)
      const message = seeded(`round ${round}, bit ${bit}`)
      const before = ends.filter((end) => end <= at).length
      t.true(isPrefix(read, records), message)
      t.true(read.length >= before, message)
      // Whole although a bit changed: the bit was in a trailer, of which nothing is read.
      if (read.length === records.length) t.true(at % BLOCK_SIZE >= BLOCK_SIZE - 6, message)
      else t.is(damage!.offset + damage!.droppedBytes, file.length, message)
    }
  }
})

test('any sector of zeroes or of garbage leaves a prefix, and a report', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 30; round++) {
    const records = randomRecords(random)
    const file = logOf(records)
    for (let i = 0; i < 20; i++) {
      const broken = Buffer.from(file)
      const start = Math.floor(random.below(file.length) / 512) * 512
      const end = Math.min(file.length, start + 512 * (1 + random.below(16)))
      if (random.percent(50)) broken.fill(0, start, end)
      else random.bytes(end - start).copy(broken, start)
      if (broken.equals(file)) continue
      const { records: read, damage } = readLog(broken)
      const message = seeded(`round ${round}, bytes ${start} to ${end}`)
      t.true(isPrefix(read, records), message)
      t.true(read.length < records.length, message)
      // Zeroes up to the end are what a writer leaves that grew its file ahead.
      const readTo = read.length === 0 ? 0 : endsOf(records)[read.length - 1]!
      t.is(damage === undefined, isZero(broken, readTo, broken.length), message)
    }
  }
})

/** What is read when every damage is skipped: records, and where each damage was. */
function readAll(file: Buffer): { records: string[]; damages: number[] } {
  const reader = new LogReader(file, crc32c)
  const records: string[] = []
  const damages: number[] = []
  do {
    while (reader.next()) {
      records.push(reader.bytes.toString('latin1', reader.start, reader.end).slice(0, 8))
    }
    if (reader.damage !== undefined) damages.push(reader.damage.offset)
  } while (reader.skipDamage())
  return { records, damages }
}

test('for repair, a reader goes on behind damage at the next fragment, and at the next block', (t) => {
  const C = text('third')
  const file = logOf([A, B, C])
  t.deepEqual(readAll(file), { records: ['first', 'second', 'third'], damages: [] })
  const flipped = Buffer.from(file)
  flipped[12 + 7]! ^= 1
  t.deepEqual(readAll(flipped), { records: ['first', 'third'], damages: [12] })
  // A length that leads astray: what is left of the block is lost, the next block is not.
  const long = logOf([A, B, filler(25, 0), C])
  long[12 + 4]! ^= 1
  t.deepEqual(readAll(long), { records: ['first', 'third'], damages: [12] })
  t.deepEqual(readAll(file.subarray(0, file.length - 1)), {
    records: ['first', 'second'],
    damages: [25],
  })
})

test('for repair, a record without its end costs no record behind it, nor do ends without a start', (t) => {
  const file = Buffer.concat([fragment(FIRST, A), fragment(FULL, B), fragment(LAST, A)])
  t.deepEqual(readAll(Buffer.concat([file, fragment(FULL, text('third'))])), {
    records: ['second', 'third'],
    damages: [0, 25],
  })
})

test('for repair, a log that somebody stored in a value is never taken for records', (t) => {
  const value = logOf([text('stored 1'), text('stored 2')])
  const file = logOf([A, value, B])
  file[12]! ^= 1
  t.deepEqual(readAll(file), { records: ['first', 'second'], damages: [12] })
})
