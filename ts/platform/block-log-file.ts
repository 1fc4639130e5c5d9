// The log writer in TypeScript: the twin of the native one, over any file that can append.
//
//   append := fragment the record, or lay out the list of records, one gather-write (continued when
//             short), then, when asked, sync and look whether the directory still names this file
//
// It knows no descriptor, so the simulated disk of the tests runs it too.
//
// Invariants:
//   The first failure is kept and is the answer to every later call; nothing is written after it.
//   `sizeBytes` moves only when an append succeeded, and then the file holds exactly that much.
//   One job at a time; a second is refused, which is a mistake of the caller and poisons nothing.

import { errnoOf } from '../format/error.ts'
import { BLOCK_SIZE, blocksBound, fragmentRecord, layOutRecord } from '../format/log-block.ts'
import { RECORD_LENGTH_SIZE, recordEnd } from '../format/record-list.ts'
import { crc32c, extendCrc32c } from './js-crc32c.ts'
import type { AppendableFile, LogFile } from './log-file.ts'
import { systemError } from './system-error.ts'

// When and by how much the file is made longer ahead: the native writer's numbers, whose reasons
// stand there.
const GROW_FROM_BYTES = 16 * 1024
const GROW_BY_BYTES = 256 * 1024
const GROW_FOR_BYTES = 8 * 1024

export class BlockLogFile implements LogFile {
  readonly path: string
  readonly #file: AppendableFile
  #sizeBytes = 0
  /** How long the file was made ahead of what it holds; 0 while it was not. */
  #grownSizeBytes = 0
  #isBusy = false
  /** The last job, in flight or settled. */
  #job: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined
  /** Set once, never cleared. Wrapped, since anything at all can be thrown. */
  #poison: { readonly error: unknown } | undefined

  /** Owns `file` from here on. Requires: file is empty. */
  constructor(path: string, file: AppendableFile) {
    this.path = path
    this.#file = file
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  append(bytes: Buffer, start: number, end: number, sync: boolean): Promise<void> {
    checkRange(bytes, start, end)
    checkSync(sync)
    return this.#run(async () => this.#append(this.#fragments(bytes, start, end), sync))
  }

  appendSync(bytes: Buffer, start: number, end: number, sync = false): void {
    checkRange(bytes, start, end)
    this.#checkReady('write')
    this.#appendInPlace(this.#fragments(bytes, start, end), sync)
  }

  async appendRecords(bytes: Buffer, start: number, end: number, sync: boolean): Promise<void> {
    checkRange(bytes, start, end)
    checkSync(sync)
    this.#checkReady('write')
    const pieces = this.#layOut(bytes, start, end)
    await this.#run(() => this.#append(pieces, sync))
  }

  appendRecordsSync(bytes: Buffer, start: number, end: number, sync = false): void {
    checkRange(bytes, start, end)
    this.#checkReady('write')
    this.#appendInPlace(this.#layOut(bytes, start, end), sync)
  }

  sync(): Promise<void> {
    return this.#run(() => this.#sync())
  }

  syncSync(): void {
    this.#checkReady('write')
    this.#poisoning(() => {
      this.#syncNow()
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#cutAndClose()
    return this.#closing
  }

  async #cutAndClose(): Promise<void> {
    await Promise.allSettled([this.#job]) // Whoever started the job has its error.
    if (this.#poison === undefined && this.#grownSizeBytes > this.#sizeBytes) {
      // Ignored: zeroes at the end are as good. After a failure the end is left as evidence.
      await this.#file.resize(this.#sizeBytes).catch(() => undefined)
    }
    await this.#file.close()
  }

  /** Throws when nothing may start: closed, poisoned or busy. */
  #checkReady(syscall: string): void {
    if (this.#closing !== undefined) {
      throw systemError('EBADF', 'the log is closed', syscall, this.path)
    }
    if (this.#poison !== undefined) throw this.#poison.error
    if (this.#isBusy) throw systemError('EBUSY', 'a job is in flight', syscall, this.path)
  }

  async #run(job: () => Promise<void>): Promise<void> {
    this.#checkReady('write')
    this.#isBusy = true
    this.#job = job().catch((error: unknown) => {
      this.#poison ??= { error }
      throw error
    })
    try {
      await this.#job
    } finally {
      this.#isBusy = false
    }
  }

  #fragments(bytes: Buffer, start: number, end: number): readonly Uint8Array[] {
    const pieces: Uint8Array[] = []
    fragmentRecord(bytes, start, end, this.#sizeBytes % BLOCK_SIZE, extendCrc32c, pieces)
    return pieces
  }

  // One piece: a view for each of many small records would take longer than copying them.
  #layOut(list: Buffer, start: number, end: number): readonly Uint8Array[] {
    let count = 0
    for (let at = start; at < end; count++) {
      at = recordEnd(list, at, end)
      if (at === -1) {
        throw systemError('EINVAL', 'the list ends inside a record', 'write', this.path)
      }
    }
    if (count === 0) return []
    const image = Buffer.allocUnsafeSlow(blocksBound(end - start, count))
    let position = 0
    for (let at = start; at < end;) {
      const dataStart = at + RECORD_LENGTH_SIZE
      const blockOffset = (this.#sizeBytes + position) % BLOCK_SIZE
      at = recordEnd(list, at, end)
      position = layOutRecord(list, dataStart, at, blockOffset, crc32c, image, position)
    }
    return [image.subarray(0, position)]
  }

  async #append(pieces: readonly Uint8Array[], sync: boolean): Promise<void> {
    const length = lengthOfAll(pieces)
    if (sync && length <= GROW_FOR_BYTES) await this.#growAhead(this.#sizeBytes + length)
    await this.#write(pieces)
    if (sync) await this.#sync()
    this.#sizeBytes += length
  }

  #appendInPlace(pieces: readonly Uint8Array[], sync: boolean): void {
    this.#poisoning(() => {
      for (let rest = pieces; rest.length > 0;) {
        const written = retryWhenInterrupted(() => this.#file.writevSync(rest))
        rest = this.#afterWrite(rest, written)
      }
      if (sync) this.#syncNow()
      this.#sizeBytes += lengthOfAll(pieces)
    })
  }

  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    for (let rest = pieces; rest.length > 0;) {
      try {
        rest = this.#afterWrite(rest, await this.#file.writev(rest))
      } catch (error) {
        if (errnoOf(error) !== 'EINTR') throw error
      }
    }
  }

  /** Makes the file longer where what is to be written would pass its end. */
  async #growAhead(endBytes: number): Promise<void> {
    if (endBytes <= Math.max(this.#grownSizeBytes, GROW_FROM_BYTES)) return
    this.#grownSizeBytes = endBytes + Math.min(endBytes, GROW_BY_BYTES)
    // Ignored: the append itself makes the file longer, or says why it cannot. Not tried again
    // before the next step.
    await this.#file.resize(this.#grownSizeBytes).catch(() => undefined)
  }

  async #sync(): Promise<void> {
    for (;;) {
      try {
        await this.#file.sync()
        break
      } catch (error) {
        // Interrupted before it began; any other failure of a sync is final, never retried.
        if (errnoOf(error) !== 'EINTR') throw error
      }
    }
    this.#checkLinked(await this.#file.isLinked())
  }

  #syncNow(): void {
    retryWhenInterrupted(() => {
      this.#file.syncSync()
    })
    this.#checkLinked(this.#file.isLinkedSync())
  }

  #checkLinked(isLinked: boolean): void {
    if (isLinked) return
    throw systemError('ESTALE', 'the log is no longer in its directory', 'fdatasync', this.path)
  }

  /** Does it on the calling thread; its error poisons. */
  #poisoning(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#poison ??= { error }
      throw error
    }
  }

  /** What is left of `pieces` when `written` bytes of them reached the file. */
  #afterWrite(pieces: readonly Uint8Array[], written: number): readonly Uint8Array[] {
    let skip = written
    let i = 0
    while (i < pieces.length && skip >= pieces[i]!.length) skip -= pieces[i++]!.length
    if (i === pieces.length) return []
    // A device that takes nothing and reports nothing would keep us here for ever.
    if (written === 0) throw systemError('EIO', 'nothing was written', 'write', this.path)
    return [pieces[i]!.subarray(skip), ...pieces.slice(i + 1)]
  }
}

function lengthOfAll(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}

function retryWhenInterrupted<T>(operation: () => T): T {
  for (;;) {
    try {
      return operation()
    } catch (error) {
      if (errnoOf(error) !== 'EINTR') throw error
    }
  }
}

function checkSync(sync: unknown): void {
  if (typeof sync !== 'boolean') throw new TypeError('sync must be a boolean')
}

/** The same refusals as the native writer's, thrown before anything starts. */
function checkRange(bytes: Uint8Array, start: number, end: number): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes must be a Uint8Array')
  if (typeof start !== 'number' || typeof end !== 'number') {
    throw new TypeError('start and end must be numbers')
  }
  if (!Number.isInteger(start) || !Number.isInteger(end)) {
    throw new RangeError('start and end must be integers')
  }
  if (start < 0 || end < start || end > bytes.length) {
    throw new RangeError('start and end must satisfy 0 <= start <= end <= bytes.length')
  }
}
