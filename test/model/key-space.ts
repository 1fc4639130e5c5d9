// The keys of one life of the model, in the order of a database, and the values put under them.
//
//   key space := the keys that are ever written, sorted, without repeats; a key is its index in them
//   value     := 'v' number-of-the-write ':' filler
//
// The number in a value tells where a wrong one comes from; no two writes store the same value.

import { Random } from '../crash/random.ts'

export type KeyProfile = 'numbers' | 'prefixes' | 'bytes'

export const KEY_PROFILES: readonly KeyProfile[] = ['numbers', 'prefixes', 'bytes']

/** What incompressible values are cut from: making random bytes for each would take the time. */
const NOISE = new Random(0x5eed).bytes(2 ** 18)

export class KeySpace {
  readonly keys: readonly Buffer[]

  constructor(profile: KeyProfile, count: number, random: Random) {
    const keys = new Map<string, Buffer>()
    for (let i = 0; keys.size < count; i++) {
      const key = makeKey(profile, i, [...keys.values()], random)
      keys.set(key.toString('latin1'), key)
    }
    this.keys = [...keys.values()].toSorted((a, b) => Buffer.compare(a, b))
  }

  get size(): number {
    return this.keys.length
  }

  /** Index of the first key that is not below `target`; `size` where there is none. */
  lowerBound(target: Uint8Array): number {
    let low = 0
    let high = this.keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (Buffer.compare(this.keys[middle]!, target) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Index of the first key above `target`. */
  upperBound(target: Uint8Array): number {
    const at = this.lowerBound(target)
    return at < this.keys.length && this.keys[at]!.equals(target) ? at + 1 : at
  }

  indexOf(key: Uint8Array): number | undefined {
    const at = this.lowerBound(key)
    return at < this.keys.length && this.keys[at]!.equals(key) ? at : undefined
  }

  /** A key of the space, or one close to it that is never written. */
  probe(random: Random): Buffer {
    const key = random.pick(this.keys)
    switch (random.below(4)) {
      case 0:
        return Buffer.concat([key, Buffer.from([random.pick([0, 0xff])])])
      case 1:
        return key.subarray(0, random.below(key.length + 1))
      default:
        return key
    }
  }
}

function makeKey(
  profile: KeyProfile,
  i: number,
  others: readonly Buffer[],
  random: Random,
): Buffer {
  if (profile === 'numbers') return Buffer.from(String(i * 3).padStart(6, '0'))
  // The empty key, and keys that are prefixes of others, are where comparisons go wrong.
  if (i === 0) return Buffer.alloc(0)
  if (profile === 'bytes') return random.bytes(random.between(1, 8))
  const prefix = random.percent(60) ? random.pick(others) : Buffer.alloc(0)
  const length = random.percent(95) ? random.between(1, 6) : random.between(100, 600)
  const tail = random.percent(30)
    ? Buffer.alloc(length, random.pick([0, 0xff]))
    : random.bytes(length)
  return Buffer.concat([prefix.subarray(0, 700), tail])
}

/** The value of the write with this number; `sizeBytes` is the least, the number may take more. */
export function makeValue(write: number, sizeBytes: number, random: Random): Buffer {
  const head = `v${write}:`
  const value = Buffer.allocUnsafeSlow(Math.max(head.length, sizeBytes))
  value.write(head, 'latin1')
  const length = value.length - head.length
  if (length === 0) return value
  if (length <= NOISE.length && random.percent(50)) {
    const start = random.below(NOISE.length - length + 1)
    NOISE.copy(value, head.length, start, start + length)
  } else {
    value.fill(random.below(256), head.length)
  }
  return value
}

/** A value in a message: its number and size say enough. */
export function describeValue(value: Buffer | undefined): string {
  if (value === undefined) return 'nothing'
  return `${value.toString('latin1', 0, 12).replace(/:.*/s, '')} (${value.length} bytes)`
}

export function describeKey(key: Uint8Array): string {
  const text = Buffer.from(key).toString('latin1', 0, 24)
  return `${JSON.stringify(text)}${key.length > 24 ? `... (${key.length} bytes)` : ''}`
}
