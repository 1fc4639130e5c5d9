// The processes of the recovery benchmark: one fills a log and dies, one opens what it left.

import { report, serve } from '../subprocess.ts'
import { openClassicLevel } from '../stores/classic-level-store.ts'
import { openSluiceDB } from '../stores/sluicedb-store.ts'
import { KEY_SIZE, keyAt, VALUE_SIZE, valueAt } from './entries.ts'
import type { RecoveringStore } from './recovery.ts'

export interface FillOrder {
  readonly kind: 'fill'
  readonly store: RecoveringStore
  readonly path: string
  readonly logBytes: number
}

export interface OpenOrder {
  readonly kind: 'open'
  readonly store: RecoveringStore
  readonly path: string
}

export type RecoveryOrder = FillOrder | OpenOrder

export interface RecoveryReport {
  readonly elapsedMs: number
}

const BATCH_COUNT = 1000
/** Type, two lengths of one byte, key and value. */
const ENTRY_SIZE = 1 + 1 + KEY_SIZE + 1 + VALUE_SIZE
/** A memtable needs about 60 bytes an entry beside key and value; this leaves room. */
const MEMTABLE_BYTES_PER_LOG_BYTE = 4

const OPENERS = { sluicedb: openSluiceDB, 'classic-level': openClassicLevel } as const

async function fill(order: FillOrder): Promise<void> {
  const store = await OPENERS[order.store](order.path, {
    sync: false,
    writeBufferSize: order.logBytes * MEMTABLE_BYTES_PER_LOG_BYTE,
  })
  const batches = Math.ceil(order.logBytes / (BATCH_COUNT * ENTRY_SIZE))
  for (let batch = 0; batch < batches; batch++) {
    const positions = Array.from({ length: BATCH_COUNT }, (_, i) => batch * BATCH_COUNT + i)
    await store.putAll(positions.map(keyAt), positions.map(valueAt))
  }
  process.kill(process.pid, 'SIGKILL')
}

async function open(order: OpenOrder): Promise<void> {
  const startMs = performance.now()
  const store = await OPENERS[order.store](order.path, { sync: false })
  const message: RecoveryReport = { elapsedMs: performance.now() - startMs }
  report(message)
  await store.close()
  process.disconnect()
}

serve((order: RecoveryOrder) => (order.kind === 'fill' ? fill(order) : open(order)))
