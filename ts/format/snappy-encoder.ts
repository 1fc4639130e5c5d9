// Compresses by Snappy's format, whose grammar is at the head of snappy-decoder.ts.
//
// Fragments of 64 KiB are compressed by themselves. At each place the four bytes there are looked up
// in a table of the places where four bytes of that hash were last seen; where they are the same
// bytes, what is between becomes a literal and the longest match a copy. After 32 places without a
// match every second one is tried, after 64 every third, and so on: bytes that do not compress cost
// little.
//
// native/core/snappy.cc is the same step for step and gives the same bytes; test/parity compares them.
// A block of 4 KiB takes some 4 us there; the `snappy` package takes 7 to 12 us, most of it for the
// buffer that it makes (Node 20.20, 2026-11-21, `node dist/scripts/bench-pieces.js snappy`).
// Other encoders may make other bytes of the same data, and every decoder reads these.

import { copyRange } from './batch.ts'
import { putVarint } from './coding.ts'

const FRAGMENT_SIZE = 65_536
const MIN_HASH_BITS = 8
const MAX_HASH_BITS = 14
const MULTIPLIER = 0x9e37_79b1 | 0
const MIN_MATCH = 4
const MISSES_PER_STEP = 32
const MAX_COPY = 64

const LITERAL = 0
const NEAR_COPY = 1
const COPY = 2

/** Where four bytes of each hash were last seen in the fragment. Nobody else runs meanwhile. */
const places = new Uint16Array(1 << MAX_HASH_BITS)

/** Bytes that the compressed form of `size` bytes takes at most. */
export function snappyBound(size: number): number {
  return 32 + size + Math.floor(size / 6)
}

/**
 * Compresses bytes[start, end) to target[position...] and returns where that ends.
 * Requires: snappyBound(end - start) bytes of room; the two ranges do not overlap.
 */
export function compressSnappy(
  bytes: Buffer,
  start: number,
  end: number,
  target: Buffer,
  position: number,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let to = putVarint(target, position, end - start)
  for (let at = start; at < end; at += FRAGMENT_SIZE) {
    to = compressFragment(bytes, view, at, Math.min(end, at + FRAGMENT_SIZE), target, to)
  }
  return to
}

function compressFragment(
  bytes: Buffer,
  view: DataView,
  base: number,
  end: number,
  target: Buffer,
  position: number,
): number {
  let to = position
  let literal = base
  const size = end - base
  let bits = MIN_HASH_BITS
  while (bits < MAX_HASH_BITS && 1 << bits < size) bits++
  const shift = 32 - bits
  places.fill(0, 0, 1 << bits)
  const last = end - MIN_MATCH
  let at = base + 1
  let misses = MISSES_PER_STEP
  while (at <= last) {
    let word = view.getInt32(at, true)
    let hash = Math.imul(word, MULTIPLIER) >>> shift
    let earlier = base + places[hash]!
    places[hash] = at - base
    if (view.getInt32(earlier, true) !== word) {
      at += misses++ >>> 5
      continue
    }
    if (literal < at) to = putLiteral(bytes, literal, at, target, to)
    do {
      const from = at
      const offset = at - earlier
      at += MIN_MATCH
      while (at < end && bytes[at] === bytes[at - offset]) at++
      to = putCopy(target, to, offset, at - from)
      literal = at
      if (at > last) break
      places[Math.imul(view.getInt32(at - 1, true), MULTIPLIER) >>> shift] = at - 1 - base
      word = view.getInt32(at, true)
      hash = Math.imul(word, MULTIPLIER) >>> shift
      earlier = base + places[hash]!
      places[hash] = at - base
    } while (view.getInt32(earlier, true) === word)
    at++
    misses = MISSES_PER_STEP
  }
  return literal < end ? putLiteral(bytes, literal, end, target, to) : to
}

/** Requires: 0 < end - start <= FRAGMENT_SIZE. */
function putLiteral(
  bytes: Buffer,
  start: number,
  end: number,
  target: Buffer,
  position: number,
): number {
  let to = position
  const rest = end - start - 1
  if (rest < 60) {
    target[to++] = (rest << 2) | LITERAL
  } else if (rest < 256) {
    target[to++] = (60 << 2) | LITERAL
    target[to++] = rest
  } else {
    target[to++] = (61 << 2) | LITERAL
    target[to++] = rest
    target[to++] = rest >>> 8
  }
  copyRange(bytes, start, end, target, to)
  return to + rest + 1
}

/** Requires: length >= MIN_MATCH. */
function putCopy(target: Buffer, position: number, offset: number, length: number): number {
  let to = position
  let left = length
  // Not less than MIN_MATCH is left for the last one.
  for (; left >= MAX_COPY + MIN_MATCH; left -= MAX_COPY) {
    to = putOneCopy(target, to, offset, MAX_COPY)
  }
  if (left > MAX_COPY) {
    to = putOneCopy(target, to, offset, MAX_COPY - MIN_MATCH)
    left -= MAX_COPY - MIN_MATCH
  }
  return putOneCopy(target, to, offset, left)
}

/** Requires: MIN_MATCH <= length <= MAX_COPY, offset < FRAGMENT_SIZE. */
function putOneCopy(target: Buffer, position: number, offset: number, length: number): number {
  if (length < 12 && offset < 2048) {
    target[position] = ((offset >>> 8) << 5) | ((length - 4) << 2) | NEAR_COPY
    target[position + 1] = offset
    return position + 2
  }
  target[position] = ((length - 1) << 2) | COPY
  target[position + 1] = offset
  target[position + 2] = offset >>> 8
  return position + 3
}
