// Ends a process that hangs in a loop which never lets the event loop turn: a timer cannot. A thread
// watches whether the count of steps goes on, and says what was going on when it no longer does.

import { Worker } from 'node:worker_threads'

/** Bytes of what a process is at, behind the count of steps. */
const TEXT_BYTES = 1000

export interface WatchedMemory {
  readonly memory: SharedArrayBuffer
  readonly hangMs: number
}

export class Watchdog {
  readonly #steps: Int32Array
  readonly #text: Buffer
  readonly #worker: Worker

  /** Ends the process after so many milliseconds without a step. */
  constructor(hangMs: number) {
    const memory = new SharedArrayBuffer(4 + TEXT_BYTES)
    this.#steps = new Int32Array(memory, 0, 1)
    this.#text = Buffer.from(memory, 4)
    const workerData: WatchedMemory = { memory, hangMs }
    this.#worker = new Worker(new URL('./watchdog-worker.js', import.meta.url), { workerData })
    this.#worker.unref()
  }

  /** From now on the process is at this, until it is told otherwise. */
  at(text: string): void {
    this.#text.fill(0)
    this.#text.write(text)
    this.step()
  }

  step(): void {
    Atomics.add(this.#steps, 0, 1)
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}
