// How much of compaction a loop has seen, so that nobody takes a run without any for a proof.

import type { DatabaseEvent } from '../../ts/db/event.ts'

export class CompactionCounts {
  merges = 0
  /** Of these, with several outputs. */
  cuts = 0
  moves = 0
  failures = 0
  /** The deepest level that got a table. */
  deepestLevel = 0

  count(event: DatabaseEvent): void {
    if (event.type === 'compaction-failed') this.failures++
    if (event.type !== 'compaction') return
    if (event.moved) this.moves++
    else this.merges++
    if (event.outputFiles > 1) this.cuts++
    this.deepestLevel = Math.max(this.deepestLevel, event.level + 1)
  }

  add(counts: CompactionCounts): void {
    this.merges += counts.merges
    this.cuts += counts.cuts
    this.moves += counts.moves
    this.failures += counts.failures
    this.deepestLevel = Math.max(this.deepestLevel, counts.deepestLevel)
  }

  describe(): string {
    const { merges, cuts, moves, failures, deepestLevel } = this
    const merged = `${merges} merges, ${cuts} of several outputs`
    return `${merged}, ${moves} moves, ${failures} failures, down to level ${deepestLevel}`
  }
}
