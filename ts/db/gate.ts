// The gate before the log: LevelDB's MakeRoomForWrite.
//
//   until there is room:
//     a failure                        -> refuse
//     level 0 at the delay limit       -> wait at the pace of compactions, once a group, and look again
//     room in the memtable             -> pass (unless a switch is forced)
//     the last memtable not yet a table -> wait for it
//     level 0 at the stop limit        -> wait for background work
//     else                             -> switch log and memtable; a forced switch is done
//
// The order is LevelDB's, and each wait is counted and timed by its cause; how long the delay is, is
// our own (see level0-pace.ts). The world is an interface
// of a few functions, so that every rule is tested without a database.
//
// Invariant: whatever was true before an await is looked at again after it.

import type { StallCause } from './stats.ts'

// LevelDB's constants.
export const DELAY_LEVEL0_FILES = 8
export const STOP_LEVEL0_FILES = 12

export interface GateLimits {
  /** Files of level 0 from which each group is delayed once. Infinity switches the rule off. */
  readonly delayLevel0Files: number
  /** Files of level 0 at which writes wait. Infinity switches the rule off. */
  readonly stopLevel0Files: number
}

export interface GateEnvironment {
  readonly limits: GateLimits
  /** The error for writes when they are refused. */
  failure(): Error | undefined
  level0FileCount(): number
  /** How long the group is to be delayed, asked once for each with level 0 at the delay limit. */
  level0DelayMs(): number
  hasRoom(): boolean
  hasFrozenMemtable(): boolean
  /** Resolves when the flush of the frozen memtable has ended, well or not. */
  memtableFlushed(): Promise<void>
  /** Resolves when background work has ended that may have changed level 0, well or not. */
  level0Changed(): Promise<void>
  /** Freezes the memtable and goes on in a new log. Rejects when the log cannot be created. */
  switchMemtable(): Promise<void>
  delay(durationMs: number): Promise<void>
  now(): number
  countStall(cause: StallCause, durationMs: number): void
}

/**
 * Resolves when the memtable has room for the group at the head of the queue; with `force`, once the
 * memtable was switched. May yield: log and memtable can be new ones afterwards.
 * Rejects with the failure, or with the error of a switch that could not be made.
 */
export async function makeRoom(environment: GateEnvironment, force: boolean): Promise<void> {
  const { limits } = environment
  let mustSwitch = force
  let mayDelay = !force
  for (;;) {
    const failure = environment.failure()
    if (failure !== undefined) throw failure
    const level0Files = environment.level0FileCount()
    if (mayDelay && level0Files >= limits.delayLevel0Files) {
      mayDelay = false
      const delayMs = environment.level0DelayMs()
      if (delayMs > 0) await stall(environment, 'level0-delay', environment.delay(delayMs))
    } else if (!mustSwitch && environment.hasRoom()) {
      return
    } else if (environment.hasFrozenMemtable()) {
      await stall(environment, 'memtable', environment.memtableFlushed())
    } else if (level0Files >= limits.stopLevel0Files) {
      await stall(environment, 'level0-stop', environment.level0Changed())
    } else {
      await environment.switchMemtable()
      mustSwitch = false
    }
  }
}

async function stall(
  environment: GateEnvironment,
  cause: StallCause,
  wait: Promise<void>,
): Promise<void> {
  const startMs = environment.now()
  await wait
  environment.countStall(cause, environment.now() - startMs)
}
