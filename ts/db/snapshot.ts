// A snapshot: the database as it was at one moment, for as long as it is open.

import { SluiceError } from '../format/error.ts'
import type { SnapshotHandle } from './snapshot-list.ts'

export class Snapshot {
  readonly #handle: SnapshotHandle
  readonly #owner: object
  readonly #onClose: (snapshot: Snapshot) => void
  #isClosed = false

  /** For the engine; everyone else calls DB.snapshot. `owner` is what its reads belong to. */
  constructor(handle: SnapshotHandle, owner: object, onClose: (snapshot: Snapshot) => void) {
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
   * The sequence that a read with the option `snapshot` of the database `owner` has to read at.
   * Throws TypeError for what is no snapshot of this database, LEVEL_SNAPSHOT_NOT_OPEN for a closed one.
   */
  static sequenceOf(snapshot: unknown, owner: object): number {
    if (!(snapshot instanceof Snapshot)) throw new TypeError('snapshot must be a Snapshot')
    if (snapshot.#owner !== owner) throw new TypeError('The snapshot is of another database')
    if (snapshot.#isClosed) {
      throw new SluiceError('LEVEL_SNAPSHOT_NOT_OPEN', 'The snapshot is closed')
    }
    return snapshot.#handle.sequence
  }
}
