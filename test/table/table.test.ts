// Tables read back: every entry, every option, every damage.

import test from 'ava'
import { putFixed32, putVarint } from '../../ts/format/coding.ts'
import { maskCrc } from '../../ts/format/crc-mask.ts'
import { SluiceError } from '../../ts/format/error.ts'
import { compareBytes, makeInternalKey, sequenceOfKey } from '../../ts/format/internal-key.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { BlockCache } from '../../ts/table/block-cache.ts'
import { BLOCK_TRAILER_SIZE, FOOTER_SIZE, TYPE_ZSTD, putFooter } from '../../ts/table/format.ts'
import { LookupKey } from '../../ts/table/lookup-key.ts'
import { NOT_AT_HAND, Table } from '../../ts/table/table.ts'
import type { Lookup } from '../../ts/table/table.ts'
import { Random } from '../crash/random.ts'
import { SEED, buildTable, entry, lookupOf, randomEntries, scan, userKeyOf } from './entries.ts'
import type { Entry } from './entries.ts'
import { MemoryRandomAccessFile, systemError } from './memory-file.ts'

const FILE = 'memory/000005.ldb'
/** A metaindex that will be found damaged: the table then works without a filter. */
const NOWHERE = { offset: 0, size: 0 }

function open(bytes: Buffer): Table {
  return Table.openSync(new MemoryRandomAccessFile(bytes), 5, { crc32c })
}

function seekKey(userKey: Buffer | string, sequence: number): LookupKey {
  return LookupKey.of(Buffer.from(userKey as string), sequence)
}

/** What a table of these entries is to say. */
function expectedOf(entries: readonly Entry[], userKey: Buffer, sequence: number): Lookup {
  for (const one of entries) {
    if (!userKeyOf(one).equals(userKey)) continue
    if (sequenceOfKey(one.key, one.key.length) > sequence) continue
    return one.key.at(-8) === 0 ? null : one.value
  }
  return undefined
}

function sameLookup(a: Lookup, b: Lookup): boolean {
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : a === b
}

function isDamage(error: unknown): error is SluiceError {
  return error instanceof SluiceError && error.code === 'LEVEL_CORRUPTION'
}

interface Handle {
  readonly offset: number
  readonly size: number
}

/** Where the footer says that index and metaindex are: what opening reads second and third. */
function handlesOf(bytes: Buffer): { index: Handle; metaindex: Handle } {
  const file = new MemoryRandomAccessFile(bytes)
  const reads: Handle[] = []
  const read = file.readSync.bind(file)
  file.readSync = (position, length) => {
    reads.push({ offset: position, size: length - BLOCK_TRAILER_SIZE })
    return read(position, length)
  }
  Table.openSync(file, 5, { crc32c })
  return { index: reads[1]!, metaindex: reads[2]! }
}

/** Replaces everything from the index on by an index with this handle, checksum and all right. */
function withIndexHandle(bytes: Buffer, handle: Buffer): Buffer {
  const { index, metaindex } = handlesOf(bytes)
  const key = makeInternalKey(Buffer.from('zzz'), 1, 1)
  const contents = Buffer.concat([
    Buffer.from([0, key.length, handle.length]),
    key,
    handle,
    Buffer.from('0000000001000000', 'hex'),
  ])
  return Buffer.concat([
    bytes.subarray(0, index.offset),
    ...stored(contents, 0),
    footer(index.offset, contents.length, metaindex),
  ])
}

function stored(contents: Buffer, type: number): Buffer[] {
  const block = Buffer.concat([contents, Buffer.from([type])])
  const checksum = Buffer.alloc(4)
  putFixed32(checksum, 0, maskCrc(crc32c(block, 0, block.length)))
  return [block, checksum]
}

function footer(indexOffset: number, indexSize: number, metaindex = NOWHERE): Buffer {
  const bytes = Buffer.alloc(FOOTER_SIZE)
  putFooter(bytes, 0, metaindex.offset, metaindex.size, indexOffset, indexSize)
  return bytes
}

/** A table of one data block with these stored contents. */
function tableOfBlock(contents: Buffer, type: number): Buffer {
  const block = Buffer.concat(stored(contents, type))
  const handle = Buffer.alloc(20)
  const end = putVarint(handle, putVarint(handle, 0, 0), contents.length)
  const key = makeInternalKey(Buffer.from('zzz'), 1, 1)
  const index = Buffer.concat([
    Buffer.from([0, key.length, end]),
    key,
    handle.subarray(0, end),
    Buffer.from('0000000001000000', 'hex'),
  ])
  return Buffer.concat([block, ...stored(index, 0), footer(block.length, index.length)])
}

test('random entries are found and scanned, whatever the options', (t) => {
  const random = new Random(SEED)
  for (let interval = 1; interval <= 17; interval++) {
    const options = {
      blockRestartInterval: interval,
      blockSize: random.pick([1, 64, 1024, 4096, 65_536, 4 << 20]),
      filterBitsPerKey: random.pick([0, 1, 10, 50]),
      compression: random.pick(['none', 'snappy'] as const),
    }
    const where = `seed ${SEED}: ${JSON.stringify(options)}`
    const entries = randomEntries(random, random.pick([1, 10, 300]), random.pick([20, 3000]))
    const table = open(buildTable(entries, options))
    t.is(table.filterDamage, undefined, where)
    t.deepEqual(scan(table), entries, where)
    for (let i = 0; i < 300; i++) {
      const known = userKeyOf(random.pick(entries))
      const userKey = random.percent(70) ? known : Buffer.concat([known, random.bytes(1)])
      const sequence = random.below(entries.length + 2)
      const found = table.getSync(seekKey(userKey, sequence))
      const right = sameLookup(found, expectedOf(entries, userKey, sequence))
      if (!right) t.fail(`${where}: ${userKey.toString('hex')} at ${sequence}`)
    }
  }
})

test('get answers as getSync does', async (t) => {
  const entries = randomEntries(new Random(SEED), 500, 100)
  const file = new MemoryRandomAccessFile(buildTable(entries))
  const table = await Table.open(file, 5, { crc32c })
  for (const one of entries) {
    const found = await table.get(lookupOf(one.key))
    if (!sameLookup(found, table.getSync(lookupOf(one.key)))) t.fail(`seed ${SEED}`)
  }
  t.is(await table.get(seekKey('not there', 1000)), undefined)
})

test('gets in flight together do not disturb each other', async (t) => {
  const entries = randomEntries(new Random(SEED), 500, 100)
  const table = open(buildTable(entries))
  const found = await Promise.all(entries.map((one) => table.get(lookupOf(one.key))))
  for (const [i, one] of entries.entries()) {
    if (!sameLookup(found[i], one.key.at(-8) === 0 ? null : one.value)) t.fail(`seed ${SEED}: ${i}`)
  }
  t.pass()
})

test('the newest entry not above the sequence answers: a value, a deletion or nothing', (t) => {
  const table = open(
    buildTable([entry('k', 9, 1, 'new'), entry('k', 7, 0), entry('k', 5, 1, 'old')]),
  )
  t.deepEqual(table.getSync(seekKey('k', 100)), Buffer.from('new'))
  t.deepEqual(table.getSync(seekKey('k', 9)), Buffer.from('new'))
  t.is(table.getSync(seekKey('k', 8)), null)
  t.is(table.getSync(seekKey('k', 7)), null)
  t.deepEqual(table.getSync(seekKey('k', 6)), Buffer.from('old'))
  t.is(table.getSync(seekKey('k', 4)), undefined)
  t.is(table.getSync(seekKey('j', 100)), undefined)
  t.is(table.getSync(seekKey('k0', 100)), undefined)
})

test('a huge value comes back whole', (t) => {
  const random = new Random(SEED)
  for (const compression of ['none', 'snappy'] as const) {
    const value = Buffer.concat([random.bytes(3_000_000), Buffer.alloc(3_000_000, 'text')])
    const table = open(buildTable([{ ...entry('k', 1, 1), value }], { compression }))
    t.true(table.getSync(seekKey('k', 1))?.equals(value), `seed ${SEED}`)
  }
})

test('a value belongs to the caller', (t) => {
  const table = open(buildTable([entry('k', 1, 1, 'value')]))
  table.getSync(seekKey('k', 1))!.fill(0)
  t.deepEqual(table.getSync(seekKey('k', 1)), Buffer.from('value'))
})

test('a key that the filter denies costs no read', (t) => {
  const entries = Array.from({ length: 500 }, (_, i) => entry(`key${1000 + 2 * i}`, 1, 1, 'v'))
  const file = new MemoryRandomAccessFile(buildTable(entries))
  const table = Table.openSync(file, 5, { crc32c })
  const before = file.readCount
  for (let i = 0; i < 500; i++) t.is(table.getSync(seekKey(`key${1001 + 2 * i}`, 1)), undefined)
  t.true(file.readCount - before < 25, `${file.readCount - before} reads`)
})

test('a cursor seeks to the first entry not below, also across blocks', (t) => {
  const entries = randomEntries(new Random(SEED), 400, 60)
  const cursor = open(buildTable(entries, { blockSize: 100 })).entries()
  for (const [i, one] of entries.entries()) {
    t.true(cursor.seek(one.key, 0, one.key.length))
    const { entry: at } = cursor
    const order = compareBytes(at.key, 0, at.keyLength, one.key, 0, one.key.length)
    if (order !== 0) t.fail(`seed ${SEED}: seek ${i}`)
    if (cursor.next() !== i + 1 < entries.length) t.fail(`seed ${SEED}: next after ${i}`)
  }
  const behind = seekKey(Buffer.concat([userKeyOf(entries.at(-1)!), Buffer.alloc(1)]), 0)
  t.false(cursor.seek(behind.bytes, 0, behind.length))
})

test('data blocks go through the cache when there is one', (t) => {
  const blockCache = new BlockCache(100_000)
  const file = new MemoryRandomAccessFile(buildTable([entry('k', 1, 1, 'value')]))
  const table = Table.openSync(file, 12, { crc32c, blockCache })
  const before = file.readCount
  t.is(table.getAtHand(seekKey('k', 1)), NOT_AT_HAND)
  t.deepEqual(table.getSync(seekKey('k', 1), false), Buffer.from('value'))
  t.is(table.getAtHand(seekKey('k', 1)), NOT_AT_HAND, 'a read that does not fill the cache')
  t.deepEqual(table.getSync(seekKey('k', 1)), Buffer.from('value'))
  t.is(file.readCount, before + 2)
  t.deepEqual(table.getAtHand(seekKey('k', 1)), Buffer.from('value'))
  t.deepEqual(table.getSync(seekKey('k', 1)), Buffer.from('value'))
  t.is(scan(table).length, 1)
  t.is(file.readCount, before + 2)
  t.is(table.getAtHand(seekKey('zz', 1)), undefined)
  t.like(blockCache, { hits: 3, misses: 2 })
  table.closeSync()
  t.is(blockCache.usedBytes, 0)
})

test('damage in one block fails the keys in it and no others', (t) => {
  const entries = Array.from({ length: 200 }, (_, i) =>
    entry(`key${1000 + i}`, 1, 1, 'x'.repeat(100)),
  )
  const bytes = buildTable(entries)
  bytes[50]! ^= 1
  const table = open(bytes)
  let damaged = 0
  let served = 0
  for (const one of entries) {
    try {
      t.true(sameLookup(table.getSync(lookupOf(one.key)), one.value))
      served++
    } catch (error) {
      if (!isDamage(error)) throw error
      t.is(error.file, FILE)
      t.is(error.offset, 0)
      damaged++
    }
  }
  t.true(damaged > 10 && damaged < 60)
  t.is(damaged + served, 200)
  const cursor = table.entries()
  t.throws(() => cursor.seekToFirst(), { code: 'LEVEL_CORRUPTION' })
  let rest = 0
  for (let more = cursor.skipBlock(); more; more = cursor.next()) rest++
  t.is(rest, served)
})

test('a block in the place of another is damage, and every other block is served', async (t) => {
  const [entries, others] = [1000, 1003].map((first) =>
    Array.from({ length: 60 }, (_, i) => entry(`key${first + 2 * i}`, 5, 1, 'x'.repeat(40))),
  ) as [Entry[], Entry[]]
  const bytes = buildTable(entries, { blockSize: 300 })
  const sources = [bytes, buildTable(others, { blockSize: 300 })]
  const { wholeIndex: index } = open(bytes)
  t.true(index.blockCount > 8)
  for (const source of sources) {
    for (let at = 0; at < index.blockCount - 1; at++) {
      for (let from = 0; from < index.blockCount - 1; from++) {
        if (source === bytes && from === at) continue
        const size = index.storedSizeOf(from)
        if (size !== index.storedSizeOf(at)) continue
        const mixed = Buffer.from(bytes)
        source.copy(mixed, index.offsetOf(at), index.offsetOf(from), index.offsetOf(from) + size)
        const table = open(mixed)
        let damaged = 0
        for (const one of entries) {
          try {
            t.true(sameLookup(table.getSync(lookupOf(one.key)), one.value))
          } catch (error) {
            if (!isDamage(error)) throw error
            t.is(error.offset, index.offsetOf(at))
            damaged++
          }
        }
        t.true(damaged > 0 && damaged < 10, `${from} at ${at}: ${damaged}`)
      }
    }
  }
})

test('a flipped bit anywhere is never a wrong answer', (t) => {
  const entries = randomEntries(new Random(SEED), 30, 40)
  for (const options of [
    { blockSize: 256 },
    { blockSize: 256, compression: 'snappy', filterBitsPerKey: 0 },
  ] as const) {
    const bytes = buildTable(entries, options)
    let openings = 0
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
      try {
        const table = open(bytes)
        openings++
        for (const one of entries) checkLookup(table, entries, one)
      } catch (error) {
        if (!isDamage(error) || error.file !== FILE || error.offset === undefined) {
          t.fail(`seed ${SEED}, bit ${bit}: ${String(error)}`)
        }
      }
      bytes[bit >>> 3]! ^= 1 << (bit & 7)
    }
    t.true(openings > bytes.length, 'most damage is found where it is, not at opening')
  }
})

function checkLookup(table: Table, entries: readonly Entry[], one: Entry): void {
  const sequence = sequenceOfKey(one.key, one.key.length)
  let found: Lookup
  try {
    found = table.getSync(lookupOf(one.key))
  } catch (error) {
    if (isDamage(error) && error.file === FILE && error.offset !== undefined) return
    throw error
  }
  if (!sameLookup(found, expectedOf(entries, userKeyOf(one), sequence))) {
    throw new Error('wrong answer')
  }
}

test('a file cut anywhere does not open', (t) => {
  const bytes = buildTable(randomEntries(new Random(SEED), 60, 40))
  for (let length = 0; length < bytes.length; length++) {
    const error = t.throws<SluiceError>(() => open(bytes.subarray(0, length)), {
      code: 'LEVEL_CORRUPTION',
    })
    if (error.file !== FILE || error.offset === undefined) t.fail(`${length}: ${error.message}`)
  }
})

test('random bytes in front of a right footer never crash', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 3000; round++) {
    const body = random.bytes(random.below(300))
    const end = Buffer.alloc(FOOTER_SIZE)
    const number = (): number => (random.percent(80) ? random.below(300) : random.next() * 2 ** 21)
    putFooter(end, 0, number(), number(), number(), number())
    random.bytes(random.below(10)).copy(end)
    const file = new MemoryRandomAccessFile(Buffer.concat([body, end]))
    try {
      // Without checksums, so that the parsers behind them are reached.
      const table = Table.openSync(file, 5, { crc32c, verifyChecksums: false })
      scan(table)
    } catch (error) {
      const isExpected =
        error instanceof SluiceError &&
        (error.code === 'LEVEL_CORRUPTION' || error.code === 'LEVEL_NOT_SUPPORTED')
      if (!isExpected) t.fail(`seed ${SEED}, round ${round}: ${String(error)}`)
    }
  }
  t.pass()
})

test('flipped bits behind switched-off checksums never crash', (t) => {
  const bytes = buildTable(randomEntries(new Random(SEED), 60, 40), {
    blockSize: 256,
    compression: 'snappy',
  })
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >>> 3]! ^= 1 << (bit & 7)
    const file = new MemoryRandomAccessFile(bytes)
    try {
      scan(Table.openSync(file, 5, { crc32c, verifyChecksums: false }))
    } catch (error) {
      const isExpected =
        error instanceof SluiceError &&
        (error.code === 'LEVEL_CORRUPTION' || error.code === 'LEVEL_NOT_SUPPORTED')
      if (!isExpected) t.fail(`seed ${SEED}, bit ${bit}: ${String(error)}`)
    }
    bytes[bit >>> 3]! ^= 1 << (bit & 7)
  }
  t.pass()
})

test('block handles that point outside the file are damage, however large', (t) => {
  const bytes = buildTable([entry('k', 1, 1, 'value')])
  // Its filter block holds no filter: asked for a place that is none, it must not deny the key.
  const empty = buildTable([])
  const huge = 'fbffffffffffffffff01' // 2^64 - 5, whose size plus trailer wraps to zero
  for (const [hex, title] of [
    [`00${huge}`, 'size 2^64 - 5'],
    [`${huge}00`, 'offset 2^64 - 5'],
    [`${huge}${huge}`, 'both'],
    ['008080808008', 'size 2^31'],
    ['808080800800', 'offset 2^31'],
    ['00ffffffff0f', 'size 2^32 - 1'],
    ['00ffffffffffffff0f', 'size 2^53 - 1'],
    ['ffffffffffffff0fffffffffffffff0f', 'a sum that is not exact'],
  ] as const) {
    for (const around of [bytes, empty]) {
      const table = open(withIndexHandle(around, Buffer.from(hex, 'hex')))
      t.is(table.filterDamage, undefined)
      const error = t.throws<SluiceError>(() => table.getSync(seekKey('k', 1)), {
        code: 'LEVEL_CORRUPTION',
        message: /block handle points outside the file/,
      })
      t.is(error.file, FILE, title)
      t.is(error.offset, handlesOf(around).index.offset, title)
    }
  }
})

test('a malformed block handle in the index is damage', (t) => {
  const bytes = buildTable([entry('k', 1, 1, 'value')])
  for (const hex of ['', '00', '8080', `00${'ff'.repeat(10)}01`]) {
    const table = open(withIndexHandle(bytes, Buffer.from(hex, 'hex')))
    t.throws(() => table.getSync(seekKey('k', 1)), { code: 'LEVEL_CORRUPTION' }, hex)
    t.throws(() => scan(table), { code: 'LEVEL_CORRUPTION' }, hex)
  }
})

test('handles in the footer are checked like all others', (t) => {
  const bytes = buildTable([entry('k', 1, 1, 'value')])
  const footerAt = bytes.length - FOOTER_SIZE
  for (const hex of ['0000fbffffffffffffffff0100', '00000080808008', 'ff'.repeat(40)]) {
    const damaged = Buffer.from(bytes)
    damaged.fill(0, footerAt, footerAt + 40)
    damaged.write(hex, footerAt, 'hex')
    const error = t.throws<SluiceError>(() => open(damaged), { code: 'LEVEL_CORRUPTION' }, hex)
    t.is(error.offset, footerAt, hex)
  }
})

test('an index that is another block of the file is refused', (t) => {
  const bytes = buildTable([entry('k', 1, 1, 'value')])
  const { offset } = handlesOf(bytes).index
  const footerAt = bytes.length - FOOTER_SIZE
  const size = 15 + 'value'.length + 8 - 3
  putFooter(bytes, footerAt, 0, size, 0, size)
  t.throws(() => open(bytes), { message: /the index does not end at the footer/ })
  putFooter(bytes, footerAt, 0, size, offset, footerAt - offset - BLOCK_TRAILER_SIZE)
  t.notThrows(() => open(bytes))
})

test('a bad magic number is no table', (t) => {
  const bytes = buildTable([entry('k', 1, 1, 'value')])
  bytes[bytes.length - 1]! ^= 0x80
  const error = t.throws<SluiceError>(() => open(bytes), { message: /bad magic/ })
  t.is(error.code, 'LEVEL_CORRUPTION')
  t.is(error.offset, bytes.length - FOOTER_SIZE)
})

test('block contents that do not add up behind a right checksum are damage of that block', (t) => {
  for (const [title, contents, type] of [
    ['block type 7', Buffer.from('0000000001000000', 'hex'), 7],
    ['restart count 2^32 - 1', Buffer.from('00000000ffffffff', 'hex'), 0],
    ['non_shared + value_size wraps', Buffer.from('00ffffffff0f0a0000000001000000', 'hex'), 0],
    ['a Snappy bomb', Buffer.from('ffffffff0f00', 'hex'), 1],
    ['Snappy of nothing', Buffer.alloc(0), 1],
    [
      'an entry of type 9',
      Buffer.concat([
        Buffer.from([0, 9, 0]),
        makeInternalKey(Buffer.from('k'), 1, 9),
        Buffer.from('0000000001000000', 'hex'),
      ]),
      0,
    ],
  ] as const) {
    const table = open(tableOfBlock(contents, type))
    const error = t.throws<SluiceError>(
      () => table.getSync(seekKey('k', 2)),
      { code: 'LEVEL_CORRUPTION' },
      title,
    )
    t.is(error.file, FILE, title)
    t.is(error.offset, 0, title)
  }
})

test('a Zstd block says that it is not supported, or is read', (t) => {
  const table = open(tableOfBlock(Buffer.from('28b52ffd', 'hex'), TYPE_ZSTD))
  const error = t.throws<SluiceError>(() => table.getSync(seekKey('k', 1)))
  t.is(
    error.code,
    'zstdDecompressSync' in process.getBuiltinModule('node:zlib')
      ? 'LEVEL_CORRUPTION'
      : 'LEVEL_NOT_SUPPORTED',
  )
})

test('a damaged filter or metaindex costs reads and no answers, and is known', (t) => {
  const entries = randomEntries(new Random(SEED), 100, 40)
  const bytes = buildTable(entries)
  const withoutFilter = buildTable(entries, { filterBitsPerKey: 0 })
  t.is(open(withoutFilter).filterDamage, undefined)
  const { offset } = handlesOf(bytes).index
  const dataEnd = handlesOf(withoutFilter).index.offset - 8 - BLOCK_TRAILER_SIZE
  for (const at of [dataEnd, offset - 10]) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 1
    const table = open(damaged)
    t.is(table.filterDamage?.code, 'LEVEL_CORRUPTION')
    t.deepEqual(scan(table), entries)
    for (const one of entries) checkLookup(table, entries, one)
  }
})

test('an I/O error is neither damage nor absence, and passes', async (t) => {
  const file = new MemoryRandomAccessFile(buildTable([entry('k', 1, 1, 'value')]))
  file.failure = systemError('EIO')
  const expected = { code: 'LEVEL_IO_ERROR', message: `read ${FILE}: EIO: injected` }
  t.throws(() => Table.openSync(file, 5, { crc32c }), expected)
  await t.throwsAsync(Table.open(file, 5, { crc32c }), expected)
  file.failure = undefined
  const table = Table.openSync(file, 5, { crc32c })
  file.failure = systemError('EIO')
  const error = t.throws<SluiceError>(() => table.getSync(seekKey('k', 1)), expected)
  t.is((error.cause as { code: string }).code, 'EIO')
  await t.throwsAsync(table.get(seekKey('k', 1)), expected)
  file.failure = undefined
  t.deepEqual(await table.get(seekKey('k', 1)), Buffer.from('value'))
})

test('an I/O error while reading the filter fails the opening', (t) => {
  const file = new MemoryRandomAccessFile(buildTable([entry('k', 1, 1, 'value')]))
  const read = file.readSync.bind(file)
  let reads = 0
  file.readSync = (position, length) => {
    if (++reads === 4) throw systemError('EIO')
    return read(position, length)
  }
  t.throws(() => Table.openSync(file, 5, { crc32c }), { code: 'LEVEL_IO_ERROR' })
  t.is(reads, 4)
})
