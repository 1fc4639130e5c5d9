// A file in LevelDB's log format (format/log-block), open for appending: the write-ahead log and the
// manifest.
//
// Invariants:
//   One append, of a record or of a list of them, is one write: trailer, headers and data together.
//   After any failure (an error, a sync that failed, a file no longer in its directory) the log is
//   poisoned: every later append and sync rejects with the first error, and nothing is written.
//   While it is open, the file may be longer than `sizeBytes`, with zeroes: a synced append makes it
//   longer ahead of time, so that a sync need not record a new length. Closing cuts it.
//   At most one asynchronous job is in flight; starting a second one is refused with an Error.

export interface LogFile {
  readonly path: string

  /** Bytes written, headers and trailers included, as of the last append that succeeded. */
  readonly sizeBytes: number

  /**
   * Appends bytes[start, end) as one record, on a thread of the pool, then syncs when asked.
   * The bytes belong to the log until the promise settles: they may not change before.
   * With `sync`, it resolves only when the file's data is durable and the file is still the one in
   * its directory (link count, device and inode).
   * Rejects with the operating system's error; how much of the record reached the file is then
   * unknown, and the log is poisoned.
   */
  append(bytes: Buffer, start: number, end: number, sync: boolean): Promise<void>

  /**
   * Appends bytes[start, end) as one record on the calling thread, without `sync`, the default, into
   * the page cache only.
   * Throws what `append` would reject with. Requires: no job in flight, or joinSync() was called.
   */
  appendSync(bytes: Buffer, start: number, end: number, sync?: boolean): void

  /**
   * Appends each record of the list bytes[start, end) (format/record-list) as one of its own, all in
   * one write, then syncs when asked; an empty list with `sync` is a sync. For the rest it is append.
   * Rejects with EINVAL where the list ends inside a record; nothing is written then.
   */
  appendRecords(bytes: Buffer, start: number, end: number, sync: boolean): Promise<void>

  /** The same on the calling thread, into the page cache only. Requires: no job in flight. */
  appendRecordsSync(bytes: Buffer, start: number, end: number, sync?: boolean): void

  /** Makes all that was appended durable, with the same check of the directory as `append`. */
  sync(): Promise<void>

  /** The same on the calling thread. Requires: as appendSync. */
  syncSync(): void

  /**
   * Blocks until the work of the job in flight is done, or does it here where no thread has begun it;
   * its promise settles later, as ever. Its failure is that of every later call. Absent where a thread
   * cannot wait for another.
   */
  joinSync?(): void

  /** Waits for the job in flight, if there is one, and closes the descriptor. Idempotent. */
  close(): Promise<void>
}

/**
 * A plain file open for appending, under the TypeScript log writer: a descriptor, or a simulated
 * file. Errors are the operating system's.
 */
export interface AppendableFile {
  /** Writes the buffers in order at the end of the file; resolves to the bytes written, maybe fewer. */
  writev(buffers: readonly Uint8Array[]): Promise<number>
  /** The same on the calling thread. */
  writevSync(buffers: readonly Uint8Array[]): number
  /** Makes the data durable (fdatasync; the full barrier where a platform has one). */
  sync(): Promise<void>
  syncSync(): void
  /**
   * Makes the file `sizeBytes` long. Where it grows, zeroes are written; after an error it may have
   * grown by less. Where writev goes on does not change.
   */
  resize(sizeBytes: number): Promise<void>
  /** Whether the path it was created with still names this very file (W7 of the contract). */
  isLinked(): Promise<boolean>
  isLinkedSync(): boolean
  close(): Promise<void>
}
