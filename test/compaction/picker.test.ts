// What is compacted next, for versions given as literal files.

import test from 'ava'
import {
  type Compaction,
  deepestLevel,
  pickCompaction,
  pickRange,
} from '../../ts/compaction/picker.ts'
import { makeInternalKey } from '../../ts/format/internal-key.ts'
import type { FileMetadata } from '../../ts/version/file-metadata.ts'
import { type LevelLimits, LEVELDB_LIMITS, levelScore } from '../../ts/version/level-rules.ts'
import type { UserKeyRange } from '../../ts/version/file-range.ts'
import { Version } from '../../ts/version/version.ts'
import { emptyEdit } from '../../ts/version/version-edit.ts'

const MB = 2 ** 20

/** `a@9`: the user key a at sequence 9; without a sequence, at 5. */
function key(text: string): Buffer {
  const [userKey, sequence = '5'] = text.split('@')
  return makeInternalKey(Buffer.from(userKey!), Number(sequence), 1)
}

/** A line for each file: `level number first..last`, and its megabytes where they are not 2. */
function versionOf(...lines: string[]): Version {
  const edit = emptyEdit()
  for (const line of lines) {
    const [level, number, range, megabytes = '2'] = line.split(' ')
    const [smallest, largest] = range!.split('..')
    const file: FileMetadata = {
      number: Number(number),
      sizeBytes: Number(megabytes) * MB,
      smallest: key(smallest!),
      largest: key(largest!),
    }
    edit.newFiles.push({ level: Number(level), file })
  }
  return Version.empty().apply([edit])
}

const numbers = (files: readonly FileMetadata[]): string =>
  files.map(({ number }) => number).join(' ')

/** `level: inputs | inputs of the level below` and an arrow for a move. */
function describe(compaction: Compaction | undefined): string {
  if (compaction === undefined) return 'nothing'
  const { level, inputs, isMove } = compaction
  return `${level}: ${numbers(inputs[0])} | ${numbers(inputs[1])}${isMove ? ' ->' : ''}`
}

interface Choice {
  readonly pointers?: ReadonlyMap<number, Buffer>
  readonly refused?: readonly number[]
  readonly limits?: LevelLimits
}

function pick(version: Version, choice: Choice = {}): Compaction | undefined {
  const { pointers = new Map(), refused = [], limits = LEVELDB_LIMITS } = choice
  return pickCompaction(version, pointers, limits, ({ number }) => refused.includes(number))
}

const ALL: UserKeyRange = { smallest: undefined, largest: undefined }

test("the limits are LevelDB's", (t) => {
  t.deepEqual(LEVELDB_LIMITS, {
    level0Files: 4,
    level1Bytes: 10_485_760,
    growth: 10,
    maxFileSizeBytes: 2_097_152,
  })
  const version = versionOf('0 1 a..b 9', '1 2 a..b 15', '2 3 a..b 50', '6 4 a..b 90000')
  const scores = [0, 1, 2, 3, 6].map((level) => levelScore(version, level, LEVELDB_LIMITS))
  t.deepEqual(scores, [0.25, 1.5, 0.5, 0, 0])
})

test('nothing is compacted below the limits, and the last level never', (t) => {
  t.is(describe(pick(Version.empty())), 'nothing')
  const below = ['0 1 a..z', '0 2 a..z', '0 3 a..z', '1 4 a..m 9', '6 5 a..z 90000']
  t.is(describe(pick(versionOf(...below))), 'nothing')
})

test('from four files level 0 goes down, with all that overlap one another and level 1', (t) => {
  const files = [
    '0 1 a..c',
    '0 2 b..f',
    '0 3 e..g',
    '0 9 p..q',
    '1 5 a..b 1',
    '1 6 g..h 1',
    '1 7 i..j 1',
  ]
  const compaction = pick(versionOf(...files))!
  t.is(describe(compaction), '0: 3 2 1 | 5 6')
  t.deepEqual(compaction.pointer, key('g'))
})

test('the level that is furthest above its limit comes first', (t) => {
  const level0 = ['0 1 a..c', '0 2 a..c', '0 3 a..c', '0 4 a..c']
  t.is(describe(pick(versionOf(...level0, '1 5 p..q 11'))), '1: 5 |  ->')
  t.is(describe(pick(versionOf(...level0, '0 6 a..c', '1 5 p..q 11'))), '0: 6 4 3 2 1 | ')
})

test('files of a deeper level that share a user key go down together, also where that takes in more', (t) => {
  // As LevelDB may cut them (google/leveldb#320): k@7 below k@3 would be the older one found first.
  const files = ['1 1 a@9..k@7 15', '1 2 k@3..z@1 15', '2 3 a..b', '2 4 p..q 40']
  t.is(describe(pick(versionOf(...files))), '1: 1 2 | 3 4')
  const behind = { pointers: new Map([[1, key('k@5')]]) }
  t.is(describe(pick(versionOf(...files), behind)), '1: 1 2 | 3 4')
})

test('a level goes down file by file, behind the pointer and round', (t) => {
  const files = ['1 1 a..c 5', '1 2 d..f 5', '1 3 g..i 5', '2 4 a..b', '2 5 e..e', '2 6 h..z']
  const version = versionOf(...files)
  const at = (text: string): string =>
    describe(pick(version, { pointers: new Map([[1, key(text)]]) }))
  t.is(describe(pick(version)), '1: 1 | 4')
  t.is(at('c'), '1: 2 | 5')
  t.is(at('f'), '1: 3 | 6')
  t.is(at('i'), '1: 1 | 4')
  t.is(at('zz'), '1: 1 | 4')
})

test('more of the level is taken where that takes in no more of the level below', (t) => {
  const files = ['1 1 a..c 4', '1 2 d..f 4', '1 3 g..i 4', '2 4 b..e 2']
  t.is(describe(pick(versionOf(...files))), '1: 1 2 | 4')
  t.is(describe(pick(versionOf(...files, '2 5 f..f 2'))), '1: 1 | 4', 'file 2 would take in file 5')
  const large = ['1 1 a..c 24', '1 2 d..f 24', '2 4 b..e 2']
  t.is(describe(pick(versionOf(...large))), '1: 1 | 4', '50 MiB are too much')
  t.is(describe(pick(versionOf('1 1 a..c 24', '1 2 d..f 23', '2 4 b..e 2'))), '1: 1 2 | 4')
})

test('a file that meets nothing moves, unless it would overlap too much two levels below', (t) => {
  t.is(describe(pick(versionOf('1 1 a..c 11', '3 2 a..b 20'))), '1: 1 |  ->')
  const heavy = pick(versionOf('1 1 a..c 11', '3 2 a..a 20', '3 3 b..b 1'))!
  t.is(describe(heavy), '1: 1 | ')
  t.is(numbers(heavy.grandparents), '2 3')
})

test('a level-0 file moves only when no other one overlaps it', (t) => {
  t.is(describe(pick(versionOf('0 1 a..b', '0 2 c..d', '0 3 e..f', '0 4 g..h'))), '0: 1 |  ->')
  t.is(describe(pick(versionOf('0 1 a..b', '0 2 c..d', '0 3 e..f', '0 4 b..b'))), '0: 4 1 | ')
})

// google/leveldb#320: were file 2 left, its older version of b would be found before the newer one.
test('neighbours that share a user key go down together', (t) => {
  const files = ['1 1 a..b@9 6', '1 2 b@8..c 6', '1 3 d..e 6']
  t.is(describe(pick(versionOf(...files))), '1: 1 2 | ')
  const chain = ['1 1 a..b@9 6', '1 2 b@8..b@7 6', '1 3 b@6..c@4 6', '1 4 c@3..d 1', '1 5 e..f 1']
  t.is(describe(pick(versionOf(...chain))), '1: 1 2 3 4 | ')
})

// The same at the level below, mended there six years later.
test('neighbours of the level below that share a user key are merged together', (t) => {
  const files = ['1 1 a..b 11', '2 2 a..c@9', '2 3 c@8..d', '2 4 e..f']
  t.is(describe(pick(versionOf(...files))), '1: 1 | 2 3')
})

test('a deletion is asked about at every level below the output, and at no other', (t) => {
  const files = [
    '1 1 b..d 11',
    '2 2 a..c',
    '3 3 a..a',
    '3 4 b..c',
    '4 5 c..z',
    '5 6 e..f',
    '6 7 a..z',
  ]
  const compaction = pick(versionOf(...files))!
  t.is(describe(compaction), '1: 1 | 2')
  t.deepEqual(compaction.deeper.map(numbers), ['3 4', '5', '', '7'])
  t.is(numbers(compaction.grandparents), '3 4')
})

test('what needs a refused file is left, and all else goes on', (t) => {
  const files = ['1 1 a..c 6', '1 2 d..f 6', '2 3 b..b', '2 4 e..e']
  t.is(describe(pick(versionOf(...files), { refused: [1] })), '1: 2 | 4')
  t.is(describe(pick(versionOf(...files), { refused: [3] })), '1: 2 | 4')
  t.is(describe(pick(versionOf(...files), { refused: [3, 2] })), 'nothing')
  const level0 = ['0 1 a..b', '0 2 a..b', '0 3 p..q', '0 4 p..q', '2 5 a..b 150', '3 6 a..b']
  t.is(describe(pick(versionOf(...level0), { refused: [2] })), '2: 5 | 6')
  t.is(describe(pick(versionOf(...level0), { refused: [2, 6] })), '0: 4 3 | ')
})

test('a range is compacted from its first file on, in steps, and closed under shared keys', (t) => {
  const version = versionOf(
    '0 1 a..c',
    '0 2 p..q',
    '1 3 a..b@9',
    '1 4 b@8..d',
    '1 5 e..f',
    '1 6 g..h',
    '2 7 e..e',
  )
  const step = (level: number, range = ALL, megabytes = 1): string =>
    describe(pickRange(version, level, range, LEVELDB_LIMITS, megabytes * MB))
  t.is(step(0), '0: 2 1 | 3 4 5 6')
  t.is(step(1), '1: 3 4 | ')
  t.is(step(1, { ...ALL, smallest: Buffer.from('e') }), '1: 5 | 7')
  t.is(step(1, { ...ALL, smallest: Buffer.from('d') }, 3), '1: 3 4 5 | 7')
  t.is(step(1, { smallest: Buffer.from('i'), largest: undefined }), 'nothing')
  t.is(step(4), 'nothing')
})

test('the deepest level of a range is the last that holds any of it', (t) => {
  const version = versionOf('0 1 a..c', '1 3 a..b', '3 4 d..e', '5 5 p..q')
  const deepest = (smallest: string, largest: string): number =>
    deepestLevel(version, { smallest: Buffer.from(smallest), largest: Buffer.from(largest) })
  t.deepEqual(
    [deepest('a', 'c'), deepest('a', 'd'), deepest('c', 'c'), deepest('x', 'z')],
    [1, 3, 0, -1],
  )
  t.is(deepestLevel(version, ALL), 5)
})
