// Properties in LevelDB's layout, letter by letter.

import test from 'ava'
import { propertyOf, type PropertySource } from '../../ts/db/properties.ts'
import { makeInternalKey, TYPE_DELETION, TYPE_VALUE } from '../../ts/format/internal-key.ts'
import type { FileMetadata } from '../../ts/version/file-metadata.ts'
import { emptyEdit, type VersionEdit } from '../../ts/version/version-edit.ts'
import { Version } from '../../ts/version/version.ts'

const NO_WORK = { readBytes: 0, writtenBytes: 0, durationMs: 0 }
const MIB = 2 ** 20

function file(number: number, sizeBytes: number, first: Buffer, last: Buffer): FileMetadata {
  return { number, sizeBytes, smallest: first, largest: last }
}

const key = (text: string, sequence: number, type = TYPE_VALUE): Buffer =>
  makeInternalKey(Buffer.from(text, 'latin1'), sequence, type)

function source(...files: [level: number, file: FileMetadata][]): PropertySource {
  const edit: VersionEdit = emptyEdit()
  for (const [level, file] of files) edit.newFiles.push({ level, file })
  return {
    version: Version.empty().apply([edit]),
    levelWork: Array.from({ length: 7 }, () => NO_WORK),
    memoryBytes: 12_345,
  }
}

const TWO_LEVELS = source(
  [0, file(9, 3 * MIB, key('b', 5), key('m', 7))],
  [0, file(7, 100, key('a', 9), key('c', 3, TYPE_DELETION))],
  [0, file(8, 200, key('b', 4), key('b', 4))],
  [2, file(5, 2 * MIB + MIB / 2 + 1, key('\u0000\u007f~ \u00e9', 1), key("it's \\", 2))],
)

test('the files of each level are counted, and of no other', (t) => {
  const counts = [0, 1, 2, 3, 6].map((level) =>
    propertyOf(`leveldb.num-files-at-level${level}`, TWO_LEVELS),
  )
  t.deepEqual(counts, ['3', '0', '1', '0', '0'])
  t.is(propertyOf('leveldb.num-files-at-level002', TWO_LEVELS), '1')
  for (const wrong of ['7', '', '-1', '1x', ' 1', '1.0', '99999999999999999999']) {
    t.is(propertyOf(`leveldb.num-files-at-level${wrong}`, TWO_LEVELS), undefined, wrong)
  }
})

test('stats are a table with a line for each level that has files or was worked on', (t) => {
  const levelWork = TWO_LEVELS.levelWork.map((work, level) =>
    level === 1
      ? { readBytes: 1234 * MIB, writtenBytes: 1000 * MIB, durationMs: 12_600 }
      : { ...work, readBytes: level },
  )
  t.is(
    propertyOf('leveldb.stats', { ...TWO_LEVELS, levelWork }),
    '                               Compactions\n' +
      'Level  Files Size(MB) Time(sec) Read(MB) Write(MB)\n' +
      '--------------------------------------------------\n' +
      '  0        3        3         0        0         0\n' +
      '  1        0        0        13     1234      1000\n' +
      '  2        1        3         0        0         0\n',
  )
})

test('sstables lists every level, files by their first keys, keys escaped', (t) => {
  t.is(
    propertyOf('leveldb.sstables', TWO_LEVELS),
    '--- level 0 ---\n' +
      " 7:100['a' @ 9 : 1 .. 'c' @ 3 : 0]\n" +
      " 9:3145728['b' @ 5 : 1 .. 'm' @ 7 : 1]\n" +
      " 8:200['b' @ 4 : 1 .. 'b' @ 4 : 1]\n" +
      '--- level 1 ---\n' +
      '--- level 2 ---\n' +
      " 5:2621441['\\x00\\x7f~ \\xe9' @ 1 : 1 .. 'it's \\' @ 2 : 1]\n" +
      '--- level 3 ---\n--- level 4 ---\n--- level 5 ---\n--- level 6 ---\n',
  )
})

test('memory usage is a number, and what is no property has no value', (t) => {
  t.is(propertyOf('leveldb.approximate-memory-usage', TWO_LEVELS), '12345')
  for (const name of ['', 'leveldb.', 'stats', 'leveldb.stats ', 'toString', '__proto__']) {
    t.is(propertyOf(name, TWO_LEVELS), undefined, name)
  }
})
