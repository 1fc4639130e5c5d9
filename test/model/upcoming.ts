// The calls that are being built, as they will be; `has` says whether a database has one yet.

import type { DB, WriteOptions } from '../../ts/index.ts'

export interface Snapshot {
  readonly sequence: number
  close(): void
}

export interface ReadOptions {
  readonly snapshot?: Snapshot
  readonly fillCache?: boolean
}

export interface RangeOptions extends ReadOptions {
  readonly gt?: Uint8Array
  readonly gte?: Uint8Array
  readonly lt?: Uint8Array
  readonly lte?: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
  readonly keys?: boolean
  readonly values?: boolean
  readonly highWaterMarkBytes?: number
}

export type Entry = [key: Buffer | undefined, value: Buffer | undefined]

export interface DatabaseIterator {
  next(): Promise<Entry | undefined>
  nextv(count: number): Promise<Entry[]>
  all(): Promise<Entry[]>
  nextSync(): Entry | undefined
  nextvSync(count: number): Entry[]
  seek(target: Uint8Array): void
  close(): Promise<void>
  [Symbol.asyncIterator](): AsyncIterator<Entry>
  [Symbol.iterator](): Iterator<Entry>
}

export interface Upcoming {
  get(key: Uint8Array, options?: ReadOptions): Promise<Buffer | undefined>
  getSync(key: Uint8Array, options?: ReadOptions): Buffer | undefined
  getMany(keys: readonly Uint8Array[], options?: ReadOptions): Promise<(Buffer | undefined)[]>
  snapshot(): Snapshot
  iterator(options?: RangeOptions): DatabaseIterator
  compactRange(
    start?: Uint8Array,
    end?: Uint8Array,
    options?: { signal?: AbortSignal; onProgress?: (progress: unknown) => void },
  ): Promise<void>
  approximateSizes(ranges: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<number[]>
  property(name: string): string | undefined
  put(key: Uint8Array, value: Uint8Array, options?: WriteOptions): Promise<void>
}

export function upcoming(db: DB): Upcoming {
  return db as unknown as Upcoming
}

export function has(db: DB, name: keyof Upcoming): boolean {
  return name in db
}
