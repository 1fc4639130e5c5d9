// Room for the group at the head of the write queue: the gate, in the world of an engine.

import {
  DELAY_LEVEL0_FILES,
  type GateEnvironment,
  type GateLimits,
  makeRoom,
  STOP_LEVEL0_FILES,
} from './gate.ts'
import type { Compactor } from './compactor.ts'
import type { Failure } from '../log/failure.ts'
import type { Memtables } from './memtables.ts'
import type { StallCause } from './stats.ts'
import { tracedStall } from './tracing.ts'

const LIMITS: GateLimits = {
  delayLevel0Files: DELAY_LEVEL0_FILES,
  stopLevel0Files: STOP_LEVEL0_FILES,
}

export interface WriteRoomContext {
  readonly directory: string
  readonly memtables: Memtables
  readonly compactor: Compactor
  readonly failure: Failure
  /** Of an ordinary memtable. */
  readonly memtableBytes: number
  readonly delay: (durationMs: number) => Promise<void>
  readonly now: () => number
  /** How many tables level 0 has, as far as writes are held for them. */
  level0FileCount(): number
  countStall(cause: StallCause, durationMs: number): void
}

export class WriteRoom {
  readonly #context: WriteRoomContext
  readonly #gate: GateEnvironment
  // What the group needs; the gate asks for it again after every wait.
  #neededBytes = 0
  #neededCount = 0

  constructor(context: WriteRoomContext) {
    this.#context = context
    this.#gate = this.#gateEnvironment()
  }

  /** As WriteEnvironment.makeRoom says. Requires: one call at a time. */
  make(sizeBytes: number, count: number, force: boolean): Promise<void> | undefined {
    const { failure, memtables } = this.#context
    this.#neededBytes = sizeBytes
    this.#neededCount = count
    const isFree =
      failure.error === undefined && this.#context.level0FileCount() < LIMITS.delayLevel0Files
    if (!force && isFree && memtables.hasRoom(sizeBytes, count)) return undefined
    return makeRoom(this.#gate, force)
  }

  #gateEnvironment(): GateEnvironment {
    const { compactor, delay, directory, failure, memtables, memtableBytes, now } = this.#context
    const told = (cause: StallCause, wait: Promise<void>): Promise<void> =>
      tracedStall(directory, cause, wait)
    return {
      limits: LIMITS,
      failure: () => failure.refusal(),
      level0FileCount: () => this.#context.level0FileCount(),
      level0DelayMs: () =>
        compactor.pace.delayMs(this.#context.level0FileCount(), this.#neededBytes / memtableBytes),
      hasRoom: () => memtables.hasRoom(this.#neededBytes, this.#neededCount),
      hasFrozenMemtable: () => memtables.frozen !== undefined,
      memtableFlushed: () =>
        told('memtable', memtables.flushing ?? Promise.reject(new Error('nothing flushes'))),
      level0Changed: () => told('level0-stop', compactor.level0Changed()),
      switchMemtable: () => memtables.switch(this.#neededBytes, this.#neededCount),
      delay: (durationMs) => told('level0-delay', delay(durationMs)),
      now,
      countStall: (cause, durationMs) => {
        this.#context.countStall(cause, durationMs)
      },
    }
  }
}
