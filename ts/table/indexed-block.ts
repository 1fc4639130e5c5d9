// A block as the cache keeps it once it was found there: with every key whole, and a byte of hash for
// each.
//
//   contents     := as block-builder.ts says, with a restart point at every entry
//   fingerprints := the top byte of the bloom hash of each entry's user key, in the order of entries;
//                   they stand behind the contents
//
// A search in a block that is not in the processor's caches waits for memory: for two or three restart
// points and for every entry behind one. Here it reads the fingerprints, which stand together with
// the restart points, and then the one entry.
//
// For other readers it is a block like all others, some 5 % larger with random keys.

import { copyWords } from '../format/copy-words.ts'
import { putFixed32, putVarint } from '../format/coding.ts'
import { SluiceError } from '../format/error.ts'
import { TAG_SIZE } from '../format/internal-key.ts'
import { bloomHash } from './bloom.ts'
import { Block, BlockCursor } from './block.ts'

/** Blocks of more entries are searched by their restart points: fingerprints are read one by one. */
const MOST_ENTRIES = 192
const MOST_BYTES = 32 * 1024

/** The fingerprint of a user key with this bloomHash. */
export function fingerprintOf(hash: number): number {
  return hash >>> 24
}

const cursor = new BlockCursor()
const room = Buffer.allocUnsafeSlow(MOST_BYTES)
const roomView = new DataView(room.buffer)
const positions = new Uint32Array(MOST_ENTRIES)
const fingerprints = new Uint8Array(MOST_ENTRIES)

/** The same entries with fingerprints, or undefined where they would not pay, or cannot be read. */
export function indexedBlock(block: Block): Block | undefined {
  if (block.entriesEnd === 0 || block.entriesEnd > MOST_BYTES) return undefined
  cursor.open(block)
  try {
    return copyIndexed(block)
  } catch (error) {
    // Whoever searches the block where it is damaged hears of it.
    if (error instanceof SluiceError) return undefined
    throw error
  } finally {
    cursor.open(undefined)
  }
}

function copyIndexed(block: Block): Block | undefined {
  // As much as the block may grow.
  const limit = Math.min(MOST_BYTES, block.entriesEnd + (block.entriesEnd >>> 2))
  const { bytes } = block
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let count = 0
  let end = 0
  while (cursor.next()) {
    const { key, keyLength, valueStart, valueEnd } = cursor
    const valueLength = valueEnd - valueStart
    // Two varints of at most five bytes, and the one of what is shared.
    if (count === MOST_ENTRIES || end + 11 + keyLength + valueLength > limit) return undefined
    if (keyLength < TAG_SIZE) return undefined
    positions[count] = end
    fingerprints[count] = fingerprintOf(bloomHash(key, 0, keyLength - TAG_SIZE))
    count++
    room[end++] = 0
    end = putVarint(room, putVarint(room, end, keyLength), valueLength)
    for (let i = 0; i < keyLength; i++) room[end++] = key[i]!
    copyWords(source, valueStart, valueEnd, roomView, end)
    end += valueLength
  }
  const size = end + 4 * count + 4
  const contents = Buffer.allocUnsafeSlow(size + count)
  room.copy(contents, 0, 0, end)
  for (let i = 0; i < count; i++) {
    putFixed32(contents, end + 4 * i, positions[i]!)
    contents[size + i] = fingerprints[i]!
  }
  putFixed32(contents, size - 4, count)
  return new Block(contents, block.file, block.offset, size, true)
}
