// A snapshot or an iterator that stays open while a workload goes on, and the state that it must show
// whatever is written, flushed and compacted meanwhile.

import type { DBIterator } from '../../ts/db/iterator.ts'
import type { DBSnapshot } from '../../ts/db/snapshot.ts'
import {
  checkEntry,
  checkGetMany,
  checkScan,
  entriesOf,
  keyOf,
  type WrittenKey,
} from './contents.ts'
import type { Database } from './engine.ts'
import type { History, Writes } from './history.ts'
import type { Random } from './random.ts'
import type { ViewSort } from './workload.ts'

export class View {
  readonly sort: ViewSort
  readonly #db: Database
  readonly #state: Writes
  readonly #histories: readonly History[]
  readonly #snapshot: DBSnapshot | undefined
  readonly #iterator: DBIterator | undefined
  /** What the iterator must give, and how much of it it has given. */
  readonly #entries: readonly WrittenKey[]
  #position = 0

  /** Requires: `state` is what the database shows now. */
  constructor(db: Database, sort: ViewSort, state: Writes, histories: readonly History[]) {
    this.sort = sort
    this.#db = db
    this.#state = state
    this.#histories = histories
    const isReverse = sort === 'backward'
    this.#entries = entriesOf(state, isReverse)
    if (sort === 'snapshot') this.#snapshot = db.snapshot()
    else this.#iterator = db.iterator({ reverse: isReverse, highWaterMarkBytes: 100 })
  }

  /** Looks at some of it. Throws a Violation, or the error of a read. */
  async look(random: Random): Promise<void> {
    const snapshot = this.#snapshot
    if (snapshot !== undefined) {
      checkScan(this.#db, this.#state, this.#histories, random.percent(50), snapshot)
      await checkGetMany(this.#db, this.#state, this.#histories, snapshot)
      return
    }
    for (let i = random.between(1, 3); i > 0; i--) await this.#step(this.#iterator!, random)
  }

  async close(): Promise<void> {
    this.#snapshot?.close()
    await this.#iterator?.close()
  }

  async #step(iterator: DBIterator, random: Random): Promise<void> {
    if (random.percent(20)) this.#seek(iterator, random.below(this.#state.length))
    const found = random.percent(50) ? await iterator.next() : iterator.nextSync()
    checkEntry(found, this.#entries[this.#position], this.#histories)
    if (found !== undefined) this.#position++
  }

  #seek(iterator: DBIterator, key: number): void {
    const target = keyOf(key)
    iterator.seek(target)
    const direction = this.sort === 'backward' ? -1 : 1
    const position = this.#entries.findIndex(
      (entry) => direction * Buffer.compare(keyOf(entry.key), target) >= 0,
    )
    this.#position = position === -1 ? this.#entries.length : position
  }
}
