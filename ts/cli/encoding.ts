// Keys and values on the command line: text in, bytes to the database, and back.

import { UsageError } from './exit-code.ts'

export const ENCODINGS = ['utf8', 'hex', 'base64'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** The bytes of `text`. Throws UsageError for text that is none of this encoding. */
export function decode(text: string, encoding: Encoding): Buffer {
  const bytes = Buffer.from(text, encoding)
  // Buffer.from drops what it does not understand, and a key would be another one.
  if (encoding !== 'utf8' && encode(bytes, encoding) !== normal(text, encoding)) {
    throw new UsageError(`'${text}' is not ${encoding}`)
  }
  return bytes
}

export function encode(bytes: Uint8Array, encoding: Encoding): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding)
}

function normal(text: string, encoding: Encoding): string {
  return encoding === 'hex' ? text.toLowerCase() : text
}
