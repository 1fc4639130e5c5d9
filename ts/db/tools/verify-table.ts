// Looks at every byte of a table that means something.
//
//   size ── footer, index, filter ── for each data block: checksum, layout, restart points
//                                    for each entry: well formed, above the one before, its sequence
//                                    not above the last one, found by the filter
//   and between them: blocks stand one behind the other; the index key of a block is not below its
//   last key, and below the first key of the next; the first and last keys are the manifest's

import { SluiceError } from '../../format/error.ts'
import {
  compareInternal,
  sequenceOfKey,
  TAG_SIZE,
  TYPE_VALUE,
  typeOfKey,
} from '../../format/internal-key.ts'
import type { FileSystem } from '../../platform/file-system.ts'
import { bloomHash } from '../../table/bloom.ts'
import { type Block, BlockCursor } from '../../table/block.ts'
import { FOOTER_SIZE, handleEnd, handleOffset, handleSize, putFooter } from '../../table/format.ts'
import { readBytes, readTableParts, type TableParts } from '../../table/table-parts.ts'
import type { FileMetadata } from '../../version/file-metadata.ts'
import { type ScannedBlock, scanBlocks } from './table-scan.ts'
import type { Findings } from './verify-report.ts'
import { WindowFile } from './window-file.ts'

/** What is known of the table; without a manifest, nothing. */
export interface Expected {
  readonly metadata: FileMetadata | undefined
  readonly lastSequence: number
}

/** What was found in a table, as far as it could be read. */
export interface TableFacts {
  readonly sizeBytes: number
  readonly entries: number
  /** The first and last internal keys; undefined where there is no entry. */
  readonly smallest: Buffer | undefined
  readonly largest: Buffer | undefined
  readonly lastSequence: number
}

/** Looks at the table in `path`; undefined where it cannot be opened. Rejects with LEVEL_ABORTED. */
export async function verifyTable(
  fileSystem: FileSystem,
  path: string,
  expected: Expected,
  findings: Findings,
): Promise<TableFacts | undefined> {
  let file: WindowFile
  try {
    file = await WindowFile.open(fileSystem, path)
  } catch (error) {
    findings.caught(error, 'table', path)
    return undefined
  }
  findings.counts.files++
  findings.counts.tables++
  const check = new TableCheck(file, expected, findings)
  try {
    const { metadata } = expected
    if (metadata !== undefined && metadata.sizeBytes !== file.sizeBytes) {
      const message = `the table has ${file.sizeBytes} bytes and not ${metadata.sizeBytes}`
      findings.error('file-size', path, message)
    }
    await check.run((bytes, start, end) => fileSystem.crc32c(bytes, start, end))
  } catch (error) {
    findings.caught(error, 'table', path)
  } finally {
    await file.close()
    findings.fileDone(path)
  }
  return check.facts()
}

class TableCheck {
  readonly #file: WindowFile
  readonly #expected: Expected
  readonly #findings: Findings
  readonly #cursor = new BlockCursor()
  /** The last key, of any block. */
  #last: Buffer = Buffer.alloc(64)
  #lastLength = 0
  #hasLast = false
  /** The index key of the block before. */
  #separator: Buffer | undefined
  #smallest: Buffer | undefined
  #entries = 0
  #lastSequence = 0
  #nextOffset = 0
  #isWhole = true

  constructor(file: WindowFile, expected: Expected, findings: Findings) {
    this.#file = file
    this.#expected = expected
    this.#findings = findings
  }

  facts(): TableFacts {
    const largest = Buffer.from(this.#last.subarray(0, this.#lastLength))
    return {
      sizeBytes: this.#file.sizeBytes,
      entries: this.#entries,
      smallest: this.#smallest,
      largest: this.#hasLast ? largest : undefined,
      lastSequence: this.#lastSequence,
    }
  }

  async run(crc32c: (bytes: Uint8Array, start: number, end: number) => number): Promise<void> {
    const file = this.#file
    const parts = await readTableParts(file, crc32c)
    await this.#checkFooter()
    if (parts.filterDamage !== undefined) {
      this.#findings.caught(parts.filterDamage, 'filter', file.path)
    }
    for await (const scanned of scanBlocks(file, parts.index, crc32c)) {
      this.#findings.advance(file.path, scanned.storedBytes)
      this.#checkPlace(scanned)
      this.#checkBlock(scanned, parts)
    }
    this.#checkEnd()
    this.#findings.advance(file.path, Math.max(0, file.sizeBytes - this.#nextOffset))
  }

  // The footer has no checksum, but there is only one way to write it.
  async #checkFooter(): Promise<void> {
    const file = this.#file
    const at = file.sizeBytes - FOOTER_SIZE
    const footer = await readBytes(file, at, FOOTER_SIZE)
    const canonical = Buffer.alloc(FOOTER_SIZE)
    const indexAt = handleEnd(footer, 0, FOOTER_SIZE)
    putFooter(
      canonical,
      0,
      Math.max(0, handleOffset(footer, 0)),
      Math.max(0, handleSize(footer, 0)),
      handleOffset(footer, indexAt),
      handleSize(footer, indexAt),
    )
    if (!canonical.equals(footer)) this.#error('table', 'the footer is not as it was written', at)
  }

  #checkPlace({ offset, storedBytes, contents }: ScannedBlock): void {
    if (storedBytes === 0) return
    if (offset !== this.#nextOffset) {
      const message = `a block is at ${offset} where the one before ends at ${this.#nextOffset}`
      this.#error('table', contents instanceof SluiceError ? contents.message : message, offset)
    }
    this.#nextOffset = offset + storedBytes
  }

  #checkBlock({ offset, separator, contents }: ScannedBlock, parts: TableParts): void {
    this.#findings.counts.blocks++
    if (contents instanceof SluiceError) {
      this.#isWhole = false
      this.#findings.caught(contents, 'block', this.#file.path)
    } else {
      try {
        this.#checkEntries(contents, parts)
      } catch (error) {
        this.#isWhole = false
        this.#findings.caught(error, 'block', this.#file.path)
      }
    }
    if (separator === undefined) return
    if (separator.length < TAG_SIZE) {
      this.#error('table', 'a key of the index is too short', parts.index.offset)
      this.#separator = undefined
      return
    }
    if (this.#hasLast && this.#compareLast(separator, separator.length) > 0) {
      this.#error('order', 'a block has a key above its key in the index', offset)
    }
    this.#separator = separator
  }

  #checkEntries(block: Block, { filter }: TableParts): void {
    const { lastSequence } = this.#expected
    const cursor = this.#cursor
    cursor.open(block)
    let entryAt = 0
    let restart = 0
    let isHidden = false
    for (let i = 0; cursor.next(); i++) {
      const { key, keyLength } = cursor
      if (restart < block.restartCount && block.restartAt(restart) === entryAt) {
        if (block.bytes[entryAt] !== 0) throw block.damage('a restart entry shares bytes')
        restart++
      }
      entryAt = cursor.valueEnd
      this.#findings.counts.entries++
      this.#entries++
      if (keyLength < TAG_SIZE) throw block.damage('internal key too short')
      const sequence = sequenceOfKey(key, keyLength)
      if (typeOfKey(key, keyLength) > TYPE_VALUE) {
        this.#error('entry', `an entry has type ${typeOfKey(key, keyLength)}`, block.offset)
      }
      if (sequence < 0 || sequence > lastSequence) {
        this.#error('sequence', `an entry has a sequence above ${lastSequence}`, block.offset)
      }
      if (sequence > this.#lastSequence) this.#lastSequence = sequence
      this.#checkOrder(block, i)
      const hash = bloomHash(key, 0, keyLength - TAG_SIZE)
      isHidden ||= filter?.hashMayMatch(block.offset, hash) === false
      this.#keepLast()
    }
    if (restart !== block.restartCount && entryAt > 0) {
      throw block.damage('a restart point is not at an entry')
    }
    if (entryAt === 0) this.#error('block', 'a data block has no entries', block.offset)
    if (isHidden) this.#error('filter', 'the filter hides a key of this block', block.offset)
  }

  #checkOrder(block: Block, ordinal: number): void {
    const { key, keyLength } = this.#cursor
    if (this.#hasLast) {
      if (this.#compareLast(key, keyLength) >= 0) {
        this.#error('order', `entry ${ordinal} is not above the one before`, block.offset)
      }
    } else if (this.#isWhole) this.#checkBound('first', this.#expected.metadata?.smallest)
    const separator = this.#separator
    if (ordinal > 0 || separator === undefined) return
    if (compareInternal(separator, 0, separator.length, key, 0, keyLength) >= 0) {
      this.#error('order', 'a block begins at or below the index key before it', block.offset)
    }
  }

  #checkEnd(): void {
    if (!this.#isWhole) return
    this.#checkBound('last', this.#expected.metadata?.largest)
  }

  #checkBound(which: 'first' | 'last', wanted: Buffer | undefined): void {
    if (wanted === undefined) return
    const { key, keyLength } = this.#cursor
    const isLast = which === 'last'
    const found = isLast ? this.#last.subarray(0, this.#lastLength) : key.subarray(0, keyLength)
    if (wanted.equals(found)) return
    this.#error('range', `the ${which} key is not the one that the manifest gives`)
  }

  #compareLast(key: Buffer, keyLength: number): number {
    return compareInternal(this.#last, 0, this.#lastLength, key, 0, keyLength)
  }

  #keepLast(): void {
    const { key, keyLength } = this.#cursor
    this.#smallest ??= Buffer.from(key.subarray(0, keyLength))
    if (keyLength > this.#last.length) this.#last = Buffer.alloc(2 * keyLength)
    key.copy(this.#last, 0, 0, keyLength)
    this.#lastLength = keyLength
    this.#hasLast = true
  }

  #error(
    code: 'table' | 'block' | 'entry' | 'order' | 'range' | 'filter' | 'sequence',
    message: string,
    offset?: number,
  ): void {
    this.#findings.error(code, this.#file.path, message, offset)
  }
}
