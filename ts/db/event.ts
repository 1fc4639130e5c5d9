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
