// What a database tells to node:diagnostics_channel: eight tracing channels.
//
//   channel               message, before the work        `result`, when it is done
//   sluicedb:open         path, readOnly                  the RecoveryReport
//   sluicedb:recovery     path, readOnly                  the RecoveryReport
//   sluicedb:write        path, writes, sizeBytes, sync   none
//   sluicedb:get          path, keys                      found: values that there were
//   sluicedb:sync         path, sizeBytes                 none
//   sluicedb:flush        path                            fileNumber, sizeBytes; undefined for no table
//   sluicedb:compaction   path, level, inputFiles         outputFiles, readBytes, writtenBytes
//   sluicedb:stall        path, cause                     none
//
// Each is Node's TracingChannel: `start` and `end` around the call, `asyncStart` and `asyncEnd` when its
// promise settles, `error` with the message's `error` when it fails; calls that end in Sync have `start` and
// `end` alone. One object is the message of all of them. Sizes are in bytes; `path` is the directory, or
// of a sync, the log. A write that is refused for its arguments is not traced.
//
// Without a subscriber a channel costs the look at `hasSubscribers`, and nothing is made before it: some
// 3 ns, and 7 on a machine at work, as the calls beside it take twice as long then (2026-11-21,
// `node dist/scripts/bench-pieces.js tracing`).

import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type { DBOptions } from './options.ts'
import type { StallCause } from './stats.ts'
import type { RecoveryReport } from './recovery-report.ts'

/** What every message may have beside its own. */
interface Outcome<Result> {
  /** Set before `asyncStart`, or before `end` of a call that ends in Sync. */
  result?: Result
  /** Set before `error`. */
  error?: unknown
}

export interface OpenTrace extends Outcome<RecoveryReport> {
  readonly path: string
  readonly readOnly: boolean
}

export interface WriteTrace extends Outcome<undefined> {
  readonly path: string
  /** Puts and deletions. */
  readonly writes: number
  /** Of their records. */
  readonly sizeBytes: number
  readonly sync: boolean
}

export interface GetTrace extends Outcome<{ readonly found: number }> {
  readonly path: string
  /** How many were asked for. */
  readonly keys: number
}

export interface SyncTrace extends Outcome<undefined> {
  /** The log. */
  readonly path: string
  /** Of the group that is written with it. */
  readonly sizeBytes: number
}

export interface FlushTrace extends Outcome<
  { readonly fileNumber: number; readonly sizeBytes: number } | undefined
> {
  readonly path: string
}

export interface CompactionTrace extends Outcome<{
  readonly outputFiles: number
  readonly readBytes: number
  readonly writtenBytes: number
}> {
  readonly path: string
  /** Compacted into the next. */
  readonly level: number
  readonly inputFiles: number
}

export interface StallTrace extends Outcome<undefined> {
  readonly path: string
  readonly cause: StallCause
}

type Channel<Trace extends object> = TracingChannel<unknown, Trace>

export const OPEN: Channel<OpenTrace> = tracingChannel('sluicedb:open')
export const RECOVERY: Channel<OpenTrace> = tracingChannel('sluicedb:recovery')
export const WRITE: Channel<WriteTrace> = tracingChannel('sluicedb:write')
export const GET: Channel<GetTrace> = tracingChannel('sluicedb:get')
export const SYNC: Channel<SyncTrace> = tracingChannel('sluicedb:sync')
export const FLUSH: Channel<FlushTrace> = tracingChannel('sluicedb:flush')
export const COMPACTION: Channel<CompactionTrace> = tracingChannel('sluicedb:compaction')
export const STALL: Channel<StallTrace> = tracingChannel('sluicedb:stall')

type ResultOf<Trace> = Trace extends Outcome<infer Result> ? Result : never

/** Does the work and tells the channel, with `resultOf` its value as the result. */
export async function traced<T, Trace extends object>(
  channel: Channel<Trace>,
  message: NoInfer<Trace>,
  work: () => Promise<T>,
  resultOf: (value: T) => ResultOf<Trace>,
): Promise<T> {
  let value: { readonly it: T } | undefined
  await channel.tracePromise(async () => {
    value = { it: await work() }
    return resultOf(value.it)
  }, message)
  return value!.it
}

/** The same on the calling thread. */
export function tracedSync<T, Trace extends object>(
  channel: Channel<Trace>,
  message: NoInfer<Trace>,
  work: () => T,
  resultOf: (value: T) => ResultOf<Trace>,
): T {
  let value: { readonly it: T } | undefined
  channel.traceSync(() => {
    value = { it: work() }
    return resultOf(value.it)
  }, message)
  return value!.it
}

/** A write of the database in `path`. */
export function tracedWrite(
  path: string,
  writes: number,
  sizeBytes: number,
  sync: boolean,
  work: () => Promise<void>,
): Promise<void> {
  return traced(WRITE, { path, writes, sizeBytes, sync }, work, () => undefined)
}

/** A read of one key. */
export function tracedGet(
  path: string,
  work: () => Promise<Buffer | undefined>,
): Promise<Buffer | undefined> {
  return traced(GET, { path, keys: 1 }, work, foundOne)
}

/** The same on the calling thread. */
export function tracedGetSync(path: string, work: () => Buffer | undefined): Buffer | undefined {
  return tracedSync(GET, { path, keys: 1 }, work, foundOne)
}

/** A read of several. */
export function tracedGetMany(
  path: string,
  keys: number,
  work: () => Promise<(Buffer | undefined)[]>,
): Promise<(Buffer | undefined)[]> {
  return traced(GET, { path, keys }, work, (values) => ({
    found: values.reduce((sum, value) => sum + (value === undefined ? 0 : 1), 0),
  }))
}

/** Opening, or the recovery within it: `channel` is OPEN or RECOVERY. */
export function tracedOpening<T extends { readonly report: RecoveryReport }>(
  channel: Channel<OpenTrace>,
  path: string,
  options: DBOptions,
  work: () => Promise<T>,
): Promise<T> {
  if (!channel.hasSubscribers) return work()
  const readOnly = options?.readOnly === true
  return traced(channel, { path, readOnly }, work, ({ report }) => report)
}

/** A wait at the gate, which has begun. */
export function tracedStall(path: string, cause: StallCause, wait: Promise<void>): Promise<void> {
  if (!STALL.hasSubscribers) return wait
  return traced(
    STALL,
    { path, cause },
    () => wait,
    () => undefined,
  )
}

function foundOne(value: Buffer | undefined): { readonly found: number } {
  return { found: value === undefined ? 0 : 1 }
}
