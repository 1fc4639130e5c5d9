// Reading one key from a memtable.

import { TYPE_VALUE } from '../format/internal-key.ts'
import { type Memtable, NO_NODE } from '../memtable/memtable.ts'
import type { LookupKey } from '../table/lookup-key.ts'

/** The value in a new Buffer, null for a deletion, undefined where the memtable does not know the key. */
export function getFromMemtable(memtable: Memtable, key: LookupKey): Buffer | null | undefined {
  const node = memtable.find(key.bytes, 0, key.userEnd, key.sequence)
  if (node === NO_NODE) return undefined
  return memtable.typeOf(node) === TYPE_VALUE ? memtable.copyValue(node) : null
}
