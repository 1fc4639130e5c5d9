// Random inputs for compactions, and what LevelDB's rules make of them, said as plainly as can be.

import { join } from 'node:path'
import { CONTROL_SIZE, type CompactionJob } from '../../ts/compaction/compaction-job.ts'
import { tableFileName } from '../../ts/format/file-name.ts'
import {
  compareInternal,
  makeInternalKey,
  sequenceOfKey,
  typeOfKey,
  TYPE_DELETION,
} from '../../ts/format/internal-key.ts'
import type { FileSystem } from '../../ts/platform/file-system.ts'
import { TableBuilder } from '../../ts/table/table-builder.ts'
import type { TableOptions } from '../../ts/table/table-options.ts'
import { Table } from '../../ts/table/table.ts'
import type { FileMetadata } from '../../ts/version/file-metadata.ts'
import type { Random } from '../crash/random.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { type Entry, PLAIN, scan, userKeyOf } from '../table/entries.ts'

export const DIRECTORY = '/db'

export async function emptyDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(1)
  await disk.createDirectory(DIRECTORY)
  return disk
}

export function writeTable(
  fileSystem: FileSystem,
  number: number,
  entries: readonly Entry[],
  options: Partial<TableOptions> = {},
  directory: string = DIRECTORY,
): FileMetadata {
  const file = fileSystem.createWritableSync(join(directory, tableFileName(number)))
  const builder = new TableBuilder(file, { ...PLAIN, ...options }, (bytes, start, end) =>
    fileSystem.crc32c(bytes, start, end),
  )
  for (const { key, value } of entries) builder.add(key, 0, key.length, value, 0, value.length)
  builder.finish()
  file.syncSync()
  file.closeSync()
  const { sizeBytes } = builder
  return { number, sizeBytes, smallest: entries[0]!.key, largest: entries.at(-1)!.key }
}

export function readTable(
  fileSystem: FileSystem,
  { number }: FileMetadata,
  directory: string = DIRECTORY,
): Entry[] {
  const file = fileSystem.openRandomAccessSync(join(directory, tableFileName(number)))
  const table = Table.openSync(file, number, {
    crc32c: (bytes, start, end) => fileSystem.crc32c(bytes, start, end),
  })
  try {
    return scan(table)
  } finally {
    table.closeSync()
  }
}

export function jobOf(
  inputs: readonly (readonly FileMetadata[])[],
  changes: Partial<CompactionJob> = {},
): CompactionJob {
  return {
    kind: 'compaction',
    directory: DIRECTORY,
    inputs,
    grandparents: [],
    grandparentLimitBytes: 20 * 1024 * 1024,
    deeper: [],
    smallestSnapshot: 1000,
    outputNumbers: [100, 101, 102, 103],
    maxFileSizeBytes: 2 * 1024 * 1024,
    table: PLAIN,
    control: new SharedArrayBuffer(CONTROL_SIZE),
    ...changes,
  }
}

export function compareEntries(a: Entry, b: Entry): number {
  return compareInternal(a.key, 0, a.key.length, b.key, 0, b.key.length)
}

export function isSameUserKey(a: Entry, b: Entry): boolean {
  return userKeyOf(a).equals(userKeyOf(b))
}

/**
 * `count` entries with sequences from 1 on, in order: few user keys, many of them prefixes of one
 * another, with every kind of byte behind, so that all ways for two keys to compare occur.
 */
export function mixedEntries(random: Random, count: number, firstSequence = 1): Entry[] {
  const stems = Array.from({ length: 3 }, () => random.bytes(random.below(12)))
  const entries = Array.from({ length: count }, (_, i) => {
    const tail = random.bytes(random.below(4))
    for (let at = 0; at < tail.length; at++) tail[at] = random.pick([0, 0, 1, 0x61, 0xff])
    const type = random.percent(30) ? 0 : 1
    const value = random.bytes(type === 0 ? 0 : random.below(random.percent(5) ? 900 : 20))
    const userKey = Buffer.concat([random.pick(stems), tail])
    return { key: makeInternalKey(userKey, firstSequence + i, type), value }
  })
  return entries.toSorted(compareEntries)
}

/** Deals sorted entries out to runs, in each of which they stay sorted; a run may be empty. */
export function deal(random: Random, entries: readonly Entry[], count: number): Entry[][] {
  const runs: Entry[][] = Array.from({ length: count }, () => [])
  for (const one of entries) random.pick(runs).push(one)
  return runs
}

/** Cuts a run anywhere, so that also the versions of one user key come to stand in two files. */
export function cut(random: Random, run: readonly Entry[]): Entry[][] {
  const files: Entry[][] = []
  for (const one of run) {
    if (files.length === 0 || random.percent(5)) files.push([])
    files.at(-1)!.push(one)
  }
  return files
}

/** What is kept of the entries of all inputs. */
export function kept(
  entries: readonly Entry[],
  smallestSnapshot: number,
  deeper: readonly (readonly FileMetadata[])[],
): Entry[] {
  const isDeeper = (userKey: Buffer): boolean =>
    deeper.flat().some(({ smallest, largest }) => {
      const low = smallest.subarray(0, -8)
      const high = largest.subarray(0, -8)
      return Buffer.compare(low, userKey) <= 0 && Buffer.compare(userKey, high) <= 0
    })
  return entries.toSorted(compareEntries).filter((one, i, all) => {
    const sequence = sequenceOfKey(one.key, one.key.length)
    const before = all[i - 1]
    if (before !== undefined && isSameUserKey(before, one)) {
      if (sequenceOfKey(before.key, before.key.length) <= smallestSnapshot) return false
    }
    const isDeletion = typeOfKey(one.key, one.key.length) === TYPE_DELETION
    return !(isDeletion && sequence <= smallestSnapshot && !isDeeper(userKeyOf(one)))
  })
}

/** What a reader at `sequence` finds, as text: every user key with its value, but for deleted ones. */
export function readAt(entries: readonly Entry[], sequence: number): string[] {
  const found: string[] = []
  let last: Entry | undefined
  for (const one of entries.toSorted(compareEntries)) {
    if (sequenceOfKey(one.key, one.key.length) > sequence) continue
    const isHidden = last !== undefined && isSameUserKey(last, one)
    last = one
    if (isHidden || typeOfKey(one.key, one.key.length) === TYPE_DELETION) continue
    found.push(`${userKeyOf(one).toString('hex')}=${one.value.toString('hex')}`)
  }
  return found
}
