// The file system seam: every byte the engine reads or writes goes through this interface.
//
// Two implementers: NodeFileSystem, and the simulated disk of the tests, which keeps what is synced
// apart from what is only written and can be cut at any operation.
//
// Errors are the operating system's own (`code` is an errno name such as 'ENOSPC'); the engine
// wraps them. Only 'ENOENT' means that something is not there.
// Methods that end in Sync run on the calling thread; the worker uses those, the main thread uses
// the others and `readSync`.

import type { BlockFindWaiter } from './block-find-queue.ts'
import type { BlockQuestion, FindTarget } from './block-finds.ts'
import type { Lock } from './lock.ts'
import type { LogFile } from './log-file.ts'

export interface FileSystem {
  /** How many files this process may have open; absent or undefined where that is not known. */
  readonly descriptorLimit?: number | undefined
  /** CRC-32C of bytes[start, end), not masked. Here because the choice of binding is the platform's. */
  crc32c(bytes: Uint8Array, start: number, end: number): number

  /** Creates the directory and its missing parents, and syncs the parent of each one created. */
  createDirectory(path: string): Promise<void>
  /** The names in the directory, in no order. */
  readDirectory(path: string): Promise<string[]>
  /** What is in the directory, in no order; a symbolic link is 'other', wherever it leads. */
  readEntries(path: string): Promise<DirectoryEntry[]>
  /** Removes the directory; rejects with ENOTEMPTY when something is in it. */
  removeDirectory(path: string): Promise<void>
  /** Makes creations, renames and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>
  syncDirectorySync(path: string): void

  /** Size in bytes; rejects with ENOENT when there is no such file. */
  fileSize(path: string): Promise<number>
  /** The whole file, read until the size that it had when it was opened. The buffer is the caller's. */
  readFile(path: string): Promise<Buffer>
  /** Replaces the whole file by `bytes`, synced before it resolves. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>
  rename(source: string, target: string): Promise<void>
  unlink(path: string): Promise<void>
  unlinkSync(path: string): void

  openRandomAccess(path: string): Promise<RandomAccessFile>
  openRandomAccessSync(path: string): RandomAccessFile
  /** Creates the file, empty, for a table; used by the worker. */
  createWritableSync(path: string): WritableFile

  /** Creates an empty file in log format: the write-ahead log and the manifest. */
  createLog(path: string): Promise<LogFile>
  /** Takes the exclusive lock; rejects with LEVEL_LOCKED when it is held. */
  lock(path: string): Promise<Lock>
}

export interface DirectoryEntry {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'other'
}

export interface RandomAccessFile {
  readonly path: string
  /** As of opening. Table files never change afterwards. */
  readonly sizeBytes: number
  /**
   * Exactly `length` bytes from `position`, in a buffer that is the caller's; short reads are
   * continued. A file that ends earlier is an error with code 'EIO'.
   */
  read(position: number, length: number): Promise<Buffer>
  readSync(position: number, length: number): Buffer
  /** The same into target[0, length). Requires: there is room. */
  readIntoSync(position: number, length: number, target: Buffer): void
  /**
   * Reads the block of a table that is stored, with its trailer, in so many bytes from `position`,
   * checks it and puts its contents at the beginning of `target`. Returns their size, or BLOCK_REFUSED
   * for whatever reason: read() and ts/table/block-contents.ts then tell. With ONLY_AT_HAND in `flags`
   * it is BLOCK_NOT_AT_HAND, or BLOCK_NO_WAY, where the disk may have to be read.
   * Absent where there is no such thing.
   */
  readBlockSync?(position: number, storedSize: number, flags: number, target: Buffer): number
  /** The same on the pool, into a buffer that is the caller's; undefined when refused. */
  readBlock?(position: number, storedSize: number, flags: number): Promise<Buffer | undefined>
  /**
   * readBlockSync, and a search in the block. What it found is put to `target`: its contents, their
   * size, and, for FOUND_VALUE, where the value is in them. Returns the outcome; BLOCK_REFUSED also for
   * a block that is out of its place.
   */
  findInBlockSync?(question: BlockQuestion, target: FindTarget): number
  /**
   * The same on the pool, together with others; what the question refers to is copied. False where that
   * cannot be; else the waiter is told, once, in a later turn. Requires: the file stays open until then.
   */
  findInBlock?(question: BlockQuestion, waiter: BlockFindWaiter): boolean
  /** Whether a search is better made in place than on the pool; it counts as made then. */
  takesInPlace?(): boolean
  close(): Promise<void>
  closeSync(): void
}

/** A file being built front to back on one thread. */
export interface WritableFile {
  readonly path: string
  /** Appends bytes[start, end), all of it or an error. The bytes are the caller's again afterwards. */
  appendSync(bytes: Uint8Array, start: number, end: number): void
  /** Makes data and size durable. */
  syncSync(): void
  closeSync(): void
}
