// A flush: what a frozen memtable holds becomes a level-0 table.
//
//   build the table ── sync it ── close it ── sync the directory, unless the caller does ── answer
//
// A pure function of (job, file system), so that it runs the same in the worker, in place, and over
// the simulated disk. Everything is synchronous: whoever runs it has the thread to itself.
//
// Invariants:
//   Only what was published is written: entries above `lastSequence` belong to a group whose outcome
//   is unknown, and a table would make it visible (W3).
//   The table is durable when the job answers, and so is its directory entry if the job was to see
//   to that: before a manifest names the table, somebody must have (W13).
//   A job that fails leaves no table behind where it can remove it.

import { join } from 'node:path'
import { Bytes } from '../format/copy-words.ts'
import { ioError } from '../format/error.ts'
import { tableFileName } from '../format/file-name.ts'
import { Memtable, NO_NODE } from '../memtable/memtable.ts'
import type { FileSystem, WritableFile } from '../platform/file-system.ts'
import { TableBuilder } from '../table/table-builder.ts'
import type { TableOptions } from '../table/table-options.ts'
import type { FileMetadata } from '../version/file-metadata.ts'

/** Plain data: it is sent to the worker as it is. */
export interface FlushJob {
  readonly kind: 'flush'
  readonly directory: string
  readonly fileNumber: number
  /** The frozen memtable; nothing is inserted any more. */
  readonly memory: SharedArrayBuffer
  /** The last published sequence: entries above it are left out. */
  readonly lastSequence: number
  readonly table: TableOptions
  /** False where several tables share one sync of the directory, which the caller makes. */
  readonly syncsDirectory: boolean
}

/** Undefined when there was nothing to write; there is no file then. */
export type FlushResult = FileMetadata | undefined

/** Runs the job. Throws LEVEL_IO_ERROR. */
export function runFlush(job: FlushJob, fileSystem: FileSystem): FlushResult {
  const memtable = Memtable.attach(job.memory)
  if (nextVisible(memtable, memtable.first(), job.lastSequence) === NO_NODE) return undefined
  const path = join(job.directory, tableFileName(job.fileNumber))
  try {
    const file = fileSystem.createWritableSync(path)
    const metadata = writeTable(memtable, job, file, fileSystem)
    if (job.syncsDirectory) fileSystem.syncDirectorySync(job.directory)
    return metadata
  } catch (error) {
    removeRemains(fileSystem, path)
    throw ioError('write', path, error)
  }
}

function writeTable(
  memtable: Memtable,
  job: FlushJob,
  file: WritableFile,
  fileSystem: FileSystem,
): FileMetadata {
  try {
    const builder = new TableBuilder(file, job.table, (bytes, start, end) =>
      fileSystem.crc32c(bytes, start, end),
    )
    const first = nextVisible(memtable, memtable.first(), job.lastSequence)
    const last = addEntries(memtable, first, job.lastSequence, builder)
    builder.finish()
    file.syncSync()
    return {
      number: job.fileNumber,
      sizeBytes: builder.sizeBytes,
      smallest: copyKey(memtable, first),
      largest: copyKey(memtable, last),
    }
  } finally {
    file.closeSync()
  }
}

// Adds every published entry from `first` on, and returns the last one.
function addEntries(
  memtable: Memtable,
  first: number,
  lastSequence: number,
  builder: TableBuilder,
): number {
  const bytes = new Bytes(memtable.bytes)
  let last = first
  let node = first
  while (node !== NO_NODE) {
    const keyStart = memtable.keyStart(node)
    const valueStart = memtable.valueStart(node)
    const shared = builder.sharedWithLast(bytes, keyStart, valueStart)
    const valueEnd = memtable.valueEnd(node)
    builder.addAfter(shared, bytes, keyStart, valueStart, bytes, valueStart, valueEnd)
    last = node
    node = nextVisible(memtable, memtable.next(node), lastSequence)
  }
  return last
}

// `node`, or the first entry after it that was published.
function nextVisible(memtable: Memtable, node: number, lastSequence: number): number {
  let at = node
  while (at !== NO_NODE && memtable.sequenceOf(at) > lastSequence) at = memtable.next(at)
  return at
}

function copyKey(memtable: Memtable, node: number): Buffer {
  return Buffer.from(memtable.bytes.subarray(memtable.keyStart(node), memtable.valueStart(node)))
}

function removeRemains(fileSystem: FileSystem, path: string): void {
  try {
    fileSystem.unlinkSync(path)
  } catch {
    // Ignored: the error that stopped the job is what counts, and a table that no manifest names is
    // removed at the next open.
  }
}
