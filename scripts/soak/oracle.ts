// What the database has to hold: of each key the write that made its value, after a number of calls.
//
// Writes are numbered from 1 over all lives, in call order; 0 stands for no value. A database that
// was killed must show the state after some number of calls that is not less than what was
// acknowledged: everything acknowledged, no hole, every batch whole.

import type { PlannedCall } from '../../test/kill/calls.ts'

export class Oracle {
  /** By key. */
  readonly writes: Uint32Array
  readonly sizes: Uint32Array
  nextWrite: number

  constructor(writes: Uint32Array, sizes: Uint32Array, nextWrite: number) {
    this.writes = writes
    this.sizes = sizes
    this.nextWrite = nextWrite
  }

  static empty(keyCount: number): Oracle {
    return new Oracle(new Uint32Array(keyCount), new Uint32Array(keyCount), 1)
  }

  copy(): Oracle {
    return new Oracle(this.writes.slice(), this.sizes.slice(), this.nextWrite)
  }

  apply({ writes }: PlannedCall): void {
    for (const { key, sizeBytes } of writes) {
      this.writes[key] = sizeBytes === undefined ? 0 : this.nextWrite
      this.sizes[key] = sizeBytes ?? 0
      this.nextWrite++
    }
  }

  get liveCount(): number {
    return this.writes.reduce((sum, write) => sum + (write === 0 ? 0 : 1), 0)
  }

  get liveBytes(): number {
    return this.sizes.reduce((sum, size) => sum + size, 0)
  }

  /** The first key that is not as it should be, in words; undefined when all are. */
  difference(found: Uint32Array): string | undefined {
    const key = this.writes.findIndex((write, key) => write !== found[key])
    if (key === -1) return undefined
    const count = this.writes.reduce((sum, write, key) => sum + (write === found[key] ? 0 : 1), 0)
    return `${count} keys differ; key ${key} has write ${found[key]} where ${this.writes[key]} is due`
  }

  /**
   * Goes on from the calls that were acknowledged, `plan(index)` by `plan(index)`, until the state is
   * the one found, and returns how many calls that took. Throws when none of the next `most` fits.
   */
  catchUp(found: Uint32Array, plan: (index: number) => PlannedCall, most: number): number {
    const atFirst = this.difference(found)
    const wrong = new Set<number>()
    this.writes.forEach((write, key) => {
      if (write !== found[key]) wrong.add(key)
    })
    for (let index = 0; wrong.size > 0; index++) {
      if (index === most) throw new Error(`no state of the next ${most} calls: ${atFirst}`)
      const call = plan(index)
      this.apply(call)
      for (const { key } of call.writes) {
        if (this.writes[key] === found[key]) wrong.delete(key)
        else wrong.add(key)
      }
      if (wrong.size === 0) return index + 1
    }
    return 0
  }
}
