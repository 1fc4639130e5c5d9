// How the writes of a run shared their syncs, taken from the engine's own counters.

import type { DB } from '../../ts/index.ts'
import type { GroupCounts } from './messages.ts'

export function countGroups(database: DB): GroupCounts {
  const { writes, syncs, groupSizes } = database.stats().write
  return { writes, syncs: syncs.count, groupsByPowerOfTwo: groupSizes }
}
