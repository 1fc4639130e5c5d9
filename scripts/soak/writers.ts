// The writers of a soak, and what a read beside them may show.
//
// Call i is issued before call i + 1, and acknowledged before it; Writers fails where it is not.

import { callOf, type PlannedCall } from '../../test/kill/calls.ts'
import { type DB, WriteBatch } from '../../ts/index.ts'
import { keyOf, type Life, valueOf, writeOf } from './life.ts'
import type { Oracle } from './oracle.ts'

export class Writers {
  readonly #life: Life
  readonly #db: () => DB
  readonly #tell: (line: string) => void
  /** After every call that was issued: at a rest, what the database holds. */
  readonly oracle: Oracle
  /** Number of the last write of a key, a deletion or not: issued, acknowledged. */
  readonly #issued: Uint32Array
  readonly #acknowledged: Uint32Array
  /** Number of the last deletion of a key that was issued. */
  readonly #deleted: Uint32Array
  #nextCall = 0
  #acknowledgedCalls = 0
  #saidCalls = 0

  constructor(life: Life, oracle: Oracle, db: () => DB, tell: (line: string) => void) {
    this.#life = life
    this.#db = db
    this.#tell = tell
    this.oracle = oracle
    this.#issued = oracle.writes.slice()
    this.#acknowledged = oracle.writes.slice()
    this.#deleted = new Uint32Array(life.keyCount)
  }

  /** Makes the next `count` calls, each writer awaiting its own; nothing is under way at the end. */
  async run(count: number): Promise<void> {
    const last = this.#nextCall + count
    const writer = async (): Promise<void> => {
      while (this.#nextCall < last) await this.#call()
    }
    await Promise.all(Array.from({ length: this.#life.writers }, writer))
  }

  async #call(): Promise<void> {
    const index = this.#nextCall++
    const call = callOf(this.#life, index)
    const first = this.oracle.nextWrite
    this.oracle.apply(call)
    call.writes.forEach(({ key, sizeBytes }, i) => {
      this.#issued[key] = first + i
      if (sizeBytes === undefined) this.#deleted[key] = first + i
    })
    await issue(this.#db(), call, first)
    if (index !== this.#acknowledgedCalls) {
      throw new Error(`call ${index} is acknowledged after ${this.#acknowledgedCalls} calls`)
    }
    this.#acknowledgedCalls++
    call.writes.forEach(({ key }, i) => {
      this.#acknowledged[key] = first + i
    })
    if (this.#saidCalls === index) queueMicrotask(() => this.#say())
  }

  #say(): void {
    this.#saidCalls = this.#acknowledgedCalls
    this.#tell(`acknowledged ${this.#saidCalls}`)
  }

  /** Before a read: what it must not show something older than. */
  floor(key: number): number {
    return this.#acknowledged[key]!
  }

  /** After the read: fails where `value` is older than the floor, or newer than what was issued. */
  check(key: number, floor: number, value: Uint8Array | undefined, how: string): void {
    if (value === undefined) {
      if (floor === 0 || this.#deleted[key]! >= floor) return
      throw new Error(`${how}: key ${key} is missing, write ${floor} was acknowledged`)
    }
    const write = writeOf(key, value)
    if (write >= floor && write <= this.#issued[key]!) return
    throw new Error(`${how}: key ${key} has write ${write}, not ${floor} to ${this.#issued[key]}`)
  }
}

function issue(db: DB, { writes, sync }: PlannedCall, firstWrite: number): Promise<void> {
  const [only] = writes
  if (writes.length === 1 && only !== undefined) {
    const { key, sizeBytes } = only
    return sizeBytes === undefined
      ? db.delete(keyOf(key), { sync })
      : db.put(keyOf(key), valueOf(key, firstWrite, sizeBytes), { sync })
  }
  const batch = new WriteBatch()
  writes.forEach(({ key, sizeBytes }, i) => {
    if (sizeBytes === undefined) batch.delete(keyOf(key))
    else batch.put(keyOf(key), valueOf(key, firstWrite + i, sizeBytes))
  })
  return db.write(batch, { sync })
}
