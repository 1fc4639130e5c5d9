// Copies a short range between two buffers without making a view of it.
//
// Buffer.copy makes a Uint8Array for every range that is not the whole buffer: garbage, and 43 to 63
// ns whatever the length. Words of four bytes through a DataView, which needs no alignment, take 9 ns
// for 16 bytes, 34 for 64, 48 for 128 and 70 for 160 (Node 20.20, 2026-11-20, into shared memory,
// `node dist/scripts/bench-pieces.js copies`). Words of eight bytes were rejected: as doubles they may
// not keep every bit, as BigInts they allocate.

/** Up to this many bytes, copyWords is the faster way. */
export const WORD_COPY_LIMIT = 128

/** Copies source[start, end) to target[position...]. Requires: there is room. */
export function copyWords(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  position: number,
): void {
  let from = start
  let to = position
  for (const lastWord = end - 4; from <= lastWord; from += 4, to += 4) {
    target.setInt32(to, source.getInt32(from, true), true)
  }
  for (; from < end; from++, to++) target.setUint8(to, source.getUint8(from))
}
