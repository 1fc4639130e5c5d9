// Entries for the table tests, and tables made of them.

import { Bytes } from '../../ts/format/copy-words.ts'
import {
  TAG_SIZE,
  compareInternal,
  makeInternalKey,
  sequenceOfKey,
} from '../../ts/format/internal-key.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { BlockBuilder } from '../../ts/table/block-builder.ts'
import { LookupKey } from '../../ts/table/lookup-key.ts'
import { TableBuilder } from '../../ts/table/table-builder.ts'
import type { TableOptions } from '../../ts/table/table-options.ts'
import type { Table } from '../../ts/table/table.ts'
import type { Random } from '../crash/random.ts'
import { MemoryWritableFile } from './memory-file.ts'

export interface Entry {
  /** An internal key. */
  readonly key: Buffer
  readonly value: Buffer
}

/** LevelDB's defaults, and classic-level's filter, without compression. */
export const PLAIN: TableOptions = {
  blockSize: 4096,
  blockRestartInterval: 16,
  filterBitsPerKey: 10,
  compression: 'none',
}

/** What random tests start from; printed when they fail, and taken from the environment. */
export const SEED: number = Number(
  process.env['SLUICE_SEED'] ?? Math.floor(Math.random() * 2 ** 32),
)

export function entry(userKey: string, sequence: number, type: number, value = ''): Entry {
  const key = makeInternalKey(Buffer.from(userKey, 'latin1'), sequence, type)
  return { key, value: Buffer.from(value, 'latin1') }
}

export function userKeyOf(entry: Entry): Buffer {
  return entry.key.subarray(0, entry.key.length - TAG_SIZE)
}

/** Up to `count` entries in order: empty keys and values, shared prefixes, runs of 0xff, versions. */
export function randomEntries(random: Random, count: number, maxValueBytes: number): Entry[] {
  const entries: Entry[] = []
  let userKey: Buffer = Buffer.alloc(0)
  for (let sequence = 1; sequence <= count; sequence++) {
    const keep = random.below(userKey.length + 1)
    const tail = random.percent(5) ? Buffer.alloc(random.below(200), 0xff) : shortKey(random)
    if (!random.percent(10)) userKey = Buffer.concat([userKey.subarray(0, keep), tail])
    const type = random.percent(15) ? 0 : 1
    const length = random.percent(50) ? random.below(10) : random.below(maxValueBytes + 1)
    const value = type === 0 ? Buffer.alloc(0) : randomValue(random, length)
    entries.push({ key: makeInternalKey(userKey, sequence, type), value })
  }
  return entries.toSorted((a, b) => compareInternal(a.key, 0, a.key.length, b.key, 0, b.key.length))
}

function shortKey(random: Random): Buffer {
  const key = random.bytes(random.below(9))
  // Few distinct bytes, so that keys share prefixes and differ by one.
  for (let i = 0; i < key.length; i++) key[i] = 0xfd + (key[i]! % 3)
  return key
}

/** Half of them compress. */
function randomValue(random: Random, length: number): Buffer {
  return random.percent(50) ? Buffer.alloc(length, random.below(256)) : random.bytes(length)
}

/** What reads the newest entry not above this one of its user key. */
export function lookupOf(internalKey: Buffer): LookupKey {
  const { length } = internalKey
  return LookupKey.of(internalKey.subarray(0, length - 8), sequenceOfKey(internalKey, length))
}

export function buildBlock(entries: readonly Entry[], restartInterval: number): Buffer {
  const builder = new BlockBuilder(restartInterval, 64)
  for (const { key, value } of entries) {
    const bytes = new Bytes(key)
    const shared = builder.sharedWithLast(bytes, 0, key.length)
    builder.add(shared, bytes, 0, key.length, new Bytes(value), 0, value.length)
  }
  const size = builder.finish()
  return Buffer.from(builder.bytes.subarray(0, size))
}

export function buildTable(entries: readonly Entry[], options: Partial<TableOptions> = {}): Buffer {
  const file = new MemoryWritableFile()
  const builder = new TableBuilder(file, { ...PLAIN, ...options }, crc32c)
  for (const { key, value } of entries) builder.add(key, 0, key.length, value, 0, value.length)
  builder.finish()
  return file.contents()
}

export function scan(table: Table): Entry[] {
  const found: Entry[] = []
  const cursor = table.entries()
  for (let more = cursor.seekToFirst(); more; more = cursor.next()) {
    const { key, keyLength, valueBytes, valueStart, valueEnd } = cursor.entry
    found.push({
      key: Buffer.from(key.subarray(0, keyLength)),
      value: Buffer.from(valueBytes.subarray(valueStart, valueEnd)),
    })
  }
  return found
}
