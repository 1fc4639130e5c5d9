// One face for the stores that are measured and shown side by side, so that each does the same work.

export type StoreName = 'sluicedb' | 'classic-level' | 'lmdb'

export const STORE_NAMES: readonly StoreName[] = ['sluicedb', 'classic-level', 'lmdb']

export interface StoreOptions {
  /** A promise of `put` resolves when the entry is durable; else when the store accepted it. */
  readonly sync: boolean
  /** Bytes of the memtable; each store's own default when absent. LevelDB's stores only. */
  readonly writeBufferSize?: number
}

export interface Store {
  put(key: Buffer, value: Buffer): Promise<unknown>
  close(): Promise<void>
}

/** A store in LevelDB's format. */
export interface LevelStore extends Store {
  /** Puts keys[i], values[i] as one atomic batch. */
  putAll(keys: readonly Buffer[], values: readonly Buffer[]): Promise<unknown>
}
