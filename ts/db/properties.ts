// The properties of a database, in LevelDB's words and layout, so that what reads LevelDB's reads ours.
//
//   leveldb.num-files-at-level<N>      decimal digits
//   leveldb.stats                      a line for each level that has files or was worked on
//   leveldb.sstables                   a heading for each level, then a line for each table:
//                                      number:size['first key' @ sequence : type .. 'last ...']
//   leveldb.approximate-memory-usage   bytes of memtables and block cache, decimal digits

import { compareInternal, sequenceOfKey, TAG_SIZE, typeOfKey } from '../format/internal-key.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { Version } from '../version/version.ts'
import type { LevelWork } from './stats.ts'

export interface PropertySource {
  readonly version: Version
  /** By level. */
  readonly levelWork: readonly LevelWork[]
  /** Of memtables and block cache. */
  readonly memoryBytes: number
}

const FILES_AT_LEVEL = /^leveldb\.num-files-at-level(\d+)$/
const BYTES_PER_MEBIBYTE = 2 ** 20
const MS_PER_SECOND = 1000

/** Undefined for a name that is none. */
export function propertyOf(name: string, source: PropertySource): string | undefined {
  switch (name) {
    case 'leveldb.stats':
      return compactionTable(source)
    case 'leveldb.sstables':
      return tableList(source.version)
    case 'leveldb.approximate-memory-usage':
      return String(source.memoryBytes)
    default: {
      const level = FILES_AT_LEVEL.exec(name)?.[1]
      const files = level === undefined ? undefined : source.version.levels[Number(level)]
      return files === undefined ? undefined : String(files.length)
    }
  }
}

function compactionTable({ version, levelWork }: PropertySource): string {
  const lines = [
    `${' '.repeat(31)}Compactions`,
    'Level  Files Size(MB) Time(sec) Read(MB) Write(MB)',
    '-'.repeat(50),
  ]
  for (const [level, files] of version.levels.entries()) {
    const { durationMs, readBytes, writtenBytes } = levelWork[level]!
    if (files.length === 0 && durationMs === 0) continue
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    lines.push(
      [
        String(level).padStart(3),
        String(files.length).padStart(8),
        mebibytes(sizeBytes).padStart(8),
        (durationMs / MS_PER_SECOND).toFixed(0).padStart(9),
        mebibytes(readBytes).padStart(8),
        mebibytes(writtenBytes).padStart(9),
      ].join(' '),
    )
  }
  return lines.map((line) => `${line}\n`).join('')
}

function mebibytes(bytes: number): string {
  return (bytes / BYTES_PER_MEBIBYTE).toFixed(0)
}

function tableList(version: Version): string {
  let text = ''
  for (const [level, files] of version.levels.entries()) {
    text += `--- level ${level} ---\n`
    for (const { number, sizeBytes, smallest, largest } of byFirstKey(files)) {
      text += ` ${number}:${sizeBytes}[${describeKey(smallest)} .. ${describeKey(largest)}]\n`
    }
  }
  return text
}

// LevelDB keeps level 0 in this order too, where ours is by age; of two with one first key the lower
// number is the first.
function byFirstKey(files: readonly FileMetadata[]): readonly FileMetadata[] {
  return files.toSorted(
    ({ smallest: a, number: numberOfA }, { smallest: b, number: numberOfB }) =>
      compareInternal(a, 0, a.length, b, 0, b.length) || numberOfA - numberOfB,
  )
}

function describeKey(key: Buffer): string {
  const userKey = escapeBytes(key.subarray(0, key.length - TAG_SIZE))
  return `'${userKey}' @ ${sequenceOfKey(key, key.length)} : ${typeOfKey(key, key.length)}`
}

/** Printable ASCII as it is, every other byte as \x and two digits. */
function escapeBytes(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) {
    text +=
      byte >= 0x20 && byte <= 0x7e
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return text
}
