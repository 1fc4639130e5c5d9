// Log files: every fragment shape around the edge of a block, and each kind of damage.
//
// The records are batches, so that the same bytes can stand in a directory as its log: see
// directory-vectors.ts. Each has one key of its own, and the sequences follow on each other.

import {
  batch,
  type Bytes,
  concat,
  fixed,
  fragment,
  hex,
  LOG_BLOCK,
  logOf,
  text,
} from './reference.ts'
import { type Extra, VectorList } from './vector-list.ts'

export type LogEnd = 'clean' | 'torn' | 'damaged'

export interface LogCase {
  readonly name: string
  readonly bytes: Bytes
  /** Those before the first damage. */
  readonly records: readonly Bytes[]
  readonly end: LogEnd
  readonly why?: string
  readonly or?: Extra['or']
  /** Whether each record is a batch: then it can be the log of a directory. */
  readonly areBatches: boolean
  /** What C++ LevelDB finds behind the damage, where it goes on. */
  readonly behind?: readonly Bytes[]
}

/** A batch of `length` bytes that puts `key`. Requires: length >= 30. */
export function recordOf(sequence: bigint, key: string, length: number): Bytes {
  for (const digits of [1, 2, 3, 4]) {
    const valueLength = length - 12 - 1 - 1 - key.length - digits
    const record = batch(sequence, [[text(key), Buffer.alloc(valueLength, key)]])
    if (record.length === length) return record
  }
  throw new Error(`no batch has ${length} bytes`)
}

const SMALL = 40

function small(sequence: bigint, key: string): Bytes {
  return recordOf(sequence, key, SMALL)
}

/** Records of which the first leaves `left` bytes of the first block. */
function upTo(left: number, ...more: readonly Bytes[]): Bytes[] {
  return [recordOf(1n, 'a', LOG_BLOCK - 7 - left), ...more]
}

function clean(name: string, records: readonly Bytes[], extra: Partial<LogCase> = {}): LogCase {
  return { name, bytes: logOf(records), records, end: 'clean', areBatches: true, ...extra }
}

function wholeLogs(): LogCase[] {
  const block = LOG_BLOCK - 7
  return [
    clean('no bytes', []),
    clean('one record', [small(1n, 'a')]),
    clean('three records', [small(1n, 'a'), small(2n, 'b'), small(3n, 'c')]),
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((left) =>
      clean(`a record that leaves ${left} bytes of its block`, upTo(left, small(2n, 'b'))),
    ),
    ...[0, 1, 6, 7].map((left) =>
      clean(`a log that ends ${left} bytes before its block does`, upTo(left)),
    ),
    clean('a record of exactly a block', [recordOf(1n, 'a', block), small(2n, 'b')]),
    clean('first and last fragment', [recordOf(1n, 'a', block + 1), small(2n, 'b')]),
    clean('two blocks and no more', [recordOf(1n, 'a', 2 * block), small(2n, 'b')]),
    clean('first, middle and last fragment', [recordOf(1n, 'a', 2 * block + 1), small(2n, 'b')]),
    clean('two middle fragments', [
      small(1n, 'a'),
      recordOf(2n, 'b', 3 * block + 500),
      small(3n, 'c'),
    ]),
    clean('a fragment that ends where a trailer begins', [
      small(1n, 'a'),
      recordOf(2n, 'b', block - (SMALL + 7) + block - 6),
      small(3n, 'c'),
    ]),
    clean('a record of no bytes', [Buffer.alloc(0)], { areBatches: false }),
    clean('records of no bytes between others', [text('a'), hex(''), text('b'), hex(''), hex('')], {
      areBatches: false,
    }),
    clean(
      'a record of no bytes in the last seven of a block',
      [Buffer.alloc(LOG_BLOCK - 14, 'a'), hex(''), text('b')],
      { areBatches: false },
    ),
    clean(
      'records of one to nine bytes',
      '123456789'.split('').map((_, i) => Buffer.alloc(i + 1, 'r')),
      {
        areBatches: false,
      },
    ),
  ]
}

/** What writers and crashes leave behind the last record. */
function ends(): LogCase[] {
  const records = [small(1n, 'a'), small(2n, 'b')]
  const whole = logOf(records)
  const first = logOf(records.slice(0, 1))
  const long = logOf([small(1n, 'a'), recordOf(2n, 'b', LOG_BLOCK)])
  const torn = (name: string, bytes: Bytes): LogCase => ({
    name,
    bytes,
    records: records.slice(0, 1),
    end: 'torn',
    areBatches: true,
  })
  const zeroes = (name: string, count: number): LogCase =>
    clean(name, records, { bytes: concat(whole, Buffer.alloc(count)) })
  return [
    zeroes('five zeroes behind the last record', 5),
    zeroes('seven zeroes behind the last record', 7),
    zeroes('zeroes to the end of the block', LOG_BLOCK - whole.length),
    zeroes('zeroes to the end of the next block', 2 * LOG_BLOCK - whole.length),
    clean('zeroes alone', [], { bytes: Buffer.alloc(4096) }),
    torn('cut before the last byte', whole.subarray(0, -1)),
    torn('cut behind a header', whole.subarray(0, first.length + 7)),
    torn('cut inside a header', whole.subarray(0, first.length + 6)),
    torn('cut behind one byte of a header', whole.subarray(0, first.length + 1)),
    torn('cut behind a first fragment', long.subarray(0, LOG_BLOCK)),
    torn('cut inside a last fragment', long.subarray(0, -1)),
    torn('cut inside the header of a last fragment', long.subarray(0, LOG_BLOCK + 3)),
  ]
}

/** A first record, then damage, then one more in the same block, then one in the next block. */
function damages(): LogCase[] {
  const records = [small(1n, 'a'), small(2n, 'b'), small(3n, 'c')]
  const first = logOf(records.slice(0, 1))
  const filler = recordOf(4n, 'd', LOG_BLOCK - 3 * (SMALL + 7) - 7)
  const next = small(5n, 'e')
  const whole = logOf([...records, filler, next])
  const change = (name: string, at: number, put: Bytes, extra: Partial<LogCase> = {}): LogCase => ({
    name,
    bytes: concat(
      whole.subarray(0, first.length + at),
      put,
      whole.subarray(first.length + at + put.length),
    ),
    records: records.slice(0, 1),
    end: 'damaged',
    areBatches: true,
    // It drops the rest of the block.
    behind: [next],
    ...extra,
  })
  const bit = (at: number): Bytes => Buffer.of(whole[first.length + at]! ^ 0x10)
  const recycled = small(9n, 'old')
  return [
    change('a bit of the data', 7 + 20, bit(7 + 20)),
    change('a bit of the checksum', 2, bit(2)),
    change('a checksum that is not masked', 0, fixed(0, 4)),
    change('a type of another meaning', 6, hex('02')),
    change('an unknown type', 6, hex('05')),
    change('a length one too short', 4, fixed(SMALL - 1, 2)),
    change('a length one too long', 4, fixed(SMALL + 1, 2)),
    change('a length past the block', 4, fixed(LOG_BLOCK - 1, 2)),
    change('a header of zeroes with records behind it', 0, Buffer.alloc(7)),
    change('a record of zeroes with records behind it', 0, Buffer.alloc(7 + SMALL)),
    {
      name: 'an unknown type with the right checksum',
      bytes: concat(first, fragment(5, records[1]!), logOf(records.slice(2))),
      records: records.slice(0, 1),
      end: 'damaged',
      areBatches: true,
      behind: [records[2]!],
    },
    ...outOfOrder(),
    {
      name: 'zeroes, and what an older log left in a block that is used again',
      bytes: concat(first, Buffer.alloc(LOG_BLOCK - first.length), logOf([recycled])),
      records: records.slice(0, 1),
      end: 'damaged',
      areBatches: true,
      behind: [recycled],
    },
  ]
}

/** Fragments that are whole each, and make no record. */
function outOfOrder(): LogCase[] {
  const record = small(1n, 'a')
  const lost = small(2n, 'b')
  const later = small(3n, 'c')
  const shape = (
    name: string,
    fragments: readonly Bytes[],
    behind: readonly Bytes[] = [later],
  ): LogCase => ({
    name,
    bytes: concat(logOf([record]), ...fragments, logOf([later])),
    records: [record],
    end: 'damaged',
    areBatches: true,
    behind,
  })
  const [start, end] = [lost.subarray(0, 20), lost.subarray(20)]
  return [
    shape('a last fragment without a first', [fragment(4, end)]),
    shape('a middle fragment without a first', [fragment(3, end)]),
    shape('a first fragment and then a whole record', [fragment(2, start)]),
    shape(
      'two first fragments',
      [fragment(2, start), fragment(2, start), fragment(4, end)],
      [lost, later],
    ),
    {
      name: 'an empty first fragment at the end of a block, and a whole record in the next',
      why: 'an old writer of LevelDB left them where exactly a header fitted; they mean nothing',
      bytes: concat(
        logOf([recordOf(1n, 'a', LOG_BLOCK - 14)]),
        fragment(2, hex('')),
        logOf([lost, later]),
      ),
      records: [recordOf(1n, 'a', LOG_BLOCK - 14), lost, later],
      end: 'clean',
      areBatches: true,
    },
    {
      name: 'an empty first fragment at the end of a block, and a record of two fragments in the next',
      bytes: concat(
        logOf([recordOf(1n, 'a', LOG_BLOCK - 14)]),
        fragment(2, hex('')),
        fragment(2, start),
        fragment(4, end),
        logOf([later]),
      ),
      records: [recordOf(1n, 'a', LOG_BLOCK - 14), lost, later],
      end: 'clean',
      areBatches: true,
    },
  ]
}

export function logCases(): LogCase[] {
  return [...wholeLogs(), ...ends(), ...damages()]
}

export function logVectors(): VectorList {
  const list = new VectorList('log')
  for (const { name, bytes, records, end, why, or } of logCases()) {
    const extra: Extra = {
      ...(why === undefined ? {} : { why }),
      ...(or === undefined ? {} : { or }),
    }
    list.expect(name, { do: 'log.read', bytes }, { records, end }, extra)
  }
  for (const { name, records, bytes } of wholeLogs()) {
    list.expect(`of ${name}`, { do: 'log.write', records }, { bytes })
  }
  return list
}
