// Blocks, filters, Snappy data and tables: ts/table and the binding below it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Bytes } from '../../../ts/format/copy-words.ts'
import { corruption } from '../../../ts/format/error.ts'
import { binding } from '../../../ts/platform/load-binding.ts'
import { NodeFileSystem } from '../../../ts/platform/node-file-system.ts'
import { Block, BlockCursor } from '../../../ts/table/block.ts'
import { BlockBuilder } from '../../../ts/table/block-builder.ts'
import { blockContents } from '../../../ts/table/block-contents.ts'
import { bloomHash, bloomMayContain, bloomSize, putBloom } from '../../../ts/table/bloom.ts'
import { expandSnappyTo, snappyBound, snappyLength } from '../../../ts/table/compression.ts'
import { FilterBlock, FilterBlockBuilder } from '../../../ts/table/filter-block.ts'
import { BLOCK_TRAILER_SIZE } from '../../../ts/table/format.ts'
import { LookupKey } from '../../../ts/table/lookup-key.ts'
import { Table } from '../../../ts/table/table.ts'
import { TableBuilder } from '../../../ts/table/table-builder.ts'
import { TableScanner } from '../../../ts/table/table-scanner.ts'
import type { Json } from '../vector-file.ts'
import { bytesOf, type Handler, type Question } from './answer-loop.ts'

const FILE = 'a question'
const fileSystem = new NodeFileSystem(binding)

type Pair = [key: Buffer, value: Buffer]

function pairsIn(question: Question): Pair[] {
  return question.list('entries').map((pair) => (pair as Json[]).map(bytesOf) as Pair)
}

function entryAt(cursor: BlockCursor): Json {
  return [
    cursor.key.toString('hex', 0, cursor.keyLength),
    cursor.valueBytes.toString('hex', cursor.valueStart, cursor.valueEnd),
  ]
}

const blocks: Readonly<Record<string, Handler>> = {
  'block.write': (question) => {
    const builder = new BlockBuilder(question.number('restartInterval'), 64)
    for (const [key, value] of pairsIn(question)) {
      const bytes = new Bytes(key)
      const shared = builder.sharedWithLast(bytes, 0, key.length)
      builder.add(shared, bytes, 0, key.length, new Bytes(value), 0, value.length)
    }
    const size = builder.finish()
    return { bytes: builder.bytes.toString('hex', 0, size) }
  },
  'block.read': (question) => {
    const cursor = new BlockCursor()
    cursor.open(new Block(question.bytes('bytes'), FILE, 0))
    const entries: Json[] = []
    while (cursor.next()) entries.push(entryAt(cursor))
    return { entries }
  },
  'block.seek': (question) => {
    const cursor = new BlockCursor()
    cursor.open(new Block(question.bytes('bytes'), FILE, 0))
    const target = question.bytes('target')
    return { entry: cursor.seek(target, 0, target.length) ? entryAt(cursor) : null }
  },
  'block.unpack': (question) => {
    const stored = question.bytes('bytes')
    if (stored.length < BLOCK_TRAILER_SIZE) throw corruption('no trailer', FILE, 0)
    const contents = blockContents(stored, FILE, 0, binding.crc32c.bind(binding))
    return { contents: contents.toString('hex') }
  },
}

const filters: Readonly<Record<string, Handler>> = {
  'filter.write': (question) => {
    const keys = question.byteList('keys')
    const bitsPerKey = question.number('bitsPerKey')
    const filter = Buffer.alloc(bloomSize(keys.length, bitsPerKey))
    const hashes = Uint32Array.from(keys, (key) => bloomHash(key, 0, key.length))
    putBloom(filter, 0, hashes, keys.length, bitsPerKey)
    return { filter: filter.toString('hex') }
  },
  'filter.match': (question) => {
    const filter = question.bytes('filter')
    return {
      matches: question
        .byteList('keys')
        .map((key) => bloomMayContain(filter, 0, filter.length, bloomHash(key, 0, key.length))),
    }
  },
  'filter-block.write': (question) => {
    const builder = new FilterBlockBuilder(question.number('bitsPerKey'))
    for (const block of question.questions('blocks')) {
      builder.startBlock(block.number('offset'))
      for (const key of block.byteList('keys')) builder.addKey(key, 0, key.length)
    }
    builder.startBlock(question.number('end'))
    const size = builder.finish()
    return { bytes: builder.bytes.toString('hex', 0, size) }
  },
  'filter-block.match': (question) => {
    const block = new FilterBlock(question.bytes('bytes'))
    return {
      matches: question.questions('queries').map((query) => {
        const key = query.bytes('key')
        return block.hashMayMatch(query.number('offset'), bloomHash(key, 0, key.length))
      }),
    }
  },
}

const snappy: Readonly<Record<string, Handler>> = {
  'snappy.expand': (question) => {
    const bytes = question.bytes('bytes')
    const target = Buffer.alloc(snappyLength(bytes, 0, bytes.length, FILE, 0))
    expandSnappyTo(bytes, 0, bytes.length, target, target.length, FILE, 0)
    return { bytes: target.toString('hex') }
  },
  'snappy.compress': (question) => {
    const bytes = question.bytes('bytes')
    const target = Buffer.alloc(snappyBound(bytes.length))
    const end = binding.compressSnappy(bytes, 0, bytes.length, target, 0)
    return { bytes: target.toString('hex', 0, end) }
  },
}

/** Runs `use` with the path of a file in a directory of its own. */
function withFile<T>(use: (path: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'sluicedb-driver-'))
  try {
    return use(join(directory, '000005.ldb'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Both ways to read all of a table have to agree, and both have to refuse what is damaged. */
function readAll(path: string): Json {
  const file = fileSystem.openRandomAccessSync(path)
  try {
    const cursor = Table.openSync(file, 5, { crc32c: binding.crc32c.bind(binding) }).entries()
    const entries: Json[] = []
    for (let isThere = cursor.seekToFirst(); isThere; isThere = cursor.next()) {
      entries.push(entryAt(cursor.entry))
    }
    const scanned = scannedCount(path)
    const read = entries.length
    if (scanned !== read) throw new Error(`a cursor finds ${read} entries, a scanner ${scanned}`)
    return { entries }
  } finally {
    file.closeSync()
  }
}

/** How many entries a scanner finds. */
function scannedCount(path: string): number {
  const file = fileSystem.openRandomAccessSync(path)
  const scanner = new TableScanner(binding.crc32c.bind(binding))
  try {
    scanner.open(file)
    let count = 0
    const cursor = new BlockCursor()
    while (scanner.next()) {
      // The scanner gives the entries alone: one restart point makes a block of them.
      const entries = scanner.bytes.buffer.subarray(scanner.start, scanner.end)
      cursor.open(new Block(Buffer.concat([entries, ONE_RESTART]), FILE, scanner.offset))
      while (cursor.next()) count++
    }
    return count
  } finally {
    scanner.close()
    file.closeSync()
  }
}

const ONE_RESTART = Buffer.of(0, 0, 0, 0, 1, 0, 0, 0)

function getAll(
  path: string,
  gets: readonly Question[],
  classOf: (error: unknown) => string | undefined,
): Json {
  const file = fileSystem.openRandomAccessSync(path)
  try {
    const table = Table.openSync(file, 5, { crc32c: binding.crc32c.bind(binding) })
    const values = gets.map((get): Json => {
      try {
        const value = table.getSync(LookupKey.of(get.bytes('key'), get.exact('sequence')))
        if (value === undefined) return { absent: true }
        return value === null ? { deleted: true } : { value: value.toString('hex') }
      } catch (error) {
        const errorClass = classOf(error)
        if (errorClass === undefined) throw error
        return { error: errorClass }
      }
    })
    return { values }
  } finally {
    file.closeSync()
  }
}

function writeTable(path: string, question: Question): Json {
  const file = fileSystem.createWritableSync(path)
  const builder = new TableBuilder(
    file,
    {
      blockSize: question.number('blockSize'),
      blockRestartInterval: question.number('restartInterval'),
      filterBitsPerKey: question.number('bitsPerKey'),
      compression: 'none',
    },
    binding.crc32c.bind(binding),
  )
  for (const [key, value] of pairsIn(question)) {
    builder.add(key, 0, key.length, value, 0, value.length)
  }
  builder.finish()
  file.closeSync()
  return { bytes: readFileSync(path).toString('hex') }
}

export function tableHandlers(
  classOf: (error: unknown) => string | undefined,
): Readonly<Record<string, Handler>> {
  return {
    ...blocks,
    ...filters,
    ...snappy,
    'table.read': (question) =>
      withFile((path) => {
        writeFileSync(path, question.bytes('bytes'))
        return readAll(path)
      }),
    'table.get': (question) =>
      withFile((path) => {
        writeFileSync(path, question.bytes('bytes'))
        return getAll(path, question.questions('gets'), classOf)
      }),
    'table.write': (question) => withFile((path) => writeTable(path, question)),
  }
}
