// The real file system: node:fs for tables and directories, the binding for logs and the lock.
//
// Invariants:
//   A short read or write is continued, an interrupted one repeated, and a file that ends before
//   the bytes asked for is EIO: it never comes back as fewer bytes.
//   A descriptor is closed only when no read is in flight on it. A read that raced a close could
//   otherwise land on the next file that is given the same number.

import fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errnoOf } from '../format/error.ts'
import type { Binding } from './binding.ts'
import { BlockFindQueue, type BlockFindWaiter } from './block-find-queue.ts'
import { BlockFinder, type BlockQuestion, type FindTarget } from './block-finds.ts'
import { BLOCK_REFUSED, BlockReadQueue } from './block-reads.ts'
import { descriptorLimit } from './descriptor-limit.ts'
import type { DirectoryEntry, FileSystem, RandomAccessFile, WritableFile } from './file-system.ts'
import type { Lock } from './lock.ts'
import type { LogFile } from './log-file.ts'
import { syncDirectorySync } from './sync-directory.ts'
import { requireSync } from './sync-permission.ts'
import { systemError } from './system-error.ts'
import { TurnBudget } from './turn-budget.ts'

/** Node refuses reads and writes of 2^31 bytes and more; the kernel stops a page below that. */
const MAX_TRANSFER_SIZE = 1024 * 1024 * 1024

/** Up to here a file is read in place, or written there before it is synced. */
const SMALL_FILE_BYTES = 64 * 1024

export class NodeFileSystem implements FileSystem {
  readonly #binding: Binding
  readonly #blocks: BlockWays
  readonly #budget: TurnBudget = new TurnBudget()

  constructor(binding: Binding) {
    this.#binding = binding
    const { blockReads, blockFinds } = binding
    this.#blocks = {
      reads: blockReads && new BlockReadQueue(blockReads),
      finder: blockFinds && new BlockFinder(blockFinds),
      finds: blockFinds && new BlockFindQueue(blockFinds),
    }
  }

  get descriptorLimit(): number | undefined {
    return descriptorLimit()
  }

  crc32c(bytes: Uint8Array, start: number, end: number): number {
    return this.#binding.crc32c(bytes, start, end)
  }

  async createDirectory(path: string): Promise<void> {
    const last = resolve(path)
    if (fs.statSync(last, { throwIfNoEntry: false })?.isDirectory() === true) return
    const first = await fs.promises.mkdir(last, { recursive: true })
    if (first === undefined) return
    for (let created = last; ; created = dirname(created)) {
      await this.#binding.syncDirectory(dirname(created))
      if (created === first || created === dirname(created)) return
    }
  }

  readDirectory(path: string): Promise<string[]> {
    return this.#budget.ask(
      () => fs.readdirSync(path),
      () => fs.promises.readdir(path),
    )
  }

  async readEntries(path: string): Promise<DirectoryEntry[]> {
    const entries = await fs.promises.readdir(path, { withFileTypes: true })
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
  }

  async removeDirectory(path: string): Promise<void> {
    try {
      await fs.promises.rmdir(path)
    } catch (error) {
      // POSIX allows either, and some systems say the other one.
      if (errnoOf(error) !== 'EEXIST') throw error
      throw systemError('ENOTEMPTY', 'directory not empty', 'rmdir', path)
    }
  }

  syncDirectory(path: string): Promise<void> {
    return this.#binding.syncDirectory(path)
  }

  syncDirectorySync(path: string): void {
    syncDirectorySync(path)
  }

  fileSize(path: string): Promise<number> {
    return this.#budget.ask(
      () => fs.statSync(path).size,
      async () => (await fs.promises.stat(path)).size,
    )
  }

  async readFile(path: string): Promise<Buffer> {
    const file = await this.#budget.ask(
      () => this.openRandomAccessSync(path),
      () => this.openRandomAccess(path),
    )
    try {
      const { sizeBytes } = file
      if (sizeBytes > SMALL_FILE_BYTES) return await file.read(0, sizeBytes)
      return await this.#budget.ask(
        () => file.readSync(0, sizeBytes),
        () => file.read(0, sizeBytes),
      )
    } finally {
      file.closeSync()
    }
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const handle = await fs.promises.open(path, 'w', 0o644)
    try {
      for (let at = 0; at < bytes.length;) {
        const length = Math.min(bytes.length - at, MAX_TRANSFER_SIZE)
        if (length <= SMALL_FILE_BYTES) at += fs.writeSync(handle.fd, bytes, at, length)
        else at += (await handle.write(bytes, at, length)).bytesWritten
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  rename(source: string, target: string): Promise<void> {
    return fs.promises.rename(source, target)
  }

  unlink(path: string): Promise<void> {
    return fs.promises.unlink(path)
  }

  unlinkSync(path: string): void {
    fs.unlinkSync(path)
  }

  async openRandomAccess(path: string): Promise<RandomAccessFile> {
    const descriptor = await new Promise<number>((done, fail) => {
      fs.open(path, 'r', (error, opened) => (error ? fail(error) : done(opened)))
    })
    return NodeRandomAccessFile.adopt(path, descriptor, this.#blocks)
  }

  openRandomAccessSync(path: string): RandomAccessFile {
    return NodeRandomAccessFile.adopt(path, fs.openSync(path, 'r'), this.#blocks)
  }

  createWritableSync(path: string): WritableFile {
    return new NodeWritableFile(path, fs.openSync(path, 'w', 0o644))
  }

  createLog(path: string): Promise<LogFile> {
    return this.#binding.createLog(path)
  }

  async lock(path: string): Promise<Lock> {
    // Whoever means to write comes by here first.
    requireSync(path)
    return this.#binding.lock(path)
  }
}

function kindOf(entry: fs.Dirent): DirectoryEntry['kind'] {
  if (entry.isFile()) return 'file'
  return entry.isDirectory() ? 'directory' : 'other'
}

/** How blocks are read and searched in C++, where there is a way. */
interface BlockWays {
  readonly reads: BlockReadQueue | undefined
  readonly finder: BlockFinder | undefined
  readonly finds: BlockFindQueue | undefined
}

class NodeRandomAccessFile implements RandomAccessFile {
  readonly path: string
  readonly sizeBytes: number
  readonly #descriptor: number
  readonly #blocks: BlockWays
  #readsInFlight = 0
  #isClosed = false
  /** Resolves the promise of `close`; set while reads are still in flight at a close. */
  #lastReadDone: (() => void) | undefined
  #closing: Promise<void> | undefined

  private constructor(path: string, descriptor: number, sizeBytes: number, blocks: BlockWays) {
    this.path = path
    this.#descriptor = descriptor
    this.sizeBytes = sizeBytes
    this.#blocks = blocks
  }

  /** Owns the descriptor from here on, and closes it when this throws. */
  static adopt(path: string, descriptor: number, blocks: BlockWays): NodeRandomAccessFile {
    try {
      // On the calling thread: the open has just brought the inode into memory.
      const stat = fs.fstatSync(descriptor)
      if (stat.isDirectory()) throw systemError('EISDIR', 'it is a directory', 'read', path)
      return new NodeRandomAccessFile(path, descriptor, stat.size, blocks)
    } catch (error) {
      fs.closeSync(descriptor)
      throw error
    }
  }

  read(position: number, length: number): Promise<Buffer> {
    return new Promise((done, fail) => {
      this.#checkOpen()
      const bytes = Buffer.allocUnsafeSlow(length)
      if (length === 0) {
        done(bytes)
        return
      }
      this.#readsInFlight++
      this.#continueRead(position, bytes, 0, (error) => {
        this.#countReadDone()
        if (error === undefined) done(bytes)
        else fail(error)
      })
    })
  }

  #continueRead(
    position: number,
    bytes: Buffer,
    from: number,
    done: (error?: Error) => void,
  ): void {
    const length = Math.min(bytes.length - from, MAX_TRANSFER_SIZE)
    fs.read(this.#descriptor, bytes, from, length, position + from, (error, count) => {
      if (error !== null && errnoOf(error) !== 'EINTR') return done(error)
      const at = error === null ? from + count : from
      if (at === bytes.length) return done()
      if (error === null && count === 0) return done(this.#shortFile(position, bytes.length))
      this.#continueRead(position, bytes, at, done)
    })
  }

  readSync(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length)
    this.readIntoSync(position, length, bytes)
    return bytes
  }

  readIntoSync(position: number, length: number, target: Buffer): void {
    this.#checkOpen()
    for (let at = 0; at < length;) {
      const count = this.#readOnce(target, at, length - at, position + at)
      if (count === 0) throw this.#shortFile(position, length)
      if (count > 0) at += count
    }
  }

  /** Bytes read; 0 at the end of the file; -1 when interrupted. */
  #readOnce(bytes: Buffer, from: number, length: number, position: number): number {
    try {
      const limited = Math.min(length, MAX_TRANSFER_SIZE)
      return fs.readSync(this.#descriptor, bytes, from, limited, position)
    } catch (error) {
      if (errnoOf(error) === 'EINTR') return -1
      throw error
    }
  }

  readBlockSync(position: number, storedSize: number, flags: number, target: Buffer): number {
    const queue = this.#blocks.reads
    if (queue === undefined || this.#isClosed) return BLOCK_REFUSED
    return queue.reads.readBlockSync(this.#descriptor, position, storedSize, flags, target)
  }

  async readBlock(
    position: number,
    storedSize: number,
    flags: number,
  ): Promise<Buffer | undefined> {
    const queue = this.#blocks.reads
    if (queue === undefined || this.#isClosed) return undefined
    this.#readsInFlight++
    const contents = await queue.read(this.#descriptor, position, storedSize, flags)
    this.#countReadDone()
    return contents
  }

  findInBlockSync(question: BlockQuestion, target: FindTarget): number {
    const { finder } = this.#blocks
    if (finder === undefined || this.#isClosed) return BLOCK_REFUSED
    return finder.find(this.#descriptor, question, target)
  }

  findInBlock(question: BlockQuestion, waiter: BlockFindWaiter): boolean {
    const { finds } = this.#blocks
    if (finds === undefined || this.#isClosed) return false
    finds.find(this.#descriptor, question, waiter)
    return true
  }

  takesInPlace(): boolean {
    return this.#blocks.finds?.takesInPlace() ?? true
  }

  #countReadDone(): void {
    this.#readsInFlight--
    if (this.#readsInFlight === 0) this.#lastReadDone?.()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#readsInFlight > 0) {
      await new Promise<void>((done) => {
        this.#lastReadDone = done
      })
    }
    await new Promise<void>((done, fail) => {
      fs.close(this.#descriptor, (error) => (error ? fail(error) : done()))
    })
  }

  closeSync(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#closing = Promise.resolve()
    if (this.#readsInFlight === 0) fs.closeSync(this.#descriptor)
    else this.#lastReadDone = () => fs.closeSync(this.#descriptor)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw systemError('EBADF', 'the file is closed', 'read', this.path)
  }

  #shortFile(position: number, length: number): Error {
    const what = `the file ends before ${length} bytes at ${position}`
    return systemError('EIO', what, 'read', this.path)
  }
}

class NodeWritableFile implements WritableFile {
  readonly path: string
  readonly #descriptor: number
  #isClosed = false

  /** Owns the descriptor from here on. */
  constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
  }

  appendSync(bytes: Uint8Array, start: number, end: number): void {
    this.#checkOpen('write')
    for (let at = start; at < end;) {
      try {
        const length = Math.min(end - at, MAX_TRANSFER_SIZE)
        const count = fs.writeSync(this.#descriptor, bytes, at, length)
        if (count === 0) throw systemError('EIO', 'nothing was written', 'write', this.path)
        at += count
      } catch (error) {
        if (errnoOf(error) !== 'EINTR') throw error
      }
    }
  }

  syncSync(): void {
    this.#checkOpen('fdatasync')
    fs.fdatasyncSync(this.#descriptor)
  }

  closeSync(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    fs.closeSync(this.#descriptor)
  }

  #checkOpen(syscall: string): void {
    if (this.#isClosed) throw systemError('EBADF', 'the file is closed', syscall, this.path)
  }
}
