// A child process that reports on a descriptor of its own and is killed with SIGKILL in the middle.
//
// What it wrote to the descriptor before it died is read to its end. Standard error is kept: it says
// why a child ended by itself, which none should.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** Where the child reports: the descriptor's number. */
export const REPORTS = 3

export class DoomedChild {
  readonly #child: ChildProcess
  readonly #closed: Promise<[number | null, NodeJS.Signals | null]>
  #complaint = ''

  /** Starts `module`; its binding is that of this process unless one is named. */
  constructor(module: URL, args: readonly string[], binding?: 'native' | 'js') {
    this.#child = spawn(process.execPath, [fileURLToPath(module), ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(binding === undefined ? {} : { SLUICEDB_BINDING: binding }) },
    })
    this.#closed = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint += text
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  killLater(delayMs: number): void {
    setTimeout(() => this.#child.kill('SIGKILL'), delayMs)
  }

  /**
   * Lets `hear` read the reports to their end, and returns what it returns. Rejects when the child
   * ended otherwise than by SIGKILL, or was still there after `hungMs`.
   */
  async live<T>(hungMs: number, hear: (reports: Readable) => Promise<T>): Promise<T> {
    const hung = setTimeout(() => this.#child.kill('SIGABRT'), hungMs)
    try {
      const heard = await hear(this.#child.stdio[REPORTS] as Readable)
      const [code, signal] = await this.#closed
      if (signal === 'SIGKILL') return heard
      throw new Error(`the child ended with ${signal ?? code}: ${this.#complaint}`)
    } finally {
      clearTimeout(hung)
      this.#child.kill('SIGKILL') // Only a child that did not say what it should is still there.
    }
  }
}
