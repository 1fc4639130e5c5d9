// What the engine asks of C++, or of its twin in TypeScript.
//
// One interface, two implementers: `native-binding` and `js-binding`. Both give the same bytes on
// disk; `load-binding` chooses once, and keeps the reason when it had to fall back.

import type { BlockFinds } from './block-finds.ts'
import type { BlockReads } from './block-reads.ts'
import type { LogFile } from './log-file.ts'
import type { Lock } from './lock.ts'

export interface Binding {
  readonly kind: 'native' | 'js'
  /** How checksums are computed: 'sse4.2', 'armv8', 'portable' (native), or 'js'. */
  readonly implementation: string
  /** Why the TypeScript twin is in use; absent when the native module loaded. */
  readonly reason?: string

  /**
   * CRC-32C (Castagnoli, RFC 3720 appendix B.4) of bytes[start, end), not masked, as an unsigned
   * 32-bit integer.
   * Requires: 0 <= start <= end <= bytes.length.
   */
  crc32c(bytes: Uint8Array, start: number, end: number): number

  /** Absent where blocks can only be read in steps: in TypeScript, and on Windows. */
  readonly blockReads?: BlockReads
  readonly blockFinds?: BlockFinds

  /**
   * Compresses bytes[start, end) by Snappy to target[position...] and returns where that ends: the
   * same bytes from either binding.
   * Requires: snappyBound(end - start) bytes of room; the two ranges do not overlap.
   */
  compressSnappy(
    bytes: Buffer,
    start: number,
    end: number,
    target: Buffer,
    position: number,
  ): number

  /**
   * Expands the Snappy elements bytes[start, end), which stand behind the length of the whole, to
   * exactly target[targetStart, targetEnd); false when they are malformed or of another length.
   * Requires: the two ranges do not overlap.
   */
  expandSnappy(
    bytes: Buffer,
    start: number,
    end: number,
    target: Buffer,
    targetStart: number,
    targetEnd: number,
  ): boolean

  /**
   * Creates the log file `path`, empty, truncating what stood there, and keeps its descriptor.
   * Rejects with the operating system's error.
   */
  createLog(path: string): Promise<LogFile>

  /** Makes the entries of the directory `path` durable. A no-op on Windows, which has no such call. */
  syncDirectory(path: string): Promise<void>

  /**
   * Takes the exclusive lock whose file is `path`, creating the file when it is not there.
   * Rejects with LEVEL_LOCKED when anyone, in this process or another, under any spelling of the
   * path, holds it.
   */
  lock(path: string): Promise<Lock>
}
