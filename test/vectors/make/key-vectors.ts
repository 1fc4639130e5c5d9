// Internal keys and their order, the short keys of an index, batches, file names.

import {
  batch,
  type Bytes,
  compareKeys,
  concat,
  fixed,
  hex,
  internalKey,
  LARGEST_SEQUENCE,
  separator,
  successor,
  text,
  type Write,
} from './reference.ts'
import { type Fact, MAY_REFUSE, VectorList } from './vector-list.ts'

const TYPES = ['deletion', 'value'] as const

export function internalKeyVectors(): VectorList {
  const list = new VectorList('internal-key')
  const keys: readonly (readonly [Bytes, bigint, 0 | 1])[] = [
    [text('k'), 1n, 1],
    [text('k'), 1n, 0],
    [text(''), 0n, 0],
    [text('key'), 0x0102_0304_0506n, 1],
    [hex('00ff80'), 2n ** 24n, 1],
    [Buffer.alloc(300, 'long'), 2n ** 32n + 1n, 1],
    [text('k'), 2n ** 53n - 1n, 1],
    [text('k'), 2n ** 53n, 1],
    [text('k'), LARGEST_SEQUENCE, 0],
  ]
  for (const [userKey, sequence, number] of keys) {
    const bytes = internalKey(userKey, sequence, number)
    const parts = { userKey, sequence, type: TYPES[number] }
    const extra = sequence >= 2n ** 53n ? MAY_REFUSE : {}
    const name = `${userKey.length} bytes, sequence ${sequence}, ${parts.type}`
    list.expect(`of ${name}`, { do: 'internal-key.encode', ...parts }, { bytes }, extra)
    list.expect(`into ${name}`, { do: 'internal-key.decode', bytes }, parts, extra)
  }
  list.expect(
    'literal',
    { do: 'internal-key.encode', userKey: '6b', sequence: '5', type: 'value' },
    { bytes: '6b0105000000000000' },
  )
  list.error(
    'shorter than its tag',
    { do: 'internal-key.decode', bytes: '01020304050607' },
    'corruption',
  )
  list.error('of no bytes', { do: 'internal-key.decode', bytes: '' }, 'corruption')
  list.error('of type 2', { do: 'internal-key.decode', bytes: '6b0201000000000000' }, 'corruption')
  list.error(
    'of type 255',
    { do: 'internal-key.decode', bytes: '6bff01000000000000' },
    'corruption',
  )
  const unsorted = [
    internalKey(text('b'), 1n, 1),
    internalKey(text('a'), 1n, 1),
    internalKey(text('a'), 300n, 0),
    internalKey(text('a'), 300n, 1),
    internalKey(text('a'), 2n, 1),
    internalKey(text('a'), 2n ** 40n, 1),
    internalKey(text(''), 7n, 1),
    internalKey(hex('ff'), 1n, 1),
    internalKey(hex('80'), 1n, 1),
    internalKey(hex('7f'), 1n, 1),
    internalKey(hex('61ff'), 9n, 1),
    internalKey(hex('6100'), 9n, 1),
    // Its user key looks like a key of `a` with its tag.
    internalKey(hex('61 0100000000000000'), 1n, 1),
    internalKey(hex('ffff'), 1n, 1),
  ]
  list.expect(
    'order: user keys by bytes, ascending; then sequence and type, descending',
    { do: 'internal-key.sort', keys: unsorted },
    { keys: unsorted.toSorted(compareKeys) },
  )
  return list
}

export function separatorVectors(): VectorList {
  const list = new VectorList('separator')
  const pairs: readonly (readonly [string, Bytes, Bytes])[] = [
    ['far apart', text('helloworld'), text('zebra')],
    ['a common start', text('prefix-abc'), text('prefix-xyz')],
    ['neighbours in the differing byte', text('abc1'), text('abd9')],
    ['one apart but one', text('abc1'), text('abe9')],
    ['the first is a prefix', text('foo'), text('foobar')],
    ['one byte', text('a'), text('c')],
    ['two bytes', text('aa'), text('c')],
    ['an empty key', text(''), text('b')],
    ['0xfe before 0xff', hex('fe01'), hex('ff')],
    ['0x7f and 0x81', hex('7fff'), hex('81')],
    ['ones', hex('ffff01'), hex('ffff03')],
    ['nothing shorter', text('abcx'), text('abcz')],
  ]
  for (const [name, a, b] of pairs) {
    const last = internalKey(a, 100n, 1)
    const next = internalKey(b, 200n, 1)
    const ask = { do: 'separator', last, next }
    list.expect(name, ask, { key: separator(last, next) })
  }
  const older = internalKey(text('same'), 9n, 1)
  list.expect(
    'two entries of a key',
    { do: 'separator', last: internalKey(text('same'), 10n, 1), next: older },
    { key: internalKey(text('same'), 10n, 1) },
  )
  list.expect(
    'literal',
    {
      do: 'separator',
      last: concat(text('abcdef'), hex('0164000000000000')),
      next: concat(text('abzz'), hex('01c8000000000000')),
    },
    { key: hex('616264 01ffffffffffffff') },
  )
  for (const [name, key] of [
    ['of text', text('foo')],
    ['of one byte', text('f')],
    ['of nothing', text('')],
    ['of ones', hex('ffffff')],
    ['behind ones', hex('ffff41ff')],
    ['whose last byte counts alone', hex('ffff41')],
  ] as const) {
    const last = internalKey(key, 100n, 1)
    list.expect(`successor ${name}`, { do: 'successor', last }, { key: successor(last) })
  }
  return list
}

function writesOf(writes: readonly Write[]): Fact {
  return writes.map(([key, value]) =>
    value === undefined ? { delete: key } : { put: [key, value] },
  )
}

export function batchVectors(): VectorList {
  const list = new VectorList('batch')
  const cases: readonly (readonly [string, bigint, readonly Write[]])[] = [
    ['without writes', 1n, []],
    ['one put', 1n, [[text('k'), text('v')]]],
    ['one deletion', 2n, [[text('k')]]],
    ['empty key and value', 3n, [[text(''), text('')], [text('')]]],
    ['the same key thrice', 100n, [[text('a'), text('1')], [text('a')], [text('a'), text('2')]]],
    ['lengths of one and two bytes', 7n, [[Buffer.alloc(127, 'k'), Buffer.alloc(128, 'v')]]],
    ['lengths of two and three bytes', 8n, [[Buffer.alloc(128, 'k'), Buffer.alloc(16_384, 'v')]]],
    ['300 writes', 9n, Array.from({ length: 300 }, (_, i): Write => [fixed(i, 2)])],
    ['a sequence of five bytes', 0x01_0203_0405n, [[text('k'), text('v')]]],
    ['a sequence above 2^53', 2n ** 53n + 1n, [[text('k'), text('v')]]],
  ]
  for (const [name, sequence, writes] of cases) {
    const parts = { sequence, writes: writesOf(writes) }
    const bytes = batch(sequence, writes)
    const extra = sequence >= 2n ** 53n ? MAY_REFUSE : {}
    list.expect(`of ${name}`, { do: 'batch.encode', ...parts }, { bytes }, extra)
    list.expect(`into ${name}`, { do: 'batch.decode', bytes }, parts, extra)
  }
  list.expect(
    'literal',
    { do: 'batch.encode', sequence: '5', writes: [{ put: ['6b', '7631'] }, { delete: '6b' }] },
    { bytes: hex('0500000000000000 02000000 01016b027631 00016b') },
  )
  addDamagedBatches(list)
  return list
}

function header(count: number): Bytes {
  return concat(fixed(5, 8), fixed(count, 4))
}

function addDamagedBatches(list: VectorList): void {
  const damaged: readonly (readonly [string, Bytes])[] = [
    ['no bytes', hex('')],
    ['a header cut by one byte', header(0).subarray(0, 11)],
    ['more writes than it counts', concat(header(0), hex('00016b'))],
    ['fewer writes than it counts', concat(header(2), hex('00016b'))],
    ['a record of type 2', concat(header(1), hex('02016b'))],
    ['a type and no key', concat(header(1), hex('00'))],
    ['a key that is cut', concat(header(1), hex('00036b6b'))],
    ['a key without its value', concat(header(1), hex('01016b'))],
    ['a value that is cut', concat(header(1), hex('01016b0276'))],
    ['a length of six bytes', concat(header(1), hex('00818080808000'), text('k'))],
    ['a length near 2^32', concat(header(1), hex('00ffffffff0f'), text('k'))],
    ['bytes behind its writes', concat(header(1), hex('00016b'), hex('ff'))],
  ]
  for (const [name, bytes] of damaged) list.error(name, { do: 'batch.decode', bytes }, 'corruption')
}

export function fileNameVectors(): VectorList {
  const list = new VectorList('file-name')
  const names: readonly (readonly [string, string, bigint])[] = [
    ['000003.log', 'log', 3n],
    ['000005.ldb', 'table', 5n],
    ['MANIFEST-000002', 'manifest', 2n],
    ['000007.dbtmp', 'temporary', 7n],
    ['999999.log', 'log', 999_999n],
    ['1000000.ldb', 'table', 1_000_000n],
    ['MANIFEST-9007199254740991', 'manifest', 2n ** 53n - 1n],
  ]
  for (const [name, kind, number] of names) {
    list.expect(`of ${kind} ${number}`, { do: 'file-name.make', kind, number }, { name })
    list.expect(name, { do: 'file-name.parse', name }, { kind, number })
  }
  list.expect(
    '000005.sst',
    { do: 'file-name.parse', name: '000005.sst' },
    { kind: 'table', number: 5n },
    {
      why: 'a table of a LevelDB before 1.14',
    },
  )
  const large = { do: 'file-name.parse', name: '18446744073709551615.log' }
  list.expect(
    '18446744073709551615.log',
    large,
    { kind: 'log', number: 2n ** 64n - 1n },
    {
      or: [{ expect: null, why: 'above what this implementation holds exactly: no file of ours' }],
    },
  )
  for (const name of [
    '',
    'foo',
    'foo-dx-100.log',
    '.log',
    'manifest',
    'MANIFEST',
    'MANIFEST-',
    'MANIFEST-3x',
    'XMANIFEST-3',
    'MANIFEST-000003 ',
    'CURRENTX',
    'LOGX',
    '000100',
    '000100.',
    '000100.lop',
    '000100.log.gz',
    '000100.LOG',
    '-00001.log',
    '+00001.log',
    '0x0001.log',
    ' 00001.log',
    '18446744073709551616.log',
    '184467440737095516150.log',
  ]) {
    list.expect(`no file: '${name}'`, { do: 'file-name.parse', name }, null)
  }
  for (const name of ['100.log', '0.ldb', 'MANIFEST-2', '0000001.log']) {
    const kind = name.startsWith('M') ? 'manifest' : name.endsWith('log') ? 'log' : 'table'
    const number = BigInt(/\d+/.exec(name)![0])
    list.expect(`not as it is written: '${name}'`, { do: 'file-name.parse', name }, null, {
      why: 'a file of this number would be looked for under another name',
      or: [{ expect: { kind, number }, why: 'C++ LevelDB takes it for a file of that number' }],
    })
  }
  return list
}
