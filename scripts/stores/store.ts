// One face for the stores that are measured and shown side by side, so that each does the same work.

import { createRequire } from 'node:module'

export type StoreName = 'sluicedb' | 'classic-level' | 'lmdb' | 'better-sqlite3'

/** Those that are installed: better-sqlite3 is no dependency. */
export const STORE_NAMES: readonly StoreName[] = [
  'sluicedb',
  'classic-level',
  'lmdb',
  ...(isInstalled('better-sqlite3/build/Release/better_sqlite3.node')
    ? (['better-sqlite3'] as const)
    : []),
]

function isInstalled(file: string): boolean {
  try {
    createRequire(import.meta.url).resolve(file)
    return true
  } catch {
    // Ignored: whatever the reason, it cannot be loaded, and the benchmark goes on without it.
    return false
  }
}

export interface StoreOptions {
  /** A promise of `put` resolves when the entry is durable; else when the store accepted it. */
  readonly sync: boolean
  /** Bytes of the memtable; each store's own default when absent. LevelDB's stores only. */
  readonly writeBufferSize?: number
  /** Bytes of the block cache; each store's own default when absent. LevelDB's stores only. */
  readonly cacheSize?: number
}

export interface Store {
  put(key: Buffer, value: Buffer): Promise<unknown>
  /** Puts keys[i], values[i] as one atomic batch. The buffers are free again when it resolves. */
  putAll(keys: readonly Buffer[], values: readonly Buffer[]): Promise<unknown>
  /** As the store gives one out without being waited for. */
  get(key: Buffer): Promise<Uint8Array | undefined>
  getSync(key: Buffer): Uint8Array | undefined
  /** Goes through all entries in the order of their keys, or in reverse. */
  scan(reverse: boolean, onEntry: (key: Uint8Array, value: Uint8Array) => void): Promise<void>
  /** Brings every entry to its last level. LevelDB's stores only. */
  compact?(): Promise<void>
  /** How often and how long writes had to wait for flush and compaction, where the store knows. */
  stalls?(): Stalls
  close(): Promise<void>
}

export interface Stalls {
  readonly count: number
  readonly durationMs: number
}

/** Entries that a scan asks for at a time. */
const SCAN_CHUNK = 1000

/** What abstract-level and DB have in common. */
interface ChunkedIterator {
  nextv(count: number): Promise<readonly (readonly [key: Uint8Array, value: Uint8Array])[]>
  close(): Promise<void>
}

/** Goes through what is left of the iterator, chunk by chunk, and closes it. */
export async function scanInChunks(
  iterator: ChunkedIterator,
  onEntry: (key: Uint8Array, value: Uint8Array) => void,
): Promise<void> {
  try {
    for (;;) {
      const entries = await iterator.nextv(SCAN_CHUNK)
      if (entries.length === 0) return
      for (const [key, value] of entries) onEntry(key, value)
    }
  } finally {
    await iterator.close()
  }
}
