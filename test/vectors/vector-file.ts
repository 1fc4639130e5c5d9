// The files of vectors, and the short notation for bytes in them.
//
//   data/<kind>.json   { about, vectors: [{ name, why?, ask, expect | error, or? }] }
//   bytes := 'hex'                                     the bytes themselves
//          | { repeat: bytes, times: n }               n times over
//          | { join: [bytes, ...] }                    one behind the other
//          | { file: 'path' }                          a file below data/, gunzipped where it ends in .gz
//          | { of: bytes, from?: n, to?: n }           a part
//          | { of: bytes, at: n, put: bytes }          with the bytes from n on replaced
//
// Whoever drives an implementation sees hex alone: the runner writes the notation out.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

/** In the sources: from dist/test/vectors. */
export const DATA: string = fileURLToPath(new URL('../../../test/vectors/data/', import.meta.url))

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json }
export type JsonObject = { [name: string]: Json }

/** What an implementation may answer: a result, or the class of an error. */
export type Answer = { readonly expect: Json } | { readonly error: string }

export interface Vector {
  readonly name: string
  readonly why?: string
  readonly ask: JsonObject & { readonly do: string }
  readonly expect?: Json
  readonly error?: string
  /** Other answers that are right too, each with its reason. */
  readonly or?: readonly (Answer & { readonly why: string })[]
}

export interface VectorFile {
  readonly about: string
  readonly vectors: readonly Vector[]
}

/** All vectors of the files of `data`, in the order of their names, with the notation in them. */
export function readVectors(data: string = DATA): Vector[] {
  return readdirSync(data)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .flatMap((name) => (JSON.parse(readFileSync(join(data, name), 'utf8')) as VectorFile).vectors)
}

/** The bytes that the notation stands for. Throws for anything else. */
export function bytesOf(notation: Json, data: string = DATA): Buffer {
  if (typeof notation === 'string') return bytesOfHex(notation)
  if (notation === null || typeof notation !== 'object' || Array.isArray(notation)) {
    throw new Error(`${JSON.stringify(notation)} stands for no bytes`)
  }
  const { repeat, times, join: parts, file, of: whole, at, put } = notation
  if (repeat !== undefined) {
    const piece = bytesOf(repeat, data)
    return Buffer.alloc(piece.length * Number(times), piece)
  }
  if (Array.isArray(parts)) return Buffer.concat(parts.map((part) => bytesOf(part, data)))
  if (typeof file === 'string') return readDataFile(file, data)
  if (whole === undefined) throw new Error(`${JSON.stringify(notation)} stands for no bytes`)
  const bytes = bytesOf(whole, data)
  if (put === undefined)
    return bytes.subarray(numberOr(notation['from'], 0), numberOr(notation['to'], bytes.length))
  const piece = bytesOf(put, data)
  return Buffer.concat([
    bytes.subarray(0, Number(at)),
    piece,
    bytes.subarray(Number(at) + piece.length),
  ])
}

/** The same value with every notation in it written out as hex. */
export function writeOut(value: Json, data: string = DATA): Json {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((item) => writeOut(item, data))
  if (isNotation(value)) return bytesOf(value, data).toString('hex')
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, writeOut(item, data)]),
  )
}

/** A notation that is easy to read: hex, with what repeats counted. */
export function notate(bytes: Uint8Array): Json {
  const parts: Json[] = []
  let literal = 0
  for (let at = 0; at < bytes.length;) {
    const { period, times } = repetitionAt(bytes, at)
    if (times === 0) {
      at++
      continue
    }
    if (at > literal) parts.push(hexOf(bytes.subarray(literal, at)))
    parts.push({ repeat: hexOf(bytes.subarray(at, at + period)), times })
    at += period * times
    literal = at
  }
  if (literal < bytes.length || parts.length === 0) parts.push(hexOf(bytes.subarray(literal)))
  return parts.length === 1 ? parts[0]! : { join: parts }
}

/** Below it, counting takes more room than the bytes. */
const SHORTEST_REPETITION = 24
const LONGEST_PERIOD = 24

/** The shortest piece that stands there often enough to be counted; 0 times when there is none. */
function repetitionAt(bytes: Uint8Array, at: number): { period: number; times: number } {
  for (let period = 1; period <= LONGEST_PERIOD; period++) {
    let end = at + period
    while (end < bytes.length && bytes[end] === bytes[end - period]) end++
    const times = Math.floor((end - at) / period)
    if (times > 1 && times * period >= SHORTEST_REPETITION) return { period, times }
  }
  return { period: 0, times: 0 }
}

function isNotation(value: JsonObject): boolean {
  return ['repeat', 'join', 'file', 'of'].some((name) => value[name] !== undefined)
}

function bytesOfHex(text: string): Buffer {
  const bytes = Buffer.from(text, 'hex')
  if (bytes.length * 2 !== text.length) throw new Error(`'${text}' is not hex`)
  return bytes
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function numberOr(value: Json | undefined, other: number): number {
  return typeof value === 'number' ? value : other
}

function readDataFile(path: string, data: string): Buffer {
  const bytes = readFileSync(join(data, path))
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes
}
