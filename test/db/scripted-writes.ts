// The world of a write queue, in memory: a log whose appends the test ends, a memtable that is a map
// by sequence, and a record of everything in order.

import type { BatchBuffer } from '../../ts/format/batch.ts'
import {
  batchCount,
  batchSequence,
  BatchCursor,
  deleteRecordSize,
  putRecordSize,
} from '../../ts/format/batch.ts'
import { SluiceError } from '../../ts/format/error.ts'
import type { WriteEnvironment, WriteQueue } from '../../ts/db/write-queue.ts'

/** One group as the log got it. */
export interface AppendedGroup {
  readonly sequence: number
  readonly count: number
  /** Each write: `key=value`, or `-key` for a deletion. */
  readonly writes: readonly string[]
  readonly sync: boolean
}

export interface CountedGroup {
  readonly writers: number
  readonly sizeBytes: number
  readonly sync: boolean
}

/** What a step of the world does: 'sync' at once, 'async' when the test says so, or an error. */
export type Step = 'sync' | 'async' | 'throw' | 'reject'

export class ScriptedWrites implements WriteEnvironment {
  /** Everything that happened, in order; tests add their own lines. */
  readonly calls: string[] = []
  readonly appended: AppendedGroup[] = []
  /** Inserted into the memtable, by sequence. */
  readonly inserted: Map<number, string> = new Map()
  readonly groups: CountedGroup[] = []
  published = 0
  failure: SluiceError | undefined
  nowMs = 0
  /** The step of the next room, append and insert; 'async' ends by `endRoom` and `endAppend`. */
  room: Step = 'sync'
  appending: Step = 'async'
  inserting: 'sync' | 'throw' = 'sync'
  /** What writeSync() finds. */
  canJoin = true
  canGrow = true
  overfull = false
  appendNowError: Error | undefined
  /** For each async step that waits: call it with an error to fail it. */
  readonly waiting: ((error?: Error) => void)[] = []

  makeRoom(_sizeBytes: number, _count: number, force: boolean): Promise<void> | undefined {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    this.calls.push(force ? 'room, forced' : 'room')
    // A switch is never done at once.
    return this.#step(this.room, 'no room') ?? (force ? Promise.resolve() : undefined)
  }

  refusal(): SluiceError | undefined {
    return this.failure
  }

  append(bytes: Buffer, end: number, sync: boolean): Promise<void> | undefined {
    const group = { ...readGroup(bytes, end), sync }
    this.appended.push(group)
    this.calls.push(`append ${group.writes.join(' ')}${sync ? ', synced' : ''}`)
    return this.#step(this.appending, 'no log')
  }

  canAppendNow(): boolean {
    return this.canJoin
  }

  appendNow(bytes: Buffer, end: number, sync: boolean): void {
    const group = { ...readGroup(bytes, end), sync }
    this.appended.push(group)
    this.calls.push(`append now ${group.writes.join(' ')}${sync ? ', synced' : ''}`)
    if (this.appendNowError !== undefined) throw this.appendNowError
  }

  growFor(): boolean {
    return this.canGrow
  }

  isOverfull(): boolean {
    return this.overfull
  }

  insert(batch: BatchBuffer, sequence: number): void {
    this.calls.push(`insert ${batch.count}`)
    if (this.inserting === 'throw') throw new Error('no memtable')
    for (const [i, write] of readGroup(batch.bytes, batch.end).writes.entries()) {
      this.inserted.set(sequence + i, write)
    }
  }

  publish(sequence: number): void {
    this.calls.push(`publish ${sequence}`)
    this.published = sequence
  }

  fail(cause: unknown): SluiceError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.calls.push(`fail: ${reason}`)
    this.failure ??= new SluiceError('LEVEL_IO_ERROR', `refused: ${reason}`, { cause })
    return new SluiceError('LEVEL_IO_ERROR', `unknown outcome: ${reason}`, { cause })
  }

  countGroup(writers: number, sizeBytes: number, syncDurationMs: number | undefined): void {
    this.groups.push({ writers, sizeBytes, sync: syncDurationMs !== undefined })
  }

  now(): number {
    return this.nowMs
  }

  /** Ends the oldest step that waits, and lets everything follow on it. */
  async end(error?: Error): Promise<void> {
    const next = this.waiting.shift()
    if (next === undefined) throw new Error('nothing waits')
    next(error)
    await turns()
  }

  /** What a reader sees: the writes up to the published sequence, in order. */
  get visible(): string[] {
    return [...this.inserted]
      .filter(([sequence]) => sequence <= this.published)
      .toSorted(([a], [b]) => a - b)
      .map(([, write]) => write)
  }

  #step(step: Step, message: string): Promise<void> | undefined {
    switch (step) {
      case 'sync':
        return undefined
      case 'throw':
        throw new Error(message)
      case 'reject':
        return Promise.reject(new Error(message))
      case 'async':
        return new Promise((resolve, reject) => {
          this.waiting.push((error) => (error === undefined ? resolve() : reject(error)))
        })
    }
  }
}

/** Puts `key=value` strings into the queue and records each settlement, once, in `log`. */
export class Writers {
  readonly #queue: WriteQueue
  readonly log: string[]

  constructor(queue: WriteQueue, log: string[] = []) {
    this.#queue = queue
    this.log = log
  }

  put(key: string, sync = false, size = 1): Promise<void> {
    const [bytes, value] = [Buffer.from(key), Buffer.alloc(size, 0x76)]
    const written = this.#queue.put(bytes, value, sync, putRecordSize(bytes.length, size))
    bytes.fill(0x21)
    value.fill(0x21)
    return this.#watch(key, written)
  }

  delete(key: string, sync = false): Promise<void> {
    const bytes = Buffer.from(key)
    return this.#watch(`-${key}`, this.#queue.delete(bytes, sync, deleteRecordSize(bytes.length)))
  }

  write(name: string, batch: BatchBuffer, sync = false): Promise<void> {
    return this.#watch(name, this.#queue.write(batch, sync))
  }

  switch(name = 'switch'): Promise<void> {
    return this.#watch(name, this.#queue.switch())
  }

  async #watch(name: string, written: Promise<void>): Promise<void> {
    try {
      await written
      this.log.push(`${name} done`)
    } catch (error) {
      this.log.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

function readGroup(bytes: Buffer, end: number): Omit<AppendedGroup, 'sync'> {
  const cursor = new BatchCursor()
  cursor.reset(bytes, 0, end)
  const writes: string[] = []
  while (cursor.next()) {
    const key = bytes.toString('latin1', cursor.keyStart, cursor.keyEnd)
    writes.push(cursor.type === 1 ? key : `-${key}`)
  }
  return { sequence: batchSequence(bytes, 0), count: batchCount(bytes, 0), writes }
}

/** Two turns of the event loop: whatever can go on has gone on. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
