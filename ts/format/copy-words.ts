// Copies ranges between two buffers without making a view of them.
//
// Buffer.copy makes a Uint8Array for every range that is not the whole buffer: garbage, and some 55
// ns whatever the length. Words of four bytes through a DataView, which needs no alignment, take 5 ns
// for 16 bytes, 15 for 100 and 55 for 400, four of them a turn; one a turn, 23 and 85 for the last two;
// bytes, a nanosecond each (Node 20.20, 2026-11-21, `node dist/scripts/bench-pieces.js copies`). Words
// of eight bytes were rejected: as doubles they may not keep every bit, as BigInts they allocate.

/** Up to this many bytes, copyWords is the faster way. */
export const WORD_COPY_LIMIT = 256

/** Memory as the hot paths need it: as a Buffer, and as words by way of a DataView. */
export class Bytes {
  readonly buffer: Buffer
  readonly view: DataView

  /** Over the memory of `buffer`. */
  constructor(buffer: Buffer) {
    this.buffer = buffer
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  }

  static allocate(sizeBytes: number): Bytes {
    return new Bytes(Buffer.allocUnsafeSlow(sizeBytes))
  }
}

/** Copies source[start, end) to target[position...]. Requires: there is room; they do not overlap. */
export function copyBytes(
  source: Bytes,
  start: number,
  end: number,
  target: Bytes,
  position: number,
): void {
  if (end - start <= WORD_COPY_LIMIT) copyWords(source.view, start, end, target.view, position)
  else source.buffer.copy(target.buffer, position, start, end)
}

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
  for (const lastFour = end - 16; from <= lastFour; from += 16, to += 16) {
    target.setInt32(to, source.getInt32(from, true), true)
    target.setInt32(to + 4, source.getInt32(from + 4, true), true)
    target.setInt32(to + 8, source.getInt32(from + 8, true), true)
    target.setInt32(to + 12, source.getInt32(from + 12, true), true)
  }
  for (const lastWord = end - 4; from <= lastWord; from += 4, to += 4) {
    target.setInt32(to, source.getInt32(from, true), true)
  }
  for (; from < end; from++, to++) target.setUint8(to, source.getUint8(from))
}
