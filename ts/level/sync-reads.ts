// Reads of an iterator on the calling thread, for entries, keys and values alike.
//
// abstract-level's iterators only read by promises, and keep their state to themselves. What both kinds
// of reads share is the engine's iterator, so they can be mixed, and take turns at one row of entries.

import { SluiceError } from '../format/error.ts'
import type { EngineSource, Pair } from './engine-source.ts'

/** What allSync() asks for at once. */
const CHUNK = 1000

export class SyncReads<Item> {
  readonly #source: EngineSource
  readonly #decode: (pair: Pair) => Item
  readonly #close: () => Promise<void>
  /** Items that were handed out here. */
  count = 0

  /** `close` closes the iterator as a whole. */
  constructor(source: EngineSource, decode: (pair: Pair) => Item, close: () => Promise<void>) {
    this.#source = source
    this.#decode = decode
    this.#close = close
  }

  next(): Item | undefined {
    const pair = this.#source.nextSync()
    if (pair === undefined) return undefined
    const item = this.#decoded(pair)
    this.count++
    return item
  }

  nextv(size: number): Item[] {
    if (!Number.isInteger(size)) throw new TypeError('size must be an integer')
    const pairs = this.#source.nextvSync(Math.max(1, size))
    const items = pairs.map((pair) => this.#decoded(pair))
    this.count += items.length
    return items
  }

  all(): Item[] {
    try {
      const all: Item[] = []
      for (;;) {
        const items = this.nextv(CHUNK)
        if (items.length === 0) return all
        for (const item of items) all.push(item)
      }
    } finally {
      this.#end()
    }
  }

  *iterate(): Generator<Item, void> {
    try {
      for (;;) {
        const item = this.next()
        if (item === undefined) return
        yield item
      }
    } finally {
      this.#end()
    }
  }

  // Nobody waits for it: no read is under way, so it is closed when the call returns.
  #end(): void {
    void this.#close()
  }

  #decoded(pair: Pair): Item {
    try {
      return this.#decode(pair)
    } catch (cause) {
      throw new SluiceError('LEVEL_DECODE_ERROR', 'Iterator could not decode data', { cause })
    }
  }
}
