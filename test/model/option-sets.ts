// The option sets that the model runs over: each of them bends one part of the tree, some several.

import type { DatabaseOptions } from '../../ts/index.ts'
import type { KeyProfile } from './key-space.ts'

export interface OptionSet {
  readonly name: string
  readonly options: DatabaseOptions
  /** The twin, or whatever this process uses. */
  readonly binding: 'js' | 'default'
  /** Whether background jobs run in a worker thread, as they do for users, or in place. */
  readonly hasWorker: boolean
  readonly keyCount: number
  /** Of every profile by turns where there is none. */
  readonly profile?: KeyProfile
  /** Bytes of most values. */
  readonly valueSizeBytes: number
}

const KIB = 1024

/** In place and with the process's binding unless `rest` says otherwise. */
function set(name: string, options: DatabaseOptions, rest: Partial<OptionSet> = {}): OptionSet {
  return {
    name,
    options: { writeBufferSize: 16 * KIB, ...options },
    binding: 'default',
    hasWorker: false,
    keyCount: 150,
    valueSizeBytes: 60,
    ...rest,
  }
}

export const OPTION_SETS: readonly OptionSet[] = [
  set('defaults', { writeBufferSize: 4 * KIB * KIB }),
  set('defaults, js', { writeBufferSize: 4 * KIB * KIB }, { binding: 'js' }),
  set('defaults, worker', { writeBufferSize: 4 * KIB * KIB }, { hasWorker: true }),
  set('1 KiB buffer', { writeBufferSize: KIB }),
  set('1 KiB buffer, js', { writeBufferSize: KIB }, { binding: 'js' }),
  set('1 KiB buffer, worker', { writeBufferSize: KIB }, { hasWorker: true }),
  set('4 KiB buffer', { writeBufferSize: 4 * KIB }),
  set('4 KiB buffer, worker', { writeBufferSize: 4 * KIB }, { hasWorker: true }),
  set('16 KiB buffer, worker', {}, { hasWorker: true }),
  set('64 KiB buffer', { writeBufferSize: 64 * KIB }),
  set('64 B blocks', { blockSize: 64 }),
  set('64 B blocks, js', { blockSize: 64 }, { binding: 'js' }),
  set('64 B blocks, restart 1', { blockSize: 64, blockRestartInterval: 1 }),
  set('512 B blocks, 4 KiB buffer', { blockSize: 512, writeBufferSize: 4 * KIB }),
  set('4 MiB blocks', { blockSize: 4 * KIB * KIB }),
  set('restart 1', { blockRestartInterval: 1 }),
  set('restart 2, 1 KiB blocks', { blockRestartInterval: 2, blockSize: KIB }),
  set('restart 65536', { blockRestartInterval: 65_536 }),
  set('no compression', { compression: 'none' }),
  set('no compression, js', { compression: 'none' }, { binding: 'js' }),
  set('no filter', { filterBitsPerKey: 0 }),
  set('no filter, 64 B blocks', { filterBitsPerKey: 0, blockSize: 64 }),
  set('1 filter bit', { filterBitsPerKey: 1 }),
  set('64 filter bits', { filterBitsPerKey: 64 }),
  set('1 open file', { maxOpenFiles: 1 }),
  set('1 open file, js', { maxOpenFiles: 1 }, { binding: 'js' }),
  set('2 open files, 1 KiB buffer', { maxOpenFiles: 2, writeBufferSize: KIB }),
  set('no cache', { cacheSize: 0 }),
  set('no cache, js', { cacheSize: 0, blockSize: 256 }, { binding: 'js' }),
  set('cache of 1 KiB', { cacheSize: KIB, blockSize: 64 }),
  set('cache of 8 KiB, 1 open file', { cacheSize: 8 * KIB, maxOpenFiles: 1 }),
  set('no verification', { verifyChecksums: false }),
  set('tiny groups', { groupLimitBytes: 1, smallGroupLimitBytes: 1 }),
  set('small groups', { groupLimitBytes: 500, smallGroupLimitBytes: 100 }),
  set('few keys', { writeBufferSize: 2 * KIB }, { keyCount: 5 }),
  set('one key', { writeBufferSize: KIB }, { keyCount: 1 }),
  set('many keys', { blockSize: 256 }, { keyCount: 1500, valueSizeBytes: 20 }),
  set('keys in order', { blockSize: 128 }, { profile: 'numbers', keyCount: 400 }),
  set('values of 2 KiB', { blockSize: KIB }, { valueSizeBytes: 2000 }),
  set('empty values', { blockSize: 64 }, { valueSizeBytes: 0 }),
]
