// A file that is read from front to back, in windows: many small reads become few large ones.
//
// For whoever looks at every block of a table: a read of the disk for each costs more than the look.

import { ioError } from '../../format/error.ts'
import type { FileSystem, RandomAccessFile } from '../../platform/file-system.ts'

/** What is looked at without giving other code its turn takes as long as this many bytes do. */
const WINDOW_BYTES = 128 * 1024

export class WindowFile implements RandomAccessFile {
  readonly path: string
  readonly sizeBytes: number
  readonly #file: RandomAccessFile
  #window: Buffer = Buffer.alloc(0)
  #windowAt = 0

  private constructor(file: RandomAccessFile) {
    this.path = file.path
    this.sizeBytes = file.sizeBytes
    this.#file = file
  }

  /** Rejects with LEVEL_IO_ERROR. */
  static async open(fileSystem: FileSystem, path: string): Promise<WindowFile> {
    try {
      return new WindowFile(await fileSystem.openRandomAccess(path))
    } catch (error) {
      throw ioError('open', path, error)
    }
  }

  /** As the interface says, but the bytes are shared with later reads: not to be changed. */
  async read(position: number, length: number): Promise<Buffer> {
    const at = position - this.#windowAt
    if (at >= 0 && at + length <= this.#window.length) return this.#window.subarray(at, at + length)
    const left = this.sizeBytes - position
    if (length >= WINDOW_BYTES || length > left) return this.#file.read(position, length)
    this.#window = await this.#file.read(position, Math.min(WINDOW_BYTES, left))
    this.#windowAt = position
    return this.#window.subarray(0, length)
  }

  readSync(position: number, length: number): Buffer {
    return this.#file.readSync(position, length)
  }

  readIntoSync(position: number, length: number, target: Buffer): void {
    this.#file.readIntoSync(position, length, target)
  }

  /** Never rejects: of a file that was only read, a failed close says nothing. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#file.close()])
  }

  closeSync(): void {
    this.#file.closeSync()
  }
}
