// The option sets that the model runs over: each of them bends one part of the tree, some several.

import type { DBOptions } from '../../ts/index.ts'
import type { LevelLimits } from '../../ts/version/level-rules.ts'
import type { ManifestLimits } from '../../ts/version/manifest.ts'
import type { KeyProfile } from './key-space.ts'

export interface OptionSet {
  readonly name: string
  readonly options: DBOptions
  /** The twin, or whatever this process uses. */
  readonly binding: 'js' | 'default'
  /** Whether background jobs run in a worker thread, as they do for users, or in place. */
  readonly hasWorker: boolean
  /** Undefined: LevelDB's, with the option maxFileSize. */
  readonly levelLimits: LevelLimits | undefined
  /** The default where there are none. */
  readonly manifestLimits?: ManifestLimits
  readonly keyCount: number
  /** Of every profile by turns where there is none. */
  readonly profile?: KeyProfile
  /** Most operations of a life: fewer where each takes more time. Lengths are spread evenly below. */
  readonly longestLife: number
  /** Bytes of most values. */
  readonly valueSizeBytes: number
}

const KIB = 1024

/** A few kilobytes fill five levels, and a compaction makes several tables. */
const SMALL_LEVELS: LevelLimits = {
  level0Files: 2,
  level1Bytes: 2 * KIB,
  growth: 2,
  maxFileSizeBytes: KIB,
}
const TABLES_OF_A_FEW_KEYS: LevelLimits = { ...SMALL_LEVELS, maxFileSizeBytes: 200 }
const LARGER_LEVELS: LevelLimits = {
  level0Files: 4,
  level1Bytes: 16 * KIB,
  growth: 4,
  maxFileSizeBytes: 8 * KIB,
}
const LARGE = { levelLimits: undefined }

/** In place and with the process's binding unless `rest` says otherwise. */
function set(name: string, options: DBOptions, rest: Partial<OptionSet> = {}): OptionSet {
  return {
    name,
    options: { writeBufferSize: 16 * KIB, ...options },
    binding: 'default',
    hasWorker: false,
    levelLimits: SMALL_LEVELS,
    keyCount: 150,
    longestLife: rest.hasWorker === true ? 250 : 2000,
    valueSizeBytes: 60,
    ...rest,
  }
}

export const OPTION_SETS: readonly OptionSet[] = [
  set('defaults', { writeBufferSize: 4 * KIB * KIB }, LARGE),
  set('defaults, js', { writeBufferSize: 4 * KIB * KIB }, { ...LARGE, binding: 'js' }),
  set('defaults, worker', { writeBufferSize: 4 * KIB * KIB }, { ...LARGE, hasWorker: true }),
  set('1 KiB buffer', { writeBufferSize: KIB }),
  set('1 KiB buffer, js', { writeBufferSize: KIB }, { binding: 'js' }),
  set('1 KiB buffer, worker', { writeBufferSize: KIB }, { hasWorker: true }),
  set('4 KiB buffer', { writeBufferSize: 4 * KIB }),
  set('4 KiB buffer, worker', { writeBufferSize: 4 * KIB }, { hasWorker: true }),
  set('16 KiB buffer, worker', {}, { hasWorker: true }),
  set('tables of 1 KiB', { maxFileSize: KIB }, LARGE),
  set('64 KiB buffer', { writeBufferSize: 64 * KIB }, { levelLimits: LARGER_LEVELS }),
  set('16 KiB buffer, larger levels', {}, { levelLimits: LARGER_LEVELS }),
  set(
    'tables of a few keys',
    { blockSize: 64 },
    { levelLimits: TABLES_OF_A_FEW_KEYS, keyCount: 60, longestLife: 500 },
  ),
  set(
    'tables of a few keys, worker',
    {},
    { levelLimits: TABLES_OF_A_FEW_KEYS, keyCount: 60, hasWorker: true },
  ),
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
  set(
    'manifest of some edits, 1 KiB buffer',
    { writeBufferSize: KIB },
    { manifestLimits: { sizeBytes: 0, growth: 1.5 } },
  ),
]
