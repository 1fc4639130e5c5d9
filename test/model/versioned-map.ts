// The oracle: a sorted map that keeps every version of itself.
//
//   version n is the map after the first n calls; version 0 is empty
//
// Keys are indexes into a key space, so that order is order of numbers.

export interface Change {
  readonly key: number
  /** Undefined: the key is deleted. */
  readonly value: Buffer | undefined
}

interface Write {
  readonly version: number
  readonly value: Buffer | undefined
}

export class VersionedMap {
  #last = 0
  /** By key, oldest first. */
  readonly #writes: Write[][]

  constructor(keyCount: number) {
    this.#writes = Array.from({ length: keyCount }, () => [])
  }

  get last(): number {
    return this.#last
  }

  /** Applies one call, all its changes together, and returns the version that it makes. */
  apply(changes: readonly Change[]): number {
    const version = ++this.#last
    for (const { key, value } of changes) this.#writes[key]!.push({ version, value })
    return version
  }

  get(key: number, version: number): Buffer | undefined {
    const writes = this.#writes[key]!
    for (let i = writes.length - 1; i >= 0; i--) {
      const write = writes[i]!
      if (write.version <= version) return write.value
    }
    return undefined
  }

  /** Whether the call that made `version` wrote or deleted `key`. */
  changes(key: number, version: number): boolean {
    return this.#writes[key]!.some((write) => write.version === version)
  }

  /** The first key with a value at `version`, from `from` in direction `step`, before `end`; or `end`. */
  nextPresent(from: number, step: 1 | -1, end: number, version: number): number {
    let key = from
    while (key !== end && this.get(key, version) === undefined) key += step
    return key
  }
}
