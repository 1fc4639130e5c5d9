// What the disk itself allows: one small append and its fdatasync after the other. No store with
// one durable writer can be faster.

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const MEASURED_MS = 1000
/** A put of the benchmark as a log record. */
const RECORD_SIZE = 138

/** Appends that were synced, per second. */
export function measureDiskLimit(scratch: string): number {
  const descriptor = openSync(join(scratch, 'appends'), 'w')
  const bytes = Buffer.alloc(RECORD_SIZE, 1)
  const startMs = performance.now()
  let appends = 0
  while (performance.now() - startMs < MEASURED_MS) {
    writeSync(descriptor, bytes)
    fdatasyncSync(descriptor)
    appends++
  }
  const elapsedMs = performance.now() - startMs
  closeSync(descriptor)
  return (appends / elapsedMs) * 1000
}
