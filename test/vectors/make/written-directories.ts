// Databases that were written by a database: by C++ LevelDB, by way of classic-level, and by SluiceDB.
// Tables in deep levels and in level 0, and a log that was left behind.

import { type Call, del, put } from '../../interop/contents.ts'
import type { Implementation, StoreOptions } from '../../interop/stores.ts'

/** One call, the compaction of everything, or closing and opening again. */
export type Step = Call | 'compact' | 'reopen'

export interface WrittenDirectory {
  /** Also the name of its folder below data/directories. */
  readonly name: string
  readonly by: Implementation
  readonly options: StoreOptions
  readonly steps: readonly Step[]
}

function fill(prefix: string, from: number, to: number, word: string): Call[] {
  return Array.from({ length: to - from }, (_, i) => {
    const key = `${prefix}${String(from + i).padStart(3, '0')}`
    return [put(key, Buffer.alloc(20 + ((from + i) % 7) * 40, `${word}${i}`))]
  })
}

const STEPS: readonly Step[] = [
  ...fill('a', 0, 50, 'old'),
  [del('a007'), del('a008'), put('', 'of the empty key'), put('empty', '')],
  'compact',
  ...fill('a', 20, 40, 'newer'),
  [del('a030')],
  'reopen',
  ...fill('b', 0, 20, 'other'),
  [del('a001'), put('a007', 'back again')],
  'reopen',
  [put('a000', 'in the log'), del('b000')],
  ...fill('c', 0, 5, 'logged'),
]

const SHAPE: StoreOptions = { blockSize: 1024, blockRestartInterval: 4 }

export const WRITTEN_DIRECTORIES: readonly WrittenDirectory[] = [
  { name: 'leveldb-snappy', by: 'classic', options: { ...SHAPE, compress: true }, steps: STEPS },
  { name: 'leveldb-plain', by: 'classic', options: { ...SHAPE, compress: false }, steps: STEPS },
  { name: 'sluicedb-snappy', by: 'ours', options: { ...SHAPE, compress: true }, steps: STEPS },
  {
    name: 'sluicedb-no-filter',
    by: 'ours',
    options: { ...SHAPE, compress: false, filterBitsPerKey: 0 },
    steps: STEPS,
  },
]

/** The writes among the steps. */
export function callsOf(steps: readonly Step[]): Call[] {
  return steps.filter((step) => typeof step !== 'string')
}
