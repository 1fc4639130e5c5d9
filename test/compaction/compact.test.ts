// The compaction job over the simulated disk, against an oracle that knows LevelDB's rules by heart.

import { join } from 'node:path'
import test from 'ava'
import { runCompaction } from '../../ts/compaction/compact.ts'
import { CONTROL_SIZE, type CompactionJob } from '../../ts/compaction/compaction-job.ts'
import { tableFileName } from '../../ts/format/file-name.ts'
import { TableBuilder } from '../../ts/table/table-builder.ts'
import { Table } from '../../ts/table/table.ts'
import type { FileMetadata } from '../../ts/version/file-metadata.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { type Entry, PLAIN, entry, scan } from '../table/entries.ts'

const DIRECTORY = '/db'

async function emptyDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(1)
  await disk.createDirectory(DIRECTORY)
  return disk
}

function writeTable(disk: SimulatedDisk, number: number, entries: readonly Entry[]): FileMetadata {
  const file = disk.createWritableSync(join(DIRECTORY, tableFileName(number)))
  const builder = new TableBuilder(file, PLAIN, (bytes, start, end) =>
    disk.crc32c(bytes, start, end),
  )
  for (const { key, value } of entries) builder.add(key, 0, key.length, value, 0, value.length)
  builder.finish()
  file.syncSync()
  file.closeSync()
  const { sizeBytes } = builder
  return { number, sizeBytes, smallest: entries[0]!.key, largest: entries.at(-1)!.key }
}

function readTable(disk: SimulatedDisk, { number }: FileMetadata): Entry[] {
  const file = disk.openRandomAccessSync(join(DIRECTORY, tableFileName(number)))
  const table = Table.openSync(file, number, {
    crc32c: (bytes, start, end) => disk.crc32c(bytes, start, end),
  })
  try {
    return scan(table)
  } finally {
    table.closeSync()
  }
}

function jobOf(inputs: readonly (readonly FileMetadata[])[]): CompactionJob {
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
  }
}

test('runs are merged into one table, and hidden entries and useless deletions are left out', async (t) => {
  const disk = await emptyDisk()
  const newer = writeTable(disk, 5, [entry('a', 9, 1, 'new'), entry('b', 8, 0), entry('d', 7, 0)])
  const older = writeTable(disk, 6, [entry('a', 3, 1, 'old'), entry('b', 2, 1, 'gone')])
  const oldest = writeTable(disk, 7, [entry('c', 1, 1, 'kept')])
  const below = writeTable(disk, 8, [entry('d', 1, 1, 'deeper')])
  const job = { ...jobOf([[newer], [older, oldest]]), deeper: [[below]] }
  const result = runCompaction(job, disk)
  t.is(result.files.length, 1)
  t.deepEqual(readTable(disk, result.files[0]!), [
    entry('a', 9, 1, 'new'),
    entry('c', 1, 1, 'kept'),
    entry('d', 7, 0),
  ])
  t.is(result.droppedEntries, 3)
  t.like(result.files[0], { number: 100, smallest: entry('a', 9, 1).key })
})
