// LevelDB's bloom filter over user keys.
//
//   filter := bits[size]  probes: u8
//   size   := max(64, keys * bits per key) bits, rounded up to whole bytes
//   a key sets the bits  (hash + i * delta) mod bits,  i in [0, probes), all modulo 2^32, where delta
//   is hash rotated right by 17 (double hashing)
//
// The hash is like Murmur's, 32 bits; products by Math.imul, which is exact modulo 2^32. BigInt was
// rejected: it allocates, twice for every four bytes.

// On disk: never change these values.
const SEED = 0xbc9f1d34
const MULTIPLIER = 0xc6a4a793
/** More probes than this is a format that is not known yet. */
const MAX_PROBES = 30
const MIN_BITS = 64

/** The hash of bytes[start, end), as an unsigned 32-bit integer. */
export function bloomHash(bytes: Uint8Array, start: number, end: number): number {
  let hash = SEED ^ Math.imul(end - start, MULTIPLIER)
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    hash = Math.imul((hash + word) | 0, MULTIPLIER)
    hash ^= hash >>> 16
  }
  if (at === end) return hash >>> 0
  let rest = bytes[at]!
  if (at + 1 < end) rest |= bytes[at + 1]! << 8
  if (at + 2 < end) rest |= bytes[at + 2]! << 16
  hash = Math.imul((hash + rest) | 0, MULTIPLIER)
  return (hash ^ (hash >>> 24)) >>> 0
}

/** Probes that LevelDB makes for so many bits a key: bits * ln 2, rounded down, within [1, 30]. */
export function probesFor(bitsPerKey: number): number {
  return Math.min(MAX_PROBES, Math.max(1, Math.floor(bitsPerKey * 0.69)))
}

/** Bytes of a filter over so many keys, the probe count included. */
export function bloomSize(keyCount: number, bitsPerKey: number): number {
  return Math.ceil(Math.max(MIN_BITS, keyCount * bitsPerKey) / 8) + 1
}

/** Writes the filter of hashes[0, count). Requires: bloomSize(count, bitsPerKey) bytes of room. */
export function putBloom(
  bytes: Uint8Array,
  position: number,
  hashes: Uint32Array,
  count: number,
  bitsPerKey: number,
): void {
  const size = bloomSize(count, bitsPerKey) - 1
  const bits = (size * 8) >>> 0
  const probes = probesFor(bitsPerKey)
  // A loop: most filters are of some 50 bytes, and Buffer.fill takes longer to begin.
  for (let i = 0; i < size; i++) bytes[position + i] = 0
  bytes[position + size] = probes
  for (let i = 0; i < count; i++) {
    let hash = hashes[i]!
    const delta = (hash >>> 17) | (hash << 15)
    for (let probe = 0; probe < probes; probe++) {
      const bit = hash % bits
      bytes[position + (bit >>> 3)]! |= 1 << (bit & 7)
      hash = (hash + delta) >>> 0
    }
  }
}

/** Whether the filter bytes[start, end) may contain the key that hashes to `hash`. */
export function bloomMayContain(
  bytes: Uint8Array,
  start: number,
  end: number,
  hash: number,
): boolean {
  const size = end - start - 1
  // No bits at all: LevelDB takes it for the filter of no keys.
  if (size < 1) return false
  const probes = bytes[end - 1]!
  if (probes > MAX_PROBES) return true
  const bits = (size * 8) >>> 0
  const delta = (hash >>> 17) | (hash << 15)
  let at = hash >>> 0
  for (let probe = 0; probe < probes; probe++) {
    const bit = at % bits
    if ((bytes[start + (bit >>> 3)]! & (1 << (bit & 7))) === 0) return false
    at = (at + delta) >>> 0
  }
  return true
}
