// What can be read of a damaged table, entry by entry.
//
//   by its index, block after block; the damaged ones are left out
//   without its index, from the beginning (block-hunt.ts)
//
// Invariants:
//   An entry is taken only out of a block whose checksum fits, only when a writer can have made it,
//   and only above the entry taken before: what comes out is a table's worth, in order.
//   What the disk refuses, and what this Node cannot expand, is not damage: the salvage fails, and
//   nothing is given up.

import { ioError, SluiceError } from '../../format/error.ts'
import {
  compareInternal,
  sequenceOfKey,
  TAG_SIZE,
  TYPE_VALUE,
  typeOfKey,
} from '../../format/internal-key.ts'
import type { FileSystem } from '../../platform/file-system.ts'
import { type Block, BlockCursor } from '../../table/block.ts'
import { readTableParts } from '../../table/table-parts.ts'
import { huntBlocks } from './block-hunt.ts'
import type { RepairLoss } from './repair-report.ts'
import { type ScannedBlock, scanBlocks } from './table-scan.ts'
import { WindowFile } from './window-file.ts'

export interface SalvageSink {
  /** Takes the entry that the cursor is at. */
  entry(cursor: BlockCursor): void
  /** Hears of a part that is lost. */
  loss(loss: RepairLoss): void
}

/**
 * Reads the table in `path` into the sink; resolves to the number of entries.
 * Rejects with LEVEL_IO_ERROR or LEVEL_NOT_SUPPORTED, and with what the sink throws.
 */
export async function salvageTable(
  fileSystem: FileSystem,
  path: string,
  sink: SalvageSink,
): Promise<number> {
  const salvage = new Salvage(fileSystem, path, sink)
  await salvage.run()
  return salvage.entries
}

class Salvage {
  entries = 0
  readonly #fileSystem: FileSystem
  readonly #path: string
  readonly #sink: SalvageSink
  readonly #cursor = new BlockCursor()
  #last: Buffer = Buffer.alloc(64)
  #lastLength = 0
  /** The index key of the block before. */
  #above: Buffer | undefined

  constructor(fileSystem: FileSystem, path: string, sink: SalvageSink) {
    this.#fileSystem = fileSystem
    this.#path = path
    this.#sink = sink
  }

  async run(): Promise<void> {
    const file = await WindowFile.open(this.#fileSystem, this.#path)
    try {
      const crc32c = this.#fileSystem.crc32c.bind(this.#fileSystem)
      const { index } = await readTableParts(file, crc32c)
      for await (const scanned of scanBlocks(file, index, crc32c)) this.#takeScanned(scanned)
    } catch (error) {
      if (!isDamage(error)) throw error
      await this.#hunt(error)
    } finally {
      await file.close()
    }
  }

  #takeScanned({ offset, storedBytes, separator, contents }: ScannedBlock): void {
    if (contents instanceof SluiceError) {
      if (!isDamage(contents)) throw contents
      this.#lose(contents.offset ?? offset, storedBytes, contents.message, separator)
    } else {
      const refused = this.#takeBlock(contents, separator)
      if (refused !== undefined) this.#lose(offset, storedBytes, refused, separator)
    }
    this.#above = separator ?? this.#above
  }

  // From the beginning: the index or what leads to it is damaged, so no block was taken yet.
  async #hunt(damage: SluiceError): Promise<void> {
    const bytes = await this.#readWhole()
    let end = 0
    const crc32c = this.#fileSystem.crc32c.bind(this.#fileSystem)
    for (const { storedBytes, contents } of huntBlocks(bytes, this.#path, crc32c)) {
      const before = this.entries
      const refused =
        contents instanceof SluiceError ? contents.message : this.#takeBlock(contents, undefined)
      // An index looks like a block of entries, but its first key is not above the last entry.
      if (this.entries === before) break
      if (refused !== undefined) this.#lose(end, storedBytes, refused, undefined)
      end += storedBytes
    }
    const reason = `${damage.message}; the blocks were looked for from the beginning`
    this.#lose(end, bytes.length - end, reason, undefined)
  }

  // Takes the entries of a block; what is wrong, if anything is, with those that were left out or that
  // should be there.
  #takeBlock(block: Block, upTo: Buffer | undefined): string | undefined {
    const cursor = this.#cursor
    let refused: string | undefined
    try {
      cursor.open(block)
      while (cursor.next()) {
        const reason = this.#refusal(cursor, upTo)
        if (reason !== undefined) {
          refused = reason
          continue
        }
        // It can be taken, but what should be in its place is not there.
        if (this.#isBelowPlace(cursor)) refused = 'an entry is below its place in the index'
        this.#keepLast(cursor)
        this.entries++
        this.#sink.entry(cursor)
      }
    } catch (error) {
      if (!isDamage(error)) throw error
      refused = error.message
    } finally {
      cursor.open(undefined)
    }
    return refused
  }

  #refusal({ key, keyLength }: BlockCursor, upTo: Buffer | undefined): string | undefined {
    if (keyLength < TAG_SIZE) return 'an internal key is too short'
    if (typeOfKey(key, keyLength) > TYPE_VALUE) return 'an entry is of an unknown type'
    if (sequenceOfKey(key, keyLength) < 0) return 'a sequence is out of range'
    // A whole block may stand in the place of another one; the index knows which keys belong here.
    if (isAbove(key, keyLength, upTo)) return 'an entry is above its place in the index'
    if (this.entries === 0) return undefined
    const order = compareInternal(this.#last, 0, this.#lastLength, key, 0, keyLength)
    return order < 0 ? undefined : 'an entry is not above the one before'
  }

  #isBelowPlace({ key, keyLength }: BlockCursor): boolean {
    const above = this.#above
    return above !== undefined && !isAbove(key, keyLength, above)
  }

  #keepLast({ key, keyLength }: BlockCursor): void {
    if (keyLength > this.#last.length) this.#last = Buffer.alloc(2 * keyLength)
    key.copy(this.#last, 0, 0, keyLength)
    this.#lastLength = keyLength
  }

  #lose(offset: number, bytes: number, reason: string, upTo: Buffer | undefined): void {
    const above = userKeyOf(this.#above)
    this.#sink.loss({ file: this.#path, offset, bytes, reason, above, upTo: userKeyOf(upTo) })
  }

  async #readWhole(): Promise<Buffer> {
    try {
      return await this.#fileSystem.readFile(this.#path)
    } catch (error) {
      throw ioError('read', this.#path, error)
    }
  }
}

function isAbove(key: Buffer, keyLength: number, bound: Buffer | undefined): boolean {
  if (bound === undefined || bound.length < TAG_SIZE) return false
  return compareInternal(key, 0, keyLength, bound, 0, bound.length) > 0
}

function userKeyOf(internalKey: Buffer | undefined): Buffer | undefined {
  if (internalKey === undefined || internalKey.length < TAG_SIZE) return undefined
  return internalKey.subarray(0, internalKey.length - TAG_SIZE)
}

function isDamage(error: unknown): error is SluiceError {
  return error instanceof SluiceError && error.code === 'LEVEL_CORRUPTION'
}
