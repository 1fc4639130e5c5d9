// Gathers the vectors of one file, as their makers say them: with bytes and 64-bit numbers in them.
//
//   Buffer -> the notation of vector-file.ts        bigint -> decimal digits in a string

import { type Json, notate, type Vector } from '../vector-file.ts'

export type Fact =
  | string
  | number
  | boolean
  | null
  | bigint
  | Buffer
  | readonly Fact[]
  | { readonly [name: string]: Fact | undefined }

/** A question, and what is to come back. */
export type Facts = { readonly [name: string]: Fact | undefined }

export interface Extra {
  readonly why?: string
  readonly or?: readonly { readonly expect?: Fact; readonly error?: string; readonly why: string }[]
}

/** Whoever counts in doubles may refuse a number, and may not round it. */
export const MAY_REFUSE: Extra = {
  or: [{ error: 'limit', why: 'above what this implementation holds exactly, and refused' }],
}

export class VectorList {
  readonly #kind: string
  readonly vectors: Vector[] = []

  /** `kind`: what all names begin with. */
  constructor(kind: string) {
    this.#kind = kind
  }

  expect(name: string, ask: Facts, expected: Fact, extra: Extra = {}): void {
    this.#add(name, ask, { expect: jsonOf(expected) }, extra)
  }

  error(name: string, ask: Facts, error: string, extra: Extra = {}): void {
    this.#add(name, ask, { error }, extra)
  }

  #add(name: string, ask: Facts, answer: { expect: Json } | { error: string }, extra: Extra): void {
    const vector = { name: `${this.#kind}/${name}`, ...extra, ask, ...answer }
    const { or, why, ...rest } = jsonOf(vector) as unknown as Vector
    // In the order in which one reads them.
    this.vectors.push({
      ...(why === undefined ? { name: rest.name } : { name: rest.name, why }),
      ask: rest.ask,
      ...answer,
      ...(or === undefined ? {} : { or }),
    })
  }
}

export function jsonOf(fact: unknown): Json {
  if (typeof fact === 'bigint') return String(fact)
  if (fact instanceof Uint8Array) return notate(fact)
  if (Array.isArray(fact)) return fact.map(jsonOf)
  if (typeof fact !== 'object' || fact === null) return fact as Json
  const entries = Object.entries(fact).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([name, value]) => [name, jsonOf(value)]))
}
