// How fast writes may go while level 0 has too many files: slower with each file more.
//
//   ms a file    what compactions took lately for each file that they took out of level 0, those of
//                deeper levels in between included
//   ms a write   (its share of a memtable) * (ms a file) * 2^(files above the delay limit)
//
// So at the limit writes fill memtables as fast as compactions empty level 0, and with each file above
// it half as fast as before: they slow down smoothly and seldom meet the limit at which they stop.
//
// Rejected: LevelDB's 1 ms for every write, whatever its size. It takes single small writes down to a
// thousand a second, and lets large ones go on into the stop. Of 2,000,000 entries loaded at random in
// batches of 1,000, on a machine with eight times the work it had cores for, the slowest batch took
// 0.34 s with this pace, and 2.4 s without; classic-level's took 6.1 s (2026-11-21,
// `npm run bench -- --rows load --entries 2000000` makes such a load).
//
// What comes to less than a timer can wait is kept as a debt until it is enough.

import { DELAY_LEVEL0_FILES } from './gate.ts'

// Before the first compaction has told.
const FIRST_MS_PER_FILE = 30
/** How much the last compaction counts. */
const WEIGHT = 0.3
const SHORTEST_DELAY_MS = 1
// A huge batch may not wait for seconds.
const LONGEST_DELAY_MS = 100

export class Level0Pace {
  #msPerFile = FIRST_MS_PER_FILE
  /** Time that compactions took since the last one of level 0. */
  #sinceMs = 0
  #debtMs = 0

  /** A compaction of `level` has ended that took `files` files of it. */
  compacted(level: number, files: number, durationMs: number): void {
    this.#sinceMs += durationMs
    if (level > 0) return
    this.#msPerFile += WEIGHT * (this.#sinceMs / files - this.#msPerFile)
    this.#sinceMs = 0
  }

  /** How long to wait before a write that fills such a share of a memtable; often 0. */
  delayMs(level0Files: number, share: number): number {
    this.#debtMs += share * this.#msPerFile * 2 ** (level0Files - DELAY_LEVEL0_FILES)
    if (this.#debtMs < SHORTEST_DELAY_MS) return 0
    const delayMs = Math.min(Math.round(this.#debtMs), LONGEST_DELAY_MS)
    this.#debtMs = 0
    return delayMs
  }
}
