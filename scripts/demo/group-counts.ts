// How the writes of a run shared their syncs, taken from the engine's own counters.

import type { DB } from '../../ts/index.ts'
import type { GroupCounts } from './messages.ts'

export function countGroups(database: DB): GroupCounts {
  const { writes, syncs, groupSizes } = database.stats().write
  return { writes, syncs, groupsByPowerOfTwo: groupSizes }
}

/** Of two runs together; a killed run's counts are those of its last report. */
export function addGroupCounts(
  first: GroupCounts | undefined,
  second: GroupCounts | undefined,
): GroupCounts | undefined {
  if (first === undefined || second === undefined) return first ?? second
  const [a, b] = [first.groupsByPowerOfTwo, second.groupsByPowerOfTwo]
  return {
    writes: first.writes + second.writes,
    syncs: first.syncs + second.syncs,
    groupsByPowerOfTwo: Array.from(
      { length: Math.max(a.length, b.length) },
      (_, power) => (a[power] ?? 0) + (b[power] ?? 0),
    ),
  }
}
