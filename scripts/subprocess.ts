// A child process that runs one of our modules and talks with us in typed messages.
//
// Invariants:
//   `ended` settles after the last report was handed over, also when the child was killed: what a
//   child sent before SIGKILL is still in the channel and is read to its end.
//   No child outlives this process: each one stops when its channel closes.

import { fork } from 'node:child_process'
import type { ChildProcess, Serializable } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** How a child ended: with an exit code, or by a signal. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const running = new Set<Subprocess<never>>()

export class Subprocess<Report> {
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess

  /** Starts the module, sends it `request`, and calls `onReport` for each message that it sends. */
  constructor(module: URL, request: Serializable, onReport: (report: Report) => void) {
    // Structured clone rather than JSON: it keeps undefined, NaN and Buffers.
    const child = fork(fileURLToPath(module), { serialization: 'advanced' })
    this.#child = child
    this.ended = this.#waitForEnd()
    running.add(this)
    child.on('message', (report) => onReport(report as Report))
    child.send(request)
  }

  send(message: Serializable): void {
    this.#child.send(message)
  }

  /** Kills the child as a crash would: no handler of its own runs. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async #waitForEnd(): Promise<Ending> {
    const child = this.#child
    const exited = new Promise<Ending>((resolve, reject) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
      child.once('error', reject)
    })
    // 'exit' may come while reports are still unread; the channel disconnects after the last one.
    const drained = new Promise<void>((resolve) => {
      child.once('disconnect', resolve)
    })
    try {
      const [ending] = await Promise.all([exited, drained])
      return ending
    } finally {
      running.delete(this)
    }
  }
}

/** Resolves when `child` has ended by itself and well; rejects when it failed or was killed. */
export async function endedWell(child: Subprocess<never>, name: string): Promise<void> {
  const { code, signal } = await child.ended
  if (code !== 0) throw new Error(`${name} ended with ${signal ?? code}`)
}

/** Kills every child, without waiting for its end. */
export function killAllSubprocesses(): void {
  for (const child of running) child.kill()
}

/** Kills every child and waits until they are gone. */
export async function endAllSubprocesses(): Promise<void> {
  const children = [...running]
  killAllSubprocesses()
  await Promise.allSettled(children.map((child) => child.ended))
}

/** In a child: sends a report to the parent. */
export function report(message: Serializable): void {
  process.send!(message)
}

/**
 * In a child: handles each request of the parent, in order; stops when the parent is gone. The
 * request has the type that the parent sent: nothing checks it.
 */
export function serve(handle: (request: never) => Promise<void>): void {
  let last: Promise<void> = Promise.resolve()
  process.on('message', (request) => {
    last = last.then(() => handle(request as never))
  })
  process.once('disconnect', () => process.exit())
}
