// Where everything lies in a table file: read by a parser of the tests' own, so that what a damaged
// byte may cost is not the judgement of the code that is tested. The grammar is in ts/table/format.ts.

import { uncompressSync } from 'snappy'
import { compareInternal, makeInternalKey, TYPE_FOR_SEEK } from '../../ts/format/internal-key.ts'

const FOOTER_BYTES = 48
const TRAILER_BYTES = 5

export interface DataBlock {
  readonly offset: number
  /** Behind its trailer. */
  readonly end: number
  /** Internal key: not below the block's last key, below the next block's first. */
  readonly separator: Buffer
  /** Internal keys. */
  readonly first: Buffer
  readonly last: Buffer
}

export interface TableLayout {
  readonly name: string
  readonly sizeBytes: number
  readonly dataBlocks: readonly DataBlock[]
  /** Index block and footer: without them there is no table. */
  readonly vitalRanges: readonly (readonly [from: number, to: number])[]
  /** User keys as latin1, those of deletions too. */
  readonly userKeys: ReadonlySet<string>
  readonly smallest: Buffer
  readonly largest: Buffer
}

export function layoutOf(name: string, file: Buffer): TableLayout {
  const footer = file.length - FOOTER_BYTES
  const [, afterMetaindex] = handleAt(file, footer)
  const [index] = handleAt(file, afterMetaindex)
  const userKeys: Buffer[] = []
  const dataBlocks = entriesOf(contentsOf(file, index)).map(({ key: separator, value }) => {
    const [handle] = handleAt(value, 0)
    const keys = entriesOf(contentsOf(file, handle)).map(({ key }) => key)
    for (const key of keys) userKeys.push(key.subarray(0, key.length - 8))
    const end = handle.offset + handle.size + TRAILER_BYTES
    return { offset: handle.offset, end, separator, first: keys[0]!, last: keys.at(-1)! }
  })
  return {
    name,
    sizeBytes: file.length,
    dataBlocks,
    vitalRanges: [
      [index.offset, index.offset + index.size + TRAILER_BYTES],
      [footer, file.length],
    ],
    userKeys: new Set(userKeys.map((key) => key.toString('latin1'))),
    smallest: userKeys[0]!,
    largest: userKeys.at(-1)!,
  }
}

/** Whether a get of `key` that looks into this table needs a byte from `from` to `to`. */
export function needs(table: TableLayout, key: Buffer, from: number, to: number): boolean {
  if (Buffer.compare(key, table.smallest) < 0 || Buffer.compare(key, table.largest) > 0) {
    return false
  }
  if (table.vitalRanges.some(([start, end]) => start < to && from < end)) return true
  const target = makeInternalKey(key, Number.MAX_SAFE_INTEGER, TYPE_FOR_SEEK)
  const block = table.dataBlocks.find(({ separator }) => order(separator, target) >= 0)
  return block !== undefined && block.offset < to && from < block.end
}

/** Every entry of a table, in its order: internal keys, and values as they are stored. */
export function entriesIn(file: Buffer): { readonly key: Buffer; readonly value: Buffer }[] {
  const [, afterMetaindex] = handleAt(file, file.length - FOOTER_BYTES)
  const [index] = handleAt(file, afterMetaindex)
  return entriesOf(contentsOf(file, index)).flatMap(({ value }) => {
    const [handle] = handleAt(value, 0)
    return entriesOf(contentsOf(file, handle))
  })
}

/** Whether the block could stand there as far as its keys tell: then nobody can know better. */
export function couldStandAt(block: DataBlock, table: TableLayout, place: DataBlock): boolean {
  const before = table.dataBlocks[table.dataBlocks.indexOf(place) - 1]
  return (
    (before === undefined || order(block.first, before.separator) > 0) &&
    order(block.last, place.separator) <= 0
  )
}

function order(a: Buffer, c: Buffer): number {
  return compareInternal(a, 0, a.length, c, 0, c.length)
}

interface Handle {
  readonly offset: number
  readonly size: number
}

function handleAt(bytes: Buffer, at: number): [handle: Handle, end: number] {
  const [offset, middle] = varintAt(bytes, at)
  const [size, end] = varintAt(bytes, middle)
  return [{ offset, size }, end]
}

function varintAt(bytes: Buffer, at: number): [value: number, end: number] {
  let value = 0
  let scale = 1
  for (let i = at; ; i++) {
    const byte = bytes[i]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return [value, i + 1]
    scale *= 128
  }
}

function contentsOf(file: Buffer, { offset, size }: Handle): Buffer {
  const stored = file.subarray(offset, offset + size)
  return file[offset + size] === 0
    ? stored
    : Buffer.from(uncompressSync(stored, { asBuffer: true, copyOutputData: true }))
}

function entriesOf(block: Buffer): { key: Buffer; value: Buffer }[] {
  const restarts = block.readUInt32LE(block.length - 4)
  const end = block.length - 4 * (restarts + 1)
  const entries: { key: Buffer; value: Buffer }[] = []
  let last: Buffer = Buffer.alloc(0)
  for (let at = 0; at < end;) {
    const [shared, afterShared] = varintAt(block, at)
    const [own, afterOwn] = varintAt(block, afterShared)
    const [size, start] = varintAt(block, afterOwn)
    last = Buffer.concat([last.subarray(0, shared), block.subarray(start, start + own)])
    at = start + own + size
    entries.push({ key: last, value: block.subarray(start + own, at) })
  }
  return entries
}
