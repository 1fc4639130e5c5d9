// Reads single keys, or several at once: memory first, then the tables of the current version.
//
// The engine of a database that is written and that of a read-only one share it; what memory holds is
// theirs to say.

import { MAX_SEQUENCE } from '../format/internal-key.ts'
import { LookupKey } from '../table/lookup-key.ts'
import type { TableCache } from '../table/table-cache.ts'
import { FINDING, NOT_AT_HAND } from '../table/table.ts'
import type { VersionSet } from '../version/version-set.ts'
import { approximateSizes, type SizeRange } from './approximate-sizes.ts'
import { getManyInTurns, KEYS_A_TURN, ManyGets } from './get-many.ts'
import { getFromTables, getFromTablesSync } from './point-read.ts'
import type { ReadView } from './read/read-view.ts'
import { TableGet } from './table-get.ts'
import { AnswerBudget } from './event-turns.ts'
import { VersionHolds } from './version-holds.ts'

/** What memtables say: the value in a new Buffer, null for a deletion, undefined when they do not know. */
export type GetFromMemory = (key: LookupKey) => Buffer | null | undefined

export class PointReader {
  readonly #versions: VersionSet
  readonly #tables: TableCache
  readonly #getFromMemory: GetFromMemory
  readonly #view: (sequence: number) => ReadView
  readonly #holds: VersionHolds
  readonly #turns = new AnswerBudget()
  /** One that found its answer in memory, for the next get. */
  #unusedGet: TableGet | undefined
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
    this.#holds = new VersionHolds(versions)
    this.#tables = tables
    this.#getFromMemory = getFromMemory
    this.#view = view
  }

  /**
   * The value in a new Buffer, or undefined, as of `sequence`. What is in memory is answered at once,
   * but for the turns of event-turns.ts and, when others ask too, for the searches in blocks; those
   * and what is not are the pool's. Rejects with LEVEL_IO_ERROR or LEVEL_CORRUPTION.
   */
  get(userKey: Uint8Array, sequence: number, fillCache: boolean): Promise<Buffer | undefined> {
    try {
      const key = this.#lookupKey
      key.set(userKey, userKey.length, sequence)
      const inMemory = this.#getFromMemory(key)
      if (inMemory !== undefined) return this.#answer(inMemory ?? undefined)
      const get = this.#unusedGet ?? new TableGet(this.#tables)
      this.#unusedGet = undefined
      const found = get.begin(this.#versions.current, key, fillCache)
      if (found === FINDING) return get.wait(this.#holds.take())
      this.#unusedGet = get
      if (found !== NOT_AT_HAND) return this.#answer(found)
      return getFromTables(this.#holds.take(), this.#tables, key.copy(), fillCache)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The values of several keys, in their order. Rejects when any of them cannot be read. */
  async getMany(
    userKeys: readonly Uint8Array[],
    sequence: number,
    fillCache: boolean,
  ): Promise<(Buffer | undefined)[]> {
    if (userKeys.length > KEYS_A_TURN) {
      return getManyInTurns(this.#view(sequence), this.#tables, userKeys, fillCache)
    }
    const hold = this.#holds.take()
    const many = new ManyGets(hold.version, this.#tables, fillCache)
    try {
      return await many.finish(this.#lookFor(many, userKeys, sequence))
    } finally {
      hold.release()
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

  #answer(value: Buffer | undefined): Promise<Buffer | undefined> {
    const turn = this.#turns.spend()
    return turn === undefined ? Promise.resolve(value) : turn.then(() => value)
  }

  /** Returns what was thrown. */
  #lookFor(many: ManyGets, userKeys: readonly Uint8Array[], sequence: number): unknown {
    const key = this.#lookupKey
    try {
      for (const userKey of userKeys) {
        key.set(userKey, userKey.length, sequence)
        const found = this.#getFromMemory(key)
        if (found === undefined) many.look(key)
        else many.add(found ?? undefined)
      }
    } catch (error) {
      return error
    }
    return undefined
  }
}
