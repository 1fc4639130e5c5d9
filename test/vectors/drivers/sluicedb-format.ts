// Integers, checksums, keys, batches, logs, version edits, file names: the lower floors of SluiceDB.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuffer, BatchCursor, batchSequence, checkBatch } from '../../../ts/format/batch.ts'
import {
  fixed32At,
  fixed64At,
  MAX_VARINT64_LENGTH,
  putFixed32,
  putFixed64,
  putVarint,
  varint32At,
  varint32End,
  varint64At,
  varint64End,
} from '../../../ts/format/coding.ts'
import { maskCrc, unmaskCrc } from '../../../ts/format/crc-mask.ts'
import {
  type FileKind,
  logFileName,
  manifestFileName,
  parseFileName,
  tableFileName,
  temporaryFileName,
} from '../../../ts/format/file-name.ts'
import {
  compareInternal,
  isEntryKey,
  makeInternalKey,
  sequenceOfKey,
  TAG_SIZE,
  TYPE_DELETION,
  TYPE_VALUE,
  typeOfKey,
} from '../../../ts/format/internal-key.ts'
import { LogReader } from '../../../ts/log/log-reader.ts'
import { binding } from '../../../ts/platform/load-binding.ts'
import { shortenToSeparator, shortenToSuccessor } from '../../../ts/table/separator.ts'
import { decodeEdit, encodeEdit, type VersionEdit } from '../../../ts/version/version-edit.ts'
import type { Json, JsonObject } from '../vector-file.ts'
import { type Handler, type Question, Refusal } from './answer-loop.ts'

function encoded(length: number, write: (bytes: Buffer) => number | undefined): Json {
  const bytes = Buffer.alloc(length)
  const end = write(bytes) ?? length
  return { bytes: bytes.toString('hex', 0, end) }
}

/** A decoder says -1 for what it does not hold exactly. */
function exact(value: number): number {
  if (value === -1) throw new Refusal('limit', 'above 2^53 - 1')
  return value
}

function wellFormed(end: number): number {
  if (end === -1) throw new Refusal('corruption', 'malformed varint')
  return end
}

const integers: Readonly<Record<string, Handler>> = {
  crc32c: (question) => {
    const bytes = question.bytes('bytes')
    return { crc: binding.crc32c(bytes, 0, bytes.length) }
  },
  'crc32c.mask': (question) => ({ masked: maskCrc(question.number('crc')) }),
  'crc32c.unmask': (question) => ({ crc: unmaskCrc(question.number('masked')) }),
  'fixed32.encode': (question) =>
    encoded(4, (bytes) => {
      putFixed32(bytes, 0, question.number('value'))
      return undefined
    }),
  'fixed32.decode': (question) => ({ value: fixed32At(question.bytes('bytes'), 0) }),
  'fixed64.encode': (question) =>
    encoded(8, (bytes) => {
      putFixed64(bytes, 0, question.exact('value'))
      return undefined
    }),
  'fixed64.decode': (question) => ({
    value: String(exact(fixed64At(question.bytes('bytes'), 0))),
  }),
  'varint32.encode': (question) =>
    encoded(MAX_VARINT64_LENGTH, (bytes) => putVarint(bytes, 0, question.number('value'))),
  'varint32.decode': (question) => {
    const bytes = question.bytes('bytes')
    const length = wellFormed(varint32End(bytes, 0, bytes.length))
    return { value: varint32At(bytes, 0), length }
  },
  'varint64.encode': (question) =>
    encoded(MAX_VARINT64_LENGTH, (bytes) => putVarint(bytes, 0, question.exact('value'))),
  'varint64.decode': (question) => {
    const bytes = question.bytes('bytes')
    const length = wellFormed(varint64End(bytes, 0, bytes.length))
    return { value: String(exact(varint64At(bytes, 0))), length }
  },
}

const keys: Readonly<Record<string, Handler>> = {
  'internal-key.encode': (question) => {
    const type = question.text('type') === 'value' ? TYPE_VALUE : TYPE_DELETION
    const key = makeInternalKey(question.bytes('userKey'), question.exact('sequence'), type)
    return { bytes: key.toString('hex') }
  },
  'internal-key.decode': (question) => {
    const bytes = question.bytes('bytes')
    const end = bytes.length
    if (end < TAG_SIZE || typeOfKey(bytes, end) > TYPE_VALUE) {
      throw new Refusal('corruption', 'no internal key')
    }
    const sequence = exact(sequenceOfKey(bytes, end))
    if (!isEntryKey(bytes, 0, end)) throw new Refusal('corruption', 'no key of an entry')
    return {
      userKey: bytes.toString('hex', 0, end - TAG_SIZE),
      sequence: String(sequence),
      type: typeOfKey(bytes, end) === TYPE_VALUE ? 'value' : 'deletion',
    }
  },
  'internal-key.sort': (question) => {
    const sorted = question
      .byteList('keys')
      .toSorted((a, b) => compareInternal(a, 0, a.length, b, 0, b.length))
    return { keys: sorted.map((key) => key.toString('hex')) }
  },
  separator: (question) => {
    const last = question.bytes('last')
    const next = question.bytes('next')
    const end = shortenToSeparator(last, last.length, next, 0, next.length)
    return { key: last.toString('hex', 0, end) }
  },
  successor: (question) => {
    const last = question.bytes('last')
    return { key: last.toString('hex', 0, shortenToSuccessor(last, last.length)) }
  },
}

const batches: Readonly<Record<string, Handler>> = {
  'batch.encode': (question) => {
    const batch = new BatchBuffer()
    for (const write of question.questions('writes')) {
      const deleted = write.optional('delete', (name) => write.bytes(name))
      if (deleted !== undefined) batch.delete(deleted)
      else batch.put(...(write.byteList('put') as [Buffer, Buffer]))
    }
    batch.seal(question.exact('sequence'))
    return { bytes: batch.bytes.toString('hex', 0, batch.end) }
  },
  'batch.decode': (question) => {
    const bytes = question.bytes('bytes')
    checkBatch(bytes, 0, bytes.length)
    const cursor = new BatchCursor()
    cursor.reset(bytes, 0, bytes.length)
    const writes: Json[] = []
    while (cursor.next()) {
      const key = bytes.toString('hex', cursor.keyStart, cursor.keyEnd)
      const value = bytes.toString('hex', cursor.valueStart, cursor.valueEnd)
      writes.push(cursor.type === TYPE_VALUE ? { put: [key, value] } : { delete: key })
    }
    return { sequence: String(exact(batchSequence(bytes, 0))), writes }
  },
}

const logs: Readonly<Record<string, Handler>> = {
  'log.read': (question) => {
    const reader = new LogReader(question.bytes('bytes'), binding.crc32c.bind(binding))
    const records: string[] = []
    while (reader.next()) records.push(reader.bytes.toString('hex', reader.start, reader.end))
    return { records, end: reader.damage?.kind ?? 'clean' }
  },
  'log.write': async (question) => {
    const directory = mkdtempSync(join(tmpdir(), 'sluicedb-driver-'))
    try {
      const path = join(directory, '000001.log')
      const log = await binding.createLog(path)
      // In turn by both ways that a log has.
      for (const [index, record] of question.byteList('records').entries()) {
        if (index % 2 === 0) log.appendSync(record, 0, record.length)
        else await log.append(record, 0, record.length, false)
      }
      await log.close()
      return { bytes: readFileSync(path).toString('hex') }
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
}

function editIn(question: Question): VersionEdit {
  const number = (name: keyof VersionEdit): { [name: string]: number } => {
    const value = question.optional(name, (part) => question.exact(part))
    return value === undefined ? {} : { [name]: value }
  }
  const comparator = question.optional('comparator', (part) => question.text(part))
  return {
    ...(comparator === undefined ? {} : { comparator }),
    ...number('logNumber'),
    ...number('previousLogNumber'),
    ...number('nextFileNumber'),
    ...number('lastSequence'),
    compactPointers: question
      .questions('compactPointers')
      .map((pointer) => ({ level: pointer.number('level'), key: pointer.bytes('key') })),
    deletedFiles: question
      .questions('deletedFiles')
      .map((file) => ({ level: file.number('level'), number: file.exact('number') })),
    newFiles: question.questions('newFiles').map((file) => ({
      level: file.number('level'),
      file: {
        number: file.exact('number'),
        sizeBytes: file.exact('size'),
        smallest: file.bytes('smallest'),
        largest: file.bytes('largest'),
      },
    })),
  }
}

/** A live file as the vectors describe it. */
export function describeFile(
  level: number,
  file: VersionEdit['newFiles'][number]['file'],
): JsonObject {
  return {
    level,
    number: String(file.number),
    size: String(file.sizeBytes),
    smallest: file.smallest.toString('hex'),
    largest: file.largest.toString('hex'),
  }
}

const edits: Readonly<Record<string, Handler>> = {
  'version-edit.encode': (question) => ({
    bytes: encodeEdit(editIn(question.part('edit'))).toString('hex'),
  }),
  'version-edit.decode': (question) => {
    const bytes = question.bytes('bytes')
    const edit = decodeEdit(bytes, 0, bytes.length)
    const numbers = (['logNumber', 'previousLogNumber', 'nextFileNumber', 'lastSequence'] as const)
      .filter((name) => edit[name] !== undefined)
      .map((name) => [name, String(edit[name])])
    return {
      edit: {
        ...(edit.comparator === undefined ? {} : { comparator: edit.comparator }),
        ...(Object.fromEntries(numbers) as JsonObject),
        compactPointers: edit.compactPointers.map(({ level, key }) => ({
          level,
          key: key.toString('hex'),
        })),
        deletedFiles: edit.deletedFiles.map(({ level, number }) => ({
          level,
          number: String(number),
        })),
        newFiles: edit.newFiles.map(({ level, file }) => describeFile(level, file)),
      },
    }
  },
}

const NAME_OF: Readonly<Record<FileKind, (number: number) => string>> = {
  log: logFileName,
  table: tableFileName,
  manifest: manifestFileName,
  temporary: temporaryFileName,
}

const fileNames: Readonly<Record<string, Handler>> = {
  'file-name.make': (question) => ({
    name: NAME_OF[question.text('kind') as FileKind](question.exact('number')),
  }),
  'file-name.parse': (question) => {
    const found = parseFileName(question.text('name'))
    return found === undefined ? null : { kind: found.kind, number: String(found.number) }
  },
}

export const formatHandlers: Readonly<Record<string, Handler>> = {
  ...integers,
  ...keys,
  ...batches,
  ...logs,
  ...edits,
  ...fileNames,
}
