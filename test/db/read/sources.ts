// What iterators read from, made by hand: memtables, tables of level 0, deeper levels, in memory, with
// blocks that a test can damage and files that it can make fail; and what they must deliver.

import { basename } from 'node:path'
import { MemtableMemory } from '../../../ts/db/memtable-memory.ts'
import { BatchBuffer } from '../../../ts/format/batch.ts'
import {
  TAG_SIZE,
  compareInternal,
  sequenceOfKey,
  typeOfKey,
} from '../../../ts/format/internal-key.ts'
import { checkIteratorOptions, type DBIteratorOptions } from '../../../ts/db/iterator-options.ts'
import { DBIterator } from '../../../ts/db/iterator.ts'
import { OpenIterator } from '../../../ts/db/read/open-iterator.ts'
import { ReadView } from '../../../ts/db/read/read-view.ts'
import type { Memtable } from '../../../ts/memtable/memtable.ts'
import { crc32c } from '../../../ts/platform/js-crc32c.ts'
import { BlockCache } from '../../../ts/table/block-cache.ts'
import { TableCache } from '../../../ts/table/table-cache.ts'
import type { TableFiles } from '../../../ts/table/table-file.ts'
import { Table } from '../../../ts/table/table.ts'
import { Version } from '../../../ts/version/version.ts'
import { emptyEdit } from '../../../ts/version/version-edit.ts'
import type { Random } from '../../crash/random.ts'
import { buildTable, entry } from '../../table/entries.ts'
import type { Entry } from '../../table/entries.ts'
import { MemoryRandomAccessFile, systemError } from '../../table/memory-file.ts'

/** The files of the tables, by number. */
export class TableBytes implements TableFiles {
  readonly bytes: Map<number, Buffer> = new Map()
  readonly open: Set<MemoryRandomAccessFile> = new Set()
  /** Asked before every opening and read; true makes it fail. */
  fails: () => boolean = () => false
  readCount = 0

  async openRandomAccess(path: string): Promise<MemoryRandomAccessFile> {
    await Promise.resolve()
    return this.openRandomAccessSync(path)
  }

  openRandomAccessSync(path: string): MemoryRandomAccessFile {
    if (this.fails()) throw systemError('EMFILE')
    const file = new WatchedFile(this, this.bytes.get(Number.parseInt(basename(path), 10))!, path)
    this.open.add(file)
    return file
  }
}

class WatchedFile extends MemoryRandomAccessFile {
  readonly #tables: TableBytes

  constructor(tables: TableBytes, bytes: Buffer, path: string) {
    super(bytes, path)
    this.#tables = tables
  }

  override readSync(position: number, length: number): Buffer {
    if (this.#tables.fails()) throw systemError('EIO')
    this.#tables.readCount++
    return super.readSync(position, length)
  }

  override closeSync(): void {
    super.closeSync()
    this.#tables.open.delete(this)
  }
}

/** One data block: where it is stored, and the user keys that it may hold, both included. */
export interface BlockPlace {
  readonly file: number
  readonly offset: number
  readonly size: number
  readonly first: Buffer
  readonly last: Buffer
}

export interface Shape {
  /** Versions of user keys, in order of internal keys, by source: memtables, level 0, then levels. */
  readonly memtables: readonly (readonly Entry[])[]
  readonly level0: readonly (readonly Entry[])[]
  readonly levels: readonly (readonly (readonly Entry[])[])[]
}

export class Sources {
  readonly files: TableBytes = new TableBytes()
  readonly tables: TableCache
  readonly version: Version
  readonly memory: MemtableMemory = new MemtableMemory(2 ** 16)
  readonly memtables: readonly Memtable[]
  readonly entries: readonly Entry[]
  readonly blocks: BlockPlace[] = []
  isReleased = false

  constructor(shape: Shape, maxOpenFiles: number, blockSize: number) {
    this.memtables = shape.memtables.map((entries) => memtableOf(this.memory, entries))
    this.tables = new TableCache(this.files, 'db', maxOpenFiles, {
      crc32c,
      blockCache: new BlockCache(256 * 1024),
    })
    const edit = emptyEdit()
    let number = 10
    for (const [level, files] of [shape.level0, ...shape.levels].entries()) {
      for (const entries of files) {
        edit.newFiles.push({ level, file: this.#addTable(number++, entries, blockSize) })
      }
    }
    this.version = Version.empty().apply([edit])
    this.entries = [...shape.memtables, ...shape.level0, ...shape.levels.flat()].flat()
  }

  /** What a reader at `sequence` sees: user keys (latin1) and values, in order. */
  visible(sequence: number): [key: string, value: Buffer][] {
    const newest = new Map<string, Entry>()
    for (const one of this.entries) {
      if (sequenceOfKey(one.key, one.key.length) > sequence) continue
      const userKey = one.key.toString('latin1', 0, one.key.length - TAG_SIZE)
      const known = newest.get(userKey)
      if (known === undefined || isNewer(one, known)) newest.set(userKey, one)
    }
    return [...newest]
      .filter(([, { key }]) => typeOfKey(key, key.length) === 1)
      .map(([key, { value }]): [string, Buffer] => [key, value])
      .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')))
  }

  iterator(sequence: number, options: DBIteratorOptions = {}): DBIterator {
    const checked = checkIteratorOptions(options)
    const view = new ReadView(sequence, this.memory, this.memtables, {
      version: this.version,
      release: () => {
        this.isReleased = true
      },
    })
    const open = new OpenIterator(view, this.tables, checked, 0, () => undefined)
    const { range, limit, highWaterMarkBytes } = checked
    return new DBIterator(open, range, limit, highWaterMarkBytes, () => undefined)
  }

  damageBlock({ file, offset, size }: BlockPlace, random: Random): void {
    const bytes = this.files.bytes.get(file)!
    const at = offset + random.below(size)
    bytes[at] = bytes[at]! ^ (1 << random.below(8))
  }

  /** Makes the table unreadable as a whole. */
  damageFooter(file: number): void {
    const bytes = this.files.bytes.get(file)!
    bytes[bytes.length - 1] = bytes.at(-1)! ^ 1
  }

  #addTable(
    number: number,
    entries: readonly Entry[],
    blockSize: number,
  ): { number: number; sizeBytes: number; smallest: Buffer; largest: Buffer } {
    const bytes = buildTable(entries, { blockSize, blockRestartInterval: 4 })
    this.files.bytes.set(number, bytes)
    const index = Table.openSync(new MemoryRandomAccessFile(bytes), number, {
      crc32c,
    }).wholeIndex
    const [smallest, largest] = [entries[0]!.key, entries.at(-1)!.key]
    for (let i = 0; i < index.blockCount; i++) {
      const first =
        i === 0 ? smallest : index.keys.subarray(index.keyStart(i - 1), index.keyEnd(i - 1))
      const last = index.keys.subarray(index.keyStart(i), index.keyEnd(i))
      this.blocks.push({
        file: number,
        offset: index.offsetOf(i),
        size: index.storedSizeOf(i),
        first: Buffer.from(first.subarray(0, -TAG_SIZE)),
        last: Buffer.from(last.subarray(0, -TAG_SIZE)),
      })
    }
    return { number, sizeBytes: bytes.length, smallest, largest }
  }
}

function isNewer(a: Entry, b: Entry): boolean {
  return sequenceOfKey(a.key, a.key.length) > sequenceOfKey(b.key, b.key.length)
}

function memtableOf(memory: MemtableMemory, entries: readonly Entry[]): Memtable {
  const memtable = memory.create(0, 0)
  const bySequence = entries.toSorted((a, b) => (isNewer(a, b) ? 1 : -1))
  for (const { key, value } of bySequence) {
    const batch = new BatchBuffer()
    const userKey = key.subarray(0, -TAG_SIZE)
    if (typeOfKey(key, key.length) === 1) batch.put(userKey, value)
    else batch.delete(userKey)
    const sequence = sequenceOfKey(key, key.length)
    memtable.insertBatch(batch.bytes, 0, batch.end, batch.count, sequence)
  }
  return memtable
}

/**
 * Random versions of few keys, spread over sources the way LevelDB does: of one key, newer versions
 * never stand below older ones.
 */
export function randomShape(random: Random, count: number): Shape {
  const sourceCount = 6
  const bySource: Entry[][] = Array.from({ length: sourceCount }, () => [])
  const keyCount = 1 + random.below(40)
  for (let sequence = 1; sequence <= count; sequence++) {
    const key = `k${String(random.below(keyCount)).padStart(2, '0')}${'x'.repeat(random.below(3))}`
    const type = random.percent(25) ? 0 : 1
    const age = Math.floor(((sequence - 1) * sourceCount) / count)
    const source = Math.max(0, sourceCount - 1 - age)
    const value = `${sequence}${'.'.repeat(random.below(30))}`
    bySource[source]!.push(entry(key, sequence, type, type === 1 ? value : ''))
  }
  const [m0, m1, l0a, l0b, l1, l2] = bySource.map((entries) => inOrder(entries))
  return {
    memtables: [m0!, m1!],
    level0: [l0b!, l0a!].filter((entries) => entries.length > 0),
    levels: [split(random, l1!), split(random, l2!)],
  }
}

export function inOrder(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => compareInternal(a.key, 0, a.key.length, b.key, 0, b.key.length))
}

/** A level's files: cut anywhere, also between two versions of a user key. */
function split(random: Random, entries: readonly Entry[]): Entry[][] {
  const files: Entry[][] = []
  for (let start = 0; start < entries.length;) {
    const end = start + 1 + random.below(30)
    files.push(entries.slice(start, end))
    start = end
  }
  return files
}
