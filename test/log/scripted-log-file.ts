// A file system with logs alone, each call of which waits until the test lets it end.

import type { FileSystem } from '../../ts/platform/file-system.ts'
import type { LogFile } from '../../ts/platform/log-file.ts'

/** A call that was made and has not ended. */
export interface PendingCall {
  readonly name: string
  resolve(): void
  reject(error: unknown): void
}

/** Milliseconds of a clock that only tests move. */
export interface ManualClock {
  nowMs: number
}

export class ScriptedLogs {
  /** Every call in the order in which it was made, such as '000003.log append 5 sync'. */
  readonly calls: string[] = []
  readonly pending: PendingCall[] = []
  readonly clock: ManualClock = { nowMs: 0 }
  /** How long each inline write takes. */
  inlineMs = 0
  /** Thrown by inline writes when it is set. */
  inlineError: Error | undefined
  /** Thrown by syncs of the directory on the calling thread when it is set. */
  directoryError: Error | undefined
  /** Whether a thread can wait for a job. */
  joins = true
  /** Jobs of appends and syncs that are under way, and the most there ever were. */
  jobs = 0
  mostJobs = 0

  readonly fileSystem: FileSystem = {
    createLog: async (path: string): Promise<LogFile> => {
      await this.#call(`${nameOf(path)} create`)
      return this.#file(path)
    },
    syncDirectory: (path: string) => this.#call(`${path} sync-directory`),
    syncDirectorySync: (path: string) => {
      this.calls.push(`${path} inline sync-directory`)
      if (this.directoryError !== undefined) throw this.directoryError
    },
  } as unknown as FileSystem

  now = (): number => this.clock.nowMs

  /** Lets the oldest pending call of this name end; with an error, fail. Then all that follows on it. */
  async end(name: string, error?: unknown): Promise<void> {
    const index = this.pending.findIndex((call) => call.name === name)
    if (index < 0) {
      throw new Error(`no ${name} among ${this.pending.map((call) => call.name).join(', ')}`)
    }
    const [call] = this.pending.splice(index, 1)
    if (error === undefined) call!.resolve()
    else call!.reject(error)
    await settle()
  }

  get pendingNames(): string[] {
    return this.pending.map(({ name }) => name)
  }

  #call(name: string): Promise<void> {
    this.calls.push(name)
    return new Promise<void>((resolve, reject) => {
      this.pending.push({ name, resolve, reject })
    })
  }

  async #job(name: string): Promise<void> {
    this.jobs++
    this.mostJobs = Math.max(this.mostJobs, this.jobs)
    try {
      await this.#call(name)
    } finally {
      this.jobs--
    }
  }

  #file(path: string): LogFile {
    const name = nameOf(path)
    return {
      path,
      appendRecords: refuse,
      appendRecordsSync: refuse,
      sizeBytes: 0,
      append: (_bytes, start, end, sync) =>
        this.#job(`${name} append ${end - start}${sync ? ' sync' : ''}`),
      appendSync: (_bytes, start, end, sync = false) => {
        this.calls.push(`${name} inline ${end - start}${sync ? ' sync' : ''}`)
        this.clock.nowMs += this.inlineMs
        if (this.inlineError !== undefined) throw this.inlineError
      },
      syncSync: () => {
        this.calls.push(`${name} inline sync`)
      },
      ...(this.joins ? { joinSync: () => void this.calls.push(`${name} join`) } : {}),
      sync: () => this.#job(`${name} sync`),
      close: () => this.#call(`${name} close`),
    }
  }
}

function refuse(): never {
  throw new Error('no test appends lists here')
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Lets every promise that can settle do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** 'pending' | 'done' | the error's message, and it is looked at only when asked. */
export function watch(promise: Promise<unknown> | undefined): { state: string } {
  const watched = { state: promise === undefined ? 'inline' : 'pending' }
  promise?.then(
    () => (watched.state = 'done'),
    (error: unknown) => (watched.state = error instanceof Error ? error.message : String(error)),
  )
  return watched
}
