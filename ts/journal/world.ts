// What a log uses that is not its own state. Tests give it a simulated disk and a clock.

import { setTimeout } from 'node:timers/promises'
import type { FileSystem } from '../platform/file-system.ts'
import { binding } from '../platform/load-binding.ts'
import { NodeFileSystem } from '../platform/node-file-system.ts'

export interface LogWorld {
  readonly fileSystem: FileSystem
  /** Milliseconds, from any origin, never going back. */
  readonly now: () => number
  /** Rejects where the signal is aborted. */
  readonly delay: (durationMs: number, signal: AbortSignal | undefined) => Promise<void>
}

export function realWorld(): LogWorld {
  return {
    fileSystem: new NodeFileSystem(binding),
    now: () => performance.now(),
    delay: (durationMs, signal) =>
      setTimeout(durationMs, undefined, signal === undefined ? {} : { signal }),
  }
}
