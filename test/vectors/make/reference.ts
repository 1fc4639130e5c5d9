// A second, slow writer of LevelDB's formats, made for the vectors alone and from the formats alone: it
// shares nothing with ts/, so that a mistake there shows. Every function returns new bytes.
//
// Plain arrays and BigInt. That it writes what C++ LevelDB writes is tested beside the golden files.

export type Bytes = Buffer

/** A key as the engine stores it. */
export interface Entry {
  readonly userKey: Bytes
  readonly sequence: bigint
  readonly isDeletion?: boolean
  readonly value: Bytes
}

export type Write = readonly [key: Bytes, value: Bytes] | readonly [key: Bytes]

export const LARGEST_SEQUENCE: bigint = 2n ** 56n - 1n

export function text(value: string): Bytes {
  return Buffer.from(value, 'latin1')
}

export function hex(value: string): Bytes {
  return Buffer.from(value.replaceAll(' ', ''), 'hex')
}

export function concat(...parts: readonly Bytes[]): Bytes {
  return Buffer.concat(parts)
}

/** CRC-32C bit by bit: reflected, polynomial 0x1edc6f41, first and last exclusive or with all ones. */
export function crc32c(bytes: Bytes): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  }
  return (crc ^ 0xffff_ffff) >>> 0
}

export function mask(crc: number): number {
  const rotated = (BigInt(crc) >> 15n) | (BigInt(crc) << 17n)
  return Number((rotated + 0xa282_ead8n) & 0xffff_ffffn)
}

export function fixed(value: bigint | number, length: number): Bytes {
  return Buffer.from(
    Array.from({ length }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 0xffn)),
  )
}

export function varint(value: bigint | number): Bytes {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest % 128n) + 128)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

export function prefixed(bytes: Bytes): Bytes {
  return concat(varint(bytes.length), bytes)
}

export function internalKey(userKey: Bytes, sequence: bigint, type: number): Bytes {
  return concat(userKey, fixed((sequence << 8n) | BigInt(type), 8))
}

export function keyOf({ userKey, sequence, isDeletion }: Entry): Bytes {
  return internalKey(userKey, sequence, isDeletion === true ? 0 : 1)
}

export function compareKeys(a: Bytes, b: Bytes): number {
  const order = Buffer.compare(a.subarray(0, -8), b.subarray(0, -8))
  if (order !== 0) return order
  const difference = b.readBigUInt64LE(b.length - 8) - a.readBigUInt64LE(a.length - 8)
  return difference < 0n ? -1 : Number(difference > 0n)
}

export function batch(sequence: bigint, writes: readonly Write[]): Bytes {
  const records = writes.map(([key, value]) =>
    value === undefined
      ? concat(hex('00'), prefixed(key))
      : concat(hex('01'), prefixed(key), prefixed(value)),
  )
  return concat(fixed(sequence, 8), fixed(writes.length, 4), ...records)
}

export const LOG_BLOCK = 32_768

export function fragment(type: number, data: Bytes): Bytes {
  const checked = concat(Buffer.of(type), data)
  return concat(fixed(mask(crc32c(checked)), 4), fixed(data.length, 2), checked)
}

export function logOf(records: readonly Bytes[]): Bytes {
  let file: Bytes = Buffer.alloc(0)
  for (const record of records) file = concat(file, ...recordAt(file.length, record))
  return file
}

function recordAt(position: number, record: Bytes): Bytes[] {
  const parts: Bytes[] = []
  let left = LOG_BLOCK - (position % LOG_BLOCK)
  if (left < 7) {
    parts.push(Buffer.alloc(left))
    left = LOG_BLOCK
  }
  let at = 0
  for (let isFirst = true; ; isFirst = false) {
    const data = record.subarray(at, at + left - 7)
    at += data.length
    const isLast = at === record.length
    parts.push(fragment(isFirst ? (isLast ? 1 : 2) : isLast ? 4 : 3, data))
    if (isLast) return parts
    left = LOG_BLOCK
  }
}

/** How many bytes two keys begin with in common. */
function commonLength(a: Bytes, b: Bytes): number {
  const limit = Math.min(a.length, b.length)
  let length = 0
  while (length < limit && a[length] === b[length]) length++
  return length
}

export function blockOf(entries: readonly (readonly [Bytes, Bytes])[], interval: number): Bytes {
  let contents: Bytes = Buffer.alloc(0)
  let last: Bytes = Buffer.alloc(0)
  const restarts = [0]
  for (const [index, [key, value]] of entries.entries()) {
    const isRestart = index % interval === 0
    if (isRestart && index > 0) restarts.push(contents.length)
    const shared = isRestart ? 0 : commonLength(key, last)
    const lengths = [shared, key.length - shared, value.length].map(varint)
    contents = concat(contents, ...lengths, key.subarray(shared), value)
    last = key
  }
  return concat(contents, ...restarts.map((at) => fixed(at, 4)), fixed(restarts.length, 4))
}

/** A block as it stands in a table. */
export function stored(contents: Bytes, type = 0): Bytes {
  const checked = concat(contents, Buffer.of(type))
  return concat(checked, fixed(mask(crc32c(checked)), 4))
}

export function bloomHash(key: Bytes): number {
  const multiplier = 0xc6a4_a793n
  const low = 0xffff_ffffn
  let hash = 0xbc9f_1d34n ^ ((BigInt(key.length) * multiplier) & low)
  let at = 0
  for (; at + 4 <= key.length; at += 4) {
    hash = ((hash + BigInt(key.readUInt32LE(at))) * multiplier) & low
    hash ^= hash >> 16n
  }
  if (at < key.length) {
    const rest = Buffer.alloc(4)
    key.copy(rest, 0, at)
    hash = ((hash + BigInt(rest.readUInt32LE(0))) * multiplier) & low
    hash ^= hash >> 24n
  }
  return Number(hash)
}

export function bloomOf(keys: readonly Bytes[], bitsPerKey: number): Bytes {
  const size = Math.ceil(Math.max(64, keys.length * bitsPerKey) / 8)
  const probes = Math.min(30, Math.max(1, Math.floor(bitsPerKey * 0.69)))
  const filter = Buffer.alloc(size + 1)
  filter[size] = probes
  for (const key of keys) {
    const hash = BigInt(bloomHash(key))
    const delta = ((hash >> 17n) | (hash << 15n)) & 0xffff_ffffn
    for (let probe = 0n; probe < probes; probe++) {
      const bit = Number(((hash + probe * delta) & 0xffff_ffffn) % BigInt(size * 8))
      filter[bit >> 3]! |= 1 << (bit & 7)
    }
  }
  return filter
}

export interface BlockKeys {
  /** Where the data block begins in the table. */
  readonly offset: number
  readonly keys: readonly Bytes[]
}

/**
 * A filter for every 2 KiB of table, empty where no data block begins; `end` is where the last data
 * block ends, and nothing is said of the 2 KiB in which it does, unless a block begins there.
 */
export function filterBlockOf(
  blocks: readonly BlockKeys[],
  end: number,
  bitsPerKey: number,
): Bytes {
  const begun = blocks.length === 0 ? 0 : Math.floor(blocks.at(-1)!.offset / 2048) + 1
  const count = Math.max(begun, Math.floor(end / 2048))
  const filters = Array.from({ length: count }, (_, i) => {
    const keys = blocks.filter(({ offset }) => Math.floor(offset / 2048) === i)
    const all = keys.flatMap((block) => block.keys)
    return all.length === 0 ? Buffer.alloc(0) : bloomOf(all, bitsPerKey)
  })
  let size = 0
  const offsets = filters.map((filter) => {
    const start = size
    size += filter.length
    return fixed(start, 4)
  })
  return concat(...filters, ...offsets, fixed(size, 4), Buffer.of(11))
}

/** A short internal key from `last` on and below `next`. */
export function separator(last: Bytes, next: Bytes): Bytes {
  const a = last.subarray(0, -8)
  const b = next.subarray(0, -8)
  const common = commonLength(a, b)
  if (common === Math.min(a.length, b.length)) return last
  if (a[common]! + 1 >= b[common]!) return last
  return shortened(last, a, common)
}

/** A short internal key from `last` on. */
export function successor(last: Bytes): Bytes {
  const a = last.subarray(0, -8)
  const at = a.findIndex((byte) => byte !== 0xff)
  return at === -1 ? last : shortened(last, a, at)
}

function shortened(last: Bytes, userKey: Bytes, at: number): Bytes {
  if (at + 1 >= userKey.length) return last
  const short = Buffer.from(userKey.subarray(0, at + 1))
  short[at]!++
  return internalKey(short, LARGEST_SEQUENCE, 1)
}

export interface TableShape {
  readonly blockSize: number
  readonly restartInterval: number
  /** 0: no filter. */
  readonly bitsPerKey: number
  /** Of what the contents become; undefined where they stay as they are. */
  readonly compress?: (contents: Bytes) => Bytes | undefined
  /**
   * As other writers of LevelDB's tables may lay it: keys of the index that nothing was cut from, and
   * entries of their own in the metaindex. Default: as LevelDB does.
   */
  readonly isForeign?: boolean
}

/** Where a part of a table stands: contents alone, without the trailer of five bytes. */
export interface Place {
  readonly offset: number
  readonly size: number
}

export interface TableImage {
  readonly bytes: Bytes
  readonly dataBlocks: readonly Place[]
  readonly filter: Place | undefined
  readonly metaindex: Place
  readonly index: Place
}

export function handle({ offset, size }: Place): Bytes {
  return concat(varint(offset), varint(size))
}

export function footer(metaindex: Place, index: Place): Bytes {
  const handles = concat(handle(metaindex), handle(index))
  return concat(handles, Buffer.alloc(40 - handles.length), fixed(0xdb47_7524_8b80_fb57n, 8))
}

/** Entries in order of their keys. */
export function tableOf(entries: readonly Entry[], shape: TableShape): TableImage {
  let bytes: Bytes = Buffer.alloc(0)
  const append = (contents: Bytes, isRaw = false): Place => {
    const packed = isRaw ? undefined : shape.compress?.(contents)
    const place = { offset: bytes.length, size: (packed ?? contents).length }
    bytes = concat(bytes, packed === undefined ? stored(contents) : stored(packed, 1))
    return place
  }
  const groups = groupsOf(entries, shape)
  const dataBlocks = groups.map((group) => append(blockOf(group, shape.restartInterval)))
  const users = groups.map((group, i) => ({
    offset: dataBlocks[i]!.offset,
    keys: group.map(([key]) => key.subarray(0, -8)),
  }))
  const filter =
    shape.bitsPerKey > 0
      ? append(filterBlockOf(users, bytes.length, shape.bitsPerKey), true)
      : undefined
  const metaindex = append(blockOf(metaindexOf(filter, shape), shape.restartInterval))
  const index = append(blockOf(indexOf(groups, dataBlocks, shape), 1))
  return { bytes: concat(bytes, footer(metaindex, index)), dataBlocks, filter, metaindex, index }
}

type Group = (readonly [Bytes, Bytes])[]

/** A block ends with the entry that brings it to the block size. */
function groupsOf(entries: readonly Entry[], { blockSize, restartInterval }: TableShape): Group[] {
  const groups: Group[] = []
  let isOpen = false
  for (const entry of entries) {
    const pair = [keyOf(entry), entry.value] as const
    if (isOpen) groups.at(-1)!.push(pair)
    else groups.push([pair])
    isOpen = blockOf(groups.at(-1)!, restartInterval).length < blockSize
  }
  return groups
}

function metaindexOf(filter: Place | undefined, { isForeign = false }: TableShape): Group {
  const entries: Group = []
  if (isForeign) entries.push([text('a.of.others'), text('value')])
  if (filter !== undefined) {
    entries.push([text('filter.leveldb.BuiltinBloomFilter2'), handle(filter)])
  }
  if (isForeign) entries.push([text('filter.of.others'), text('value')])
  return entries
}

function indexOf(
  groups: readonly Group[],
  places: readonly Place[],
  { isForeign = false }: TableShape,
): Group {
  return groups.map((group, i) => {
    const [last] = group.at(-1)!
    const next = groups[i + 1]?.[0]
    const short = next === undefined ? successor(last) : separator(last, next[0])
    return [isForeign ? last : short, handle(places[i]!)]
  })
}

export interface EditFile {
  readonly level: number
  readonly number: bigint
  readonly size: bigint
  readonly smallest: Bytes
  readonly largest: Bytes
}

/** A version edit; what is absent is not in the record. */
export interface Edit {
  readonly comparator?: string
  readonly logNumber?: bigint
  readonly previousLogNumber?: bigint
  readonly nextFileNumber?: bigint
  readonly lastSequence?: bigint
  readonly compactPointers?: readonly { readonly level: number; readonly key: Bytes }[]
  readonly deletedFiles?: readonly { readonly level: number; readonly number: bigint }[]
  readonly newFiles?: readonly EditFile[]
}

export function editOf(edit: Edit): Bytes {
  const number = (tag: number, value: bigint | undefined): Bytes =>
    value === undefined ? Buffer.alloc(0) : concat(varint(tag), varint(value))
  return concat(
    edit.comparator === undefined
      ? Buffer.alloc(0)
      : concat(varint(1), prefixed(text(edit.comparator))),
    number(2, edit.logNumber),
    number(9, edit.previousLogNumber),
    number(3, edit.nextFileNumber),
    number(4, edit.lastSequence),
    ...(edit.compactPointers ?? []).map(({ level, key }) =>
      concat(varint(5), varint(level), prefixed(key)),
    ),
    ...(edit.deletedFiles ?? []).map((file) =>
      concat(varint(6), varint(file.level), varint(file.number)),
    ),
    ...(edit.newFiles ?? []).map((file) =>
      concat(
        varint(7),
        varint(file.level),
        varint(file.number),
        varint(file.size),
        prefixed(file.smallest),
        prefixed(file.largest),
      ),
    ),
  )
}
