// A compaction alone: four sorted runs become one, here by the job that the worker runs, there by
// C++ LevelDB's compactRange (through classic-level) over the same directory.

import fs from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { runCompaction } from '../../ts/compaction/compact.ts'
import { CONTROL_SIZE, type CompactionJob } from '../../ts/compaction/compaction-job.ts'
import { manifestFileName, tableFileName } from '../../ts/format/file-name.ts'
import { COMPARATOR_NAME, makeInternalKey, TYPE_VALUE } from '../../ts/format/internal-key.ts'
import { binding } from '../../ts/platform/load-binding.ts'
import { NodeFileSystem } from '../../ts/platform/node-file-system.ts'
import { TableBuilder } from '../../ts/table/table-builder.ts'
import type { CompressionName, TableOptions } from '../../ts/table/table-options.ts'
import type { FileMetadata } from '../../ts/version/file-metadata.ts'
import { emptyEdit, encodeEdit } from '../../ts/version/version-edit.ts'

const RUNS = 4
/** Less than level 1 may hold, so that C++ LevelDB compacts nothing by itself. */
const ENTRIES_PER_RUN = 72_000
const VALUE_SIZE = 100
const ROUNDS = 7
const MAX_FILE_SIZE_BYTES = 2 * 1024 * 1024

const fileSystem = new NodeFileSystem(binding)
const crc32c = (bytes: Uint8Array, start: number, end: number): number =>
  binding.crc32c(bytes, start, end)

/** Prints MB of keys and values a second, the medians of rounds in turns. */
export async function benchMerge(directory: string): Promise<void> {
  for (const compression of ['none', 'snappy'] as const) {
    const source = join(directory, `merge-${compression}`)
    const { inputs, payloadBytes } = await writeSource(source, compression)
    const ours: number[] = []
    const theirs: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(compactHere(source, inputs, compression))
      theirs.push(await compactThere(source, join(directory, 'there'), compression))
    }
    const rate = (times: readonly number[]): string => {
      const medianMs = times.toSorted((a, b) => a - b)[times.length >> 1]!
      const megabytes = (payloadBytes / medianMs / 1000).toFixed(0)
      return `${megabytes} MB/s (${((RUNS * ENTRIES_PER_RUN) / medianMs / 1000).toFixed(2)} M entries/s)`
    }
    console.log(
      `merge of ${RUNS} runs, compression ${compression}: ${rate(ours)}; C++ LevelDB ${rate(theirs)}`,
    )
  }
}

function tableOptions(compression: CompressionName): TableOptions {
  return { blockSize: 4096, blockRestartInterval: 16, filterBitsPerKey: 10, compression }
}

/** A directory whose level 0 has three tables and level 1 one, all over the whole range. */
async function writeSource(
  directory: string,
  compression: CompressionName,
): Promise<{ inputs: FileMetadata[][]; payloadBytes: number }> {
  fs.mkdirSync(directory)
  const inputs: FileMetadata[][] = []
  const edit = emptyEdit()
  for (let run = 0; run < RUNS; run++) {
    const file = writeRun(directory, 10 + run, run, compression)
    inputs.push([file])
    edit.newFiles.push({ level: run === 0 ? 1 : 0, file })
  }
  edit.comparator = COMPARATOR_NAME
  edit.logNumber = 5
  edit.nextFileNumber = 100
  edit.lastSequence = RUNS * ENTRIES_PER_RUN
  const manifest = await fileSystem.createLog(join(directory, manifestFileName(4)))
  const bytes = encodeEdit(edit)
  await manifest.append(bytes, 0, bytes.length, false)
  await manifest.close()
  fs.writeFileSync(join(directory, 'CURRENT'), `${manifestFileName(4)}\n`)
  return { inputs, payloadBytes: RUNS * ENTRIES_PER_RUN * (16 + VALUE_SIZE) }
}

function writeRun(
  directory: string,
  number: number,
  run: number,
  compression: CompressionName,
): FileMetadata {
  const keys = Array.from({ length: ENTRIES_PER_RUN }, (_, i) => {
    const key = Buffer.allocUnsafeSlow(16)
    for (let at = 0; at < 16; at += 4) key.writeUInt32BE(Math.floor(Math.random() * 2 ** 32), at)
    return makeInternalKey(key, 1 + run * ENTRIES_PER_RUN + i, TYPE_VALUE)
  }).toSorted((a, b) => Buffer.compare(a, b))
  const file = fileSystem.createWritableSync(join(directory, tableFileName(number)))
  const builder = new TableBuilder(file, tableOptions(compression), crc32c)
  const value = Buffer.allocUnsafeSlow(VALUE_SIZE).fill(7)
  for (const key of keys) {
    for (let i = 0; i < VALUE_SIZE / 2; i++) value[i] = Math.random() * 256
    builder.add(key, 0, key.length, value, 0, VALUE_SIZE)
  }
  builder.finish()
  file.closeSync()
  const { sizeBytes } = builder
  return { number, sizeBytes, smallest: keys[0]!, largest: keys.at(-1)! }
}

function compactHere(
  directory: string,
  inputs: readonly FileMetadata[][],
  compression: CompressionName,
): number {
  const job: CompactionJob = {
    kind: 'compaction',
    directory,
    inputs,
    grandparents: [],
    grandparentLimitBytes: 10 * MAX_FILE_SIZE_BYTES,
    deeper: [],
    smallestSnapshot: RUNS * ENTRIES_PER_RUN,
    outputNumbers: Array.from({ length: 100 }, (_, i) => 200 + i),
    maxFileSizeBytes: MAX_FILE_SIZE_BYTES,
    table: tableOptions(compression),
    control: new SharedArrayBuffer(CONTROL_SIZE),
  }
  const startMs = performance.now()
  const { files } = runCompaction(job, fileSystem)
  const durationMs = performance.now() - startMs
  for (const { number } of files) fs.unlinkSync(join(directory, tableFileName(number)))
  return durationMs
}

async function compactThere(
  source: string,
  directory: string,
  compression: CompressionName,
): Promise<number> {
  fs.cpSync(source, directory, { recursive: true })
  const database = new ClassicLevel<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: compression === 'snappy',
  })
  await database.open()
  const startMs = performance.now()
  await database.compactRange(Buffer.of(), Buffer.alloc(17, 0xff))
  const durationMs = performance.now() - startMs
  const level1 = database.getProperty('leveldb.num-files-at-level1')
  await database.close()
  fs.rmSync(directory, { recursive: true })
  if (Number(level1) < 2) throw new Error(`C++ LevelDB left ${level1} files in level 1`)
  return durationMs
}
