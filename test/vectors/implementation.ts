// An implementation under test: a child process that answers one line for each line it is sent.
//
//   to it      { "id": 1, "do": "crc32c", "bytes": "00" }
//   from it    { "id": 1, "result": { "crc": 1383945041 } }
//            | { "id": 1, "error": "corruption", "says": "for a person" }
//            | { "id": 1, "unsupported": "why" }
//
// What it writes to standard error is passed on. It ends when its input ends.
//
// A child that breaks the rules (no answer in time, no JSON, another id, its death) is killed, and the next
// question goes to a new one: one bad vector does not spoil the others.

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { Json, JsonObject } from './vector-file.ts'

export type Reply =
  | { readonly kind: 'result'; readonly result: Json }
  | { readonly kind: 'error'; readonly error: string; readonly says?: string }
  | { readonly kind: 'unsupported'; readonly why: string }
  /** It broke the rules. */
  | { readonly kind: 'broken'; readonly why: string }

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** What a child may take longer for its first answer: it has to start. */
const START_MS = 30_000

interface RunningChild {
  readonly process: ChildProcess
  readonly lines: Interface
  hasAnswered: boolean
}

export class Implementation {
  readonly #command: Command
  readonly #timeoutMs: number
  #child: RunningChild | undefined
  #lastId = 0
  /** How many children had to be replaced. */
  restarts = 0

  constructor(command: Command, timeoutMs: number) {
    this.#command = command
    this.#timeoutMs = timeoutMs
  }

  /** Sends the question and resolves to what came back; never rejects. One question at a time. */
  async ask(question: JsonObject): Promise<Reply> {
    const child = (this.#child ??= this.#start())
    const id = ++this.#lastId
    const reply = await this.#exchange(child, id, JSON.stringify({ id, ...question }))
    child.hasAnswered = true
    if (reply.kind === 'broken') {
      this.#child = undefined
      this.restarts++
      await killed(child)
    }
    return reply
  }

  /** Ends the input and waits for the end of the child. Resolves to what was wrong with it, if anything. */
  async close(): Promise<string | undefined> {
    const child = this.#child
    if (child === undefined) return undefined
    this.#child = undefined
    const ended = endOf(child.process)
    child.process.stdin?.end()
    const end = await withTimeout(ended, this.#timeoutMs)
    if (end === 'code 0') return undefined
    await killed(child)
    return end === undefined ? 'it went on after the end of its input' : `it ended with ${end}`
  }

  #start(): RunningChild {
    const { program, args, environment } = this.#command
    const process_ = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    })
    // A child that died does not read: that is told by its end.
    process_.stdin.on('error', () => undefined)
    const lines = createInterface({ input: process_.stdout })
    return { process: process_, lines, hasAnswered: false }
  }

  async #exchange(child: RunningChild, id: number, line: string): Promise<Reply> {
    const { process: process_, lines } = child
    const answered = new Promise<Reply>((resolve) => {
      lines.once('line', (text) => {
        resolve(replyOf(text, id))
      })
      // After its last line, which is read first.
      lines.once('close', () => {
        void endOf(process_).then((end) => {
          resolve({ kind: 'broken', why: `it ended with ${end}` })
        })
      })
      process_.once('error', (error) => {
        resolve({ kind: 'broken', why: `it does not start: ${error.message}` })
      })
    })
    process_.stdin?.write(`${line}\n`)
    const timeoutMs = this.#timeoutMs + (child.hasAnswered ? 0 : START_MS)
    const reply = await withTimeout(answered, timeoutMs)
    lines.removeAllListeners('line').removeAllListeners('close')
    process_.removeAllListeners('error').on('error', () => undefined)
    return reply ?? { kind: 'broken', why: `no answer in ${timeoutMs} ms` }
  }
}

function replyOf(text: string, id: number): Reply {
  let reply: JsonObject
  try {
    reply = JSON.parse(text) as JsonObject
  } catch {
    return { kind: 'broken', why: `not JSON: ${text.slice(0, 100)}` }
  }
  if (typeof reply !== 'object' || reply === null || reply['id'] !== id) {
    return { kind: 'broken', why: `not an answer to question ${id}: ${text.slice(0, 100)}` }
  }
  const { result, error, says, unsupported } = reply
  if (typeof unsupported === 'string') return { kind: 'unsupported', why: unsupported }
  if (typeof error === 'string') {
    return { kind: 'error', error, ...(typeof says === 'string' ? { says } : {}) }
  }
  if (result !== undefined) return { kind: 'result', result }
  return { kind: 'broken', why: `neither result nor error: ${text.slice(0, 100)}` }
}

/** How the process ended; resolves when it has. */
function endOf(process_: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    const tell = (): void => {
      resolve(process_.signalCode ?? `code ${process_.exitCode}`)
    }
    if (process_.exitCode !== null || process_.signalCode !== null) tell()
    else process_.once('exit', tell)
  })
}

async function killed({ process: process_, lines }: RunningChild): Promise<void> {
  lines.close()
  if (process_.pid === undefined) return
  process_.kill('SIGKILL')
  await endOf(process_)
}

/** Undefined when it takes longer. */
async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined)
    }, timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
