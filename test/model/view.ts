// What a reader may see: one version of the map, known or only narrowed down.
//
// A read that begins while writes are under way sees one of the versions from the last acknowledged
// write to the last called. Each of its answers rules versions out; none left is a wrong answer.
//
// Invariant: the candidates of a view are the versions that agree with every answer so far.

import { describeKey, describeValue, type KeySpace } from './key-space.ts'
import type { VersionedMap } from './versioned-map.ts'

/** A wrong answer of the database. */
export class Violation extends Error {}

/** An iterator's answer; a half that was not asked for is undefined. */
export interface FoundEntry {
  readonly key: Uint8Array | undefined
  readonly value: Buffer | undefined
}

/** An iterator's range as indexes: low .. high - 1. */
export interface IndexRange {
  readonly low: number
  readonly high: number
}

export class View {
  readonly #map: VersionedMap
  readonly #keys: KeySpace
  #candidates: readonly number[]

  /** Candidates are `oldest` .. `newest`. */
  constructor(map: VersionedMap, keys: KeySpace, oldest: number, newest: number) {
    this.#map = map
    this.#keys = keys
    this.#candidates = Array.from({ length: newest - oldest + 1 }, (_, i) => oldest + i)
  }

  get oldest(): number {
    return this.#candidates[0]!
  }

  /** Some version that it can be: the only one unless writes were under way. */
  get newest(): number {
    return this.#candidates.at(-1)!
  }

  /** A get of `key` answered `found`. */
  expectValue(key: Uint8Array, found: Buffer | undefined): void {
    const index = this.#keys.indexOf(key)
    const wanted = (version: number): Buffer | undefined =>
      index === undefined ? undefined : this.#map.get(index, version)
    this.#narrow(
      (version) => sameValue(wanted(version), found),
      () =>
        `get ${describeKey(key)} gave ${describeValue(found)} instead of ` +
        `${describeValue(wanted(this.newest))} ${this.#describe()}`,
    )
  }

  cursor(range: IndexRange, isReverse: boolean, limit: number): ViewCursor {
    return new ViewCursor(this, this.#map, this.#keys, range, isReverse, limit)
  }

  /** Keeps the candidates that match; throws where none does. */
  #narrow(matches: (version: number) => boolean, message: () => string): void {
    const left = this.#candidates.filter(matches)
    if (left.length === 0) throw new Violation(message())
    if (left.length < this.#candidates.length) this.#candidates = left
  }

  /** For its cursors. */
  narrow(matches: (version: number) => boolean, message: () => string): void {
    this.#narrow(matches, () => `${message()} ${this.#describe()}`)
  }

  #describe(): string {
    return this.oldest === this.newest
      ? `at version ${this.oldest}`
      : `at versions ${this.oldest} to ${this.newest}`
  }
}

/** What an iterator has to answer, call by call. */
export class ViewCursor {
  readonly #view: View
  readonly #map: VersionedMap
  readonly #keys: KeySpace
  readonly #step: 1 | -1
  /** One step behind the last key of the range. */
  readonly #end: number
  #left: number
  /** By candidate: they may differ where only values are asked for. */
  #positions = new Map<number, number>()
  #start: number

  constructor(
    view: View,
    map: VersionedMap,
    keys: KeySpace,
    { low, high }: IndexRange,
    isReverse: boolean,
    limit: number,
  ) {
    this.#view = view
    this.#map = map
    this.#keys = keys
    // A range without keys is an empty one, whichever bound is above the other.
    const top = Math.max(low, high)
    this.#step = isReverse ? -1 : 1
    this.#start = isReverse ? top - 1 : low
    this.#end = isReverse ? low - 1 : top
    this.#left = limit
  }

  get left(): number {
    return this.#left
  }

  /** The iterator answered `found`, or undefined for its end. */
  expectNext(found: FoundEntry | undefined): void {
    const next = new Map<number, number>()
    this.#view.narrow(
      (version) => {
        const at = this.#next(version)
        next.set(version, at === this.#end ? at : at + this.#step)
        return found === undefined ? at === this.#end : this.#matches(at, version, found)
      },
      () => this.#complaint(found),
    )
    this.#positions = next
    if (found !== undefined) this.#left--
  }

  /** Moves to the first entry not before `target` in the iterator's direction. */
  seek(target: Uint8Array): void {
    this.#positions.clear()
    this.#start =
      this.#step === -1 ? this.#keys.upperBound(target) - 1 : this.#keys.lowerBound(target)
  }

  /** A seek to where the iterator's range is not. */
  seekNowhere(): void {
    this.#positions.clear()
    this.#start = this.#end
  }

  /** The index that the next entry has at `version`, or the end. */
  #next(version: number): number {
    if (this.#left === 0) return this.#end
    const from = this.#positions.get(version) ?? this.#start
    return this.#map.nextPresent(from, this.#step, this.#end, version)
  }

  #matches(at: number, version: number, { key, value }: FoundEntry): boolean {
    if (at === this.#end) return false
    if (key !== undefined && !this.#keys.keys[at]!.equals(key)) return false
    return value === undefined || sameValue(this.#map.get(at, version), value)
  }

  #complaint(found: FoundEntry | undefined): string {
    const version = this.#view.newest
    const at = this.#next(version)
    const wanted =
      at === this.#end
        ? 'the end'
        : `${describeKey(this.#keys.keys[at]!)} = ${describeValue(this.#map.get(at, version))}`
    const direction = this.#step === 1 ? 'forward' : 'backward'
    return `a scan ${direction} gave ${describeEntry(found)} instead of ${wanted}`
  }
}

function describeEntry(found: FoundEntry | undefined): string {
  if (found === undefined) return 'the end'
  const key = found.key === undefined ? '' : describeKey(found.key)
  return `${key} = ${found.value === undefined ? '(not asked for)' : describeValue(found.value)}`
}

function sameValue(a: Buffer | undefined, b: Buffer | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.equals(b)
}
