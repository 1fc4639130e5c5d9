// A chained batch that encodes each operation as it comes, into the batch that will be written.

import { AbstractChainedBatch } from 'abstract-level'
import { WriteBatch } from '../format/write-batch.ts'
import { bytesOf, type Encoded } from './encoded.ts'
import type { ChainedBatchWriteOptions } from './level-options.ts'

export class ChainedBatch<TDatabase, KDefault, VDefault> extends AbstractChainedBatch<
  TDatabase,
  KDefault,
  VDefault
> {
  readonly #batch = new WriteBatch()
  readonly #commit: (batch: WriteBatch, options: ChainedBatchWriteOptions) => Promise<void>

  /** `commit` writes the batch. */
  constructor(
    db: TDatabase,
    commit: (batch: WriteBatch, options: ChainedBatchWriteOptions) => Promise<void>,
  ) {
    super(db)
    this.#commit = commit
  }

  override write(options: ChainedBatchWriteOptions = {}): Promise<void> {
    return super.write(options)
  }

  /** Gives it up, where it was not written. */
  [Symbol.dispose](): void {
    void this.close()
  }

  _put(key: Encoded, value: Encoded): void {
    this.#batch.put(bytesOf(key), bytesOf(value))
  }

  _del(key: Encoded): void {
    this.#batch.delete(bytesOf(key))
  }

  _clear(): void {
    this.#batch.clear()
  }

  _write(options: ChainedBatchWriteOptions): Promise<void> {
    return this.#commit(this.#batch, options)
  }
}
