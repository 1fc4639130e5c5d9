// Version edits: LevelDB's bytes, and an answer to every record that is none.

import test from 'ava'
import { SluiceError } from '../../ts/format/error.ts'
import { makeInternalKey, MAX_SEQUENCE } from '../../ts/format/internal-key.ts'
import type { FileMetadata } from '../../ts/version/file-metadata.ts'
import { Version } from '../../ts/version/version.ts'
import {
  decodeEdit,
  emptyEdit,
  encodeEdit,
  type VersionEdit,
} from '../../ts/version/version-edit.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'

function fromHex(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}

function decode(bytes: Buffer): VersionEdit {
  return decodeEdit(bytes, 0, bytes.length)
}

function key(userKey: string, sequence = 1, type = 1): Buffer {
  return makeInternalKey(Buffer.from(userKey), sequence, type)
}

function fullEdit(): VersionEdit {
  const edit = emptyEdit()
  edit.comparator = 'foo'
  edit.logNumber = 300
  edit.previousLogNumber = 0
  edit.nextFileNumber = 5
  edit.lastSequence = 2 ** 32
  edit.compactPointers.push({ level: 3, key: key('x', 7) })
  edit.deletedFiles.push({ level: 4, number: 128 })
  edit.newFiles.push({
    level: 1,
    file: { number: 5, sizeBytes: 1000, smallest: key('a', 100), largest: key('b', 200, 0) },
  })
  return edit
}

const FULL_EDIT = fromHex(
  `
  01 03 666f6f
  02 ac02
  09 00
  03 05
  04 8080808010
  05 03 09 78 01 07000000000000
  06 04 8001
  07 01 05 e807 09 61 01 64000000000000 09 62 00 c8000000000000
`.replaceAll('\n', ''),
)

test('an edit has the bytes and the order of LevelDB', (t) => {
  t.deepEqual(encodeEdit(fullEdit()), FULL_EDIT)
  t.is(encodeEdit(emptyEdit()).length, 0)
})

test('the first edit of a database that LevelDB creates is what ours is', (t) => {
  const edit = emptyEdit()
  edit.comparator = 'leveldb.BytewiseComparator'
  edit.logNumber = 0
  edit.nextFileNumber = 2
  edit.lastSequence = 0
  t.is(
    encodeEdit(edit).toString('latin1'),
    '\x01\x1aleveldb.BytewiseComparator\x02\x00\x03\x02\x04\x00',
  )
})

test('an edit is read back as it was written', (t) => {
  t.deepEqual(decode(FULL_EDIT), fullEdit())
  t.deepEqual(decode(Buffer.alloc(0)), emptyEdit())
  const framed = Buffer.concat([Buffer.alloc(3, 0xee), FULL_EDIT, Buffer.alloc(3, 0xee)])
  const edit = decodeEdit(framed, 3, 3 + FULL_EDIT.length)
  framed.fill(0)
  t.deepEqual(edit, fullEdit())
})

test('any edit survives the way through its bytes', (t) => {
  const random = new Random(SEED)
  const number = (): number => Math.floor((random.next() * 2 ** 21) / 2 ** random.below(53))
  const internal = (): Buffer =>
    makeInternalKey(random.bytes(random.below(200)), number(), random.below(2))
  for (let i = 0; i < 300; i++) {
    const edit = emptyEdit()
    if (random.percent(30)) edit.comparator = 'leveldb.BytewiseComparator'
    if (random.percent(60)) edit.logNumber = number()
    if (random.percent(60)) edit.previousLogNumber = number()
    if (random.percent(60)) edit.nextFileNumber = number()
    if (random.percent(60)) edit.lastSequence = random.pick([number(), MAX_SEQUENCE])
    for (let n = random.below(4); n > 0; n--) {
      edit.compactPointers.push({ level: random.below(7), key: internal() })
    }
    for (let n = random.below(4); n > 0; n--) {
      edit.deletedFiles.push({ level: random.below(7), number: number() })
    }
    for (let n = random.below(20); n > 0; n--) {
      const file = {
        number: number(),
        sizeBytes: number(),
        smallest: internal(),
        largest: internal(),
      }
      edit.newFiles.push({ level: random.below(7), file })
    }
    t.deepEqual(decode(encodeEdit(edit)), edit, seeded(String(i)))
  }
})

const MALFORMED: readonly (readonly [what: string, hex: string])[] = [
  ['a tag cut in its varint', '80'],
  ['a tag above 32 bits', 'ffffffff1f 00'],
  ['a comparator without its length', '01'],
  ['a comparator cut by one byte', '01 03 666f'],
  ['a comparator of 2^32 - 1 bytes', '01 ffffffff0f 66'],
  ['a log number that is missing', '02'],
  ['a log number cut in its varint', '02 80'],
  ['a log number of 2^53', '02 8080808080808010'],
  ['a log number of 2^64 - 1', '02 ffffffffffffffffff01'],
  ['a log number of eleven bytes', '02 8080808080808080808000'],
  ['a next file number of 2^64 - 1', '03 ffffffffffffffffff01'],
  ['a next file number that is missing', '03'],
  ['a last sequence of 2^56 - 1', '04 ffffffffffffff7f'],
  ['a last sequence that is missing', '04'],
  ['a previous log number that is missing', '09'],
  ['a previous log number of 2^64 - 1', '09 ffffffffffffffffff01'],
  ['a compact pointer at level 7', '05 07 08 0101000000000000'],
  ['a compact pointer at level 200', '05 c801 08 0101000000000000'],
  ['a compact pointer at level 2^32 - 1', '05 ffffffff0f 08 0101000000000000'],
  ['a compact pointer without its level', '05'],
  ['a compact pointer without its key', '05 01'],
  ['a compact pointer with a key of no bytes', '05 01 00'],
  ['a compact pointer with a key of one byte', '05 01 01 61'],
  ['a compact pointer with a key of seven bytes', '05 01 07 01010000000000'],
  ['a compact pointer with a key cut by one byte', '05 01 09 0101000000000000'],
  ['a compact pointer with a key of type 2', '05 01 08 0201000000000000'],
  ['a compact pointer with a key of type 255', '05 01 08 ff01000000000000'],
  ['a compact pointer with a sequence of 2^56 - 1', '05 01 08 01ffffffffffffff'],
  ['a compact pointer with a sequence of 2^53', '05 01 08 0100000000000020'],
  ['a deleted file at level 7', '06 07 05'],
  ['a deleted file at level 200', '06 c801 05'],
  ['a deleted file without its number', '06 01'],
  ['a deleted file of number 2^64 - 1', '06 01 ffffffffffffffffff01'],
  ['a new file at level 7', '07 07 05 01 08 0101000000000000 08 0101000000000000'],
  ['a new file at level 200', '07 c801 05 01 08 0101000000000000 08 0101000000000000'],
  ['a new file without its number', '07 00'],
  ['a new file without its size', '07 00 05'],
  [
    'a new file of size 2^64 - 1',
    '07 00 05 ffffffffffffffffff01 08 0101000000000000 08 0101000000000000',
  ],
  ['a new file without its keys', '07 00 05 01'],
  ['a new file without its largest key', '07 00 05 01 08 0101000000000000'],
  ['a new file with a smallest key of one byte', '07 00 05 01 01 61 08 0101000000000000'],
  ['a new file with a largest key of one byte', '07 00 05 01 08 0101000000000000 01 61'],
  [
    'a new file with a largest key of type 7',
    '07 00 05 01 08 0101000000000000 08 0701000000000000',
  ],
]

for (const [what, hex] of MALFORMED) {
  test(`no edit: ${what}`, (t) => {
    const error = t.throws(() => decode(fromHex(hex)), { instanceOf: SluiceError })
    t.is(error.code, 'LEVEL_CORRUPTION')
    // Behind a field that is right, too.
    t.throws(() => decode(fromHex(`0205${hex}`)), { code: 'LEVEL_CORRUPTION' })
  })
}

test('a tag that nobody knows is a format of another time, not damage', (t) => {
  for (const tag of ['00', '08', '0a', '64', '7f', 'ffffffff0f']) {
    for (const rest of ['', '00', '0101', 'ffffff']) {
      t.throws(() => decode(fromHex(`0205${tag}${rest}`)), { code: 'LEVEL_NOT_SUPPORTED' }, tag)
    }
  }
})

test('an edit cut anywhere is an edit of fewer fields or none', (t) => {
  let whole = 0
  for (let end = 0; end < FULL_EDIT.length; end++) {
    try {
      t.not(decodeEdit(FULL_EDIT, 0, end).newFiles.length, 1)
      whole++
    } catch (error) {
      t.is((error as SluiceError).code, 'LEVEL_CORRUPTION')
    }
  }
  t.is(whole, 8) // Before every field.
})

test('random bytes are an edit, LEVEL_CORRUPTION or LEVEL_NOT_SUPPORTED', (t) => {
  const random = new Random(SEED)
  const seen = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    const bytes = random.percent(50) ? Buffer.from(FULL_EDIT) : random.bytes(random.below(30))
    for (let n = random.below(4); n > 0 && bytes.length > 0; n--) {
      bytes[random.below(bytes.length)] = random.percent(50) ? random.below(256) : random.below(10)
    }
    try {
      decode(bytes)
      seen.add('an edit')
    } catch (error) {
      if (!(error instanceof SluiceError))
        t.fail(seeded(`${bytes.toString('hex')} ${String(error)}`))
      seen.add(error instanceof SluiceError ? error.code : 'something else')
    }
  }
  t.deepEqual([...seen].toSorted(), ['LEVEL_CORRUPTION', 'LEVEL_NOT_SUPPORTED', 'an edit'])
})

// ---- Versions ----

function file(
  number: number,
  smallest: Buffer,
  largest: Buffer,
): VersionEdit['newFiles'][0]['file'] {
  return { number, sizeBytes: 100, smallest, largest }
}

function withFiles(level: number, ...files: ReturnType<typeof file>[]): VersionEdit {
  const edit = emptyEdit()
  for (const each of files) edit.newFiles.push({ level, file: each })
  return edit
}

/** The numbers of the files that a search for the internal key goes through. */
function filesFor(version: Version, target: Buffer): number[] {
  const found: FileMetadata[] = []
  return numbers(found.slice(0, version.filesFor(target, target.length, found)))
}

function numbers(files: Iterable<{ readonly number: number }>): number[] {
  return [...files].map(({ number }) => number)
}

function deletion(level: number, number: number): VersionEdit {
  const edit = emptyEdit()
  edit.deletedFiles.push({ level, number })
  return edit
}

test('level 0 is newest first and may overlap; deeper levels are in the order of their keys', (t) => {
  const version = Version.empty().apply([
    withFiles(
      0,
      file(4, key('a'), key('z')),
      file(9, key('a'), key('z')),
      file(7, key('m'), key('n')),
    ),
    withFiles(
      2,
      file(12, key('x'), key('y')),
      file(3, key('a'), key('b')),
      file(11, key('c'), key('d')),
    ),
  ])
  t.deepEqual(numbers(version.levels[0]!), [9, 7, 4])
  t.deepEqual(numbers(version.levels[2]!), [3, 11, 12])
  t.is(version.fileCount, 6)
  t.is(Version.empty().fileCount, 0)
})

test('an edit makes a new version and leaves the old one alone', (t) => {
  const first = Version.empty().apply([withFiles(1, file(4, key('a'), key('b')))])
  const edit = withFiles(2, file(4, key('a'), key('b')))
  edit.deletedFiles.push({ level: 1, number: 4 })
  const second = first.apply([edit])
  t.deepEqual([first.levels[1]!.length, first.levels[2]!.length], [1, 0])
  t.deepEqual([second.levels[1]!.length, second.levels[2]!.length], [0, 1])
})

test('an edit that cannot be is LEVEL_CORRUPTION', (t) => {
  const version = Version.empty().apply([withFiles(1, file(4, key('c'), key('f')))])
  const cannotBe: Record<string, VersionEdit> = {
    'a file that is not there is deleted': deletion(1, 5),
    'a file is deleted at another level': deletion(2, 4),
    'a number is added twice': withFiles(1, file(4, key('x'), key('y'))),
    'two files overlap': withFiles(1, file(5, key('f', 1), key('g'))),
    'two files overlap by an entry': withFiles(1, file(5, key('a'), key('c'))),
    'one file lies within another': withFiles(1, file(5, key('d'), key('e'))),
    'a file ends before it begins': withFiles(2, file(5, key('b'), key('a'))),
    'a file of level 0 ends before it begins': withFiles(0, file(5, key('a', 1), key('a', 2))),
  }
  for (const [what, edit] of Object.entries(cannotBe)) {
    t.throws(() => version.apply([edit]), { code: 'LEVEL_CORRUPTION' }, what)
  }
  t.is(version.fileCount, 1)
})

test('two neighbours may share a user key when the newer entries come first', (t) => {
  const version = Version.empty().apply([
    withFiles(1, file(4, key('a'), key('k', 50)), file(5, key('k', 49), key('z'))),
  ])
  t.deepEqual(filesFor(version, key('k', 60)), [4])
  t.deepEqual(filesFor(version, key('k', 50)), [4])
  t.deepEqual(filesFor(version, key('k', 49)), [5])
})

test('a search meets level 0 newest first, then at most one file of each level', (t) => {
  const version = Version.empty().apply([
    withFiles(
      0,
      file(20, key('a'), key('m')),
      file(21, key('c'), key('d')),
      file(22, key('n'), key('z')),
    ),
    withFiles(1, file(10, key('a'), key('c')), file(11, key('e'), key('g'))),
    withFiles(6, file(2, key('b'), key('y'))),
  ])
  const search = (userKey: string): number[] => filesFor(version, key(userKey, MAX_SEQUENCE))
  t.deepEqual(search('c'), [21, 20, 10, 2])
  t.deepEqual(search('d'), [21, 20, 2])
  t.deepEqual(search('e'), [20, 11, 2])
  t.deepEqual(search('a'), [20, 10])
  t.deepEqual(search('z'), [22])
  t.deepEqual(search('zz'), [])
  t.deepEqual(search(''), [])
})
