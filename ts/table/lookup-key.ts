// What a read of one key asks every table: the internal key to seek, and its bloom hash, made once.
//
// One kind of Buffer, whatever the caller's key is, so that the call sites of a search stay
// monomorphic.

import { TAG_SIZE, TYPE_FOR_SEEK, putTag } from '../format/internal-key.ts'
import { bloomHash } from './bloom.ts'

const INITIAL_BYTES = 256
/** Above this, a view and a copy of all at once are faster than a loop. */
const BYTE_LOOP_LIMIT = 64

export class LookupKey {
  #bytes: Buffer
  #length = TAG_SIZE
  #hash = 0
  #sequence = 0

  constructor(capacityBytes: number = INITIAL_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes)
  }

  /** Holds the internal key in [0, length). A view: the next `set` overwrites or replaces it. */
  get bytes(): Buffer {
    return this.#bytes
  }

  get length(): number {
    return this.#length
  }

  /** Where the user key ends and the tag begins. */
  get userEnd(): number {
    return this.#length - TAG_SIZE
  }

  /** bloomHash of the user key. */
  get hash(): number {
    return this.#hash
  }

  get sequence(): number {
    return this.#sequence
  }

  /** A new one, for the newest entry of the user key that a reader at `sequence` sees. */
  static of(userKey: Uint8Array, sequence: number): LookupKey {
    const key = new LookupKey(userKey.length + TAG_SIZE)
    key.set(userKey, userKey.length, sequence)
    return key
  }

  /** Becomes the key userKey[0, userLength), as of `sequence`. The bytes are copied. */
  set(userKey: Uint8Array, userLength: number, sequence: number): void {
    const length = userLength + TAG_SIZE
    if (length > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(length)
    const bytes = this.#bytes
    if (userLength > BYTE_LOOP_LIMIT) bytes.set(userKey.subarray(0, userLength))
    else for (let i = 0; i < userLength; i++) bytes[i] = userKey[i]!
    putTag(bytes, userLength, sequence, TYPE_FOR_SEEK)
    this.#length = length
    this.#sequence = sequence
    this.#hash = bloomHash(bytes, 0, userLength)
  }

  copy(): LookupKey {
    const key = new LookupKey(this.#length)
    this.#bytes.copy(key.#bytes, 0, 0, this.#length)
    key.#length = this.#length
    key.#sequence = this.#sequence
    key.#hash = this.#hash
    return key
  }
}
