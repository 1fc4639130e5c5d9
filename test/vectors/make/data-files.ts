// The files beside the vectors: what they hold, by their paths below data/.

import type { Bytes } from './reference.ts'

export class DataFiles {
  readonly bytes: Map<string, Bytes> = new Map()

  /** Keeps the file, and returns the notation for what it holds. */
  add(path: string, bytes: Bytes): { file: string } {
    const known = this.bytes.get(path)
    if (known !== undefined && !known.equals(bytes)) throw new Error(`two files ${path}`)
    this.bytes.set(path, bytes)
    return { file: path }
  }
}
