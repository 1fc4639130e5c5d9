// One key looked for in the tables of a version, newest data first, where some of the blocks may have to
// be searched on the pool: one object for as long as that takes, and none where all is in memory.
//
//   begin    in memory, candidate after candidate, until one of them needs the pool
//   found    the answer; or, where that table does not know the key after all, on from the next one
//
// Invariant: while it waits, the version is held, and so are its tables. It settles once.

import { sequenceOfKey, TAG_SIZE } from '../format/internal-key.ts'
import type { BlockFindBatch } from '../platform/block-find-queue.ts'
import { LookupKey } from '../table/lookup-key.ts'
import type { TableCache, TableReference, TableWaiter } from '../table/table-cache.ts'
import { FINDING, NOT_AT_HAND } from '../table/table.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { Version } from '../version/version.ts'
import { readTables } from './point-read.ts'
import type { VersionHold } from './version-holds.ts'

/** Serve the searches that are over before anyone else can run. */
const candidates: FileMetadata[] = []
const again = new LookupKey()

/** What can be said in place. */
export type Begun = Buffer | undefined | typeof NOT_AT_HAND | typeof FINDING

type Settle = (value: Buffer | undefined) => void
type Fail = (error: unknown) => void

export class TableGet implements TableWaiter {
  reference: TableReference | undefined
  readonly #tables: TableCache
  /** Which candidate was asked last, and whether it is the last one there is. */
  #candidate = 0
  #isLast = false
  #fillCache = true
  #hold: VersionHold | undefined
  #settle: Settle | undefined
  #fail: Fail | undefined

  constructor(tables: TableCache) {
    this.#tables = tables
  }

  /**
   * The value, a new Buffer, or undefined, where the pool is not needed for it. FINDING: wait() is to be
   * called at once. NOT_AT_HAND: getFromTables can tell. Throws LEVEL_CORRUPTION.
   */
  begin(version: Version, key: LookupKey, fillCache: boolean): Begun {
    this.#fillCache = fillCache
    return this.#look(version, key, 0)
  }

  /** The answer of what has begun. Releases `hold`, which is of the version of begin(). */
  wait(hold: VersionHold): Promise<Buffer | undefined> {
    this.#hold = hold
    return new Promise((resolve, reject) => {
      this.#settle = resolve
      this.#fail = reject
    })
  }

  found(batch: BlockFindBatch, index: number): void {
    try {
      const found = this.#tables.endFind(this, batch, index)
      if (found === NOT_AT_HAND) this.#read(keyOf(batch, index).copy())
      else if (found !== undefined || this.#isLast) this.#end(found ?? undefined)
      else this.#goOn(keyOf(batch, index))
    } catch (error) {
      this.#endBy(error)
    }
  }

  #look(version: Version, key: LookupKey, from: number): Begun {
    const tables = this.#tables
    const count = version.filesFor(key.bytes, key.length, candidates)
    for (let i = from; i < count; i++) {
      const found = tables.getAtHand(candidates[i]!.number, key, this.#fillCache, this)
      if (found === undefined) continue
      this.#candidate = i
      this.#isLast = i === count - 1
      return found ?? undefined
    }
    return undefined
  }

  #goOn(key: LookupKey): void {
    const found = this.#look(this.#hold!.version, key, this.#candidate + 1)
    if (found === FINDING) return
    if (found === NOT_AT_HAND) this.#read(key.copy())
    else this.#end(found)
  }

  // In steps, which alone say what is wrong with a block.
  #read(key: LookupKey): void {
    readTables(this.#hold!.version, this.#tables, key, this.#fillCache, this.#candidate).then(
      (value) => this.#end(value),
      (error: unknown) => this.#endBy(error),
    )
  }

  #end(value: Buffer | undefined): void {
    this.#hold!.release()
    this.#settle!(value)
  }

  #endBy(error: unknown): void {
    this.#hold!.release()
    this.#fail!(error)
  }
}

function keyOf(batch: BlockFindBatch, index: number): LookupKey {
  const key = batch.key(index)
  again.set(key, key.length - TAG_SIZE, sequenceOfKey(key, key.length))
  return again
}
