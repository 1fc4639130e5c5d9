// Many keys at once, as of one moment.
//
//   some hundred keys, from what is in memory ── a turn ── ... ── what is missing, on the pool
//
// Whoever asks for more keys than one turn takes pins the moment, and the event loop turns in between.

import { LookupKey } from '../table/lookup-key.ts'
import type { TableCache } from '../table/table-cache.ts'
import { FINDING, NOT_AT_HAND } from '../table/table.ts'
import type { Version } from '../version/version.ts'
import { inLanes } from './lanes.ts'
import { readTables } from './point-read.ts'
import type { ReadView } from './read/read-view.ts'
import { TableGet } from './table-get.ts'
import { nextTurn } from './event-turns.ts'
import type { VersionHold } from './version-holds.ts'

/** Keys that are looked up in one turn: some 0.5 ms where memory has them all. */
export const KEYS_A_TURN = 256
/** Reads in steps under way at a time: enough to keep a pool of four threads busy. */
const LANES = 16

interface MissingValue {
  readonly at: number
  readonly key: LookupKey
}

/** Values of keys from the tables of one version, which its user holds until finish() settles. */
export class ManyGets {
  readonly #hold: VersionHold
  readonly #tables: TableCache
  readonly #fillCache: boolean
  readonly #values: (Buffer | undefined)[] = []
  readonly #missing: MissingValue[] = []
  /** Under way on the pool. */
  readonly #finding: Promise<void>[] = []

  constructor(version: Version, tables: TableCache, fillCache: boolean) {
    this.#hold = { version, release: () => {} }
    this.#tables = tables
    this.#fillCache = fillCache
  }

  /** The value of the next key. */
  add(value: Buffer | undefined): void {
    this.#values.push(value)
  }

  /** The next key is to be looked for. Throws LEVEL_CORRUPTION. The key may change afterwards. */
  look(key: LookupKey): void {
    const at = this.#values.length
    const get = new TableGet(this.#tables)
    const found = get.begin(this.#hold.version, key, this.#fillCache)
    if (found === NOT_AT_HAND) this.#missing.push({ at, key: key.copy() })
    else if (found === FINDING) this.#find(at, get)
    this.#values.push(Buffer.isBuffer(found) ? found : undefined)
  }

  /**
   * The values in the order of the keys. Rejects with what was `thrown`, or the first error of the reads,
   * when none is under way any more.
   */
  async finish(thrown?: unknown): Promise<(Buffer | undefined)[]> {
    const rest = thrown === undefined ? this.#readMissing() : Promise.reject(thrown)
    for (const outcome of await Promise.allSettled([rest, ...this.#finding])) {
      if (outcome.status === 'rejected') throw outcome.reason
    }
    return this.#values
  }

  #readMissing(): Promise<void> {
    const { version } = this.#hold
    return inLanes(this.#missing, LANES, ({ at, key }) =>
      this.#put(at, readTables(version, this.#tables, key, this.#fillCache, 0)),
    )
  }

  #find(at: number, get: TableGet): void {
    const finding = this.#put(at, get.wait(this.#hold))
    // finish() tells of it: the event loop may turn, more than once, before that is called.
    finding.catch(() => undefined)
    this.#finding.push(finding)
  }

  async #put(at: number, value: Promise<Buffer | undefined>): Promise<void> {
    this.#values[at] = await value
  }
}

/**
 * The values, in the order of the keys, which are copied at once. Releases the view. Rejects with
 * LEVEL_IO_ERROR or LEVEL_CORRUPTION.
 */
export async function getManyInTurns(
  view: ReadView,
  tables: TableCache,
  userKeys: readonly Uint8Array[],
  fillCache: boolean,
): Promise<(Buffer | undefined)[]> {
  try {
    const keys = userKeys.map((userKey) => LookupKey.of(userKey, view.sequence))
    const many = new ManyGets(view.version, tables, fillCache)
    try {
      for (const [at, key] of keys.entries()) {
        if (at > 0 && at % KEYS_A_TURN === 0) await nextTurn()
        const found = view.getFromMemory(key)
        if (found === undefined) many.look(key)
        else many.add(found ?? undefined)
      }
    } catch (error) {
      return await many.finish(error)
    }
    return await many.finish()
  } finally {
    view.release()
  }
}
