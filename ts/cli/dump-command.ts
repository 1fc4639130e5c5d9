// dump: a file of a database as text, whatever its kind, for who wants to see the bytes' meaning.
//
// Damage does not end it: the place is said, what comes behind it in a table is shown, and the exit
// code is NEGATIVE.

import { basename } from 'node:path'
import type { Command } from 'commander'
import { realFileSystem } from '../db/real-environment.ts'
import { scanBlocks } from '../db/tools/table-scan.ts'
import { BatchCursor, batchCount, batchSequence, checkBatch } from '../format/batch.ts'
import { ioError, SluiceError } from '../format/error.ts'
import { parseFileName } from '../format/file-name.ts'
import { sequenceOfKey, TAG_SIZE, TYPE_VALUE, typeOfKey } from '../format/internal-key.ts'
import { LogReader } from '../log/log-reader.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { type Block, BlockCursor } from '../table/block.ts'
import { readTableParts } from '../table/table-parts.ts'
import { decodeEdit, type VersionEdit } from '../version/version-edit.ts'
import { type JsonBytes, jsonOf, lineOf } from './encoding.ts'
import { type Exit, NEGATIVE, OK, UsageError } from './exit-code.ts'
import { makeOutput, type Output, type Streams } from './output.ts'
import { type Common, examples, keyOptions } from './shared-options.ts'

export function addDumpCommand(program: Command, streams: Streams, exit: Exit): void {
  examples(
    keyOptions(
      program
        .command('dump <file>')
        .description('print a log, a table or a manifest, record by record'),
    ),
    'sluicedb dump ./data/000005.ldb --key-encoding hex',
    'sluicedb dump ./data/MANIFEST-000002 --json',
  ).action(async (file: string, options: Common) => {
    const output = makeOutput(options.json === true, streams)
    exit.code = await new Dump(file, options, output, realFileSystem()).run()
  })
}

interface DumpedEntry {
  readonly sequence: number
  readonly type: 'put' | 'delete'
  readonly key: JsonBytes
  readonly value?: JsonBytes
}

class Dump {
  readonly #path: string
  readonly #options: Common
  readonly #output: Output
  readonly #fileSystem: FileSystem

  constructor(path: string, options: Common, output: Output, fileSystem: FileSystem) {
    this.#path = path
    this.#options = options
    this.#output = output
    this.#fileSystem = fileSystem
  }

  /** Resolves to the exit code. */
  run(): Promise<number> {
    const name = basename(this.#path)
    switch (parseFileName(name)?.kind) {
      case 'log':
        return this.#log((reader) => this.#batch(reader))
      case 'manifest':
        return this.#log((reader) => this.#edit(reader))
      case 'table':
        return this.#table()
      case 'temporary':
      case undefined:
        throw new UsageError(`${name} is not the name of a log, a table or a manifest`)
    }
  }

  async #log(print: (reader: LogReader) => Promise<void>): Promise<number> {
    const reader = new LogReader(await this.#read(), this.#crc32c)
    let exitCode = OK
    while (reader.next()) {
      if (!(await this.#isShown(reader.recordOffset, () => print(reader)))) exitCode = NEGATIVE
    }
    const { damage } = reader
    if (damage === undefined) return exitCode
    const { offset, droppedBytes, reason } = damage
    await this.#output.item(damage, `at ${offset}: ${reason}, ${droppedBytes} bytes not shown`)
    return NEGATIVE
  }

  /** Runs `show`. False where what stands at `offset` is damaged, which is said in its place. */
  async #isShown(offset: number, show: () => Promise<void>): Promise<boolean> {
    try {
      await show()
      return true
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      await this.#output.item({ offset, damage: error.message }, `at ${offset}: ${error.message}`)
      return false
    }
  }

  async #batch({ bytes, start, end, recordOffset }: LogReader): Promise<void> {
    checkBatch(bytes, start, end)
    const sequence = batchSequence(bytes, start)
    const count = batchCount(bytes, start)
    await this.#output.item(
      { offset: recordOffset, sequence, count },
      `at ${recordOffset}: batch of ${count} from sequence ${sequence}`,
    )
    const cursor = new BatchCursor()
    cursor.reset(bytes, start, end)
    for (let i = 0; cursor.next(); i++) {
      const { keyStart, keyEnd, valueStart, valueEnd, type } = cursor
      await this.#entry(
        sequence + i,
        type,
        bytes.subarray(keyStart, keyEnd),
        bytes.subarray(valueStart, valueEnd),
      )
    }
  }

  async #edit({ bytes, start, end, recordOffset }: LogReader): Promise<void> {
    const edit = decodeEdit(bytes, start, end)
    await this.#output.item(
      { offset: recordOffset, ...edit },
      [`at ${recordOffset}: version edit`, ...this.#editLines(edit)].join('\n'),
    )
  }

  #editLines({ compactPointers, deletedFiles, newFiles, ...numbers }: VersionEdit): string[] {
    const lines = Object.entries(numbers).map(([name, value]) => `  ${name}: ${value}`)
    for (const { level, key } of compactPointers) {
      lines.push(`  compact pointer: level ${level}, ${this.#keyText(key)}`)
    }
    for (const { level, number } of deletedFiles) {
      lines.push(`  deleted: level ${level}, file ${number}`)
    }
    for (const { level, file } of newFiles) {
      const range = `${this.#keyText(file.smallest)} .. ${this.#keyText(file.largest)}`
      lines.push(`  new: level ${level}, file ${file.number}, ${file.sizeBytes} bytes, ${range}`)
    }
    return lines
  }

  async #table(): Promise<number> {
    const file = await this.#fileSystem.openRandomAccess(this.#path).catch((error: unknown) => {
      throw ioError('open', this.#path, error)
    })
    try {
      const { index } = await readTableParts(file, this.#crc32c)
      let exitCode = OK
      for await (const { offset, storedBytes, contents } of scanBlocks(file, index, this.#crc32c)) {
        if (contents instanceof SluiceError) {
          exitCode = NEGATIVE
          await this.#output.item({ offset, damage: contents.message }, contents.message)
        } else {
          const line = `at ${offset}: block of ${storedBytes} bytes`
          await this.#output.item({ offset, storedBytes }, line)
          if (!(await this.#isShown(offset, () => this.#block(contents)))) exitCode = NEGATIVE
        }
      }
      return exitCode
    } finally {
      await file.close()
    }
  }

  async #block(block: Block): Promise<void> {
    const cursor = new BlockCursor()
    cursor.open(block)
    while (cursor.next()) {
      const { key, keyLength, valueBytes, valueStart, valueEnd } = cursor
      if (keyLength < TAG_SIZE) throw block.damage('internal key too short')
      await this.#entry(
        sequenceOfKey(key, keyLength),
        typeOfKey(key, keyLength),
        key.subarray(0, keyLength - TAG_SIZE),
        valueBytes.subarray(valueStart, valueEnd),
      )
    }
  }

  async #entry(sequence: number, type: number, key: Buffer, value: Buffer): Promise<void> {
    const { keyEncoding, valueEncoding } = this.#options
    const isPut = type === TYPE_VALUE
    const head = { sequence, type: isPut ? 'put' : 'delete' } as const
    if (this.#output.isJson) {
      const entry: DumpedEntry = {
        ...head,
        key: jsonOf(key, keyEncoding),
        ...(isPut ? { value: jsonOf(value, valueEncoding) } : {}),
      }
      return this.#output.item(entry, '')
    }
    const cells = [sequence, head.type, lineOf(key, keyEncoding)]
    if (isPut) cells.push(lineOf(value, valueEncoding))
    await this.#output.item(undefined, `  ${cells.join('\t')}`)
  }

  #keyText(internalKey: Buffer): string {
    const userKey = internalKey.subarray(0, internalKey.length - TAG_SIZE)
    const sequence = sequenceOfKey(internalKey, internalKey.length)
    return `'${lineOf(userKey, this.#options.keyEncoding)}' @ ${sequence}`
  }

  async #read(): Promise<Buffer> {
    try {
      return await this.#fileSystem.readFile(this.#path)
    } catch (error) {
      throw ioError('read', this.#path, error)
    }
  }

  readonly #crc32c = (bytes: Uint8Array, start: number, end: number): number =>
    this.#fileSystem.crc32c(bytes, start, end)
}
