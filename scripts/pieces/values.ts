// Copying a value out of a large memory into a Buffer for a caller, by Buffer's own means and by ours,
// in processor time.

import { Bytes } from '../../ts/format/copy-words.ts'
import { copyOut } from '../../ts/format/value-pool.ts'

const CALLS = 2e6
const ROUNDS = 5
const SOURCE_BYTES = 4 * 1024 * 1024

function copyByBuffer({ buffer }: Bytes, start: number, end: number): Buffer {
  const value = Buffer.allocUnsafe(end - start)
  buffer.copy(value, 0, start, end)
  return value
}

export function benchValues(): void {
  const source = Bytes.allocate(SOURCE_BYTES)
  // As many as a caller may hold, so that none is optimized away.
  const held: Buffer[] = Array.from({ length: 1024 }, () => source.buffer)
  for (const size of [20, 60, 100, 160, 200]) {
    const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (let round = 0; round < ROUNDS; round++) {
      for (const [which, copy] of [copyByBuffer, copyOut].entries()) {
        const before = process.cpuUsage()
        for (let i = 0; i < CALLS; i++) {
          const at = (i * 7919) & 0x3f_ff00
          held[i & 1023] = copy(source, at, at + size)
        }
        const { user, system } = process.cpuUsage(before)
        const perCallNs = ((user + system) * 1000) / CALLS
        best[which] = Math.min(best[which]!, perCallNs)
      }
    }
    const [byBuffer, byPool] = best.map((ns) => ns.toFixed(0))
    console.log(`value of ${size} bytes: Buffer.copy ${byBuffer} ns, from the pool ${byPool} ns`)
  }
}
