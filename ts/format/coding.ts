// Integers as LevelDB writes them.
//
//   fixed32  := 4 bytes, least significant first
//   fixed64  := 8 bytes, least significant first
//   varint   := 7 bits a byte, least significant group first; the high bit says that more follow
//   varint32 := a varint of at most 5 bytes, value below 2^32
//   varint64 := a varint of at most 10 bytes
//
// Plain functions of (bytes, position), no object per value. A 64-bit number is a JavaScript number:
// exact below 2^53, and the decoders refuse what is larger rather than round it. BigInt was rejected:
// it allocates for every sequence number read.
//
// Reading a varint takes two calls, `varint32End` (is it whole and well formed, where does it end)
// and then `varint32At`, because one function cannot return two numbers without an allocation.

export const MAX_VARINT32_LENGTH = 5
export const MAX_VARINT64_LENGTH = 10
/** 2^53 - 1: the largest 64-bit value that a decoder returns. */
export const MAX_EXACT: number = Number.MAX_SAFE_INTEGER

const TWO_TO_32 = 0x1_0000_0000

/** Requires: 0 <= value < 2^32, four bytes of room. */
export function putFixed32(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value
  bytes[position + 1] = value >>> 8
  bytes[position + 2] = value >>> 16
  bytes[position + 3] = value >>> 24
}

/** Requires: four bytes at position. */
export function fixed32At(bytes: Uint8Array, position: number): number {
  return (
    (bytes[position]! |
      (bytes[position + 1]! << 8) |
      (bytes[position + 2]! << 16) |
      (bytes[position + 3]! << 24)) >>>
    0
  )
}

/** Requires: 0 <= value <= MAX_EXACT, eight bytes of room. */
export function putFixed64(bytes: Uint8Array, position: number, value: number): void {
  putFixed32(bytes, position, value % TWO_TO_32)
  putFixed32(bytes, position + 4, Math.floor(value / TWO_TO_32))
}

/** The value, or -1 when it is above MAX_EXACT. Requires: eight bytes at position. */
export function fixed64At(bytes: Uint8Array, position: number): number {
  const high = fixed32At(bytes, position + 4)
  return high > 0x1f_ffff ? -1 : high * TWO_TO_32 + fixed32At(bytes, position)
}

/** Bytes that `value` takes as a varint. Requires: 0 <= value <= MAX_EXACT. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  if (value < 0x1000_0000) return 4
  let length = 4
  for (let rest = Math.floor(value / 0x1000_0000); rest > 0; rest = Math.floor(rest / 0x80)) {
    length++
  }
  return length
}

/** Writes value as a varint and returns the position after it. Requires: 0 <= value <= MAX_EXACT. */
export function putVarint(bytes: Uint8Array, position: number, value: number): number {
  if (value < 0x80) {
    bytes[position] = value
    return position + 1
  }
  let rest = value
  let at = position
  while (rest >= TWO_TO_32) {
    bytes[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  rest >>>= 0
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

/** Where the varint32 at position ends, or -1 when it is cut by limit, too long or above 2^32 - 1. */
export function varint32End(bytes: Uint8Array, position: number, limit: number): number {
  if (position >= limit) return -1
  if (bytes[position]! < 0x80) return position + 1
  const last = Math.min(limit, position + MAX_VARINT32_LENGTH) - 1
  for (let at = position + 1; at <= last; at++) {
    const byte = bytes[at]!
    if (byte >= 0x80) continue
    return at === position + 4 && byte > 0x0f ? -1 : at + 1
  }
  return -1
}

/** The varint32 at position. Requires: varint32End found it well formed. */
export function varint32At(bytes: Uint8Array, position: number): number {
  let byte = bytes[position]!
  if (byte < 0x80) return byte
  let value = byte & 0x7f
  for (let at = position + 1, shift = 7; ; at++, shift += 7) {
    byte = bytes[at]!
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return value >>> 0
  }
}

/** Where the varint64 at position ends, or -1 when it is cut by limit or too long. */
export function varint64End(bytes: Uint8Array, position: number, limit: number): number {
  const last = Math.min(limit, position + MAX_VARINT64_LENGTH)
  for (let at = position; at < last; at++) if (bytes[at]! < 0x80) return at + 1
  return -1
}

/** The varint64 at position, or -1 when it is above MAX_EXACT. Requires: varint64End found it. */
export function varint64At(bytes: Uint8Array, position: number): number {
  let value = 0
  let scale = 1
  for (let at = position; ; at++) {
    const byte = bytes[at]!
    value += (byte & 0x7f) * scale
    if (value > MAX_EXACT) return -1
    if (byte < 0x80) return value
    scale *= 0x80
  }
}
