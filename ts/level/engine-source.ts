// One of the engine's iterators behind those of abstract-level, for a database or a sublevel of it.
//
// Keys of a sublevel stand behind its prefix in the database: bounds and targets come with it, and it
// is taken off what is handed out.
//
// The limit is the engine's to count, so that reads that wait and reads that do not share it; like
// abstract-level's, it is not reset by a seek.

import type { AbstractSnapshot } from 'abstract-level'
import type { DB } from '../db/database.ts'
import type { DBIterator } from '../db/iterator.ts'
import type { DBIteratorOptions } from '../db/iterator-options.ts'
import { bytesOf, type Encoded } from './encoded.ts'
import { throwIfAborted } from './level-signal.ts'
import { innerSnapshot } from './level-snapshot.ts'

/** Bounds of a range, encoded. */
export interface EncodedRange {
  gt?: Encoded
  gte?: Encoded
  lt?: Encoded
  lte?: Encoded
}

/** What abstract-level hands to the private _iterator(), _keys() and _values(). */
export interface PrivateIteratorOptions extends EncodedRange {
  readonly reverse: boolean
  /** -1 for none. */
  readonly limit: number
  readonly keyEncoding: string
  readonly valueEncoding: string
  readonly keys?: boolean
  readonly values?: boolean
  readonly snapshot?: AbstractSnapshot | null
  readonly signal?: AbortSignal | null
  readonly fillCache?: boolean
  readonly highWaterMarkBytes?: number
}

export type Pair = [Buffer | undefined, Buffer | undefined]

type EngineIterator = DBIterator<Buffer | undefined, Buffer | undefined>

/** Bounds of a range as bytes, under their own names. */
export function boundsOf(options: EncodedRange): Record<string, Uint8Array> {
  const bounds: Record<string, Uint8Array> = {}
  for (const name of ['gt', 'gte', 'lt', 'lte'] as const) {
    const bound = options[name]
    if (bound !== undefined) bounds[name] = bytesOf(bound)
  }
  return bounds
}

/**
 * Wrong options are told by the first read. Rejected: to throw where the iterator is made. While the
 * database opens, abstract-level makes it later, among all the calls that wait for that, and one
 * that throws there leaves the calls behind it unsettled for ever.
 */
export class EngineSource {
  readonly prefixLength: number
  readonly #iterator: EngineIterator | undefined
  /** Why there is no iterator. */
  readonly #error: unknown
  readonly #signal: AbortSignal | undefined

  /** `keys`, `values`: whether the half is wanted. `prefixLength`: that of the sublevel's keys. */
  constructor(
    engine: DB,
    options: PrivateIteratorOptions,
    keys: boolean,
    values: boolean,
    prefixLength: number,
  ) {
    this.prefixLength = prefixLength
    this.#signal = options.signal ?? undefined
    try {
      this.#iterator = engine.iterator(engineOptionsOf(options, keys, values))
    } catch (error) {
      this.#error = error
    }
  }

  async next(): Promise<Pair | undefined> {
    const pair = await this.#open.next()
    throwIfAborted(this.#signal)
    return pair
  }

  async nextv(count: number): Promise<Pair[]> {
    const signal = this.#signal
    const pairs = await this.#open.nextv(count, signal === undefined ? {} : { signal })
    // After the read too: whoever aborted during it must hear so, also where all came from memory.
    throwIfAborted(signal)
    return pairs
  }

  nextSync(): Pair | undefined {
    throwIfAborted(this.#signal)
    return this.#open.nextSync()
  }

  nextvSync(count: number): Pair[] {
    throwIfAborted(this.#signal)
    return this.#open.nextvSync(count)
  }

  seek(target: Encoded): void {
    this.#iterator?.seek(bytesOf(target))
  }

  async close(): Promise<void> {
    await this.#iterator?.close()
  }

  get #open(): EngineIterator {
    if (this.#iterator === undefined) throw this.#error
    return this.#iterator
  }
}

function engineOptionsOf(
  options: PrivateIteratorOptions,
  keys: boolean,
  values: boolean,
): DBIteratorOptions {
  const { reverse, limit, snapshot, fillCache = false, highWaterMarkBytes } = options
  const inner = innerSnapshot(snapshot)
  return {
    ...boundsOf(options),
    reverse,
    keys,
    values,
    fillCache,
    ...(limit === -1 ? {} : { limit }),
    ...(inner === undefined ? {} : { snapshot: inner }),
    ...(highWaterMarkBytes === undefined ? {} : { highWaterMarkBytes }),
  }
}
