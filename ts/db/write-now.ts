// Writes that are done when the call returns: the write queue on the calling thread.
//
//   makeReady:  refused? ── can the log be appended to from here? ── room for everything that waits
//   commitNow:  each group that waits, oldest first, the new write's last: log ── memtable ── publish
//
// What cannot wait for the event loop, and what is done about it:
//   The append in flight      its bytes come first: the log waits for the thread that has it, or does it
//                             here. The TypeScript binding can do neither: LEVEL_BUSY.
//   A group at the gate       is written here, in its turn; the gate finds it done.
//   A full memtable           grows past its size, up to a limit (memtable-memory.ts); a switch is queued behind,
//                             and flushes it when the event loop has its turn. Then LEVEL_BUSY.
//   Level 0 with many tables  nothing: compaction needs no thread of ours, and growth has its limit.
//
// Rejected: to refuse whenever anything is in flight, which made a call fail by what others do at that
// moment; and to write ahead of what waits, which would break the order of calls.
//
// Invariants:
//   LEVEL_BUSY is told before anything is done. Otherwise the rules are those of the queue: writes in
//   call order (W2), sequences that failed are burned (W3), and a sync covers all before it (W4).
//   The group in flight has succeeded once the first append here has: its failure would be that one's.

import type { BatchBuffer } from '../format/batch.ts'
import { SluiceError } from '../format/error.ts'

/** What the queue needs of the engine once a group has its room. */
export interface WriteNowEnvironment {
  /** Inserts into the memtable, invisibly. Cannot fail: the gate has made room. */
  insert(batch: BatchBuffer, sequence: number): void
  /** Makes everything up to `sequence` visible to reads. */
  publish(sequence: number): void
  /** The error for writes while they are refused. */
  refusal(): SluiceError | undefined
  /** Refuses writes from now on; returns the error for the writers of the group that failed. */
  fail(cause: unknown): SluiceError
  /** A group was acknowledged. `syncDurationMs` is undefined for one without sync. */
  countGroup(writers: number, sizeBytes: number, syncDurationMs: number | undefined): void
  /** Milliseconds, from any origin. */
  now(): number
  /** Whether appendNow() can be called. */
  canAppendNow(sync: boolean): boolean
  /** Appends to the log, behind what is in flight. Throws, and the outcome is unknown. */
  appendNow(bytes: Buffer, end: number, sync: boolean): void
  /** Makes room in the memtable; false where only a flush could. May throw, with nothing done. */
  growFor(sizeBytes: number, count: number): boolean
  /** Whether the memtable has grown past its usual size. */
  isOverfull(): boolean
}

/** A group as this file sees it. */
export interface WritableGroup {
  readonly batch: BatchBuffer
  readonly sync: boolean
  readonly writers: number
  resolve(): void
  reject(error: unknown): void
}

/**
 * Sees to it that the groups, and then `batch`, can be written without a wait. Throws the refusal, or
 * LEVEL_BUSY, and nothing has happened.
 */
export function makeReady(
  environment: WriteNowEnvironment,
  groups: readonly WritableGroup[],
  batch: BatchBuffer,
  sync: boolean,
): void {
  const refusal = environment.refusal()
  if (refusal !== undefined) throw refusal
  if (!environment.canAppendNow(sync || groups.some((group) => group.sync))) {
    throw new SluiceError(
      'LEVEL_BUSY',
      'A write is in flight, which this binding cannot wait for on this thread: await it first',
    )
  }
  let sizeBytes = batch.end
  let { count } = batch
  for (const group of groups) {
    sizeBytes += group.batch.end
    count += group.batch.count
  }
  if (environment.growFor(sizeBytes, count)) return
  throw new SluiceError(
    'LEVEL_BUSY',
    'The memtable has outgrown its size, and the event loop has to turn before it is flushed',
  )
}

/**
 * Writes the groups in order and settles each. `takeSequences` burns a group's and returns the first;
 * `onAppend` hears of appends that succeeded. Requires: makeReady().
 */
export function commitNow<Group extends WritableGroup>(
  groups: readonly Group[],
  environment: WriteNowEnvironment,
  takeSequences: (group: Group) => number,
  onAppend: () => void,
): void {
  for (const group of groups) {
    const { batch, sync, writers } = group
    let appendBegun = false
    try {
      const refusal = environment.refusal()
      if (refusal !== undefined) throw refusal
      const sequence = takeSequences(group)
      const startMs = environment.now()
      appendBegun = true
      environment.appendNow(batch.bytes, batch.end, sync)
      onAppend()
      environment.insert(batch, sequence)
      environment.publish(sequence + batch.count - 1)
      environment.countGroup(writers, batch.end, sync ? environment.now() - startMs : undefined)
      group.resolve()
    } catch (error) {
      group.reject(appendBegun ? environment.fail(error) : error)
    }
  }
}
