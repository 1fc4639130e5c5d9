// Keys searched in blocks of table files, in C++: the block read, checked, expanded, found to be in its
// place, and searched, all in one crossing.
//
// A request and its answer are numbers in a Float64Array that both sides know, and keys in a Buffer:
//
//   request := descriptor  position  storedSize  flags        the block, as for BlockReads
//              keyAt  keySize  floorSize  separatorSize       where in the keys stand, one behind the
//                                                             other: the key, an internal key; that
//                                                             which all of the block are above; that
//                                                             which none is above (0: not to be checked)
//              outcome  valueStart  valueEnd  where           the answer
//
// There is no twin in TypeScript: what is refused, ts/table does in steps, and says what is wrong.

import { copyRange } from '../format/batch.ts'
import { BLOCK_REFUSED } from './block-reads.ts'

export const REQUEST_LENGTH = 12
export const POSITION = 1
export const FLAGS = 3
export const KEY_AT = 4
export const KEY_SIZE = 5
export const OUTCOME = 8
export const VALUE_START = 9
export const VALUE_END = 10
/** The size of the contents; from findInBlocks, which of its Buffers the value is in. */
export const WHERE = 11

/** Outcomes, beside those that say that a block was not read: the first entry at or after the key. */
export const FOUND_NOTHING = 0
export const FOUND_VALUE = 1
export const FOUND_DELETION = 2

/** What the native module has for it. Descriptors must stay open until the answer is there. */
export interface BlockFinds {
  /** A function that answers the request in `numbers`; contents go to the beginning of `contents`. */
  createBlockFinder(numbers: Float64Array, keys: Uint8Array, contents: Uint8Array): () => void
  /**
   * Answers the first `count` requests on the pool. Resolves to Buffers that hold the values, and the
   * contents of blocks that were asked for WHOLE, in a Buffer each; a hole where memory ran out.
   */
  findInBlocks(
    requests: Float64Array,
    count: number,
    keys: Uint8Array,
    keysEnd: number,
  ): Promise<readonly (Buffer | undefined)[]>
}

/** What is looked for, and in which block: one object, written anew for every search. */
export interface BlockQuestion {
  position: number
  storedSize: number
  flags: number
  /** key[0, keySize) is the internal key to search. */
  key: Buffer
  keySize: number
  /** All keys of the block are above places[floorStart, start), if that is not empty. */
  places: Buffer
  floorStart: number
  /** None is above places[start, end); where that is empty, neither is checked. */
  start: number
  end: number
}

/** Where a search in place puts what it found. */
export interface FindTarget {
  /** Room for the contents. */
  readonly bytes: Buffer
  size: number
  valueStart: number
  valueEnd: number
}

/** How much room the keys of the question take. */
export function keyRoom(question: BlockQuestion): number {
  return question.keySize + question.end - question.floorStart
}

/** Writes request `i`, its keys to `keys` from `keyAt` on. Returns where they end. */
export function putRequest(
  numbers: Float64Array,
  i: number,
  keys: Buffer,
  keyAt: number,
  descriptor: number,
  question: BlockQuestion,
): number {
  const { keySize, floorStart, start, end } = question
  const at = REQUEST_LENGTH * i
  const placeAt = keyAt + keySize
  numbers[at] = descriptor
  numbers[at + POSITION] = question.position
  numbers[at + 2] = question.storedSize
  numbers[at + FLAGS] = question.flags
  numbers[at + KEY_AT] = keyAt
  numbers[at + KEY_SIZE] = keySize
  numbers[at + 6] = start - floorStart
  numbers[at + 7] = end - start
  copyRange(question.key, 0, keySize, keys, keyAt)
  copyRange(question.places, floorStart, end, keys, placeAt)
  return placeAt + end - floorStart
}

/** Most keys are far smaller; with larger ones, blocks are searched in steps. */
const KEY_ROOM = 4096

/** Searches on the calling thread. */
export class BlockFinder {
  readonly #finds: BlockFinds
  readonly #numbers = new Float64Array(REQUEST_LENGTH)
  readonly #keys: Buffer = Buffer.allocUnsafeSlow(KEY_ROOM)
  /** Where #run puts contents. */
  #contents: Buffer | undefined
  #run: () => void = () => {}

  constructor(finds: BlockFinds) {
    this.#finds = finds
  }

  /** As RandomAccessFile.findInBlockSync says. */
  find(descriptor: number, question: BlockQuestion, target: FindTarget): number {
    if (keyRoom(question) > KEY_ROOM) return BLOCK_REFUSED
    if (target.bytes !== this.#contents) this.#use(target.bytes)
    const numbers = this.#numbers
    putRequest(numbers, 0, this.#keys, 0, descriptor, question)
    this.#run()
    target.size = numbers[WHERE]!
    target.valueStart = numbers[VALUE_START]!
    target.valueEnd = numbers[VALUE_END]!
    return numbers[OUTCOME]!
  }

  // The same memory serves very many searches, so it is made known once.
  #use(contents: Buffer): void {
    this.#run = this.#finds.createBlockFinder(this.#numbers, this.#keys, contents)
    this.#contents = contents
  }
}
