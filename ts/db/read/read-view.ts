// What a reader that takes its time reads from: the memtables and the version of one moment, pinned.
//
// Invariant: until release(), memory of the memtables is not used again and no file of the version is
// removed, whatever is flushed, compacted or resumed meanwhile.

import type { Memtable } from '../../memtable/memtable.ts'
import type { RetainedVersion } from '../../version/version-set.ts'
import type { Version } from '../../version/version.ts'
import type { LookupKey } from '../../table/lookup-key.ts'
import { getFromMemtable } from '../memtable-get.ts'
import type { MemtableMemory } from '../memtable-memory.ts'
import { LevelCursor, type LevelCursorOptions } from './level-cursor.ts'
import { MemtableCursor } from './memtable-cursor.ts'
import { MergingCursor } from './merging-cursor.ts'
import type { SourceCursor } from './position.ts'

export class ReadView {
  readonly sequence: number
  readonly #memory: MemtableMemory
  readonly #memtables: readonly Memtable[]
  readonly #retained: RetainedVersion
  #isReleased = false

  /** `memtables` are the newest first; what is above `sequence` is not seen. */
  constructor(
    sequence: number,
    memory: MemtableMemory,
    memtables: readonly Memtable[],
    retained: RetainedVersion,
  ) {
    this.sequence = sequence
    this.#memory = memory
    this.#memtables = memtables
    this.#retained = retained
    for (const memtable of memtables) memory.pin(memtable)
  }

  get version(): Version {
    return this.#retained.version
  }

  /** The value in a new Buffer, null for a deletion, undefined where no memtable knows the key. */
  getFromMemory(key: LookupKey): Buffer | null | undefined {
    for (const memtable of this.#memtables) {
      const found = getFromMemtable(memtable, key)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** A cursor over everything in the view. Requires: it is closed before release(). */
  merge(options: LevelCursorOptions): MergingCursor {
    const [level0, ...deeper] = this.version.levels
    const sources: SourceCursor[] = this.#memtables
      .filter((memtable) => memtable.entryCount > 0)
      .map((memtable) => new MemtableCursor(memtable))
    for (const file of level0!) sources.push(new LevelCursor([file], options))
    for (const files of deeper) if (files.length > 0) sources.push(new LevelCursor(files, options))
    return new MergingCursor(sources)
  }

  /** Idempotent. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    for (const memtable of this.#memtables) this.#memory.unpin(memtable)
    this.#retained.release()
  }
}
