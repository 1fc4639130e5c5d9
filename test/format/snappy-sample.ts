// What the Snappy tests compress.

import type { Random } from '../crash/random.ts'

/** Text-like, repetitive, random, or all of it. */
export function sample(random: Random): Buffer {
  const parts: Buffer[] = []
  for (let i = random.between(1, 6); i > 0; i--) {
    const length = random.below(random.pick([10, 100, 5000, 100_000]))
    if (random.percent(30)) parts.push(random.bytes(length))
    else if (random.percent(50))
      parts.push(Buffer.alloc(length, random.bytes(random.between(1, 70))))
    else if (parts.length > 0) parts.push(random.pick(parts))
  }
  return Buffer.concat(parts)
}
