// Reads a file in LevelDB's log format (the grammar is in format/log-block), and stops at the first
// damage: what comes after a hole is never handed out.
//
// Three ways to end:
//   clean    behind the last record there is nothing, or nothing but zeroes: a writer grows its file
//            ahead of what it writes, and cuts it when it closes it
//   torn     the file ends inside a record, as a crash leaves it: cut header, cut data, or a first
//            fragment without its last
//   damaged  anything else: a checksum that does not match, an impossible length or type, a
//            fragment out of order, zeroes with more behind them
// After torn or damaged, `damage` says where the unread part begins, how long it is and why.
//
// Rejected: to skip a bad block and go on, as C++ LevelDB does by default. That leaves holes: later
// writes without the earlier ones they were built on.

import { fixed32At } from '../format/coding.ts'
import { unmaskCrc } from '../format/crc-mask.ts'
import {
  BLOCK_SIZE,
  HEADER_SIZE,
  TYPE_FIRST,
  TYPE_FULL,
  TYPE_LAST,
  TYPE_MIDDLE,
  TYPE_ZERO,
} from '../format/log-block.ts'

export interface LogDamage {
  readonly kind: 'torn' | 'damaged'
  /** Where the first record that was not handed out begins. */
  readonly offset: number
  /** From there to the end of the file. */
  readonly droppedBytes: number
  readonly reason: string
}

export class LogReader {
  readonly #file: Buffer
  readonly #crc32c: (bytes: Uint8Array, start: number, end: number) => number
  #position: number
  #recordOffset: number
  #damage: LogDamage | undefined
  // The record: a view of the file where it has one fragment, else of #joined.
  #bytes: Buffer
  #start = 0
  #end = 0
  #joined: Buffer = Buffer.alloc(0)
  #joinedEnd = 0
  // The fragment that #readFragment found.
  #dataStart = 0
  #dataEnd = 0

  /**
   * Reads `file`, a whole log or whole blocks of one, which must not change while it is read; from
   * `start` on, where a record begins.
   */
  constructor(
    file: Buffer,
    crc32c: (bytes: Uint8Array, start: number, end: number) => number,
    start = 0,
  ) {
    this.#file = file
    this.#position = start
    this.#recordOffset = start
    this.#bytes = file
    this.#crc32c = crc32c
  }

  /** The record is bytes[start, end); good until the next call of next(). */
  get bytes(): Buffer {
    return this.#bytes
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  /** Where in the file the record begins. */
  get recordOffset(): number {
    return this.#recordOffset
  }

  /** Set once next() has returned false for another reason than a clean end. */
  get damage(): LogDamage | undefined {
    return this.#damage
  }

  /** Moves to the next record. False at the end, whatever the end is: see `damage`. */
  next(): boolean {
    if (this.#damage !== undefined) return false
    let type = this.#readFragment(true)
    if (type === TYPE_ZERO) return false
    if (type === TYPE_FULL) return this.#takeWhole()
    if (type !== TYPE_FIRST) {
      return this.#stopOutOfOrder('a record without its first fragment')
    }
    this.#joinedEnd = 0
    this.#join()
    while (type !== TYPE_LAST) {
      type = this.#readFragment(false)
      if (type === TYPE_ZERO) return false
      if (this.#joinedEnd === 0 && (type === TYPE_FULL || type === TYPE_FIRST)) {
        // Where a header alone fitted into the rest of a block, old LevelDBs left an empty first
        // fragment there, and began the record again in the next block.
        this.#recordOffset = this.#dataStart - HEADER_SIZE
        if (type === TYPE_FULL) return this.#takeWhole()
      } else if (type !== TYPE_MIDDLE && type !== TYPE_LAST) {
        return this.#stopOutOfOrder('a record without its last fragment')
      }
      this.#join()
    }
    this.#bytes = this.#joined
    this.#start = 0
    this.#end = this.#joinedEnd
    return true
  }

  /**
   * Whether any whole fragment stands at the damage or behind it: a crash leaves none behind a record
   * that was synced alone. Looks at the place of the damage, at the one behind the damaged fragment,
   * and at every later block.
   * Requires: next() has returned false.
   */
  hasFragmentsAfterDamage(): boolean {
    if (this.#damage === undefined) return false
    return this.#isFragment(this.#position) || this.#fragmentBehind(this.#position) !== -1
  }

  /**
   * Goes on behind the damage, where a whole fragment follows; then next() may find more records,
   * with a hole before them. For repair alone: whoever opens a database stops at the damage.
   * Requires: next() has returned false.
   */
  skipDamage(): boolean {
    if (this.#damage === undefined) return false
    const next = this.#startsRecord(this.#position)
      ? this.#position
      : this.#fragmentBehind(this.#position)
    if (next === -1) return false
    this.#position = next
    this.#damage = undefined
    return true
  }

  // The fragment is the record.
  #takeWhole(): true {
    this.#bytes = this.#file
    this.#start = this.#dataStart
    this.#end = this.#dataEnd
    return true
  }

  // A whole fragment that was only found out of order: behind a record without its end.
  #startsRecord(at: number): boolean {
    if (at === this.#damage?.offset || !this.#isFragment(at)) return false
    return this.#file[at + 6] === TYPE_FULL || this.#file[at + 6] === TYPE_FIRST
  }

  // Reads one fragment, moves behind it and returns its type; TYPE_ZERO at the end, of any kind.
  #readFragment(startsRecord: boolean): number {
    const file = this.#file
    this.#skipTrailer()
    const at = this.#position
    if (startsRecord) this.#recordOffset = at
    if (this.#isAtEnd(at)) {
      return startsRecord ? TYPE_ZERO : this.#stop('torn', 'the file ends before the last fragment')
    }
    if (file.length - at < HEADER_SIZE) return this.#stop('torn', 'the file ends inside a header')
    const length = lengthAt(file, at)
    const type = file[at + 6]!
    const end = at + HEADER_SIZE + length
    if ((at % BLOCK_SIZE) + HEADER_SIZE + length > BLOCK_SIZE) {
      return this.#stop('damaged', 'a fragment reaches past its block')
    }
    if (end > file.length) return this.#stop('torn', 'the file ends inside a fragment')
    if (type === TYPE_ZERO && length === 0) {
      return this.#stop('damaged', 'zeroes in the middle of the log')
    }
    if (type === TYPE_ZERO || type > TYPE_LAST) {
      return this.#stop('damaged', `unknown fragment type ${type}`)
    }
    if (unmaskCrc(fixed32At(file, at)) !== this.#crc32c(file, at + 6, end)) {
      return this.#stop('damaged', 'checksum mismatch')
    }
    this.#dataStart = at + HEADER_SIZE
    this.#dataEnd = end
    this.#position = end
    return type
  }

  #skipTrailer(): void {
    const left = BLOCK_SIZE - (this.#position % BLOCK_SIZE)
    if (left < HEADER_SIZE) {
      this.#position = Math.min(this.#position + left, this.#file.length)
    }
  }

  // Zeroes to the end of the file count as its end. C++ LevelDB skips a block that begins with them
  // without a word and goes on behind it; here that is damage.
  #isAtEnd(at: number): boolean {
    const file = this.#file
    let end = file.length
    if (at < end && (file[at + 6] ?? TYPE_ZERO) !== TYPE_ZERO) return false
    while (end > at && file[end - 1] === 0) end--
    return end === at
  }

  // The fragment is whole, and goes back to where the damage is: see hasFragmentsAfterDamage.
  #stopOutOfOrder(reason: string): false {
    this.#position = this.#dataStart - HEADER_SIZE
    this.#stop('damaged', reason)
    return false
  }

  #stop(kind: LogDamage['kind'], reason: string): number {
    const offset = this.#recordOffset
    this.#damage = { kind, offset, droppedBytes: this.#file.length - offset, reason }
    return TYPE_ZERO
  }

  #join(): void {
    const length = this.#dataEnd - this.#dataStart
    const needed = this.#joinedEnd + length
    if (needed > this.#joined.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(needed, this.#joined.length * 2, BLOCK_SIZE * 2),
      )
      this.#joined.copy(grown, 0, 0, this.#joinedEnd)
      this.#joined = grown
    }
    this.#file.copy(this.#joined, this.#joinedEnd, this.#dataStart, this.#dataEnd)
    this.#joinedEnd = needed
  }

  // Where a fragment may stand behind the broken one at `at`: where its length says, or at the
  // beginning of a later block. Anywhere else it could be a log that somebody stored in a value.
  #fragmentBehind(at: number): number {
    const file = this.#file
    if (at + HEADER_SIZE <= file.length) {
      const behind = at + HEADER_SIZE + lengthAt(file, at)
      if (this.#isFragment(behind)) return behind
    }
    const nextBlock = (Math.floor(at / BLOCK_SIZE) + 1) * BLOCK_SIZE
    for (let block = nextBlock; block < file.length; block += BLOCK_SIZE) {
      if (this.#isFragment(block)) return block
    }
    return -1
  }

  #isFragment(at: number): boolean {
    const file = this.#file
    if (at + HEADER_SIZE > file.length) return false
    const end = at + HEADER_SIZE + lengthAt(file, at)
    const type = file[at + 6]!
    if (end > file.length || type < TYPE_FULL || type > TYPE_LAST) return false
    return unmaskCrc(fixed32At(file, at)) === this.#crc32c(file, at + 6, end)
  }
}

function lengthAt(file: Buffer, at: number): number {
  return file[at + 4]! | (file[at + 5]! << 8)
}
