// Child processes that run a compiled support file of these tests.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface ChildResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

/** Runs dist/test/<file> to its end. `flags` are for node. */
export async function runChild(
  file: string,
  args: readonly string[],
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<ChildResult> {
  const child = spawn(process.execPath, [...flags, supportFile(file), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, output }
}

/** A child that one talks to line by line. */
export interface TalkingChild {
  readonly pid: number
  /** Sends a line and resolves to the line that comes back. */
  ask(line: string): Promise<string>
  /** Ends its input and waits for its end. */
  finish(): Promise<number | null>
  kill(): Promise<void>
}

export function talkToChild(file: string, args: readonly string[], cwd?: string): TalkingChild {
  const child = spawn(process.execPath, [supportFile(file), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(cwd === undefined ? {} : { cwd }),
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    pid: child.pid!,
    async ask(line) {
      child.stdin.write(`${line}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error(`the child ended instead of answering '${line}'`)
      return value
    },
    async finish() {
      child.stdin.end()
      return (await closed)[0]
    },
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

function supportFile(file: string): string {
  return fileURLToPath(new URL(`../${file}`, import.meta.url))
}
