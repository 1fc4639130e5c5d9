// Tables that compactions leave alone, so that what does not need them goes on.
//
//   damaged      until the next open or resume(): reading it again shows the same
//   unreadable   for a while that doubles with every attempt: the disk may answer again

import { basename } from 'node:path'
import type { SluiceError } from '../format/error.ts'
import { parseFileName } from '../format/file-name.ts'
import type { FileMetadata } from '../version/file-metadata.ts'

const FIRST_REST_MS = 1000
const LAST_REST_MS = 60_000

interface Rest {
  readonly error: SluiceError
  readonly durationMs: number
  untilMs: number
}

export class AvoidedTables {
  readonly #now: () => number
  /** By number, each with what was found. */
  readonly #damaged = new Map<number, SluiceError>()
  readonly #resting = new Map<number, Rest>()

  constructor(now: () => number) {
    this.#now = now
  }

  get damagedCount(): number {
    return this.#damaged.size
  }

  /** What is wrong with one of them; undefined where there is none. */
  get someError(): SluiceError | undefined {
    const [damage] = this.#damaged.values()
    const [rest] = this.#resting.values()
    return damage ?? rest?.error
  }

  /** Whether no compaction is to take the table now. */
  readonly has = ({ number }: FileMetadata): boolean => {
    if (this.#damaged.has(number)) return true
    const rest = this.#resting.get(number)
    return rest !== undefined && rest.untilMs > this.#now()
  }

  /** What is wrong with the first of them that is damaged. */
  damageOf(files: readonly FileMetadata[]): SluiceError | undefined {
    for (const { number } of files) {
      const damage = this.#damaged.get(number)
      if (damage !== undefined) return damage
    }
    return undefined
  }

  /** Leaves out the table that the error names, or all of them where it names none. */
  addDamaged(files: readonly FileMetadata[], error: SluiceError): void {
    const named = namedBy(error, files)
    for (const { number } of named === undefined ? files : [named]) this.#damaged.set(number, error)
  }

  /** Leaves out for a while the one that the error names. Returns for how long, if it names one. */
  rest(files: readonly FileMetadata[], error: SluiceError): number | undefined {
    const named = namedBy(error, files)
    if (named === undefined) return undefined
    const before = this.#resting.get(named.number)?.durationMs
    const durationMs = before === undefined ? FIRST_REST_MS : Math.min(2 * before, LAST_REST_MS)
    this.#resting.set(named.number, { error, durationMs, untilMs: this.#now() + durationMs })
    return durationMs
  }

  /** How long until one of those that rest may be tried again; undefined where none rests. */
  restMs(): number | undefined {
    let untilMs = Number.POSITIVE_INFINITY
    const nowMs = this.#now()
    for (const rest of this.#resting.values()) {
      if (rest.untilMs > nowMs && rest.untilMs < untilMs) untilMs = rest.untilMs
    }
    return untilMs === Number.POSITIVE_INFINITY ? undefined : untilMs - nowMs
  }

  /** Lets those that rest be tried at once. */
  endRests(): void {
    for (const rest of this.#resting.values()) rest.untilMs = 0
  }

  /** The table was read whole, and is no more. */
  forget(files: readonly FileMetadata[]): void {
    for (const { number } of files) this.#resting.delete(number)
  }

  clear(): void {
    this.#damaged.clear()
    this.#resting.clear()
  }
}

function namedBy(
  { file: path }: SluiceError,
  files: readonly FileMetadata[],
): FileMetadata | undefined {
  const name = path === undefined ? undefined : parseFileName(basename(path))
  return name && files.find(({ number }) => number === name.number)
}
