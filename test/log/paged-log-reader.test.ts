// Reading a log page by page says what reading it whole says.

import test from 'ava'
import { BLOCK_SIZE, layOutRecord } from '../../ts/format/log-block.ts'
import { LogReader } from '../../ts/log/log-reader.ts'
import { PagedLogReader } from '../../ts/log/paged-log-reader.ts'
import type { RandomAccessFile } from '../../ts/platform/file-system.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { SEED, seeded } from '../format/seed.ts'
import { Random } from '../crash/random.ts'

const PAGE = 8 * BLOCK_SIZE

/** A file in memory that counts what is read of it. */
class MemoryFile {
  readonly path = 'memory.log'
  readonly bytes: Buffer
  longestRead = 0
  readBytes = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get sizeBytes(): number {
    return this.bytes.length
  }

  async read(position: number, length: number): Promise<Buffer> {
    if (position + length > this.bytes.length) throw new Error('read past the end')
    this.longestRead = Math.max(this.longestRead, length)
    this.readBytes += length
    return Buffer.from(this.bytes.subarray(position, position + length))
  }

  get file(): RandomAccessFile {
    return this as unknown as RandomAccessFile
  }
}

function logOf(sizes: readonly number[], random: Random): Buffer {
  const longest = Math.max(0, ...sizes)
  const source = random.bytes(longest + 256)
  const target = Buffer.alloc(sizes.reduce((sum, size) => sum + size + 64 + (size >> 10), 64))
  let position = 0
  for (const [index, size] of sizes.entries()) {
    const start = index & 255
    const blockOffset = position % BLOCK_SIZE
    position = layOutRecord(source, start, start + size, blockOffset, crc32c, target, position)
  }
  return target.subarray(0, position)
}

/** Every record and the end, as text that is short to compare. */
async function readPaged(memory: MemoryFile): Promise<string[]> {
  const reader = new PagedLogReader(memory.file, memory.sizeBytes, crc32c)
  const found: string[] = []
  while (reader.next() || (await reader.advance())) {
    const record = reader.record()
    found.push(`${record.length} ${crc32c(record, 0, record.length)}`)
  }
  found.push(JSON.stringify(reader.damage ?? 'clean'), `next at ${reader.nextOffset}`)
  return found
}

function readWhole(bytes: Buffer): string[] {
  const reader = new LogReader(bytes, crc32c)
  const found: string[] = []
  while (reader.next()) {
    const { start, end } = reader
    found.push(`${end - start} ${crc32c(reader.bytes, start, end)}`)
  }
  const { damage } = reader
  found.push(JSON.stringify(damage ?? 'clean'), `next at ${damage?.offset ?? reader.recordOffset}`)
  return found
}

test('pages give the same records and the same damage as the whole file', async (t) => {
  const random = new Random(SEED)
  const kinds = new Set<string>()
  for (let round = 0; round < 60; round++) {
    const sizes = Array.from({ length: random.between(1, 60) }, () =>
      random.percent(70) ? random.below(300) : random.below(random.percent(80) ? 40_000 : 400_000),
    )
    const log = logOf(sizes, random)
    const damaged = [log, log.subarray(0, random.below(log.length + 1))]
    const flipped = Buffer.from(log)
    flipped[random.below(log.length)]! ^= 1 << random.below(8)
    const grown = Buffer.concat([log, Buffer.alloc(random.below(2 * PAGE))])
    const hollow = Buffer.from(log)
    const from = random.below(log.length)
    hollow.fill(0, from, Math.min(log.length, from + random.below(2 * PAGE)))
    const behind = Buffer.concat([log, Buffer.alloc(PAGE + random.below(PAGE)), Buffer.of(1)])
    for (const bytes of [...damaged, flipped, grown, hollow, behind]) {
      const expected = readWhole(bytes)
      t.deepEqual(await readPaged(new MemoryFile(bytes)), expected, seeded(`round ${round}`))
      kinds.add(/"kind":"(\w+)"/.exec(expected.at(-2)!)?.[1] ?? 'clean')
    }
  }
  t.deepEqual([...kinds].toSorted(), ['clean', 'damaged', 'torn'])
})

test('memory holds one page, or a record up to twice', async (t) => {
  const random = new Random(SEED)
  const small = new MemoryFile(logOf(Array<number>(40_000).fill(100), random))
  t.is((await readPaged(small)).length, 40_000 + 2)
  t.is(small.longestRead, PAGE)
  t.true(small.readBytes < small.sizeBytes * 1.2)
  const large = new MemoryFile(logOf([100, 3_000_000, 100, 5_000_000, 100], random))
  t.is((await readPaged(large)).length, 5 + 2)
  t.true(large.longestRead <= 2 * (5_000_000 + 3 * PAGE))
})

test('a record stays as it was handed out while the reader goes on', async (t) => {
  const memory = new MemoryFile(logOf([10, 50_000, 20, 300_000, 30], new Random(SEED)))
  const reader = new PagedLogReader(memory.file, memory.sizeBytes, crc32c)
  const kept: { record: Buffer; copy: Buffer }[] = []
  while (reader.next() || (await reader.advance())) {
    const record = reader.record()
    kept.push({ record, copy: Buffer.from(record) })
  }
  t.is(kept.length, 5)
  for (const { record, copy } of kept) t.true(record.equals(copy))
})

test('a file that grows is read on from where it ended', async (t) => {
  const random = new Random(SEED)
  const log = logOf([5, 0, 40_000, 7, 32_768 - 7, 32_768 - 14, 3], random)
  const reader = new PagedLogReader(new MemoryFile(Buffer.alloc(0)).file, 0, crc32c)
  let records = 0
  for (let size = 0; size < log.length; size += random.between(1, 900)) {
    const now = log.subarray(0, size)
    reader.extend(new MemoryFile(now).file, size)
    while (reader.next() || (await reader.advance())) records++
    t.is(records, readWhole(now).length - 2, seeded(`at ${size}`))
  }
  reader.extend(new MemoryFile(log).file, log.length)
  while (reader.next() || (await reader.advance())) records++
  t.is(records, 7)
  t.is(reader.damage, undefined)
})

test('where the file was made longer ahead, a look at the end reads a header and no more', async (t) => {
  const log = logOf([10, 20], new Random(SEED))
  const grown = Buffer.concat([log, Buffer.alloc(PAGE * 4)])
  const reader = new PagedLogReader(new MemoryFile(grown).file, grown.length, crc32c)
  while (reader.next() || (await reader.advance()));
  t.is(reader.nextOffset, log.length)
  const again = new MemoryFile(grown)
  reader.extend(again.file, again.sizeBytes)
  t.false(await reader.advance())
  t.is(again.readBytes, 7)
})
