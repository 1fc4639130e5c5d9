// Copying a run of bytes, short or long.

/** Below this a loop beats the view that a bulk copy allocates in Node 20 (measured, test machine). */
const LOOP_LIMIT = 48

/** Copies source[start, end) to target at position. Requires: the ranges do not overlap. */
export function copyBytes(
  target: Buffer,
  position: number,
  source: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start <= LOOP_LIMIT) {
    for (let from = start, to = position; from < end; from++, to++) target[to] = source[from]!
  } else if (start === 0 && end === source.length) {
    target.set(source, position)
  } else {
    target.set(source.subarray(start, end), position)
  }
}
