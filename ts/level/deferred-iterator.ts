// Iterators that were made while the database opened.
//
// abstract-level hands out one of its own for them, which reads from ours later; it cannot do so without a
// promise. Rejected: to wait on the calling thread, since opening needs the event loop.

import { SluiceError } from '../format/error.ts'

/** The methods that such an iterator lacks. */
const REFUSALS = {
  nextSync: refuse,
  nextvSync: refuse,
  allSync: refuse,
  [Symbol.iterator]: refuse,
  [Symbol.dispose](this: { close(): Promise<void> }): void {
    void this.close()
  },
}

/** Adds refusals where the iterator cannot read on the calling thread. */
export function refuseSyncReads(iterator: object): void {
  if (!('nextSync' in iterator)) Object.assign(iterator, REFUSALS)
}

function refuse(): never {
  throw new SluiceError(
    'LEVEL_DATABASE_NOT_OPEN',
    'The iterator was made while the database opened: make it behind open() to read without a promise',
  )
}
