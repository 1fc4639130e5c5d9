// Reads the blocks of a table for a cursor, several at once while it goes through them in a row.
//
//   after a seek, one block; then, each time a block is not there, twice as much as the last time,
//   from 16 KiB to 256 KiB, of blocks that are stored beside each other; from 64 KiB on the next piece
//   is read while the cursor goes through this one
//
// 256 KiB are some 2,000 entries of 100 bytes: a hop to the pool, about 50 us, for 1,000 us of work.
//
// Invariants:
//   At most two pieces of the file are held, and none is written to again: blocks are views of them.
//   Where a longer read fails, the block alone is tried: its neighbours' trouble is not its own. A
//   read that nobody waits for may fail unheard: whoever needs it reads again.
//   A table is not given back while it is being read.

import type { Block } from '../../table/block.ts'
import type { TableIndex } from '../../table/table-index.ts'
import type { Table } from '../../table/table.ts'

const FIRST_WINDOW_BYTES: number = 16 * 1024
const LARGEST_WINDOW_BYTES: number = 256 * 1024
const OVERLAPPED_WINDOW_BYTES: number = 64 * 1024

/** The file's [start, end), out of blocks first to last. */
interface Piece {
  readonly first: number
  readonly last: number
  readonly start: number
  readonly end: number
}

interface LoadedPiece extends Piece {
  readonly stored: Buffer
}

interface PieceAhead extends Piece {
  /** Undefined when the read failed; never rejects. */
  readonly stored: Promise<Buffer | undefined>
}

/** The table that the cursor is in, and what is being read of it without anybody waiting. */
interface Attachment {
  readonly table: Table
  readsAhead: number
  /** Set when the cursor has left. */
  giveBack: (() => void) | undefined
}

export class ReadAhead {
  readonly #fillCache: boolean
  #attachment: Attachment | undefined
  #piece: LoadedPiece | undefined
  #ahead: PieceAhead | undefined
  #windowBytes = 0
  /** Whether the block that blockAt returned last may be in the cache. */
  #isShared = false

  constructor(fillCache: boolean) {
    this.#fillCache = fillCache
  }

  /** The cursor has jumped: the next read is of one block. */
  restart(): void {
    this.#windowBytes = 0
  }

  /** Another table from now on; the window stays, since a level goes on in its next table. */
  attach(table: Table): void {
    this.#attachment = { table, readsAhead: 0, giveBack: undefined }
  }

  /** No table any more; calls `giveBack` when nothing is read from it. */
  detach(giveBack: () => void): void {
    const attachment = this.#attachment!
    this.#attachment = undefined
    this.#piece = undefined
    this.#ahead = undefined
    if (attachment.readsAhead === 0) giveBack()
    else attachment.giveBack = giveBack
  }

  /** Block i of the table, when it is in the cache or was read. Throws LEVEL_CORRUPTION. */
  blockAt(index: TableIndex, i: number): Block | undefined {
    const { table } = this.#attachment!
    const kept = table.blockInCache(i)
    this.#isShared = kept !== undefined || this.#fillCache
    if (kept !== undefined) return kept
    index.checkHandle(i)
    const piece = this.#piece
    if (piece === undefined || i < piece.first || i > piece.last) return undefined
    const at = index.offsetOf(i) - piece.start
    return table.parseBlock(piece.stored, at, at + index.storedSizeOf(i), i, this.#fillCache)
  }

  /** The bytes of the block that blockAt returned last, in memory that nobody else reads. */
  ownBytes({ bytes }: Block): Buffer {
    // A block that is not compressed is a view of what was read, which a seek back parses again.
    const isView = bytes.buffer === this.#piece?.stored.buffer
    if (!this.#isShared && !isView && bytes.buffer.byteLength < 2 * bytes.length) return bytes
    const own = Buffer.allocUnsafeSlow(bytes.length)
    own.set(bytes)
    return own
  }

  /**
   * Reads block i and, if it was one of several in a row, those behind it in the direction. Rejects
   * with LEVEL_IO_ERROR.
   */
  async read(index: TableIndex, i: number, forward: boolean): Promise<void> {
    const { table } = this.#attachment!
    const ahead = this.#takeAhead(i)
    const stored = await ahead?.stored
    if (ahead !== undefined && stored !== undefined) {
      this.#piece = { ...ahead, stored }
    } else {
      const piece = this.#plan(index, i, forward)
      const length = piece.end - piece.start
      try {
        this.#piece = { ...piece, stored: await table.readStored(piece.start, length) }
      } catch (error) {
        if (piece.first === piece.last) throw error
        const one = this.#planOne(index, i)
        this.#piece = { ...one, stored: await table.readStored(one.start, one.end - one.start) }
      }
    }
    this.#goAhead(index, forward)
  }

  /** The same on the calling thread; throws. */
  readSync(index: TableIndex, i: number, forward: boolean): void {
    const { table } = this.#attachment!
    const piece = this.#plan(index, i, forward)
    const length = piece.end - piece.start
    try {
      this.#piece = { ...piece, stored: table.readStoredSync(piece.start, length) }
    } catch (error) {
      if (piece.first === piece.last) throw error
      const one = this.#planOne(index, i)
      this.#piece = { ...one, stored: table.readStoredSync(one.start, one.end - one.start) }
    }
  }

  // The piece that was read ahead, when it is the one that is needed; else the cursor has jumped.
  #takeAhead(i: number): PieceAhead | undefined {
    const ahead = this.#ahead
    this.#ahead = undefined
    return ahead === undefined || i < ahead.first || i > ahead.last ? undefined : ahead
  }

  // Begins to read what comes behind the piece, without waiting for it.
  #goAhead(index: TableIndex, forward: boolean): void {
    if (this.#windowBytes < OVERLAPPED_WINDOW_BYTES) return
    const { first, last } = this.#piece!
    const next = forward ? last + 1 : first - 1
    if (next < 0 || next >= index.blockCount) return
    if (!index.areNeighbours(forward ? last : next)) return
    const piece = this.#plan(index, next, forward)
    this.#ahead = { ...piece, stored: tryRead(this.#attachment!, piece) }
  }

  #plan(index: TableIndex, i: number, forward: boolean): Piece {
    const limitBytes = this.#windowBytes
    this.#windowBytes = Math.min(Math.max(FIRST_WINDOW_BYTES, 2 * limitBytes), LARGEST_WINDOW_BYTES)
    let first = i
    let last = i
    let bytes = index.storedSizeOf(i)
    for (;;) {
      const next = forward ? last + 1 : first - 1
      if (next < 0 || next >= index.blockCount) break
      if (!index.areNeighbours(forward ? last : next)) break
      bytes += index.storedSizeOf(next)
      if (bytes > limitBytes) break
      if (forward) last = next
      else first = next
    }
    return pieceOf(index, first, last)
  }

  #planOne(index: TableIndex, i: number): Piece {
    this.#windowBytes = 0
    return pieceOf(index, i, i)
  }
}

async function tryRead(attachment: Attachment, { start, end }: Piece): Promise<Buffer | undefined> {
  attachment.readsAhead++
  try {
    return await attachment.table.readStored(start, end - start)
  } catch {
    // Not told now: the block is read again when the cursor comes to it, and then it is.
    return undefined
  } finally {
    attachment.readsAhead--
    if (attachment.readsAhead === 0) attachment.giveBack?.()
  }
}

function pieceOf(index: TableIndex, first: number, last: number): Piece {
  const end = index.offsetOf(last) + index.storedSizeOf(last)
  return { first, last, start: index.offsetOf(first), end }
}
