// LOG: what the database did, for people. One line an event, two files of bounded size.
//
// The file that was there becomes LOG.old when the database opens, as in LevelDB, and again when LOG
// has grown to its limit: C++ LevelDB's grows without one.
//
// Invariant: nothing depends on it. A line that cannot be written is dropped and counted, and never
// makes an operation of the database fail or wait.

import { appendFile, rename, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { INFO_LOG_NAME, OLD_INFO_LOG_NAME } from '../format/file-name.ts'

const LIMIT_BYTES = 1024 * 1024
// Lines that may wait for a slow disk.
const WAITING_LINES = 10_000

export interface InfoLog {
  /** Adds a line with the time before it. Returns at once. */
  write(line: string): void
  /** Resolves when every line is written or dropped. Never rejects. */
  close(): Promise<void>
}

/** Drops every line. */
export const NO_INFO_LOG: InfoLog = {
  write: (): void => undefined,
  close: (): Promise<void> => Promise.resolve(),
}

/** Opens LOG in `directory`, in the background. Without LOG, a database works as well. */
export function openInfoLog(directory: string): InfoLog {
  return new FileInfoLog(directory)
}

class FileInfoLog implements InfoLog {
  readonly #path: string
  readonly #oldPath: string
  #lines: string[] = []
  #sizeBytes = 0
  #droppedLines = 0
  #writing: Promise<void> | undefined

  constructor(directory: string) {
    this.#path = join(directory, INFO_LOG_NAME)
    this.#oldPath = join(directory, OLD_INFO_LOG_NAME)
    this.#writing = this.#begin()
  }

  write(line: string): void {
    if (this.#lines.length < WAITING_LINES) {
      this.#lines.push(`${new Date().toISOString()} ${line}\n`)
    } else {
      this.#droppedLines++
    }
    this.#writing ??= this.#drain()
  }

  async close(): Promise<void> {
    await this.#writing
  }

  async #begin(): Promise<void> {
    await this.#rotate()
    await this.#drain()
  }

  // Begins an empty LOG; where the old one cannot be moved away, it is cut. Never rejects.
  async #rotate(): Promise<void> {
    try {
      await rename(this.#path, this.#oldPath)
    } catch {
      // Ignored: there was none, or it cannot be moved, and then truncate() says so too.
      await truncate(this.#path).catch(() => undefined)
    }
    this.#sizeBytes = await sizeOf(this.#path)
  }

  async #drain(): Promise<void> {
    while (this.#lines.length > 0) {
      const lost = this.#droppedLines
      const text = (lost > 0 ? `${lost} lines before were lost\n` : '') + this.#lines.join('')
      const count = this.#lines.length
      this.#lines = []
      try {
        if (this.#sizeBytes > LIMIT_BYTES) await this.#rotate()
        if (this.#sizeBytes > LIMIT_BYTES) throw new Error('LOG is full')
        await appendFile(this.#path, text)
        this.#droppedLines -= lost
        this.#sizeBytes += Buffer.byteLength(text)
      } catch {
        // Ignored: see the invariant; the next line that can be written says how many are missing.
        this.#droppedLines += count
      }
    }
    this.#writing = undefined
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch {
    // Ignored: there is none, or it cannot be read, and then it cannot be written either.
    return 0
  }
}
