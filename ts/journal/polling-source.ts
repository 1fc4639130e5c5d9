// A log as another process sees it: its directory and nothing else, looked at again and again.
//
// Rejected: to be told of changes by the system (fs.watch). What comes of it differs between systems
// and is nothing on a network's file system, so there would have to be a poll beside it.

import type { FileSystem } from '../platform/file-system.ts'
import { abortedError } from './aborted.ts'
import { listLog, missingLogError } from './log-directory.ts'
import type { LogSource } from './record-reader.ts'
import type { LogWorld } from './world.ts'

const FIRST_WAIT_MS = 1

export class PollingSource implements LogSource {
  readonly directory: string
  readonly fileSystem: FileSystem
  readonly #world: LogWorld
  readonly #pollIntervalMs: number
  readonly #signal: AbortSignal | undefined
  #waitMs = FIRST_WAIT_MS
  #lastPosition = 0

  constructor(
    world: LogWorld,
    directory: string,
    pollIntervalMs: number,
    signal: AbortSignal | undefined,
  ) {
    this.fileSystem = world.fileSystem
    this.directory = directory
    this.#world = world
    this.#pollIntervalMs = pollIntervalMs
    this.#signal = signal
  }

  async files(): Promise<readonly number[]> {
    const { logs, foreign } = await listLog(this.fileSystem, this.directory)
    if (logs.length === 0 || foreign !== undefined) throw missingLogError(this.directory)
    return logs
  }

  endOf(): number | undefined {
    return undefined
  }

  lastPosition(): number | undefined {
    return undefined
  }

  /** Waits twice as long as the last time, where nothing has come since. */
  async changed(position: number): Promise<boolean> {
    const isIdle = position === this.#lastPosition
    this.#lastPosition = position
    this.#waitMs = isIdle ? Math.min(this.#waitMs * 2, this.#pollIntervalMs) : FIRST_WAIT_MS
    try {
      await this.#world.delay(this.#waitMs, this.#signal)
    } catch (error) {
      this.check()
      throw error
    }
    return true
  }

  check(): void {
    if (this.#signal?.aborted === true) throw abortedError(this.#signal)
  }
}
