// The oracle of these tests: what a database must hold, and the calls that bring it there.
//
//   change := put key value | delete key      call := change+, one write of the database
//
// A call of one change is a put or a deletion, a longer one a batch.

/** A put, or a deletion where there is no value. */
export interface Change {
  readonly key: Buffer
  readonly value?: Buffer
}

export type Call = readonly Change[]

export function put(key: string | Buffer, value: string | Buffer): Change {
  return { key: Buffer.from(key), value: Buffer.from(value) }
}

export function del(key: string | Buffer): Change {
  return { key: Buffer.from(key) }
}

export class Contents {
  // By the key's bytes as latin1: its order of code units is the order of the bytes.
  readonly #values = new Map<string, Buffer>()
  readonly #keys = new Set<string>()

  apply(call: Call): void {
    for (const { key, value } of call) {
      const name = key.toString('latin1')
      this.#keys.add(name)
      if (value === undefined) this.#values.delete(name)
      else this.#values.set(name, value)
    }
  }

  get(key: Buffer): Buffer | undefined {
    return this.#values.get(key.toString('latin1'))
  }

  /** Every key of every call so far, also those that are deleted. */
  keys(): Buffer[] {
    return [...this.#keys].map((name) => Buffer.from(name, 'latin1'))
  }

  /** In the order of a database. */
  entries(): [key: Buffer, value: Buffer][] {
    const names = [...this.#values.keys()].toSorted((a, b) => (a < b ? -1 : 1))
    return names.map((name) => [Buffer.from(name, 'latin1'), this.#values.get(name)!])
  }

  /** Undefined when `found` is what a scan forward has to give; else what is wrong. */
  differenceFrom(found: readonly (readonly [Buffer, Buffer])[]): string | undefined {
    const expected = this.entries()
    for (let i = 0; i < Math.max(expected.length, found.length); i++) {
      const [wanted, got] = [expected[i], found[i]]
      if (wanted === undefined) return `${describe(got![0])} should not be there`
      if (got?.[0].equals(wanted[0]) !== true) {
        return `${describe(wanted[0])} is missing at entry ${i}`
      }
      if (!got[1].equals(wanted[1])) return valueDifference(wanted[0], wanted[1], got[1])
    }
    return undefined
  }

  /** The same for a database that answers for one key at a time: every key of every call is asked. */
  differenceFromGets(get: (key: Buffer) => Buffer | undefined): string | undefined {
    for (const key of this.keys()) {
      const [expected, found] = [this.get(key), get(key)]
      if (expected === undefined && found !== undefined) {
        return `${describe(key)} was deleted, and has ${found.length} bytes`
      }
      if (expected !== undefined && found?.equals(expected) !== true) {
        return valueDifference(key, expected, found)
      }
    }
    return undefined
  }
}

function valueDifference(key: Buffer, expected: Buffer, found: Buffer | undefined): string {
  const sizes = `${expected.length} bytes wanted, ${found?.length ?? 'none'} found`
  return `${describe(key)} has another value: ${sizes}`
}

function describe(key: Buffer): string {
  return `key ${JSON.stringify(key.toString('latin1', 0, 40))} of ${key.length} bytes`
}
