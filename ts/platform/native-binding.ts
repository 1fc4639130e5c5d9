// The C++ module as a Binding.
//
// The module's `LogFile` has the shape of ours and is handed out as it is: a wrapper would cost a
// promise per append. What is left to do here is choosing who computes a short checksum, and the
// parts of the lock that are not a system call.

import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import type { Binding } from './binding.ts'
import type { BlockFinds } from './block-finds.ts'
import type { BlockReads } from './block-reads.ts'
import { lockDirectory } from './directory-lock.ts'
import { crc32c as jsCrc32c } from './js-crc32c.ts'
import type { LogFile } from './log-file.ts'

/** What native/napi exports. Paths are absolute: the module asks again for what they name. */
export interface NativeModule extends Partial<BlockReads & BlockFinds> {
  readonly implementation: string
  /** The numbers of ts/format/log-block.ts as C++ has them, for a test to compare. */
  readonly constants: Readonly<Record<string, number>>
  crc32c: (bytes: Uint8Array, start: number, end: number) => number
  /** Bytes written from targetStart on. */
  compressSnappy(
    bytes: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    targetStart: number,
    targetEnd: number,
  ): number
  expandSnappy(
    bytes: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    targetStart: number,
    targetEnd: number,
  ): boolean
  createLog(path: string, shownPath: string): Promise<LogFile>
  syncDirectory(path: string): Promise<void>
  /** Undefined when someone else holds it; then nobody's lock was disturbed. */
  lockFile(path: string): Promise<NativeLock | undefined>
}

export interface NativeLock {
  /** Idempotent. */
  release(): void
}

/**
 * Below this many bytes the call costs more than the checksum in JavaScript.
 * ns per call, native against JavaScript, for a range inside a larger buffer, and for a whole one,
 * which JavaScript takes without a view: 64 bytes 47/66 and 47/31, 100 bytes 46/82 and 45/47,
 * 128 bytes 50/94 and 51/59. Ranges are what the tables ask for, so the line is theirs.
 * (Node 20.20, x86-64, 2026-11-20, `node dist/scripts/bench-platform.js`)
 */
const NATIVE_CRC_MIN_SIZE = 64

const FUNCTIONS = [
  'crc32c',
  'compressSnappy',
  'expandSnappy',
  'createLog',
  'syncDirectory',
  'lockFile',
] as const satisfies readonly (keyof NativeModule)[]

/** CRC-32C of these digits, as every description of it gives it. */
const CHECK_BYTES = Buffer.from('123456789')
const CHECK_CRC = 0xe306_9283

/**
 * Loads the module at `file`. Throws what Node's loader throws, and an Error for a module that is
 * not of this version or does not compute on this processor what it should.
 */
export function loadNativeModule(file: string): NativeModule {
  const native = createRequire(import.meta.url)(file) as NativeModule
  if (FUNCTIONS.some((name) => typeof native[name] !== 'function')) {
    throw new Error('the module is of another version')
  }
  if (native.crc32c(CHECK_BYTES, 0, CHECK_BYTES.length) !== CHECK_CRC) {
    throw new Error('its checksums are wrong')
  }
  return native
}

export function createNativeBinding(native: NativeModule): Binding {
  const { crc32c: nativeCrc32c, readBlockSync, readBlocks } = native
  const { createBlockFinder, findInBlocks } = native
  return {
    kind: 'native',
    implementation: native.implementation,
    crc32c: (bytes, start, end) =>
      end - start < NATIVE_CRC_MIN_SIZE
        ? jsCrc32c(bytes, start, end)
        : nativeCrc32c(bytes, start, end),
    ...(readBlockSync && readBlocks ? { blockReads: { readBlockSync, readBlocks } } : {}),
    ...(createBlockFinder && findInBlocks
      ? { blockFinds: { createBlockFinder, findInBlocks } }
      : {}),
    compressSnappy: (bytes, start, end, target, position) =>
      position + native.compressSnappy(bytes, start, end, target, position, target.length),
    expandSnappy: (bytes, start, end, target, targetStart, targetEnd) =>
      native.expandSnappy(bytes, start, end, target, targetStart, targetEnd),
    createLog: (path) => native.createLog(resolve(path), path),
    syncDirectory: (path) => native.syncDirectory(resolve(path)),
    lock: (path) => lockDirectory(path, (file) => native.lockFile(file)),
  }
}
