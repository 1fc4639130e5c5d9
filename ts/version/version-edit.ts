// A version edit: one record of the manifest, the difference between two versions.
//
//   edit  := field*
//   field := 1 comparator: bytes           | 2 log number: varint64
//          | 3 next file number: varint64  | 4 last sequence: varint64
//          | 5 compact pointer: level internal-key
//          | 6 deleted file: level number: varint64
//          | 7 new file: level number: varint64 size: varint64 smallest: bytes largest: bytes
//          | 9 previous log number: varint64
//   level := varint32 below 7      bytes := length: varint32 then as many bytes
//
// Tags are varint32. Tag 8 was used by an old LevelDB and is free no more. The order in which
// encodeEdit writes the fields is C++ LevelDB's, so that the same edit gives the same bytes.
//
// A manifest is trusted with the life of every file, so the decoder accepts only what the grammar
// says, with every length checked against the record and every number against what is exact here.

import {
  putVarint,
  varint32At,
  varint32End,
  varint64At,
  varint64End,
  varintLength,
} from '../format/coding.ts'
import { corruption, SluiceError } from '../format/error.ts'
import { sequenceOfKey, TAG_SIZE, TYPE_VALUE, typeOfKey } from '../format/internal-key.ts'
import type { FileMetadata } from './file-metadata.ts'

// On disk: never change these values.
const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE_NUMBER = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG_NUMBER = 9
/** Levels 0 to 6. */
export const LEVEL_COUNT = 7

export interface VersionEdit {
  comparator?: string
  logNumber?: number
  previousLogNumber?: number
  nextFileNumber?: number
  lastSequence?: number
  readonly compactPointers: { readonly level: number; readonly key: Buffer }[]
  readonly deletedFiles: { readonly level: number; readonly number: number }[]
  readonly newFiles: { readonly level: number; readonly file: FileMetadata }[]
}

export function emptyEdit(): VersionEdit {
  return { compactPointers: [], deletedFiles: [], newFiles: [] }
}

/** The edit as a record of the manifest; the buffer is the caller's. */
export function encodeEdit(edit: VersionEdit): Buffer {
  const writer = new EditWriter()
  if (edit.comparator !== undefined) {
    writer.number(COMPARATOR).bytes(Buffer.from(edit.comparator, 'latin1'))
  }
  writer.optional(LOG_NUMBER, edit.logNumber)
  writer.optional(PREVIOUS_LOG_NUMBER, edit.previousLogNumber)
  writer.optional(NEXT_FILE_NUMBER, edit.nextFileNumber)
  writer.optional(LAST_SEQUENCE, edit.lastSequence)
  for (const { level, key } of edit.compactPointers) {
    writer.number(COMPACT_POINTER).number(level).bytes(key)
  }
  for (const { level, number } of edit.deletedFiles) {
    writer.number(DELETED_FILE).number(level).number(number)
  }
  for (const { level, file } of edit.newFiles) {
    writer.number(NEW_FILE).number(level).number(file.number).number(file.sizeBytes)
    writer.bytes(file.smallest).bytes(file.largest)
  }
  return writer.done()
}

/**
 * The edit in bytes[start, end). Keys are copied out. Throws LEVEL_CORRUPTION where the record does
 * not follow the grammar, and LEVEL_NOT_SUPPORTED for a tag that a newer format may have added.
 */
export function decodeEdit(bytes: Buffer, start: number, end: number): VersionEdit {
  const edit = emptyEdit()
  const reader = new EditReader(bytes, start, end)
  while (!reader.atEnd) readField(reader, edit)
  return edit
}

function readField(reader: EditReader, edit: VersionEdit): void {
  const tag = reader.number32('tag')
  switch (tag) {
    case COMPARATOR:
      edit.comparator = reader.bytes('comparator').toString('latin1')
      return
    case LOG_NUMBER:
      edit.logNumber = reader.number64('log number')
      return
    case PREVIOUS_LOG_NUMBER:
      edit.previousLogNumber = reader.number64('previous log number')
      return
    case NEXT_FILE_NUMBER:
      edit.nextFileNumber = reader.number64('next file number')
      return
    case LAST_SEQUENCE:
      edit.lastSequence = reader.number64('last sequence')
      return
    case COMPACT_POINTER:
      edit.compactPointers.push({ level: reader.level(), key: reader.internalKey() })
      return
    case DELETED_FILE:
      edit.deletedFiles.push({ level: reader.level(), number: reader.number64('file number') })
      return
    case NEW_FILE:
      edit.newFiles.push({ level: reader.level(), file: readFile(reader) })
      return
    default:
      throw new SluiceError('LEVEL_NOT_SUPPORTED', `Unknown tag ${tag} in a version edit`)
  }
}

function readFile(reader: EditReader): FileMetadata {
  return {
    number: reader.number64('file number'),
    sizeBytes: reader.number64('file size'),
    smallest: reader.internalKey(),
    largest: reader.internalKey(),
  }
}

class EditWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(256)
  #end = 0

  number(value: number): this {
    this.#reserve(varintLength(value))
    this.#end = putVarint(this.#bytes, this.#end, value)
    return this
  }

  optional(tag: number, value: number | undefined): void {
    if (value !== undefined) this.number(tag).number(value)
  }

  bytes(value: Buffer): this {
    this.number(value.length)
    this.#reserve(value.length)
    value.copy(this.#bytes, this.#end)
    this.#end += value.length
    return this
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#end)
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#end + sizeBytes
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#bytes = grown
  }
}

class EditReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get atEnd(): boolean {
    return this.#at === this.#end
  }

  number32(what: string): number {
    const end = varint32End(this.#bytes, this.#at, this.#end)
    if (end < 0) throw corruption(`version edit: malformed ${what}`)
    const value = varint32At(this.#bytes, this.#at)
    this.#at = end
    return value
  }

  number64(what: string): number {
    const end = varint64End(this.#bytes, this.#at, this.#end)
    const value = end < 0 ? -1 : varint64At(this.#bytes, this.#at)
    if (value < 0) throw corruption(`version edit: malformed ${what}`)
    this.#at = end
    return value
  }

  level(): number {
    const level = this.number32('level')
    if (level >= LEVEL_COUNT) throw corruption(`version edit: level ${level}`)
    return level
  }

  bytes(what: string): Buffer {
    const length = this.number32(`length of ${what}`)
    if (length > this.#end - this.#at) throw corruption(`version edit: ${what} is cut`)
    const value = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length))
    this.#at += length
    return value
  }

  internalKey(): Buffer {
    const key = this.bytes('internal key')
    if (
      key.length < TAG_SIZE ||
      typeOfKey(key, key.length) > TYPE_VALUE ||
      sequenceOfKey(key, key.length) < 0
    ) {
      throw corruption('version edit: malformed internal key')
    }
    return key
  }
}
