// What a database tells whoever listens (the option onEvent).

import type { SluiceError } from '../format/error.ts'
import type { RecoveryReport } from './recovery-report.ts'
import type { StallCause } from './stats.ts'

export type DatabaseEvent =
  /** The database has opened; what its logs held, and what of them was dropped. */
  | { readonly type: 'recovery'; readonly report: RecoveryReport }
  /** Writes are refused from now on, until resume(). */
  | { readonly type: 'failure'; readonly error: SluiceError }
  /** Writes are taken again. */
  | { readonly type: 'resume' }
  /** A write waited at the gate. */
  | { readonly type: 'stall'; readonly cause: StallCause; readonly durationMs: number }
  /** A snapshot or an iterator was never closed, and has been collected; what it held is let go. */
  | { readonly type: 'forgotten'; readonly what: 'snapshot' | 'iterator' }
  /** A memtable became a table. */
  | {
      readonly type: 'flush'
      readonly fileNumber: number
      readonly sizeBytes: number
      readonly durationMs: number
    }
  /** Tables of a level became tables of the next; `moved` where one went down as it was. */
  | {
      readonly type: 'compaction'
      readonly level: number
      readonly moved: boolean
      readonly inputFiles: number
      readonly outputFiles: number
      readonly readBytes: number
      readonly writtenBytes: number
      readonly durationMs: number
    }
  /**
   * A compaction failed, and everything is as it was before it. It is tried again after `retryMs`;
   * undefined where a table is damaged, which then stays as it is.
   */
  | {
      readonly type: 'compaction-failed'
      readonly level: number
      readonly error: SluiceError
      readonly retryMs: number | undefined
    }

/** The event as a line of LOG. */
export function describeEvent(event: DatabaseEvent): string {
  const { type, ...rest } = event
  const told = Object.entries(rest).map(([name, value]) => {
    const number = typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(1) : value
    return `${name} ${value instanceof Error ? value.message : String(number)}`
  })
  return `${type}: ${told.join(', ')}`
}
