// Between abstract-level's formats and bytes: a key or value is a string where its format is 'utf8',
// and otherwise a Buffer or Uint8Array.

export type Encoded = string | Uint8Array

/** The bytes of what abstract-level hands down; a Buffer or view as it is. */
export function bytesOf(encoded: Encoded): Uint8Array {
  return typeof encoded === 'string' ? Buffer.from(encoded, 'utf8') : encoded
}

/** `bytes` in the format that abstract-level asked for. */
export function inFormat(bytes: Buffer, format: string | undefined): Encoded {
  return format === 'utf8' ? bytes.toString('utf8') : bytes
}

/** The same for a key, without the prefix of its sublevel. */
export function keyInFormat(
  bytes: Buffer,
  format: string | undefined,
  prefixLength: number,
): Encoded {
  if (format === 'utf8') return bytes.toString('utf8', prefixLength)
  return prefixLength === 0 ? bytes : bytes.subarray(prefixLength)
}
