// Files in memory for the table tests: what was appended, and reads of it, counted.

import type { RandomAccessFile, WritableFile } from '../../ts/platform/file-system.ts'

export class MemoryWritableFile implements WritableFile {
  readonly path: string
  #bytes: Buffer = Buffer.alloc(4096)
  #end = 0
  appendCount = 0

  constructor(path = 'memory/000005.ldb') {
    this.path = path
  }

  /** What was appended: a copy. */
  contents(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#end))
  }

  appendSync(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#end + end - start
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, this.#end)
      this.#bytes = larger
    }
    this.#bytes.set(bytes.subarray(start, end), this.#end)
    this.#end = needed
    this.appendCount++
  }

  syncSync(): void {
    throw new Error('a table builder does not sync')
  }

  closeSync(): void {
    throw new Error('a table builder does not close')
  }
}

/** An error as the operating system gives it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code })
}

export class MemoryRandomAccessFile implements RandomAccessFile {
  readonly path: string
  readonly sizeBytes: number
  readonly #bytes: Buffer
  /** Set by a test: the next reads fail with it. */
  failure: Error | undefined
  readCount = 0
  isClosed = false

  constructor(bytes: Buffer, path = 'memory/000005.ldb') {
    this.#bytes = bytes
    this.sizeBytes = bytes.length
    this.path = path
  }

  async read(position: number, length: number): Promise<Buffer> {
    await Promise.resolve()
    return this.readSync(position, length)
  }

  readSync(position: number, length: number): Buffer {
    if (this.isClosed) throw new Error('read of a closed file')
    if (this.failure !== undefined) throw this.failure
    if (position < 0 || length < 0 || position + length > this.sizeBytes) throw systemError('EIO')
    this.readCount++
    return Buffer.from(this.#bytes.subarray(position, position + length))
  }

  readIntoSync(position: number, length: number, target: Buffer): void {
    target.set(this.readSync(position, length))
  }

  close(): Promise<void> {
    this.closeSync()
    return Promise.resolve()
  }

  closeSync(): void {
    if (this.isClosed) throw new Error('closed twice')
    this.isClosed = true
  }
}
