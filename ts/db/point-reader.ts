// Reads single keys, or several at once: memory first, then the tables of the current version.
//
// The engine of a database that is written and that of a read-only one share it; what memory holds is
// theirs to say.

import { MAX_SEQUENCE } from '../format/internal-key.ts'
import { LookupKey } from '../table/lookup-key.ts'
import type { TableCache } from '../table/table-cache.ts'
import { NOT_AT_HAND } from '../table/table.ts'
import type { VersionSet } from '../version/version-set.ts'
import { approximateSizes, type SizeRange } from './approximate-sizes.ts'
import { getManyInTurns, KEYS_A_TURN } from './get-many.ts'
import {
  fillMissing,
  getFromTables,
  getFromTablesAtHand,
  getFromTablesSync,
  type MissingValue,
} from './point-read.ts'
import type { ReadView } from './read/read-view.ts'
import { TurnBudget } from './turn-budget.ts'

/** What memtables say: the value in a new Buffer, null for a deletion, undefined when they do not know. */
export type GetFromMemory = (key: LookupKey) => Buffer | null | undefined

export class PointReader {
  readonly #versions: VersionSet
  readonly #tables: TableCache
  readonly #getFromMemory: GetFromMemory
  readonly #view: (sequence: number) => ReadView
  readonly #turns = new TurnBudget()
  /** Of the read that runs now: no read lets others run while it uses it. */
  readonly #lookupKey: LookupKey = new LookupKey()

  /** `view` pins what there is now, for reads as of a sequence that take their time. */
  constructor(
    versions: VersionSet,
    tables: TableCache,
    getFromMemory: GetFromMemory,
    view: (sequence: number) => ReadView,
  ) {
    this.#versions = versions
    this.#tables = tables
    this.#getFromMemory = getFromMemory
    this.#view = view
  }

  /**
   * The value in a new Buffer, or undefined, as of `sequence`. What is in memory is answered at once,
   * but for the turns of turn-budget.ts; what is not is read on the pool. Rejects with LEVEL_IO_ERROR or LEVEL_CORRUPTION.
   */
  get(userKey: Uint8Array, sequence: number, fillCache: boolean): Promise<Buffer | undefined> {
    try {
      const found = this.#getAtHand(userKey, sequence, fillCache)
      if (found !== NOT_AT_HAND) {
        const turn = this.#turns.spend()
        return turn === undefined ? Promise.resolve(found) : turn.then(() => found)
      }
      const key = this.#lookupKey.copy()
      return getFromTables(this.#versions.retain(), this.#tables, key, fillCache)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The values of several keys, in their order. Rejects when any of them cannot be read. */
  getMany(
    userKeys: readonly Uint8Array[],
    sequence: number,
    fillCache: boolean,
  ): Promise<(Buffer | undefined)[]> {
    if (userKeys.length > KEYS_A_TURN) {
      return getManyInTurns(this.#view(sequence), this.#tables, userKeys, fillCache)
    }
    const values: (Buffer | undefined)[] = []
    const missing: MissingValue[] = []
    try {
      for (const [at, userKey] of userKeys.entries()) {
        const found = this.#getAtHand(userKey, sequence, fillCache)
        values.push(found === NOT_AT_HAND ? undefined : found)
        if (found === NOT_AT_HAND) missing.push({ at, key: this.#lookupKey.copy() })
      }
      if (missing.length === 0) return Promise.resolve(values)
      return fillMissing(this.#versions.retain(), this.#tables, values, missing, fillCache)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** get on the calling thread; throws. */
  getSync(userKey: Uint8Array, sequence: number, fillCache: boolean): Buffer | undefined {
    const key = this.#lookupKey
    key.set(userKey, userKey.length, sequence)
    const found = this.#getFromMemory(key)
    if (found !== undefined) return found ?? undefined
    return getFromTablesSync(this.#versions.current, this.#tables, key, fillCache)
  }

  /** Bytes of tables, about, for each range. The keys are not to change before it settles. */
  async approximateSizes(ranges: readonly SizeRange[]): Promise<number[]> {
    const retained = this.#versions.retain()
    try {
      return await approximateSizes(retained.version, ranges, async (fileNumber, userKey) => {
        const borrowed = await this.#tables.borrow(fileNumber)
        try {
          return borrowed.table.offsetNear(LookupKey.of(userKey, MAX_SEQUENCE))
        } finally {
          borrowed.release()
        }
      })
    } finally {
      retained.release()
    }
  }

  // Leaves the key in #lookupKey.
  #getAtHand(
    userKey: Uint8Array,
    sequence: number,
    fillCache: boolean,
  ): Buffer | undefined | typeof NOT_AT_HAND {
    const key = this.#lookupKey
    key.set(userKey, userKey.length, sequence)
    const found = this.#getFromMemory(key)
    if (found !== undefined) return found ?? undefined
    return getFromTablesAtHand(this.#versions.current, this.#tables, key, fillCache)
  }
}
