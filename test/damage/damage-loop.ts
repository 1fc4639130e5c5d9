// Damages a small database in one way after the other, and judges every answer that is left.
//
// What is right, by the file that is damaged:
//   a table            opens, unless its size is another one. A get gives the newest value, or
//                      LEVEL_CORRUPTION of that file and then only where it needs a damaged byte
//   the log            opens, with a prefix of the calls; a shorter one than was written is told in
//                      db.recovery, except where the log is only shorter, or zeroes, from a record on
//   the manifest       as without damage, or with a prefix of the calls and told, or it does not open
//   CURRENT            as without damage, or it does not open
// A scan gives the entries of that state in order; behind an error it may leave some out. It never
// gives a wrong one, nor ends early without an error. An open that fails is LEVEL_DATABASE_NOT_OPEN
// by LEVEL_CORRUPTION with a file.

import { type DB, type Entry, SluiceError } from '../../ts/index.ts'
import { DIRECTORY, openOn } from '../crash/engine.ts'
import type { Random } from '../crash/random.ts'
import { describeKey, describeValue } from '../model/key-space.ts'
import { View, Violation } from '../model/view.ts'
import type { Watchdog } from '../model/watchdog.ts'
import { type Damage, someDamage } from './damage.ts'
import { diskOf, type Image } from './image.ts'
import { needs } from './table-layout.ts'

const HANG_MS = 30_000

export interface DamageCounts {
  cases: number
  /** Opens that failed. */
  refused: number
  /** Cases in which some read failed. */
  withErrors: number
  /** Cases that opened with less than was written, and told. */
  shorter: number
  /** Reads that gave an error, and all reads. */
  failedReads: number
  reads: number
  readonly byKind: Map<string, number>
}

export function noDamageCounts(): DamageCounts {
  return {
    cases: 0,
    refused: 0,
    withErrors: 0,
    shorter: 0,
    failedReads: 0,
    reads: 0,
    byKind: new Map(),
  }
}

/** One case. Throws where an answer was wrong. */
export async function checkDamage(
  image: Image,
  random: Random,
  counts: DamageCounts,
  watchdog?: Watchdog,
): Promise<void> {
  const damage = someDamage(image, random)
  watchdog?.at(`case ${counts.cases}: ${describeDamage(damage)}`)
  counts.cases++
  counts.byKind.set(damage.kind, (counts.byKind.get(damage.kind) ?? 0) + 1)
  let timer: NodeJS.Timeout | undefined
  const hang = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Violation('no end'))
    }, HANG_MS)
  })
  try {
    await Promise.race([new Case(image, damage, counts).run(), hang])
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`${describeDamage(damage)}: ${message}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

function describeDamage({ kind, file, ranges }: Damage): string {
  return `${kind} in ${file} at ${ranges.map(([from, to]) => `${from}..${to}`).join(' and ')}`
}

class Case {
  readonly #image: Image
  readonly #damage: Damage
  readonly #counts: DamageCounts
  readonly #view: View
  readonly #mayFail: ReadonlySet<Buffer>
  #failedReads = 0

  constructor(image: Image, damage: Damage, counts: DamageCounts) {
    this.#image = image
    this.#damage = damage
    this.#counts = counts
    const { map, keys, inTables } = image
    const oldest = isTable(damage.file) ? map.last : damage.file === image.logName ? inTables : 0
    this.#view = new View(map, keys, oldest, map.last)
    this.#mayFail = new Set(keys.keys.filter((key) => mayFail(image, damage, key)))
  }

  async run(): Promise<void> {
    const files = new Map(this.#image.files)
    if (this.#damage.bytes === undefined) files.delete(this.#damage.file)
    else files.set(this.#damage.file, this.#damage.bytes)
    const disk = diskOf(files)
    const db = await this.#open(() => openOn(disk, { writeBufferSize: 64 * 1024 }))
    if (db !== undefined) {
      await this.#read(db)
      await db.close()
    }
    if (disk.openFileCount > 0) throw new Violation(`left open: ${disk.openFiles().join()}`)
  }

  /** Undefined where it does not open, and need not. */
  async #open(open: () => Promise<DB>): Promise<DB | undefined> {
    let db: DB
    try {
      db = await open()
    } catch (error) {
      this.#expectOpenError(error)
      this.#counts.refused++
      return undefined
    }
    if (db.stats().failure !== undefined) throw new Violation('opened with a failure')
    return db
  }

  #expectOpenError(error: unknown): void {
    const cause = error instanceof SluiceError ? error.cause : undefined
    if (!(cause instanceof SluiceError) || cause.code !== 'LEVEL_CORRUPTION' || !cause.file) {
      throw new Violation(`the open failed with ${describeError(error)}`)
    }
    const { bytes, file } = this.#damage
    const isSameSize = bytes?.length === this.#image.files.get(file)!.length
    const mayRefuse = isTable(file) ? !isSameSize : file !== this.#image.logName || !bytes
    if (!mayRefuse) throw new Violation(`it does not open: ${cause.message}`)
  }

  async #read(db: DB): Promise<void> {
    // Before anything narrows the view further: a recovery that lost calls has told it.
    for (const key of this.#image.keys.keys) this.#getSync(db, key)
    for (const key of this.#image.keys.keys) await this.#get(db, key)
    await this.#getMany(db)
    for (const reverse of [false, true]) {
      await this.#scan(db, { reverse })
      await this.#scan(db, { reverse, sync: true })
    }
    this.#checkReport(db)
    if (this.#failedReads > 0) this.#counts.withErrors++
  }

  #checkReport(db: DB): void {
    const { dropped, lostSequences } = db.recovery
    const isShorter = this.#view.newest < this.#image.map.last
    if (isShorter) this.#counts.shorter++
    if (dropped.length > 0 || lostSequences > 0) return
    if (isShorter && !this.#isUnseen()) {
      throw new Violation(`${this.#image.map.last - this.#view.newest} calls lost without a word`)
    }
  }

  // A log that ends between two records, or goes on with zeroes there, is what a crash leaves.
  #isUnseen(): boolean {
    const { recordBounds, logName } = this.#image
    const { file, bytes, ranges } = this.#damage
    if (file !== logName || bytes === undefined) return false
    const intact = Math.min(...ranges.map(([from]) => from))
    const bound = recordBounds.findLast((at) => at <= intact)!
    return bytes.subarray(bound).every((byte) => byte === 0)
  }

  // ---- Keys ----

  #getSync(db: DB, key: Buffer): void {
    this.#counts.reads++
    let value: Buffer | undefined
    try {
      value = db.getSync(key)
    } catch (error) {
      this.#expectReadError(error, this.#mayFail.has(key), describeKey(key))
      return
    }
    this.#view.expectValue(key, value)
  }

  async #get(db: DB, key: Buffer): Promise<void> {
    this.#counts.reads++
    let value: Buffer | undefined
    try {
      value = await db.get(key)
    } catch (error) {
      this.#expectReadError(error, this.#mayFail.has(key), describeKey(key))
      return
    }
    this.#view.expectValue(key, value)
  }

  /** All, which fails where any of them may, and those that may not. */
  async #getMany(db: DB): Promise<void> {
    const { keys } = this.#image.keys
    for (const part of [keys, keys.filter((key) => !this.#mayFail.has(key))]) {
      this.#counts.reads++
      try {
        const values = await db.getMany(part)
        for (const [i, key] of part.entries()) this.#view.expectValue(key, values[i])
      } catch (error) {
        if (error instanceof Violation) throw error
        this.#expectReadError(error, part === keys && this.#mayFail.size > 0, 'getMany')
      }
    }
  }

  #expectReadError(error: unknown, isAllowed: boolean, what: string): void {
    const { file } = this.#damage
    const isNamed =
      error instanceof SluiceError &&
      error.code === 'LEVEL_CORRUPTION' &&
      error.file === `${DIRECTORY}/${file}`
    if (!isNamed) throw new Violation(`${what} failed with ${describeError(error)}`)
    if (!isAllowed) throw new Violation(`${what} needs no damaged byte: ${error.message}`)
    this.#failedReads++
    this.#counts.failedReads++
  }

  // ---- Scans ----

  /** A whole scan; behind an error it goes on, at last with another iterator. */
  async #scan(db: DB, how: { readonly reverse: boolean; readonly sync?: boolean }): Promise<void> {
    const { keys } = this.#image.keys
    const left = how.reverse ? keys.toReversed() : keys.slice()
    const wanted = new ScanJudge(this.#view, left)
    while (!wanted.isDone) {
      const [first] = wanted.left
      const range = how.reverse ? { lte: first!, reverse: true } : { gte: first! }
      const iterator = db.iterator(range)
      try {
        for (let errors = 0; !wanted.isDone && errors < 2;) {
          this.#counts.reads++
          let entry: Entry | undefined
          try {
            entry = how.sync ? iterator.nextSync() : await iterator.next()
          } catch (error) {
            this.#expectReadError(error, isTable(this.#damage.file), 'a scan')
            wanted.onError()
            errors++
            continue
          }
          wanted.onEntry(entry)
        }
      } finally {
        await iterator.close()
      }
      wanted.skip()
    }
  }
}

/** Follows scans in one direction over the keys that are left, in the order of the scan. */
class ScanJudge {
  readonly #view: View
  left: Buffer[]
  #isBehindError = false
  #atStart: number

  constructor(view: View, left: Buffer[]) {
    this.#view = view
    this.left = left
    this.#atStart = left.length
  }

  get isDone(): boolean {
    return this.left.length === 0
  }

  onError(): void {
    this.#isBehindError = true
  }

  onEntry(entry: Entry | undefined): void {
    const key = entry?.[0]
    const end = key === undefined ? this.left.length : this.left.findIndex((k) => k.equals(key))
    if (end === -1) throw new Violation(`a scan gave ${describeKey(key!)} out of order`)
    if (!this.#isBehindError) {
      for (const absent of this.left.slice(0, end)) this.#view.expectValue(absent, undefined)
    }
    if (key !== undefined) {
      if (entry![1] === undefined) throw new Violation(`no value for ${describeKey(key)}`)
      this.#expectPresent(key, entry![1])
    }
    this.left = this.left.slice(end + 1)
    this.#isBehindError = false
  }

  #expectPresent(key: Buffer, value: Buffer): void {
    try {
      this.#view.expectValue(key, value)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      const place = this.#isBehindError ? 'behind an error' : 'before any error'
      throw new Violation(`a scan, ${place}: ${error.message} (${describeValue(value)})`, {
        cause: error,
      })
    }
  }

  /** Leaves a key out, if the last iterator did not come further. */
  skip(): void {
    if (this.left.length === this.#atStart) this.left = this.left.slice(1)
    this.#atStart = this.left.length
    this.#isBehindError = false
  }
}

function isTable(name: string): boolean {
  return name.endsWith('.ldb')
}

/** Whether a get of the newest value needs a damaged byte of a table. */
function mayFail(image: Image, { file, ranges }: Damage, key: Buffer): boolean {
  const index = image.keys.indexOf(key)!
  for (let version = image.inTables + 1; version <= image.map.last; version++) {
    if (image.map.changes(index, version)) return false
  }
  for (const table of image.tables) {
    if (table.name === file && ranges.some(([from, to]) => needs(table, key, from, to))) return true
    if (table.userKeys.has(key.toString('latin1'))) return false
  }
  return false
}

function describeError(error: unknown): string {
  if (!(error instanceof SluiceError)) return error instanceof Error ? error.stack! : String(error)
  const { code, message, file, cause } = error
  return `${code} (${message}), file ${file}${cause === undefined ? '' : `, by ${describeError(cause)}`}`
}
