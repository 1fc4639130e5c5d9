// The entries of several sorted runs, in order: a tree of losers.
//
// Every inner node keeps the loser of the match between its two halves, and the winner goes up; so the
// next winner is found by playing only the matches on the path of the last one. What a match looks at
// is how each side compares with the last winner (merge-run.ts): integers, nearly always.
//
// Invariants:
//   When a match is played, offset and word of both sides compare them with the same entry: the last
//   winner, which every loser on its path lost to.
//   Copies of one internal key, as a repair by C++ LevelDB can leave, come one behind the other.

import { compareInternal, TAG_SIZE } from '../format/internal-key.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { CompactionJob } from './compaction-job.ts'
import { MergeRun, NO_ENTRY } from './merge-run.ts'

export class Merge {
  /** Whether the entry given out last is the first of its user key. */
  isNewUserKey = true
  readonly #runs: readonly MergeRun[]
  /** losers[i] lost the match of node i, between nodes 2i and 2i + 1; behind them stand the runs. */
  readonly #losers: MergeRun[]
  #winner: MergeRun

  /** Requires: the job has an input. */
  constructor(job: CompactionJob, fileSystem: FileSystem) {
    this.#runs = job.inputs.map(
      (files, index) => new MergeRun(index, fileSystem, job.directory, files),
    )
    this.#losers = [...this.#runs]
    this.#winner = this.#runs[0]!
  }

  /** Of all inputs so far. */
  get readBytes(): number {
    return this.#runs.reduce((sum, run) => sum + run.readBytes, 0)
  }

  /**
   * The run that is at the first entry of all; undefined when there is none. Throws as
   * MergeRun.next does.
   */
  first(): MergeRun | undefined {
    for (const run of this.#runs) run.next()
    this.isNewUserKey = true
    return this.#crown(this.#play(1))
  }

  /** The same for the next entry. Requires: the last move found one. */
  next(): MergeRun | undefined {
    const last = this.#winner
    last.next()
    const losers = this.#losers
    let winner = last
    for (let node = (losers.length + last.index) >>> 1; node > 0; node >>>= 1) {
      const loser = losers[node]!
      if (comesBefore(loser, winner)) {
        losers[node] = winner
        winner = loser
      }
    }
    // One that has all of its bytes in common with the last, and is not before it, is the same.
    this.isNewUserKey = winner.offset !== winner.userEnd
    return this.#crown(winner)
  }

  close(): void {
    for (const run of this.#runs) run.close()
  }

  #crown(winner: MergeRun): MergeRun | undefined {
    this.#winner = winner
    return winner.offset === NO_ENTRY ? undefined : winner
  }

  /** Plays all matches of the tree below `node`; returns the winner. */
  #play(node: number): MergeRun {
    const count = this.#runs.length
    if (node >= count) return this.#runs[node - count]!
    const left = this.#play(2 * node)
    const right = this.#play(2 * node + 1)
    const isLeft = comesBefore(left, right)
    this.#losers[node] = isLeft ? right : left
    return isLeft ? left : right
  }
}

/** Plays a match: whether the entry of `a` comes first. The loser is compared with the winner then. */
function comesBefore(a: MergeRun, b: MergeRun): boolean {
  if (a.offset !== b.offset) return a.offset > b.offset
  if (a.word === b.word) return a.offset !== NO_ENTRY && comesBeforeByKey(a, b)
  const isBefore = a.word < b.word
  const common = Math.clz32(a.word ^ b.word) >>> 3
  if (common > 0) {
    const shorter = a.userEnd < b.userEnd ? a.userEnd : b.userEnd
    const loser = isBefore ? b : a
    // No further than the keys go: what stands behind them in the words is no part of them.
    loser.setOffset(Math.min(loser.offset + common, shorter))
  }
  return isBefore
}

/** The same where offsets and words are equal. */
function comesBeforeByKey(a: MergeRun, b: MergeRun): boolean {
  const limit = a.userEnd < b.userEnd ? a.userEnd : b.userEnd
  const aKey = a.key.buffer
  const bKey = b.key.buffer
  let at = a.offset
  while (at < limit && aKey[at] === bKey[at]) at++
  const order =
    at < limit
      ? aKey[at]! - bKey[at]!
      : compareInternal(aKey, 0, a.userEnd + TAG_SIZE, bKey, 0, b.userEnd + TAG_SIZE)
  const loser = order < 0 ? b : a
  loser.setOffset(at)
  return order < 0
}
