// Both log writers, byte for byte: the same records into two files, which must be equal; and the
// file must give the records back to a reader written for this test alone.
//
// SLUICE_RECORDS: how many random records (100,000). SLUICE_SEED: the seed.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { unmaskCrc } from '../../ts/format/crc-mask.ts'
import { BLOCK_SIZE, HEADER_SIZE } from '../../ts/format/log-block.ts'
import { RecordList } from '../../ts/format/record-list.ts'
import type { LogFile } from '../../ts/platform/log-file.ts'
import { jsBinding, nativeBinding } from '../platform/both-bindings.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { makeRandom, SEED } from './random.ts'

const RECORDS = Number(process.env['SLUICE_RECORDS'] ?? 100_000)
const RECORDS_PER_FILE = 5_000
const testBoth = nativeBinding === undefined ? test.skip : test

/** Where every record's bytes come from. */
const SOURCE = Buffer.allocUnsafeSlow(1_000_000)
const fill = makeRandom(1)
for (let i = 0; i < SOURCE.length; i++) SOURCE[i] = fill(256)

/** Bytes of SOURCE that one record is made of. */
type Slice = readonly [start: number, end: number]

/** Reads `bytes` as a log and compares each record with its slice; undefined when all is well. */
function difference(bytes: Buffer, records: readonly Slice[]): string | undefined {
  let at = 0
  for (const [index, [start, end]] of records.entries()) {
    let expected = start
    for (let fragment = 0; ; fragment++) {
      const left = BLOCK_SIZE - (at % BLOCK_SIZE)
      if (left < HEADER_SIZE) {
        if (bytes.subarray(at, at + left).some((byte) => byte !== 0)) return `trailer at ${at}`
        at += left
      }
      const length = bytes.readUInt16LE(at + 4)
      const type = bytes[at + 6]!
      const dataEnd = at + HEADER_SIZE + length
      const isLast = expected + length === end
      const expectedType = fragment === 0 ? (isLast ? 1 : 2) : isLast ? 4 : 3
      const crc = jsBinding.crc32c(bytes, at + 6, dataEnd)
      if (type !== expectedType) return `type at ${at}`
      if (unmaskCrc(bytes.readUInt32LE(at)) !== crc) return `checksum at ${at}`
      if (Math.floor(at / BLOCK_SIZE) !== Math.floor((dataEnd - 1) / BLOCK_SIZE))
        return `edge ${at}`
      if (bytes.compare(SOURCE, expected, expected + length, at + HEADER_SIZE, dataEnd) !== 0) {
        return `record ${index} at ${at}`
      }
      at = dataEnd
      expected += length
      if (type === 1 || type === 4) break
    }
    if (expected !== end) return `length of record ${index}`
  }
  return at === bytes.length ? undefined : `${bytes.length - at} bytes after the last record`
}

/** Appends records to both writers, and compares the files when told to. */
class Pair {
  readonly #directory: string
  #logs: readonly LogFile[] = []
  #records: Slice[] = []
  count = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  get blockOffset(): number {
    return this.#logs[0]!.sizeBytes % BLOCK_SIZE
  }

  async start(): Promise<void> {
    this.#logs = await Promise.all([
      nativeBinding!.createLog(join(this.#directory, 'native.log')),
      jsBinding.createLog(join(this.#directory, 'js.log')),
    ])
    this.#records = []
  }

  append(start: number, length: number): void {
    for (const log of this.#logs) log.appendSync(SOURCE, start, start + length)
    this.#push(start, length)
  }

  async appendOnThePool(start: number, length: number): Promise<void> {
    await Promise.all(this.#logs.map((log) => log.append(SOURCE, start, start + length, false)))
    this.#push(start, length)
  }

  /** The same as one list of records each. */
  appendList(slices: readonly Slice[]): void {
    const list = listOf(slices)
    for (const log of this.#logs) log.appendRecordsSync(list.bytes, 0, list.end)
    for (const [start, end] of slices) this.#push(start, end - start)
  }

  async appendListOnThePool(slices: readonly Slice[]): Promise<void> {
    const { bytes, end } = listOf(slices)
    await Promise.all(this.#logs.map((log) => log.appendRecords(bytes, 0, end, false)))
    for (const [start, stop] of slices) this.#push(start, stop - start)
  }

  /** Appends records until the next one starts at `offset` of a block. */
  moveTo(offset: number): void {
    while (this.blockOffset !== offset) {
      const at = this.blockOffset
      const left = BLOCK_SIZE - at
      if (offset >= at + HEADER_SIZE) this.append(7, offset - at - HEADER_SIZE)
      else this.append(7, left < HEADER_SIZE ? 0 : left - HEADER_SIZE)
    }
  }

  #push(start: number, length: number): void {
    this.#records.push([start, start + length])
    this.count++
  }

  /** Undefined when both files are equal and right. */
  async finish(): Promise<string | undefined> {
    const sizes = this.#logs.map((log) => log.sizeBytes)
    await Promise.all(this.#logs.map((log) => log.close()))
    const [native, js] = ['native.log', 'js.log'].map((name) =>
      fs.readFileSync(join(this.#directory, name)),
    ) as [Buffer, Buffer]
    if (sizes.some((size) => size !== native.length)) return `sizes ${sizes.join(', ')}`
    if (!native.equals(js)) {
      return `first difference at ${native.findIndex((byte, at) => byte !== js[at])}`
    }
    return difference(native, this.#records)
  }
}

function listOf(slices: readonly Slice[]): RecordList {
  const list = new RecordList()
  for (const [start, end] of slices) list.append(SOURCE.subarray(start, end))
  return list
}

testBoth(`${RECORDS} random records are the same bytes from both writers`, async (t) => {
  const random = makeRandom(SEED)
  const pair = new Pair(scratchDirectory(t, FAST_ROOT))
  while (pair.count < RECORDS) {
    await pair.start()
    const until = Math.min(RECORDS, pair.count + RECORDS_PER_FILE)
    while (pair.count < until) {
      const start = random(1000)
      const left = BLOCK_SIZE - pair.blockOffset
      const dice = random(100)
      if (dice < 70) pair.append(start, random(24))
      else if (dice < 92) pair.append(start, random(2000))
      // To within a few bytes of the end of this block, or of the one after it.
      else if (dice < 97) pair.append(start, Math.max(0, left - HEADER_SIZE - random(24) + 4))
      else if (dice < 98) pair.append(start, left + BLOCK_SIZE - 2 * HEADER_SIZE - random(24) + 4)
      else if (dice < 99) await pair.appendOnThePool(start, random(100_000))
      else pair.append(start, random(200_000))
    }
    const wrong = await pair.finish()
    t.is(wrong, undefined, `SLUICE_SEED=${SEED}`)
  }
  t.log(`${pair.count} records, SLUICE_SEED=${SEED}`)
})

testBoth('random lists of records are the same bytes from both writers', async (t) => {
  const random = makeRandom(SEED)
  const pair = new Pair(scratchDirectory(t, FAST_ROOT))
  for (let file = 0; file < 20; file++) {
    await pair.start()
    for (let group = 0; group < 20; group++) {
      const slices = Array.from({ length: random(50) }, (): Slice => {
        const start = random(1000)
        const most = random(100) < 90 ? 40 : random(100) < 90 ? 3000 : 100_000
        return [start, start + random(most)]
      })
      if (random(2) === 0) pair.appendList(slices)
      else await pair.appendListOnThePool(slices)
      // So that the next list begins near a block's edge.
      if (random(4) === 0) {
        pair.append(7, Math.max(0, BLOCK_SIZE - pair.blockOffset - HEADER_SIZE - random(20)))
      }
    }
    t.is(await pair.finish(), undefined, `SLUICE_SEED=${SEED}`)
  }
  t.true(pair.count > 5000)
})

testBoth('a list that ends inside a record is refused, and the log goes on', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  for (const binding of [nativeBinding!, jsBinding]) {
    const path = join(directory, `${binding.kind}.log`)
    const log = await binding.createLog(path)
    const list = listOf([
      [0, 3],
      [5, 9],
    ])
    for (const end of [1, 3, 4, 6, 8, 11, list.end - 1]) {
      t.throws(() => log.appendRecordsSync(list.bytes, 0, end), { code: 'EINVAL' })
      await t.throwsAsync(log.appendRecords(list.bytes, 0, end, true), { code: 'EINVAL' })
    }
    await log.appendRecords(list.bytes, 0, list.end, true)
    await log.appendRecords(list.bytes, 7, 7, true)
    log.appendRecordsSync(list.bytes, 7, list.end)
    await log.close()
    t.is(
      difference(fs.readFileSync(path), [
        [0, 3],
        [5, 9],
        [5, 9],
      ]),
      undefined,
    )
  }
})

testBoth(
  'every alignment around a block edge with every small size, and sizes around each edge',
  async (t) => {
    const pair = new Pair(scratchDirectory(t, FAST_ROOT))
    const data = BLOCK_SIZE - HEADER_SIZE
    const sizes = Array.from({ length: 26 }, (_, i) => i)
    for (const edge of [data, 2 * data]) {
      for (let delta = -9; delta <= 9; delta++) sizes.push(edge + delta)
    }
    // Offsets 1 to 6 do not occur: what a block begins with is a header.
    const offsets = [0, 7, 8, 9]
    for (let offset = BLOCK_SIZE - 24; offset < BLOCK_SIZE; offset++) offsets.push(offset)
    for (const offset of offsets) {
      await pair.start()
      for (const size of sizes) {
        pair.moveTo(offset)
        pair.append(11, size)
      }
      t.is(await pair.finish(), undefined, `offset ${offset}`)
    }
    t.true(pair.count >= 2 * offsets.length * sizes.length)
  },
)
