// Finds the data blocks of a table whose index is lost.
//
// Blocks stand one behind the other from the beginning of the file, and each ends in a type and a
// checksum. So the end of a block is where the checksum of all from its beginning fits; one pass over
// the bytes finds it, with the checksum carried along. Behind the data blocks come the filter, the
// metaindex and the index: their contents are no entries, or no entries above those before, and whoever
// takes the blocks stops there.
//
// What is behind a damaged block is not found: where the next one begins, nothing tells.

import { fixed32At } from '../../format/coding.ts'
import { unmaskCrc } from '../../format/crc-mask.ts'
import { SluiceError } from '../../format/error.ts'
import type { FileSystem } from '../../platform/file-system.ts'
import { Block } from '../../table/block.ts'
import { blockContents } from '../../table/block-contents.ts'
import { BLOCK_TRAILER_SIZE, TYPE_ZSTD } from '../../table/format.ts'
import type { ScannedBlock } from './table-scan.ts'

/** The CRC-32C polynomial, its bits in the order in which they are shifted out. */
const POLYNOMIAL = 0x82f63b78

const CRC_OF_BYTE: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
  return crc
})

/** The blocks in `file`, the contents of `path`, up to the first that is damaged or is none. */
export function* huntBlocks(
  file: Buffer,
  path: string,
  crc32c: FileSystem['crc32c'],
): Generator<ScannedBlock, void> {
  let offset = 0
  for (;;) {
    const end = blockEnd(file, offset)
    if (end === -1) return
    const stored = file.subarray(offset, end)
    let contents: Block
    try {
      contents = new Block(blockContents(stored, path, offset, crc32c), path, offset)
    } catch (error) {
      // A filter, or what else is not laid out as a block: the data ends here.
      if (error instanceof SluiceError && error.code === 'LEVEL_CORRUPTION') return
      throw error
    }
    yield { offset, storedBytes: stored.length, separator: undefined, contents }
    offset = end
  }
}

// Where the block that begins at `offset` ends, its trailer included; -1 where none is found.
function blockEnd(file: Buffer, offset: number): number {
  const limit = file.length - BLOCK_TRAILER_SIZE
  let crc = -1
  for (let at = offset; at <= limit; at++) {
    const byte = file[at]!
    crc = (crc >>> 8) ^ CRC_OF_BYTE[(crc ^ byte) & 0xff]!
    if (byte > TYPE_ZSTD || at === offset) continue
    if (unmaskCrc(fixed32At(file, at + 1)) === ~crc >>> 0) return at + BLOCK_TRAILER_SIZE
  }
  return -1
}
