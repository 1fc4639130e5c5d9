// Writes that are done when the call returns, for a database and its sublevels.
//
// abstract-level has no such writes, but its chained batch does all that comes before one in place:
// checks, prewrite hooks, encodings, prefixes. So a batch is filled and written as any other, and what
// _write() does is done by then; the event `write` follows in a microtask.
//
// Rejected: to do the work of abstract-level's put() here once more, since two copies would differ soon.

import { AbstractChainedBatch } from 'abstract-level'
import type { Encoded } from './encoded.ts'

/** An operation as abstract-level hands it down: encoded, and prefixed for the database it goes to. */
export interface PrivateOperation {
  readonly type: 'put' | 'del'
  readonly key: Encoded
  readonly value?: Encoded
}

type Commit<Options> = (operations: PrivateOperation[], options: Options) => void

export class NowBatch<TDatabase, Options extends object> extends AbstractChainedBatch<
  TDatabase,
  unknown,
  unknown
> {
  readonly #operations: PrivateOperation[] = []
  readonly #commit: Commit<Options>
  #outcome: { readonly error: unknown } | 'written' | undefined

  /** `commit` writes the operations before it returns, or throws. */
  constructor(db: TDatabase, commit: Commit<Options>) {
    // That operations come by _add() is told by an option that its types leave out.
    super(...([db, { add: true }] as unknown as [TDatabase]))
    this.#commit = commit
  }

  /** Writes what was added. Throws what the commit throws; the batch is closed afterwards. */
  writeNow(options: Options): void {
    const isEmpty = this.length === 0
    // Rejects with what is thrown here.
    this.write(options).catch(() => undefined)
    if (typeof this.#outcome === 'object') throw this.#outcome.error
    if (!isEmpty && this.#outcome === undefined) throw new Error('The batch was not written')
  }

  _add(operation: PrivateOperation): void {
    this.#operations.push(operation)
  }

  async _write(options: Options): Promise<void> {
    try {
      this.#commit(this.#operations, options)
      this.#outcome = 'written'
    } catch (error) {
      this.#outcome = { error }
      throw error
    }
  }
}

/** Writes what `fill` adds to a batch of `db`, before it returns. Throws what either throws. */
export function writeNow<TDatabase, Options extends object>(
  db: TDatabase,
  commit: Commit<Options>,
  options: Options,
  fill: (batch: NowBatch<TDatabase, Options>) => void,
): void {
  const batch = new NowBatch<TDatabase, Options>(db, commit)
  try {
    fill(batch)
  } catch (error) {
    void batch.close()
    throw error
  }
  batch.writeNow(options)
}

/** Adds the operations of a call of batchSync(). Throws TypeError for what is none. */
export function addAll<TDatabase, Options extends object>(
  batch: NowBatch<TDatabase, Options>,
  operations: readonly unknown[],
  options: Options,
): void {
  if (!Array.isArray(operations)) throw new TypeError('operations must be an array')
  for (const given of operations as readonly (Record<string, unknown> | null)[]) {
    if (typeof given !== 'object' || given === null) {
      throw new TypeError('An operation must be an object')
    }
    const { type, key, value, ...own } = given
    const all = { ...options, ...own }
    if (type === 'put') batch.put(key, value, all)
    else if (type === 'del') batch.del(key, all)
    else throw new TypeError("An operation must have the type 'put' or 'del'")
  }
}
