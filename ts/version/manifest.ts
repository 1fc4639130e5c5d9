// The manifest of an open database: takes records, and is replaced by a fresh one when it has grown.
//
//   append:  the record behind the others, synced
//   switch:  a new file with the whole state, and beside it the next CURRENT and what the state names
//            ── CURRENT ── appends go there
//   renew:   the same beside the appends: a new file with the whole state ── what was appended
//            meanwhile ── from here on every record goes to both ── CURRENT ── the old file removed
//
// Invariants:
//   What CURRENT may lead to, now or after a crash, has every record whose append() has resolved.
//   A file that was to be appended to, and could not be, is never appended to again: every append()
//   rejects from then on, until switchTo(). So it is when a renewal fails.
//   A renewal delays no append but by a second file's sync at the same time.
//   A file is removed only when CURRENT durably names another.
//
// Rejected: to renew in the turn of an edit. Five syncs one behind the other, with a snapshot of all
// tables among them, are too long for a flush that waits, and for whoever waits for the flush.

import { join } from 'node:path'
import { ioError } from '../format/error.ts'
import { CURRENT_NAME, manifestFileName, temporaryFileName } from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { LogFile } from '../platform/log-file.ts'

/** When a manifest is renewed: from both on. */
export interface ManifestLimits {
  readonly sizeBytes: number
  /** How many times the size that it began with. */
  readonly growth: number
}

/** 1 MiB is some 2,000 compactions, and the next open reads all of it. */
export const MANIFEST_LIMITS: ManifestLimits = { sizeBytes: 2 ** 20, growth: 4 }

// What is not the last of several records is written on the calling thread up to here, into the page
// cache, as the write-ahead log does with its writes.
const INLINE_RECORD_BYTES = 64 * 1024

/** A new manifest while it takes the place of the old one. */
interface Successor {
  readonly number: number
  /** Appended to the old one, and still to be to this. */
  missing: Buffer[]
  /** Set when nothing is missing: what is appended goes to both. */
  file: LogFile | undefined
}

export class Manifest {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #limits: ManifestLimits
  #number: number
  #file: LogFile | undefined
  /** The size from which on it is to be renewed. */
  #dueBytes = 0
  #successor: Successor | undefined
  #renewing: Promise<void> = Promise.resolve()
  // Between the rename of CURRENT and its durability, and for good where either fails.
  #isCurrentUncertain = false
  /** What went wrong since the last switch. */
  #error: unknown
  #onFailure: ((error: unknown) => void) | undefined

  /** Takes no records before switchTo(). `number` is that of the manifest that was read. */
  constructor(fileSystem: FileSystem, directory: string, number: number, limits: ManifestLimits) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#number = number
    this.#limits = limits
  }

  get number(): number {
    return this.#number
  }

  /** Whether CURRENT may lead to the manifest of a switch or a renewal that failed. */
  get isCurrentUncertain(): boolean {
    return this.#isCurrentUncertain
  }

  /** Whether it has grown so much that renew() is due. */
  get isDue(): boolean {
    if (this.#file === undefined || this.#successor !== undefined) return false
    return this.#error === undefined && this.#file.sizeBytes >= this.#dueBytes
  }

  /** The listener hears of a renewal that failed. */
  onFailure(listener: (error: unknown) => void): void {
    this.#onFailure = listener
  }

  /**
   * Resolves when the record is durable. Rejects with LEVEL_IO_ERROR; whether it is durable is then
   * unknown. Requires: a switchTo() before, one call at a time, and the bytes never change.
   */
  async append(record: Buffer): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    if (this.#file === undefined) throw new Error('no manifest is open for appending')
    const files = [this.#file]
    if (this.#successor?.file !== undefined) files.push(this.#successor.file)
    else this.#successor?.missing.push(record)
    // One that fails must not leave the other running behind the caller's back.
    const outcomes = await Promise.allSettled(files.map((file) => appendTo(file, [record])))
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue
      this.#error ??= outcome.reason
      throw outcome.reason
    }
  }

  /**
   * Goes on in a new manifest that holds `records`, and makes CURRENT name it once `beside` has
   * resolved, which creates what the records name in the directory.
   * Rejects with LEVEL_IO_ERROR, or as `beside` does; then CURRENT names the old one or the new one, and
   * both lead to the same data as long as nothing is deleted. Requires: no append is under way.
   */
  async switchTo(
    number: number,
    records: readonly Buffer[],
    beside: () => Promise<void>,
  ): Promise<void> {
    await this.#renewing
    // Side by side: none of them needs another before the rename, and each is hops and a sync.
    const [created, ...others] = await Promise.allSettled([
      this.#create(number, records),
      writeNextCurrent(this.#fileSystem, this.#directory, number),
      beside(),
    ])
    if (created.status === 'rejected') throw created.reason
    const file = created.value
    try {
      for (const outcome of others) if (outcome.status === 'rejected') throw outcome.reason
      await this.#setCurrent(number)
    } catch (error) {
      await closeQuietly(file)
      throw error
    }
    this.#error = undefined
    await closeQuietly(this.#replaceBy(file, number))
  }

  /**
   * Begins to replace the file by a new one, which `records` begin: they have to say what all records
   * so far say. Nobody has to wait. Requires: isDue, and no append is under way.
   */
  renew(number: number, records: readonly Buffer[]): void {
    const successor: Successor = { number, missing: [], file: undefined }
    this.#successor = successor
    this.#renewing = this.#renew(successor, records)
  }

  /** Waits for a renewal and closes the file. Rejects with LEVEL_IO_ERROR. */
  async close(): Promise<void> {
    await this.#renewing
    const file = this.#file
    try {
      await file?.close()
    } catch (error) {
      throw ioError('close', file!.path, error)
    }
  }

  // Never rejects.
  async #renew(successor: Successor, records: readonly Buffer[]): Promise<void> {
    const { number } = successor
    let file: LogFile | undefined
    try {
      file = await this.#create(number, records)
      while (successor.missing.length > 0) await appendTo(file, successor.missing.splice(0))
      successor.file = file
      await writeNextCurrent(this.#fileSystem, this.#directory, number)
      // A record that only one of the files has: whoever appended it has been told that it failed.
      if (this.#error !== undefined) throw this.#error
      await this.#setCurrent(number)
    } catch (error) {
      this.#error ??= error
      this.#successor = undefined
      this.#onFailure?.(error)
      await closeQuietly(file)
      if (!this.#isCurrentUncertain) await this.#remove(number)
      return
    }
    const oldNumber = this.#number
    await closeQuietly(this.#replaceBy(file, number))
    await this.#remove(oldNumber)
  }

  // Returns the old file.
  #replaceBy(file: LogFile, number: number): LogFile | undefined {
    const old = this.#file
    this.#file = file
    this.#number = number
    this.#successor = undefined
    return old
  }

  async #create(number: number, records: readonly Buffer[]): Promise<LogFile> {
    const file = await createManifest(this.#fileSystem, this.#directory, number, records)
    this.#dueBytes = Math.max(this.#limits.sizeBytes, this.#limits.growth * file.sizeBytes)
    return file
  }

  async #setCurrent(number: number): Promise<void> {
    await setCurrent(this.#fileSystem, this.#directory, number, () => {
      this.#isCurrentUncertain = true
    })
    this.#isCurrentUncertain = false
  }

  // Best effort: the next open removes what is left.
  async #remove(number: number): Promise<void> {
    const names = [manifestFileName(number), temporaryFileName(number)]
    await Promise.allSettled(
      names.map((name) => this.#fileSystem.unlink(join(this.#directory, name))),
    )
  }
}

/** Writes a manifest, synced. Rejects with LEVEL_IO_ERROR. */
export async function createManifest(
  fileSystem: FileSystem,
  directory: string,
  number: number,
  records: readonly Buffer[],
): Promise<LogFile> {
  const path = join(directory, manifestFileName(number))
  let file: LogFile | undefined
  try {
    file = await fileSystem.createLog(path)
    await appendTo(file, records)
    return file
  } catch (error) {
    await closeQuietly(file)
    throw ioError('write', path, error)
  }
}

/** Writes what CURRENT is to be, under its temporary name, synced. Rejects with LEVEL_IO_ERROR. */
export async function writeNextCurrent(
  fileSystem: FileSystem,
  directory: string,
  number: number,
): Promise<void> {
  const path = join(directory, temporaryFileName(number))
  try {
    await fileSystem.writeFile(path, Buffer.from(`${manifestFileName(number)}\n`, 'latin1'))
  } catch (error) {
    throw ioError('write', path, error)
  }
}

/**
 * Makes what writeNextCurrent() wrote CURRENT, with the order of W13 around the rename, before which
 * it calls `onRename`. Rejects with LEVEL_IO_ERROR.
 */
export async function setCurrent(
  fileSystem: FileSystem,
  directory: string,
  number: number,
  onRename?: () => void,
): Promise<void> {
  const temporary = join(directory, temporaryFileName(number))
  const current = join(directory, CURRENT_NAME)
  try {
    // Before the rename: CURRENT may never name a manifest, or lead to a log, whose entry can vanish.
    await fileSystem.syncDirectory(directory)
    onRename?.()
    await fileSystem.rename(temporary, current)
    await fileSystem.syncDirectory(directory)
  } catch (error) {
    throw ioError('replace', current, error)
  }
}

// The last one with a sync, which makes all of them durable.
async function appendTo(file: LogFile, records: readonly Buffer[]): Promise<void> {
  try {
    for (const [i, record] of records.entries()) {
      const isLast = i === records.length - 1
      if (isLast || record.length > INLINE_RECORD_BYTES) {
        await file.append(record, 0, record.length, isLast)
      } else {
        file.appendSync(record, 0, record.length)
      }
    }
  } catch (error) {
    throw ioError('append to', file.path, error)
  }
}

// Of a manifest that was replaced, or could not be written: what its closing says changes nothing.
async function closeQuietly(file: LogFile | undefined): Promise<void> {
  await Promise.allSettled([file?.close()])
}
