// A file descriptor of node:fs as an AppendableFile: the floor of the TypeScript log writer.
//
// Callbacks rather than node:fs/promises: a FileHandle adds some 10 us to each write.

import fs from 'node:fs'
import { isMissing, errnoOf } from '../format/error.ts'
import type { AppendableFile } from './log-file.ts'

const ZEROES_AT_A_TIME: number = 64 * 1024

export class DescriptorFile implements AppendableFile {
  readonly #path: string
  readonly #descriptor: number
  readonly #device: bigint
  readonly #inode: bigint

  private constructor(path: string, descriptor: number, stat: fs.BigIntStats) {
    this.#path = path
    this.#descriptor = descriptor
    this.#device = stat.dev
    this.#inode = stat.ino
  }

  /** Creates the file, empty, truncating what stood there. Requires: path is absolute. */
  static async create(path: string): Promise<DescriptorFile> {
    const descriptor = await new Promise<number>((resolve, reject) => {
      fs.open(path, 'w', 0o644, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    try {
      return new DescriptorFile(path, descriptor, await statOf(descriptor))
    } catch (error) {
      fs.closeSync(descriptor)
      throw error
    }
  }

  writev(buffers: readonly Uint8Array[]): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#descriptor, buffers, (error, written) =>
        error ? reject(error) : resolve(written),
      )
    })
  }

  writevSync(buffers: readonly Uint8Array[]): number {
    return fs.writevSync(this.#descriptor, buffers)
  }

  /** libuv turns this into F_FULLFSYNC on macOS and FlushFileBuffers on Windows. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }

  syncSync(): void {
    fs.fdatasyncSync(this.#descriptor)
  }

  async resize(sizeBytes: number): Promise<void> {
    const { size } = await statOf(this.#descriptor)
    if (size >= sizeBytes) return this.#truncate(sizeBytes)
    const zeroes = Buffer.alloc(ZEROES_AT_A_TIME)
    for (let at = Number(size); at < sizeBytes;) {
      at += await this.#writeAt(zeroes.subarray(0, sizeBytes - at), at)
    }
  }

  #truncate(sizeBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.ftruncate(this.#descriptor, sizeBytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  #writeAt(bytes: Buffer, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#descriptor, bytes, 0, bytes.length, position, (error, written) =>
        error ? reject(error) : resolve(written),
      )
    })
  }

  async isLinked(): Promise<boolean> {
    const [own, named] = await Promise.all([statOf(this.#descriptor), statOfName(this.#path)])
    return this.#isNamed(own, named)
  }

  isLinkedSync(): boolean {
    const own = fs.fstatSync(this.#descriptor, { bigint: true })
    return this.#isNamed(own, statOfNameSync(this.#path))
  }

  #isNamed(own: fs.BigIntStats, named: fs.BigIntStats | undefined): boolean {
    if (own.nlink === 0n || named === undefined) return false
    return named.dev === this.#device && named.ino === this.#inode
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.close(this.#descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }
}

function statOf(descriptor: number): Promise<fs.BigIntStats> {
  return new Promise((resolve, reject) => {
    fs.fstat(descriptor, { bigint: true }, (error, stat) => (error ? reject(error) : resolve(stat)))
  })
}

function statOfNameSync(path: string): fs.BigIntStats | undefined {
  try {
    return fs.statSync(path, { bigint: true })
  } catch (error) {
    if (isNoName(error)) return undefined
    throw error
  }
}

/** Undefined when nothing has that name. */
function statOfName(path: string): Promise<fs.BigIntStats | undefined> {
  return new Promise((resolve, reject) => {
    fs.stat(path, { bigint: true }, (error, stat) => {
      if (error === null) resolve(stat)
      else if (isNoName(error)) resolve(undefined)
      else reject(error)
    })
  })
}

function isNoName(error: unknown): boolean {
  return isMissing(error) || errnoOf(error) === 'ENOTDIR'
}
