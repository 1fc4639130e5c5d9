// Many keys at once, as of one moment, with turns of the event loop in between.
//
//   some hundred keys, from what is in memory ── a turn ── ... ── what is missing, on the pool

import { LookupKey } from '../table/lookup-key.ts'
import type { TableCache } from '../table/table-cache.ts'
import { NOT_AT_HAND } from '../table/table.ts'
import { fillMissing, getFromTablesAtHand, type MissingValue } from './point-read.ts'
import type { ReadView } from './read/read-view.ts'
import { nextTurn } from './turn-budget.ts'

/** Keys that are looked up in one turn: some 0.5 ms where memory has them all. */
export const KEYS_A_TURN = 256

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
    const values: (Buffer | undefined)[] = []
    const missing: MissingValue[] = []
    for (const [at, key] of keys.entries()) {
      if (at > 0 && at % KEYS_A_TURN === 0) await nextTurn()
      const found = getAtHand(view, tables, key, fillCache)
      values.push(found === NOT_AT_HAND ? undefined : found)
      if (found === NOT_AT_HAND) missing.push({ at, key })
    }
    return await fillMissing(view, tables, values, missing, fillCache)
  } finally {
    view.release()
  }
}

function getAtHand(
  view: ReadView,
  tables: TableCache,
  key: LookupKey,
  fillCache: boolean,
): Buffer | undefined | typeof NOT_AT_HAND {
  const found = view.getFromMemory(key)
  if (found !== undefined) return found ?? undefined
  return getFromTablesAtHand(view.version, tables, key, fillCache)
}
