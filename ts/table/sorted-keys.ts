// Internal keys in ascending order, searched by a number for each.
//
//   bytes     key*                        one behind the other; key i ends at ends[i]
//   prefix i  the six bytes of key i behind those that all keys share, zero-filled, as an integer: a
//             double holds 48 bits exactly, and integers of doubles compare as the bytes do
//
//   bucket b  the keys from starts[b] up to starts[b + 1]: the span from the first prefix to the last,
//             cut into as many parts of one length as there are keys
//
// A comparison is one of numbers, and of keys only where the numbers are equal. A bucket holds a key
// or two where they are spread evenly, as hashes and counters are: then a search looks at one place
// instead of halving ten times, each time at memory that is far from the last. Where they are not, a
// bucket may hold them all, and the search is the halving that it would be without.

import { TAG_SIZE, compareInternal } from '../format/internal-key.ts'

const PREFIX_SIZE = 6

export class SortedKeys {
  readonly count: number
  readonly #bytes: Buffer
  readonly #ends: Uint32Array
  readonly #prefixes: Float64Array
  readonly #starts: Uint32Array
  /** The first prefix, and buckets in a unit of prefix. */
  readonly #firstPrefix: number
  readonly #bucketsPerUnit: number
  /** How many bytes all user keys begin with. */
  readonly #sharedBytes: number

  /**
   * Keeps `bytes`, which hold the keys one behind the other; the i-th ends at ends[i].
   * Requires: internal keys, ascending.
   */
  constructor(bytes: Buffer, ends: Uint32Array) {
    this.count = ends.length
    this.#bytes = bytes
    this.#ends = ends
    this.#sharedBytes = this.count === 0 ? 0 : this.#countShared()
    this.#prefixes = new Float64Array(this.count)
    for (let i = 0; i < this.count; i++) {
      this.#prefixes[i] = prefixAt(bytes, this.#start(i) + this.#sharedBytes, ends[i]! - TAG_SIZE)
    }
    this.#firstPrefix = this.#prefixes[0] ?? 0
    const last = this.#prefixes[this.count - 1] ?? 0
    this.#bucketsPerUnit = this.count / (last - this.#firstPrefix + 1)
    this.#starts = this.#makeStarts()
  }

  static of(keys: readonly Uint8Array[]): SortedKeys {
    const ends = new Uint32Array(keys.length)
    let end = 0
    for (const [i, key] of keys.entries()) ends[i] = end += key.length
    const bytes = Buffer.allocUnsafeSlow(end)
    for (const [i, key] of keys.entries()) bytes.set(key, ends[i]! - key.length)
    return new SortedKeys(bytes, ends)
  }

  /** Index of the first key not below the internal key target[0, length); count when all are. */
  lowerBound(target: Uint8Array, length: number): number {
    const order = this.#compareShared(target, length - TAG_SIZE)
    if (order !== 0) return order < 0 ? 0 : this.count
    const prefix = prefixAt(target, this.#sharedBytes, length - TAG_SIZE)
    const prefixes = this.#prefixes
    const bucket = this.#bucketOf(prefix)
    let low = this.#starts[bucket]!
    // What the next bucket begins with is above the target.
    let high = this.#starts[bucket + 1]!
    while (low < high) {
      const middle = (low + high) >>> 1
      const found = prefixes[middle]!
      if (found < prefix || (found === prefix && this.#isBelow(middle, target, length))) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  // Never descends as the prefix ascends: rounding keeps the order. Below the first prefix it is 0,
  // and behind the last one the last.
  #bucketOf(prefix: number): number {
    const last = this.count - 1
    const bucket = (prefix - this.#firstPrefix) * this.#bucketsPerUnit
    return bucket > 0 ? (bucket < last ? Math.floor(bucket) : last) : 0
  }

  #makeStarts(): Uint32Array {
    const starts = new Uint32Array(Math.max(this.count, 1) + 1).fill(this.count)
    for (let i = this.count - 1; i >= 0; i--) starts[this.#bucketOf(this.#prefixes[i]!)] = i
    // An empty bucket begins where the next one does.
    for (let i = this.count - 1; i >= 0; i--) {
      if (starts[i]! > starts[i + 1]!) starts[i] = starts[i + 1]!
    }
    return starts
  }

  // Order of the target's first bytes and those that all keys share: negative when it is below all of
  // them, positive when above.
  #compareShared(target: Uint8Array, userEnd: number): number {
    const bytes = this.#bytes
    const shared = this.#sharedBytes
    const common = userEnd < shared ? userEnd : shared
    for (let i = 0; i < common; i++) {
      const difference = target[i]! - bytes[i]!
      if (difference !== 0) return difference
    }
    return common - shared
  }

  #isBelow(index: number, target: Uint8Array, length: number): boolean {
    const start = this.#start(index)
    return compareInternal(this.#bytes, start, this.#ends[index]!, target, 0, length) < 0
  }

  #start(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!
  }

  // They are in order, so what the first and the last share, all share.
  #countShared(): number {
    const bytes = this.#bytes
    const last = this.#start(this.count - 1)
    const limit = Math.min(this.#ends[0]!, this.#ends[this.count - 1]! - last) - TAG_SIZE
    let shared = 0
    while (shared < limit && bytes[shared] === bytes[last + shared]) shared++
    return shared
  }
}

// Six bytes from `start`, zero-filled from `end` on, the first the most significant.
function prefixAt(bytes: Uint8Array, start: number, end: number): number {
  if (start + PREFIX_SIZE <= end) {
    const low =
      (bytes[start + 2]! << 24) |
      (bytes[start + 3]! << 16) |
      (bytes[start + 4]! << 8) |
      bytes[start + 5]!
    return ((bytes[start]! << 8) | bytes[start + 1]!) * 0x1_0000_0000 + (low >>> 0)
  }
  let prefix = 0
  for (let i = 0; i < PREFIX_SIZE; i++) {
    prefix = prefix * 256 + (start + i < end ? bytes[start + i]! : 0)
  }
  return prefix
}
