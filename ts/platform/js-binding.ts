// The binding in TypeScript alone: node:fs, the `crc-32` package and a local socket for the lock.

import { resolve } from 'node:path'
import { expandSnappy } from '../format/snappy-decoder.ts'
import { compressSnappy } from '../format/snappy-encoder.ts'
import type { Binding } from './binding.ts'
import { BlockLogFile } from './block-log-file.ts'
import { DescriptorFile } from './descriptor-file.ts'
import { lockDirectory } from './directory-lock.ts'
import { crc32c } from './js-crc32c.ts'
import { createLockFile } from './lock-file.ts'
import { syncDirectory } from './sync-directory.ts'

/** `reason`: why the native binding is not in use. */
export function createJsBinding(reason?: string): Binding {
  return {
    kind: 'js',
    implementation: 'js',
    ...(reason === undefined ? {} : { reason }),
    crc32c,
    compressSnappy,
    expandSnappy,
    async createLog(path) {
      return new BlockLogFile(path, await DescriptorFile.create(resolve(path)))
    },
    syncDirectory,
    lock: (path) => lockDirectory(path, createLockFile),
  }
}
