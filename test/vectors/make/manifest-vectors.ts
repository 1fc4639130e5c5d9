// Version edits, and the manifests that are made of them.

import {
  type Bytes,
  concat,
  type Edit,
  type EditFile,
  editOf,
  hex,
  internalKey,
  logOf,
  prefixed,
  text,
  varint,
} from './reference.ts'
import { type Extra, type Fact, MAY_REFUSE, VectorList } from './vector-list.ts'

export const COMPARATOR = 'leveldb.BytewiseComparator'

const SMALLEST = internalKey(text('a'), 1n, 1)
const LARGEST = internalKey(text('z'), 5n, 0)

export function fileOf(level: number, number: bigint, extra: Partial<EditFile> = {}): EditFile {
  return { level, number, size: 1000n + number, smallest: SMALLEST, largest: LARGEST, ...extra }
}

const EDITS: readonly (readonly [string, Edit, Extra?])[] = [
  ['nothing', {}],
  ['comparator', { comparator: COMPARATOR }],
  ['log number', { logNumber: 3n }],
  ['previous log number', { previousLogNumber: 0n }],
  ['next file number', { nextFileNumber: 300n }],
  ['last sequence', { lastSequence: 123_456_789_012n }],
  ['compact pointer', { compactPointers: [{ level: 1, key: SMALLEST }] }],
  ['deleted file', { deletedFiles: [{ level: 6, number: 7n }] }],
  ['new file', { newFiles: [fileOf(0, 5n)] }],
  [
    'every tag',
    {
      comparator: COMPARATOR,
      logNumber: 9n,
      previousLogNumber: 0n,
      nextFileNumber: 12n,
      lastSequence: 400n,
      compactPointers: [
        { level: 0, key: LARGEST },
        { level: 3, key: SMALLEST },
      ],
      deletedFiles: [
        { level: 0, number: 5n },
        { level: 1, number: 200n },
      ],
      newFiles: [fileOf(0, 7n), fileOf(2, 8n, { size: 2_097_152n })],
    },
  ],
  ['a file whose size takes five bytes', { newFiles: [fileOf(6, 128n, { size: 2n ** 32n })] }],
  [
    'a file with empty user keys',
    {
      newFiles: [
        fileOf(0, 5n, {
          smallest: internalKey(hex(''), 2n, 1),
          largest: internalKey(hex(''), 1n, 1),
        }),
      ],
    },
  ],
  ['a last sequence of 2^53 - 1', { lastSequence: 2n ** 53n - 1n }],
  [
    'a last sequence of 2^56 - 1',
    { lastSequence: 2n ** 56n - 1n },
    {
      or: [
        { error: 'corruption', why: 'above what this implementation holds exactly, and refused' },
        ...MAY_REFUSE.or!,
      ],
    },
  ],
]

export function editVectors(): VectorList {
  const list = new VectorList('version-edit')
  for (const [name, edit, extra] of EDITS) {
    const bytes = editOf(edit)
    list.expect(`of ${name}`, { do: 'version-edit.encode', edit: factOf(edit) }, { bytes }, extra)
    list.expect(name, { do: 'version-edit.decode', bytes }, { edit: factOf(edit) }, extra)
  }
  list.expect(
    'literal',
    {
      do: 'version-edit.encode',
      edit: { ...factOf({}), logNumber: '3', nextFileNumber: '200', lastSequence: '5' },
    },
    { bytes: '020303c8010405' },
  )
  list.expect(
    'the last of two',
    { do: 'version-edit.decode', bytes: '02030204' },
    { edit: factOf({ logNumber: 4n }) },
  )
  const damaged: readonly (readonly [string, Bytes])[] = [
    ['a tag that is cut', hex('80')],
    ['a tag without its number', hex('02')],
    ['a number of eleven bytes', hex('02 8080808080808080808000')],
    ['a comparator that is cut', concat(varint(1), varint(10), text('level'))],
    ['a deleted file at level 7', hex('06 07 05')],
    ['a new file at level 7', concat(hex('07 07 05 05'), prefixed(SMALLEST), prefixed(LARGEST))],
    ['a compact pointer at level 300', concat(hex('05 ac02'), prefixed(SMALLEST))],
    ['a new file without its largest key', concat(hex('07 00 05 05'), prefixed(SMALLEST))],
    ['a new file without keys', hex('07 00 05 05')],
    [
      'a largest key that is cut',
      concat(hex('07 00 05 05'), prefixed(SMALLEST), prefixed(LARGEST).subarray(0, -1)),
    ],
  ]
  for (const [name, bytes] of damaged) {
    list.error(name, { do: 'version-edit.decode', bytes }, 'corruption')
  }
  list.error(
    'a key shorter than its tag',
    {
      do: 'version-edit.decode',
      bytes: concat(hex('07 00 05 05'), prefixed(text('a')), prefixed(LARGEST)),
    },
    'corruption',
  )
  for (const tag of [0, 8, 10, 100, 200]) {
    const bytes = concat(varint(2), varint(3), varint(tag), varint(1))
    list.error(
      `tag ${tag}`,
      { do: 'version-edit.decode', bytes },
      'unsupported-format',
      UNKNOWN_TAG,
    )
  }
  return list
}

export const UNKNOWN_TAG: Extra = {
  or: [{ error: 'corruption', why: 'C++ LevelDB takes a tag that it does not know for damage' }],
}

function factsOf(files: readonly EditFile[]): Fact {
  return files.map((file) => ({ ...file }))
}

/** The edit as a question or an answer has it: lists are always there. */
function factOf(edit: Edit): { readonly [name: string]: Fact | undefined } {
  const { compactPointers = [], deletedFiles = [], newFiles = [], ...numbers } = edit
  return { ...numbers, compactPointers, deletedFiles, newFiles: factsOf(newFiles) }
}

/** The first edit of a manifest: everything that has to be there. */
export function firstEdit(numbers: Partial<Edit> = {}): Edit {
  return {
    comparator: COMPARATOR,
    logNumber: 3n,
    nextFileNumber: 100n,
    lastSequence: 0n,
    ...numbers,
  }
}

export function manifestOf(...edits: readonly Edit[]): Bytes {
  return logOf(edits.map(editOf))
}

const STATE = {
  logNumber: 3n,
  previousLogNumber: 0n,
  nextFileNumber: 100n,
  lastSequence: 0n,
}

export interface ManifestCase {
  readonly name: string
  readonly bytes: Bytes
  readonly error: 'corruption' | 'unsupported-format'
  readonly or?: Extra['or']
}

/** Those that no database opens with. They stand in directories too: see directory-vectors.ts. */
export function refusedManifests(): ManifestCase[] {
  const refuse = (
    name: string,
    bytes: Bytes,
    error: ManifestCase['error'] = 'corruption',
    extra: Extra = {},
  ): ManifestCase => ({ name, bytes, error, ...(extra.or === undefined ? {} : { or: extra.or }) })
  const without = (name: keyof Edit): Edit => {
    const { [name]: _left, ...edit } = firstEdit()
    return edit
  }
  const first = manifestOf(firstEdit())
  const flipped = Buffer.from(manifestOf(firstEdit(), { lastSequence: 5n }, { lastSequence: 6n }))
  flipped[first.length + 8]! ^= 1
  const start = Buffer.from(manifestOf(firstEdit(), { lastSequence: 5n }))
  start[12]! ^= 1
  return [
    refuse('of no bytes', hex('')),
    refuse('without a log number', manifestOf(without('logNumber'))),
    refuse('without a next file number', manifestOf(without('nextFileNumber'))),
    refuse('without a last sequence', manifestOf(without('lastSequence'))),
    refuse('whose first record is cut', first.subarray(0, -1)),
    refuse('whose first record is damaged', start),
    refuse('with damage in the middle', flipped),
    refuse('with a new file at level 7', manifestOf(firstEdit(), { newFiles: [fileOf(7, 5n)] })),
    refuse(
      'whose record has bytes behind its fields',
      logOf([concat(editOf(firstEdit()), hex('80'))]),
    ),
    refuse(
      'of another comparator',
      manifestOf(firstEdit({ comparator: 'rocksdb.ReverseBytewiseComparator' })),
      'unsupported-format',
    ),
    refuse(
      'with a tag of another format',
      logOf([concat(editOf(firstEdit()), hex('6401'))]),
      'unsupported-format',
      UNKNOWN_TAG,
    ),
  ]
}

/** What a crash may leave at the end, where one record alone is not yet synced. */
export function unfinishedManifests(): (Omit<ManifestCase, 'error'> & {
  readonly damaged: boolean
})[] {
  const first = manifestOf(firstEdit())
  const both = manifestOf(firstEdit(), { logNumber: 4n, lastSequence: 5n })
  const flipped = Buffer.from(both)
  flipped[both.length - 1]! ^= 1
  const or = [{ error: 'corruption', why: 'C++ LevelDB refuses damage anywhere' }] as const
  return [
    { name: 'whose last record is cut', bytes: both.subarray(0, -1), damaged: false },
    { name: 'whose last header is cut', bytes: both.subarray(0, first.length + 3), damaged: false },
    {
      name: 'with zeroes behind its last record',
      bytes: concat(first, Buffer.alloc(100)),
      damaged: false,
    },
    { name: 'whose last record is damaged', bytes: flipped, damaged: true, or },
  ]
}

function ask(bytes: Bytes): { do: string; bytes: Bytes } {
  return { do: 'manifest.read', bytes }
}

export function manifestVectors(): VectorList {
  const list = new VectorList('manifest')
  list.expect('of a new database', ask(manifestOf(firstEdit())), { ...STATE, files: [] })
  list.expect(
    'in four records',
    ask(
      manifestOf(
        { comparator: COMPARATOR },
        { logNumber: 3n },
        { nextFileNumber: 100n },
        { lastSequence: 0n },
      ),
    ),
    { ...STATE, files: [] },
  )
  list.expect(
    'numbers of the last record that has them',
    ask(
      manifestOf(
        firstEdit(),
        { logNumber: 7n, previousLogNumber: 6n, nextFileNumber: 101n },
        { lastSequence: 9n },
      ),
    ),
    {
      ...STATE,
      logNumber: 7n,
      previousLogNumber: 6n,
      nextFileNumber: 101n,
      lastSequence: 9n,
      files: [],
    },
  )
  list.expect(
    'files added, deleted and moved',
    ask(
      manifestOf(
        firstEdit({ newFiles: [fileOf(0, 5n), fileOf(0, 6n)] }),
        { deletedFiles: [{ level: 0, number: 5n }], newFiles: [fileOf(1, 5n)] },
        { deletedFiles: [{ level: 0, number: 6n }], newFiles: [fileOf(0, 8n)] },
        { compactPointers: [{ level: 0, key: LARGEST }] },
      ),
    ),
    { ...STATE, files: factsOf([fileOf(0, 8n), fileOf(1, 5n)]) },
  )
  const longKey = internalKey(Buffer.alloc(15_000, 'k'), 9n, 1)
  const large = { newFiles: [10n, 11n, 12n].map((n) => fileOf(0, n, { largest: longKey })) }
  list.expect(
    'a record over two blocks',
    ask(manifestOf(firstEdit({ nextFileNumber: 1000n }), large, { lastSequence: 3n })),
    { ...STATE, nextFileNumber: 1000n, lastSequence: 3n, files: factsOf(large.newFiles) },
  )
  for (const { name, bytes, error, or } of refusedManifests()) {
    list.error(name, ask(bytes), error, or === undefined ? {} : { or })
  }
  for (const { name, bytes, or } of unfinishedManifests()) {
    list.expect(name, ask(bytes), { ...STATE, files: [] }, or === undefined ? {} : { or })
  }
  return list
}
