// The version set: the current version, the numbers that go with it, and the manifest that makes
// both durable.
//
//   install(edit):  new version ── append the edit to the manifest and sync ── the version is current;
//                   where the manifest has grown to its limit, a fresh one is begun (manifest.ts)
//   a new manifest: whole state as its first edit, then the edit, synced; beside it the next CURRENT,
//                   synced ── sync the directory ── CURRENT renamed ── sync the directory
//
// Invariants:
//   A version is current only once its edit is durable (W13).
//   After a failed manifest write no edit is taken; switchManifest() goes on in a fresh manifest, and
//   until then nothing may be deleted: the failed edit may be durable.
//   Edits are installed one at a time, in the order of the calls: each is applied to the version that
//   is current at its turn. A flush and a compaction may both ask.
//   The last sequence in the manifest is the last one in tables, never one that only a log holds: so
//   the next open sees what a lost log leaves out. Only edits that say so move it.
//   A version that somebody retains keeps its files alive: liveFileNumbers() counts them.

import { ioError } from '../format/error.ts'
import { COMPARATOR_NAME, compareInternal } from '../format/internal-key.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { FileMetadata } from './file-metadata.ts'
import {
  createManifest,
  Manifest,
  MANIFEST_LIMITS,
  type ManifestLimits,
  setCurrent,
  writeNextCurrent,
} from './manifest.ts'
import type { ManifestState } from './manifest-reader.ts'
import type { Version } from './version.ts'
import { emptyEdit, encodeEdit, type VersionEdit } from './version-edit.ts'

/** A version whose files stay until it is released. */
export interface RetainedVersion {
  readonly version: Version
  /** Idempotent. */
  release(): void
}

// Reserved at once: a sync of the manifest serves some ten compactions.
const RESERVED_NUMBERS = 128

/** The manifest of a database that nobody has opened yet. */
export const FIRST_MANIFEST_NUMBER = 1

export class VersionSet {
  readonly #manifest: Manifest

  // Written only by install(), between awaits.
  #current: Version
  #logNumber: number
  #previousLogNumber: number
  readonly #compactPointers: Map<number, Buffer>
  // The last sequence that the manifest has.
  #recordedSequence: number
  // Settles when the last install() or switchManifest() that was called is over; never rejects.
  #turn: Promise<void> = Promise.resolve()

  // Written by retain() and the releases.
  readonly #retained = new Map<Version, number>()
  #onRelease: (() => void) | undefined

  // Written by whoever takes a number; never goes back but by reuseFileNumber().
  #nextFileNumber: number
  // Below the next file number of the manifest, and no file's.
  readonly #reservedNumbers: number[] = []

  // Written by the head of the write queue, recovery and resume.
  #lastSequence: number

  constructor(
    fileSystem: FileSystem,
    directory: string,
    state: ManifestState,
    limits: ManifestLimits = MANIFEST_LIMITS,
  ) {
    this.#manifest = new Manifest(fileSystem, directory, state.manifestNumber, limits)
    this.#current = state.version
    this.#logNumber = state.logNumber
    this.#previousLogNumber = state.previousLogNumber
    this.#nextFileNumber = state.nextFileNumber
    this.#lastSequence = state.lastSequence
    this.#recordedSequence = state.lastSequence
    this.#compactPointers = new Map(state.compactPointers)
  }

  get current(): Version {
    return this.#current
  }

  /** By level, the internal key behind which the next compaction of that level goes on. */
  get compactPointers(): ReadonlyMap<number, Buffer> {
    return this.#compactPointers
  }

  /** The current version, with its files kept until it is released. */
  retain(): RetainedVersion {
    const version = this.#current
    this.#retained.set(version, (this.#retained.get(version) ?? 0) + 1)
    let isReleased = false
    return {
      version,
      release: () => {
        if (isReleased) return
        isReleased = true
        this.#release(version)
      },
    }
  }

  /** The listener hears of every version that is given up and is no longer current. */
  onRelease(listener: () => void): void {
    this.#onRelease = listener
  }

  /** The numbers of all tables that the current version or a retained one has. */
  liveFileNumbers(): Set<number> {
    const live = new Set<number>()
    for (const version of [this.#current, ...this.#retained.keys()]) {
      for (const files of version.levels) for (const { number } of files) live.add(number)
    }
    return live
  }

  /** Bytes of tables that are there for whoever retains a version, and for nobody else. */
  retainedBytes(): number {
    const current = new Set(this.#current.levels.flat().map(({ number }) => number))
    const held = new Map<number, number>()
    for (const version of this.#retained.keys()) {
      for (const { number, sizeBytes } of version.levels.flat()) {
        if (!current.has(number)) held.set(number, sizeBytes)
      }
    }
    return [...held.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0)
  }

  /** Logs below this number are in tables, but for the previous one. */
  get logNumber(): number {
    return this.#logNumber
  }

  get previousLogNumber(): number {
    return this.#previousLogNumber
  }

  /**
   * Whether CURRENT may lead, now or after a crash, to the manifest of a switch that failed: then
   * nothing that this manifest names may be removed.
   */
  get isCurrentUncertain(): boolean {
    return this.#manifest.isCurrentUncertain
  }

  get manifestNumber(): number {
    return this.#manifest.number
  }

  /** The listener hears when no fresh manifest could be begun: then no edit is taken any more. */
  onManifestFailure(listener: (error: unknown) => void): void {
    this.#manifest.onFailure(listener)
  }

  get nextFileNumber(): number {
    return this.#nextFileNumber
  }

  /** The last sequence that is visible to reads. */
  get lastSequence(): number {
    return this.#lastSequence
  }

  publishSequence(sequence: number): void {
    this.#lastSequence = sequence
  }

  newFileNumber(): number {
    return this.#nextFileNumber++
  }

  /** Gives `number` back when no file of it came to be. */
  reuseFileNumber(number: number): void {
    if (this.#nextFileNumber === number + 1) this.#nextFileNumber = number
  }

  /**
   * Numbers for the tables of a job, which the manifest knows to be given out: the next open removes
   * what a crash leaves of them, where an unknown table is kept for a person to look at.
   * Rejects with LEVEL_IO_ERROR, as install() does. Requires: one call at a time.
   */
  async reserveFileNumbers(count: number): Promise<number[]> {
    if (this.#reservedNumbers.length < count) {
      const length = Math.max(count, RESERVED_NUMBERS)
      const numbers = Array.from({ length }, () => this.newFileNumber())
      await this.install(emptyEdit())
      this.#reservedNumbers.push(...numbers)
    }
    return this.#reservedNumbers.splice(0, count)
  }

  /** Gives reserved numbers back. Requires: no file of them came to be. */
  returnFileNumbers(numbers: readonly number[]): void {
    this.#reservedNumbers.unshift(...numbers)
  }

  /** Makes sure that `number`, seen in the directory, is not given out. */
  markFileNumberUsed(number: number): void {
    if (this.#nextFileNumber <= number) this.#nextFileNumber = number + 1
  }

  /**
   * Makes the edit durable in the manifest in use, then current.
   * Rejects with LEVEL_IO_ERROR; the current version is then the old one, and the manifest of no
   * more use: the installs behind fail too. Requires: a manifest, from switchManifest().
   */
  install(edit: VersionEdit): Promise<void> {
    return this.#inTurn(() => this.#install(edit))
  }

  async #install(edit: VersionEdit): Promise<void> {
    const next = this.#current.apply([edit])
    // Before the edit is encoded, which then has it: the next open removes what a crash leaves of it.
    const renewal = this.#manifest.isDue ? this.newFileNumber() : undefined
    await this.#manifest.append(encodeEdit(this.#complete(edit)))
    this.#adopt(next, edit)
    if (renewal !== undefined) this.#manifest.renew(renewal, this.#stateRecords(emptyEdit()))
  }

  /**
   * Writes manifest `number`, from newFileNumber(), with the whole state and the edit, and makes it
   * the current one, once `beside` has resolved: that creates, in the directory, what the edit names.
   * Rejects with LEVEL_IO_ERROR, or as `beside` does; then CURRENT names the old manifest or the new
   * one, and both lead to the same data as long as nothing is deleted.
   */
  switchManifest(
    edit: VersionEdit,
    number: number,
    beside: () => Promise<void> = async () => {},
  ): Promise<void> {
    return this.#inTurn(() => this.#switchManifest(edit, number, beside))
  }

  async #switchManifest(
    edit: VersionEdit,
    number: number,
    beside: () => Promise<void>,
  ): Promise<void> {
    const next = this.#current.apply([edit])
    await this.#manifest.switchTo(number, this.#stateRecords(edit), beside)
    this.#adopt(next, edit)
  }

  /** Closes the manifest, in which everything is durable already. Rejects with LEVEL_IO_ERROR. */
  close(): Promise<void> {
    return this.#manifest.close()
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act)
    this.#turn = done.catch(() => undefined)
    return done
  }

  #release(version: Version): void {
    const references = this.#retained.get(version)! - 1
    if (references > 0) {
      this.#retained.set(version, references)
      return
    }
    this.#retained.delete(version)
    if (version !== this.#current) this.#onRelease?.()
  }

  // The numbers of C++ LevelDB's LogAndApply: every edit of the manifest carries all four.
  #complete(edit: VersionEdit): VersionEdit {
    return {
      ...edit,
      logNumber: edit.logNumber ?? this.#logNumber,
      previousLogNumber: edit.previousLogNumber ?? this.#previousLogNumber,
      nextFileNumber: this.#nextFileNumber,
      lastSequence: edit.lastSequence ?? this.#recordedSequence,
    }
  }

  #adopt(version: Version, edit: VersionEdit): void {
    this.#current = version
    this.#logNumber = edit.logNumber ?? this.#logNumber
    this.#previousLogNumber = edit.previousLogNumber ?? this.#previousLogNumber
    this.#recordedSequence = edit.lastSequence ?? this.#recordedSequence
    for (const { level, key } of edit.compactPointers) this.#compactPointers.set(level, key)
  }

  // What a manifest begins with: the whole state, then the edit.
  #stateRecords(edit: VersionEdit): Buffer[] {
    return [encodeEdit(this.#snapshot()), encodeEdit(this.#complete(edit))]
  }

  // The whole state as one edit, in C++ LevelDB's order.
  #snapshot(): VersionEdit {
    const edit = emptyEdit()
    edit.comparator = COMPARATOR_NAME
    for (const [level, key] of [...this.#compactPointers].toSorted(([a], [b]) => a - b)) {
      edit.compactPointers.push({ level, key })
    }
    for (const [level, files] of this.#current.levels.entries()) {
      for (const file of files.toSorted(bySmallest)) edit.newFiles.push({ level, file })
    }
    return edit
  }
}

/** Writes the first manifest of an empty database, and CURRENT. Rejects with LEVEL_IO_ERROR. */
export async function createDatabase(fileSystem: FileSystem, directory: string): Promise<void> {
  const edit = emptyEdit()
  edit.comparator = COMPARATOR_NAME
  edit.logNumber = 0
  edit.nextFileNumber = FIRST_MANIFEST_NUMBER + 1
  edit.lastSequence = 0
  const records = [encodeEdit(edit)]
  const file = await createManifest(fileSystem, directory, FIRST_MANIFEST_NUMBER, records)
  try {
    await file.close()
  } catch (error) {
    throw ioError('write', file.path, error)
  }
  await writeNextCurrent(fileSystem, directory, FIRST_MANIFEST_NUMBER)
  await setCurrent(fileSystem, directory, FIRST_MANIFEST_NUMBER)
}

// C++ LevelDB lists every level in this order, level 0 too.
function bySmallest(a: FileMetadata, b: FileMetadata): number {
  const order = compareInternal(a.smallest, 0, a.smallest.length, b.smallest, 0, b.smallest.length)
  return order === 0 ? a.number - b.number : order
}
