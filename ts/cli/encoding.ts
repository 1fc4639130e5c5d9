// Keys and values on the command line: text in, bytes to the database, and back. Nothing is lost on
// the way: bytes that are no UTF-8 are not printed as if they were.
//
//   in JSON   utf8    a string; bytes that are no UTF-8 as { "base64": "..." }
//             hex, base64   a string of that
//   in lines  utf8    the text, with \\ \n \r \t \xNN for what would break the line or the terminal,
//                     and for bytes that are no UTF-8

import { isUtf8 } from 'node:buffer'
import { UsageError } from './exit-code.ts'

export const ENCODINGS = ['utf8', 'hex', 'base64'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** A key or a value in JSON. */
export type JsonBytes = string | { readonly base64: string }

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}
// Control characters, both ranges of them, and what stands for an escape.
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const ESCAPED = /[\u0000-\u001f\u007f-\u009f\\]/g

/** The bytes of `text`. Throws UsageError for text that is none of this encoding. */
export function decode(text: string, encoding: Encoding): Buffer {
  const bytes = Buffer.from(text, encoding)
  // Buffer.from drops or replaces what it does not understand, and a key would be another one.
  if (bytes.toString(encoding) !== normal(text, encoding)) {
    throw new UsageError(`'${text}' is not ${encoding}`)
  }
  return bytes
}

/** The bytes of what jsonOf made. Throws UsageError. */
export function decodeJson(value: JsonBytes, encoding: Encoding): Buffer {
  return typeof value === 'string' ? decode(value, encoding) : decode(value.base64, 'base64')
}

export function jsonOf(bytes: Uint8Array, encoding: Encoding): JsonBytes {
  const buffer = bufferOf(bytes)
  if (encoding !== 'utf8' || isUtf8(buffer)) return buffer.toString(encoding)
  return { base64: buffer.toString('base64') }
}

export function lineOf(bytes: Uint8Array, encoding: Encoding): string {
  const buffer = bufferOf(bytes)
  if (encoding !== 'utf8') return buffer.toString(encoding)
  if (isUtf8(buffer)) return escaped(buffer.toString())
  let line = ''
  for (let at = 0; at < buffer.length;) {
    const end = at + characterSize(buffer[at]!)
    const isCharacter = end <= buffer.length && isUtf8(buffer.subarray(at, end))
    line += isCharacter ? escaped(buffer.toString('utf8', at, end)) : hexEscape(buffer[at]!)
    at = isCharacter ? end : at + 1
  }
  return line
}

/** Bytes of the UTF-8 character that begins with `first`, if one does. */
function characterSize(first: number): number {
  if (first < 0xc0) return 1
  if (first < 0xe0) return 2
  return first < 0xf0 ? 3 : 4
}

function escaped(text: string): string {
  return text.replaceAll(
    ESCAPED,
    (character) => ESCAPES[character] ?? [...Buffer.from(character)].map(hexEscape).join(''),
  )
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function normal(text: string, encoding: Encoding): string {
  return encoding === 'hex' ? text.toLowerCase() : text
}
