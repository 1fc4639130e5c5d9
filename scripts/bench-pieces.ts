// Measures the pieces of the engine that its comments give figures for, one beside the other.
//
//   node dist/scripts/bench-pieces.js [copies|memtable|ahead|groups|tables|merge|snappy|values|views|tracing|face ...]     (all when left out)
//
// The platform's pieces are in bench-platform; the store as a whole is in bench.

import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DB } from '../ts/index.ts'
import { BatchBuffer } from '../ts/format/batch.ts'
import { copyWords } from '../ts/format/copy-words.ts'
import { Memtable, memtableSize } from '../ts/memtable/memtable.ts'
import { binding } from '../ts/platform/load-binding.ts'
import { TableBuilder } from '../ts/table/table-builder.ts'
import { benchFace } from './pieces/face.ts'
import { benchMerge } from './pieces/merge.ts'
import { benchTracing } from './pieces/tracing.ts'
import { benchValues } from './pieces/values.ts'
import { benchViews } from './pieces/views.ts'
import { benchSnappy } from './pieces/snappy.ts'

const ROUNDS = 5

/** The best of five, in nanoseconds a call. */
function bestTime(calls: number, call: (index: number) => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now()
    for (let i = 0; i < calls; i++) call(i)
    best = Math.min(best, ((performance.now() - startMs) * 1e6) / calls)
  }
  return best
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

const at = (i: number): number => (i * 113) & 0xff000

/** Copying a short range, and a short whole array, in each of the ways that were weighed. */
function benchCopies(): void {
  const source = Buffer.allocUnsafeSlow(1 << 20).fill(3)
  const target = Buffer.from(new SharedArrayBuffer(1 << 20))
  const sourceView = new DataView(source.buffer)
  const targetView = new DataView(target.buffer)
  for (const size of [8, 12, 16, 32, 64, 100, 128, 160, 200, 400]) {
    const whole = Buffer.allocUnsafeSlow(size).fill(3)
    const times = {
      'bytes, whole': bestTime(1e6, (i) => {
        for (let k = 0; k < size; k++) target[at(i) + k] = whole[k]!
      }),
      'set, whole': bestTime(1e6, (i) => target.set(whole, at(i))),
      'Buffer.copy, range': bestTime(1e6, (i) => source.copy(target, at(i), at(i), at(i) + size)),
      'words, range': bestTime(1e6, (i) => {
        copyWords(sourceView, at(i), at(i) + size, targetView, at(i))
      }),
    }
    const columns = Object.entries(times).map(([name, ns]) => `${name} ${ns.toFixed(1)} ns`)
    console.log(`copy of ${size} bytes: ${columns.join(', ')}`)
  }
}

function batches(count: number): BatchBuffer[] {
  const value = Buffer.allocUnsafeSlow(100).fill(7)
  return Array.from({ length: count / 250 }, () => {
    const batch = new BatchBuffer()
    for (let i = 0; i < 250; i++) {
      const key = Buffer.allocUnsafeSlow(16)
      for (let at = 0; at < 16; at += 4) key.writeUInt32BE(Math.floor(Math.random() * 2 ** 32), at)
      batch.put(key, value)
    }
    return batch
  })
}

function benchMemtable(): void {
  for (const count of [25_000, 400_000]) {
    const all = batches(count)
    const payloadBytes = all.reduce((sum, batch) => sum + batch.end, 0)
    // Half more for the towers, which hasRoom() does not count on.
    const memory = new SharedArrayBuffer(memtableSize(payloadBytes, count) + 8 * count)
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const memtable = Memtable.create(memory)
      let sequence = 1
      const startMs = performance.now()
      for (const batch of all) {
        memtable.insertBatch(batch.bytes, 0, batch.end, batch.count, sequence)
        sequence += batch.count
      }
      times.push(performance.now() - startMs)
    }
    const perSecond = (count / Math.min(...times) / 1000).toFixed(2)
    console.log(`memtable, ${count} entries of 16 + 100 bytes: ${perSecond} M inserts/s`)
  }
}

/** Appends with fdatasync, to a file that grows with each and to ones that were made longer before. */
function benchAhead(directory: string): void {
  const aheadBytes = 1 << 20
  const ways: Record<string, (descriptor: number) => void> = {
    'growing with each': () => undefined,
    'ahead of a hole': (descriptor) => fs.ftruncateSync(descriptor, aheadBytes),
    'ahead of zeroes': (descriptor) =>
      fs.writeSync(descriptor, Buffer.alloc(aheadBytes), 0, aheadBytes, 0),
  }
  for (const size of [140, 2048]) {
    const record = Buffer.alloc(size, 1)
    const times = new Map(Object.keys(ways).map((name): [string, number[]] => [name, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, all] of times) {
        const descriptor = fs.openSync(join(directory, 'ahead'), 'w')
        ways[name]!(descriptor)
        fs.fsyncSync(descriptor)
        const startMs = performance.now()
        for (let i = 0; i < 500; i++) {
          fs.writeSync(descriptor, record)
          fs.fdatasyncSync(descriptor)
        }
        all.push((performance.now() - startMs) * 2)
        fs.closeSync(descriptor)
      }
    }
    for (const [name, all] of times) {
      console.log(`append of ${size} bytes and fdatasync, ${name}: ${median(all).toFixed(0)} us`)
    }
  }
}

/** Durable puts a second under each limit on groups, in turns. */
async function benchGroups(directory: string): Promise<void> {
  const limits = [128, 512, 1024, 4096].map((kib) => kib * 1024)
  for (const writers of [256, 1024, 4096]) {
    const rates = new Map<number, number[]>(limits.map((limit) => [limit, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [limit, all] of rates) all.push(await durablePuts(directory, writers, limit))
    }
    for (const [limit, all] of rates) {
      const rate = Math.round(median(all)).toLocaleString('en')
      console.log(`durable, C=${writers}, small groups up to ${limit >> 10} KiB: ${rate} puts/s`)
    }
  }
}

async function durablePuts(directory: string, writers: number, limit: number): Promise<number> {
  const path = join(directory, 'groups')
  const db = await DB.open(path, {
    createIfMissing: true,
    smallGroupLimitBytes: limit,
    groupLimitBytes: Math.max(limit, 1 << 20),
  })
  const value = Buffer.allocUnsafeSlow(100).fill(7)
  const options = { sync: true }
  let count = 0
  const startMs = performance.now()
  const writer = async (): Promise<void> => {
    while (performance.now() - startMs < 700) {
      const key = Buffer.allocUnsafe(16)
      key.writeDoubleBE(Math.random(), 0)
      key.writeDoubleBE(count, 8)
      await db.put(key, value, options)
      count++
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
  const rate = (count * 1000) / (performance.now() - startMs)
  await db.close()
  fs.rmSync(path, { recursive: true })
  return rate
}

/** Builds tables of a memtable's size into nothing: the flush without its disk. */
function benchTables(): void {
  const count = 28_000
  const value = Buffer.allocUnsafeSlow(100)
  for (let i = 0; i < 50; i++) value[i] = Math.random() * 256
  const key = Buffer.allocUnsafeSlow(24).fill(0)
  for (const compression of ['none', 'snappy'] as const) {
    const times: number[] = []
    for (let round = 0; round < 4 * ROUNDS; round++) {
      const sink = { path: '', appendSync(): void {}, syncSync(): void {}, closeSync(): void {} }
      const options = {
        blockSize: 4096,
        blockRestartInterval: 16,
        filterBitsPerKey: 10,
        compression,
      }
      const builder = new TableBuilder(sink, options, (bytes, start, end) =>
        binding.crc32c(bytes, start, end),
      )
      const startMs = performance.now()
      for (let i = 0; i < count; i++) {
        key.writeUInt32BE(i, 12)
        key[16] = 1
        builder.add(key, 0, 24, value, 0, 100)
      }
      builder.finish()
      times.push(performance.now() - startMs)
    }
    const rate = ((count * 124) / Math.min(...times) / 1000).toFixed(0)
    console.log(`table, compression ${compression}: ${rate} MB/s`)
  }
}

const directory = fs.mkdtempSync(join(tmpdir(), 'sluicedb-pieces-'))
const pieces: Record<string, () => void | Promise<void>> = {
  copies: benchCopies,
  memtable: benchMemtable,
  ahead: () => benchAhead(directory),
  groups: () => benchGroups(directory),
  tables: benchTables,
  merge: () => benchMerge(directory),
  values: benchValues,
  views: benchViews,
  tracing: benchTracing,
  face: () => benchFace(directory),
  snappy: benchSnappy,
}
try {
  const names = process.argv.slice(2)
  for (const name of names.length > 0 ? names : Object.keys(pieces)) {
    const piece = pieces[name]
    if (piece === undefined)
      throw new Error(`no piece ${name}; there are ${Object.keys(pieces).join(', ')}`)
    await piece()
  }
} finally {
  fs.rmSync(directory, { recursive: true })
}
