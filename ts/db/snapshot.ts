// A snapshot: the database as it was at one moment, for as long as it is open.

import { SluiceError } from '../format/error.ts'
import type { SnapshotHandle } from './snapshot-list.ts'

export class DBSnapshot {
  readonly #handle: SnapshotHandle
  readonly #owner: object
  readonly #onClose: (snapshot: DBSnapshot) => void
  #isClosed = false

  /** For the engine; everyone else calls DB.snapshot. `owner` is what its reads belong to. */
  constructor(handle: SnapshotHandle, owner: object, onClose: (snapshot: DBSnapshot) => void) {
    this.#handle = handle
    this.#owner = owner
    this.#onClose = onClose
  }

  /** The last write that it sees, by its number. */
  get sequence(): number {
    return this.#handle.sequence
  }

  /** Gives it up; reads that have begun go on. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#handle.release()
    this.#onClose(this)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Why a read of the database `owner` cannot have the option `snapshot`: TypeError for what is no
   * snapshot of this database, LEVEL_SNAPSHOT_NOT_OPEN for a closed one; undefined when it can.
   */
  static errorOf(snapshot: unknown, owner: object): Error | undefined {
    if (!(snapshot instanceof DBSnapshot)) return new TypeError('snapshot must be a DBSnapshot')
    if (snapshot.#owner !== owner) return new TypeError('The snapshot is of another database')
    if (!snapshot.#isClosed) return undefined
    return new SluiceError('LEVEL_SNAPSHOT_NOT_OPEN', 'The snapshot is closed')
  }
}
