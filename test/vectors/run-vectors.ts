// Asks an implementation every vector, and tells what it got right.
//
// A vector whose question has `files` gets them as a directory of its own, by its path; the
// implementation may change what is in it.

import { isDeepStrictEqual } from 'node:util'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { uncompress } from 'snappyjs'
import { type Command, Implementation, type Reply } from './implementation.ts'
import {
  type Answer,
  bytesOf,
  type Json,
  type JsonObject,
  type Vector,
  writeOut,
} from './vector-file.ts'

export interface Outcome {
  readonly name: string
  /** `other`: an answer of the vector's `or`. */
  readonly outcome: 'pass' | 'other' | 'fail' | 'unsupported'
  /** For a person. */
  readonly detail?: string
}

export interface Report {
  /** What the implementation calls itself. */
  readonly implementation: string
  readonly outcomes: readonly Outcome[]
  /** What is wrong with it besides: it did not end with its input. */
  readonly complaint?: string
}

export interface RunOptions {
  readonly timeoutMs: number
  /** Where directories are made. Default: the system's place for temporary files. */
  readonly root?: string
}

/** Rejects when the implementation cannot be started, or does not say hello. */
export async function runVectors(
  command: Command,
  vectors: readonly Vector[],
  { timeoutMs, root = tmpdir() }: RunOptions,
): Promise<Report> {
  const implementation = new Implementation(command, timeoutMs)
  const scratch = mkdtempSync(join(root, 'sluicedb-vectors-'))
  try {
    const hello = await implementation.ask({ do: 'hello', protocol: 1 })
    if (hello.kind !== 'result') throw new Error(`no hello: ${describe(hello)}`)
    const outcomes: Outcome[] = []
    for (const [index, vector] of vectors.entries()) {
      outcomes.push(await runVector(implementation, vector, join(scratch, String(index))))
    }
    const complaint = await implementation.close()
    return {
      implementation: nameIn(hello.result),
      outcomes,
      ...(complaint === undefined ? {} : { complaint }),
    }
  } finally {
    await implementation.close()
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function runVector(
  implementation: Implementation,
  vector: Vector,
  directory: string,
): Promise<Outcome> {
  const { name, ask } = vector
  const { files, ...rest } = ask
  const question = writeOut(rest) as JsonObject
  if (files !== undefined) {
    writeFiles(directory, files as JsonObject)
    question['path'] = directory
  }
  const reply = await implementation.ask(question)
  rmSync(directory, { recursive: true, force: true })
  if (reply.kind === 'unsupported') return { name, outcome: 'unsupported', detail: reply.why }
  const expected = answerOf(vector)
  if (isRight(reply, expected)) return { name, outcome: 'pass' }
  const other = vector.or?.find((answer) => isRight(reply, answer))
  if (other !== undefined) return { name, outcome: 'other', detail: other.why }
  return {
    name,
    outcome: 'fail',
    detail: `${describe(reply)} instead of ${describeAnswer(expected)}`,
  }
}

function answerOf({ name, expect, error }: Vector): Answer {
  if (error !== undefined) return { error }
  if (expect !== undefined) return { expect }
  throw new Error(`${name} expects nothing`)
}

function isRight(reply: Reply, answer: Answer): boolean {
  if ('error' in answer) return reply.kind === 'error' && reply.error === answer.error
  if (reply.kind !== 'result') return false
  const { expect } = answer
  // Encoders of Snappy are free in what they make of the same bytes.
  if (isObject(expect) && expect['expandsTo'] !== undefined) {
    return expandsTo(reply.result, bytesOf(expect['expandsTo']))
  }
  return isDeepStrictEqual(reply.result, writeOut(expect))
}

function expandsTo(result: Json, expected: Buffer): boolean {
  if (!isObject(result)) return false
  try {
    return expected.equals(uncompress(bytesOf(result['bytes'] ?? null)))
  } catch {
    // Not what an encoder may make.
    return false
  }
}

function writeFiles(directory: string, files: JsonObject): void {
  mkdirSync(directory)
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytesOf(bytes))
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nameIn(result: Json): string {
  return isObject(result) && typeof result['name'] === 'string' ? result['name'] : 'without a name'
}

const SHOWN_LENGTH = 300

function describe(reply: Reply): string {
  if (reply.kind === 'result') return shorten(JSON.stringify(reply.result))
  if (reply.kind === 'error') return `error ${reply.error} (${reply.says ?? ''})`
  return `${reply.kind}: ${reply.why}`
}

function describeAnswer(answer: Answer): string {
  if ('error' in answer) return `error ${answer.error}`
  return shorten(JSON.stringify(writeOut(answer.expect)))
}

function shorten(text: string): string {
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}... (${text.length})`
}
