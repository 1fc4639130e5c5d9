// A snapshot as abstract-level has it. It closes when nothing uses it any more; abstract-level counts.

import { AbstractSnapshot } from 'abstract-level'
import type { DBSnapshot } from '../db/snapshot.ts'

export class LevelSnapshot extends AbstractSnapshot {
  readonly inner: DBSnapshot

  /** Owns `inner` from here on. `options` are those of the private _snapshot(). */
  constructor(options: object, inner: DBSnapshot) {
    // abstract-level passes the owner in the options; its types do not say so.
    super(...([options] as unknown as []))
    this.inner = inner
  }

  [Symbol.dispose](): void {
    void this.close()
  }

  async _close(): Promise<void> {
    this.inner.close()
  }
}

/** The engine's snapshot behind the one that a user gave. Throws TypeError for another store's. */
export function innerSnapshot(
  snapshot: AbstractSnapshot | null | undefined,
): DBSnapshot | undefined {
  if (snapshot === null || snapshot === undefined) return undefined
  if (snapshot instanceof LevelSnapshot) return snapshot.inner
  throw new TypeError('The snapshot is not one of this database')
}
