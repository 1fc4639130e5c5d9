// Handing out 100 bytes of a slab or a block, in each of the ways that were weighed; the best of five.

const ROUNDS = 5
const CALLS = 1e6

type ViewClass = new (memory: ArrayBufferLike, offset: number, length: number) => Buffer

export function benchViews(): void {
  const slab = Buffer.allocUnsafeSlow(16 * 1024)
  const block = Buffer.allocUnsafeSlow(4096).fill(3)
  const BufferView = (Buffer as unknown as { [Symbol.species]: ViewClass })[Symbol.species]
  const ways: Record<string, (at: number) => Buffer> = {
    'a view': (at) => new BufferView(slab.buffer, at, 100),
    'a view by subarray()': (at) => slab.subarray(at, at + 100),
    'a view by Buffer.from()': (at) => Buffer.from(slab.buffer, at, 100),
    'copied to the slab, and a view': (at) => {
      block.copy(slab, at, 200, 300)
      return new BufferView(slab.buffer, at, 100)
    },
    'a Buffer of its own': () => {
      const own = Buffer.allocUnsafe(100)
      block.copy(own, 0, 200, 300)
      return own
    },
  }
  for (const [name, way] of Object.entries(ways)) {
    const times = Array.from({ length: ROUNDS }, () => timeOf(way))
    console.log(`100 bytes handed out, ${name}: ${Math.min(...times).toFixed(0)} ns`)
  }
}

/** Nanoseconds a call. */
function timeOf(way: (at: number) => Buffer): number {
  let last = way(0)
  const startMs = performance.now()
  for (let i = 0; i < CALLS; i++) last = way(i & 8191)
  const durationMs = performance.now() - startMs
  if (last.length !== 100) throw new Error('not what was asked for')
  return (durationMs * 1e6) / CALLS
}
