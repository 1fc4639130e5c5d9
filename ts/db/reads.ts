// The readers that are open on a database: snapshots and iterators, and what they hold.
//
// One that its user forgot is told as an event when it is collected, and what it held is let go.
//
// Invariant: the registry of forgotten readers refers to what they hold, never to the readers.

import type { Memtable } from '../memtable/memtable.ts'
import type { TableCache } from '../table/table-cache.ts'
import type { VersionSet } from '../version/version-set.ts'
import type { DatabaseEvent } from './event.ts'
import { DBIterator } from './iterator.ts'
import { type CheckedIteratorOptions } from './iterator-options.ts'
import type { MemtableMemory } from './memtable-memory.ts'
import { OpenIterator } from './read/open-iterator.ts'
import { ReadView } from './read/read-view.ts'
import type { SnapshotHandle, SnapshotList } from './snapshot-list.ts'
import { DBSnapshot } from './snapshot.ts'

export interface ReaderStats {
  readonly count: number
  /** For how long the oldest has been open; undefined when none is. */
  readonly oldestAgeMs: number | undefined
}

/** What is kept for readers alone: without them it would be gone. */
export interface HeldStats {
  readonly memtableBytes: number
  readonly tableBytes: number
}

/** What readers need of the engine. */
export interface ReadEnvironment {
  readonly tables: TableCache
  readonly versions: VersionSet
  readonly memory: MemtableMemory
  readonly snapshots: SnapshotList
  /** The memtables of this moment, newest first. */
  readonly memtables: () => readonly Memtable[]
  readonly now: () => number
  readonly tell: (event: DatabaseEvent) => void
}

type Held =
  | { readonly what: 'snapshot'; readonly handle: SnapshotHandle }
  | { readonly what: 'iterator'; readonly open: OpenIterator }

export class Reads {
  readonly #environment: ReadEnvironment
  /** In the order of opening. */
  readonly #iterators = new Set<OpenIterator>()
  readonly #forgotten: FinalizationRegistry<Held>
  #isClosed = false

  constructor(environment: ReadEnvironment) {
    this.#environment = environment
    this.#forgotten = new FinalizationRegistry((held) => {
      this.#letGo(held)
    })
  }

  get heldStats(): HeldStats {
    const { memory, versions } = this.#environment
    return { memtableBytes: memory.pinnedBytes, tableBytes: versions.retainedBytes() }
  }

  get snapshotStats(): ReaderStats {
    const { snapshots } = this.#environment
    return { count: snapshots.count, oldestAgeMs: snapshots.oldestAgeMs() }
  }

  get iteratorStats(): ReaderStats {
    const [oldest] = this.#iterators
    return {
      count: this.#iterators.size,
      oldestAgeMs: oldest && this.#environment.now() - oldest.openedAtMs,
    }
  }

  /** Why nothing can be read as of the snapshot; undefined when it can. */
  snapshotError(snapshot: DBSnapshot): Error | undefined {
    return DBSnapshot.errorOf(snapshot, this)
  }

  snapshot(): DBSnapshot {
    const { snapshots, versions } = this.#environment
    const handle = snapshots.acquire(versions.lastSequence)
    const snapshot = new DBSnapshot(handle, this, (closed) => this.#forgotten.unregister(closed))
    this.#forgotten.register(snapshot, { what: 'snapshot', handle }, snapshot)
    return snapshot
  }

  /** What a read as of `sequence` sees, whatever happens until the view is released. */
  view(sequence: number): ReadView {
    const { memory, memtables, versions } = this.#environment
    return new ReadView(sequence, memory, memtables(), versions.retain())
  }

  /** An iterator over the database as it is now, or was at `sequence`. */
  iterator(options: CheckedIteratorOptions, sequence: number): DBIterator {
    const { now, tables } = this.#environment
    const open = new OpenIterator(this.view(sequence), tables, options, now(), (closed) =>
      this.#iterators.delete(closed),
    )
    this.#iterators.add(open)
    const iterator = new DBIterator(
      open,
      options.range,
      options.limit,
      options.highWaterMarkBytes,
      (closed) => this.#forgotten.unregister(closed),
    )
    this.#forgotten.register(iterator, { what: 'iterator', open }, iterator)
    return iterator
  }

  /** Closes every iterator, behind the calls that wait for a read. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#iterators].map((open) => open.close()))
  }

  #letGo(held: Held): void {
    if (held.what === 'snapshot') held.handle.release()
    // Nobody waits for a read: whoever did would still have the iterator.
    else void held.open.close()
    // Whoever closed the database has closed its readers.
    if (!this.#isClosed) this.#environment.tell({ type: 'forgotten', what: held.what })
  }
}
