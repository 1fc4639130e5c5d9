// The side of an implementation: reads questions from standard input and answers each with a line.

import { createInterface } from 'node:readline'
import type { Json, JsonObject } from '../vector-file.ts'

export type Handler = (question: Question) => Json | Promise<Json>

/** Thrown by a handler whose answer is an error of a class of its own. */
export class Refusal extends Error {
  readonly errorClass: string

  constructor(errorClass: string, message: string) {
    super(message)
    this.errorClass = errorClass
  }
}

/** A question, and its parts by the kinds that they have to be. */
export class Question {
  readonly #parts: JsonObject

  constructor(parts: JsonObject) {
    this.#parts = parts
  }

  bytes(name: string): Buffer {
    return bytesOf(this.#parts[name])
  }

  number(name: string): number {
    const value = this.#parts[name]
    if (typeof value !== 'number') throw new TypeError(`${name} is no number`)
    return value
  }

  /** Of 64 bits, in digits; refused above what a number holds exactly. */
  exact(name: string): number {
    return exactOf(this.#parts[name])
  }

  text(name: string): string {
    const value = this.#parts[name]
    if (typeof value !== 'string') throw new TypeError(`${name} is no text`)
    return value
  }

  list(name: string): Json[] {
    const value = this.#parts[name]
    if (!Array.isArray(value)) throw new TypeError(`${name} is no list`)
    return value
  }

  questions(name: string): Question[] {
    return this.list(name).map((item) => new Question(item as JsonObject))
  }

  byteList(name: string): Buffer[] {
    return this.list(name).map(bytesOf)
  }

  /** The part, itself a question; undefined when it is not there. */
  optional<T>(name: string, read: (name: string) => T): T | undefined {
    return this.#parts[name] === undefined ? undefined : read(name)
  }

  part(name: string): Question {
    return new Question(this.#parts[name] as JsonObject)
  }
}

export function bytesOf(value: Json | undefined): Buffer {
  if (typeof value !== 'string') throw new TypeError('bytes come as hex')
  return Buffer.from(value, 'hex')
}

export function exactOf(value: Json | undefined): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new Refusal('limit', `${JSON.stringify(value)} is above 2^53 - 1`)
}

/** Answers until the input ends. `classOf`: the class of an error that a handler may throw. */
export async function answerQuestions(
  handlers: Readonly<Record<string, Handler>>,
  classOf: (error: unknown) => string | undefined,
): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const parts = JSON.parse(line) as JsonObject
    const answer = await answerOf(parts, handlers, classOf)
    process.stdout.write(`${JSON.stringify({ id: parts['id'], ...answer })}\n`)
  }
}

async function answerOf(
  parts: JsonObject,
  handlers: Readonly<Record<string, Handler>>,
  classOf: (error: unknown) => string | undefined,
): Promise<JsonObject> {
  const name = parts['do']
  const handler = typeof name === 'string' ? handlers[name] : undefined
  if (handler === undefined) return { unsupported: 'it cannot be asked' }
  try {
    return { result: await handler(new Question(parts)) }
  } catch (error) {
    const errorClass = error instanceof Refusal ? error.errorClass : classOf(error)
    // A mistake of the driver's, or of the engine's: it ends the driver, and so fails the vector.
    if (errorClass === undefined) throw error
    return { error: errorClass, says: error instanceof Error ? error.message : String(error) }
  }
}
