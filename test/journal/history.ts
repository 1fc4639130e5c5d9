// What is known of a log at a moment, and whether what was found on a disk can be what it left.
//
//   acknowledged   the record of each position, from the first of all on
//   unknown        records that were handed in and not acknowledged, in call order
//
// Rule: what is found is a run of positions without a hole. Up to the last acknowledged one, each has
// its record; behind it come the first few of the unknown, in order. Nothing that was durable is
// missing, and nothing is that was not to be removed.

export interface Moment {
  readonly acknowledged: readonly Buffer[]
  readonly unknown: readonly Buffer[]
  /** Positions up to here survive a power cut, and the process's end. */
  readonly durable: number
  readonly alive: number
  /** The largest position before which records may have been removed. */
  readonly removable: number
}

export class History {
  #acknowledged: Buffer[] = []
  #unknown: Buffer[] = []
  #durable = 0
  #removable = 1

  /** A call was made. */
  call(record: Buffer): void {
    this.#unknown.push(record)
  }

  /** It resolved to `position`. Returns what is wrong with that. */
  acknowledge(record: Buffer, position: number, sync: boolean): string | undefined {
    const index = this.#unknown.indexOf(record)
    if (index !== 0)
      return `record ${position} was acknowledged before ${index} calls that were first`
    this.#unknown.shift()
    this.#acknowledged.push(record)
    if (position !== this.#acknowledged.length) {
      return `${position} was told as the position of record ${this.#acknowledged.length}`
    }
    if (sync) this.#durable = position
    return undefined
  }

  /** It was refused before anything was written. */
  refuse(record: Buffer): void {
    this.#unknown = this.#unknown.filter((one) => one !== record)
  }

  /** Everything acknowledged so far is durable. */
  synced(position: number): void {
    this.#durable = Math.max(this.#durable, position)
  }

  /** What was not acknowledged is not in the log, and what was is durable. */
  resumed(): void {
    this.#unknown = []
    this.#durable = this.#acknowledged.length
  }

  removing(position: number): void {
    this.#removable = Math.max(this.#removable, position)
  }

  /** The log was opened again, and these are the records that it has, up to `last`. */
  reopened(found: ReadonlyMap<number, Buffer>, last: number): void {
    this.#acknowledged.length = Math.min(this.#acknowledged.length, last)
    for (let position = this.#acknowledged.length + 1; position <= last; position++) {
      this.#acknowledged.push(found.get(position)!)
    }
    this.#unknown = []
    this.#durable = last
  }

  get last(): number {
    return this.#acknowledged.length
  }

  moment(): Moment {
    return {
      acknowledged: [...this.#acknowledged],
      unknown: [...this.#unknown],
      durable: this.#durable,
      alive: this.#acknowledged.length,
      removable: this.#removable,
    }
  }
}

/** What is wrong with `found` after a crash at `moment`; undefined when nothing is. */
export function violation(
  moment: Moment,
  found: ReadonlyMap<number, Buffer>,
  first: number,
  last: number,
  wasKilled: boolean,
): string | undefined {
  const least = wasKilled ? moment.alive : moment.durable
  if (last < least) return `ends with ${last}, and ${least} had to survive`
  if (first > moment.removable) {
    return `begins with ${first}, and nothing from ${moment.removable} on was to be removed`
  }
  if (found.size !== last - first + 1) return `${found.size} records from ${first} to ${last}`
  const possible = [...moment.acknowledged, ...moment.unknown]
  for (let position = first; position <= last; position++) {
    const expected = possible[position - 1]
    const record = found.get(position)
    if (expected === undefined) return `record ${position} was never handed in`
    if (record === undefined || !record.equals(expected)) return `record ${position} is another`
  }
  return undefined
}
