// Jobs in the worker thread: the same files as in place, and an end to a long one.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import {
  CONTROL_CANCEL,
  CONTROL_PROGRESS,
  type CompactionJob,
} from '../../ts/compaction/compaction-job.ts'
import { InlineRunner } from '../../ts/compaction/job-runner.ts'
import { WorkerRunner } from '../../ts/compaction/worker-runner.ts'
import { BatchBuffer } from '../../ts/format/batch.ts'
import { tableFileName } from '../../ts/format/file-name.ts'
import { Memtable } from '../../ts/memtable/memtable.ts'
import { binding } from '../../ts/platform/load-binding.ts'
import { NodeFileSystem } from '../../ts/platform/node-file-system.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'
import { scratchDirectory } from '../platform/scratch-directory.ts'
import { PLAIN, entry } from '../table/entries.ts'
import { deal, jobOf, mixedEntries, writeTable } from './compaction-inputs.ts'

const fileSystem = new NodeFileSystem(binding)

function numbersFrom(first: number): number[] {
  return Array.from({ length: 50 }, (_, i) => first + i)
}

test('a compaction makes the same files in a worker and in place', async (t) => {
  const directory = scratchDirectory(t)
  const random = new Random(SEED)
  const runs = deal(random, mixedEntries(random, 2000), 4)
  const inputs = runs.map((run, i) => [writeTable(fileSystem, 5 + i, run, {}, directory)])
  const inline = new InlineRunner(fileSystem)
  const worker = new WorkerRunner(inline)
  const changes = { directory, smallestSnapshot: 900, maxFileSizeBytes: 5000 }
  const here = await inline.run(jobOf(inputs, { ...changes, outputNumbers: numbersFrom(100) }))
  const there = await worker.run(jobOf(inputs, { ...changes, outputNumbers: numbersFrom(200) }))
  await worker.close()
  t.true(here.files.length > 1, seeded())
  t.deepEqual(
    there,
    { ...here, files: here.files.map((file) => ({ ...file, number: file.number + 100 })) },
    seeded(),
  )
  for (const { number } of here.files) {
    const [a, b] = [number, number + 100].map((one) =>
      fs.readFileSync(join(directory, tableFileName(one))),
    )
    t.true(a!.equals(b!), seeded(`table ${number}`))
  }
})

test('a flush makes the same file in a worker and in place', async (t) => {
  const directory = scratchDirectory(t)
  const memtable = Memtable.create(new SharedArrayBuffer(1 << 18))
  const batch = new BatchBuffer()
  for (let i = 0; i < 1000; i++) batch.put(Buffer.from(`key ${i}`), Buffer.alloc(i % 150, i))
  memtable.insertBatch(batch.bytes, 0, batch.end, batch.count, 1)
  const inline = new InlineRunner(fileSystem)
  const worker = new WorkerRunner(inline)
  const job = {
    kind: 'flush',
    directory,
    memory: memtable.memory,
    lastSequence: 900,
    table: PLAIN,
    syncsDirectory: true,
  } as const
  const here = await inline.run({ ...job, fileNumber: 5 })
  const there = await worker.run({ ...job, fileNumber: 6 })
  await worker.close()
  t.deepEqual({ ...there, number: 5 }, here)
  const [a, b] = [5, 6].map((one) => fs.readFileSync(join(directory, tableFileName(one))))
  t.true(a!.equals(b!))
})

/** A job that goes on for long: each of its thousand outputs is synced. */
function longJob(directory: string): CompactionJob {
  const entries = Array.from({ length: 35_000 }, (_, i) =>
    entry(String(i).padStart(6, '0'), 9, 1, 'v'.repeat(100)),
  )
  const input = writeTable(fileSystem, 5, entries, {}, directory)
  const outputNumbers = Array.from({ length: 2000 }, (_, i) => 100 + i)
  return jobOf([[input]], { directory, outputNumbers, maxFileSizeBytes: 1 })
}

async function begun(job: CompactionJob): Promise<void> {
  const control = new Int32Array(job.control)
  while (Atomics.load(control, CONTROL_PROGRESS) === 0) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('a compaction in a worker is cancelled by its control cell, and leaves no file', async (t) => {
  const directory = scratchDirectory(t)
  const worker = new WorkerRunner(new InlineRunner(fileSystem))
  const job = longJob(directory)
  const outcome = t.throwsAsync(worker.run(job), { code: 'LEVEL_ABORTED', name: 'AbortError' })
  await begun(job)
  Atomics.store(new Int32Array(job.control), CONTROL_CANCEL, 1)
  await outcome
  t.deepEqual(fs.readdirSync(directory), [tableFileName(5)])
  // The worker goes on with the next job.
  const again = await worker.run(jobOf(job.inputs, { directory }))
  t.is(again.files.length, 2)
  await worker.close()
})

test('closing ends a compaction that was not cancelled', async (t) => {
  const directory = scratchDirectory(t)
  const worker = new WorkerRunner(new InlineRunner(fileSystem))
  const job = longJob(directory)
  const outcome = t.throwsAsync(worker.run(job), { code: 'LEVEL_IO_ERROR' })
  await begun(job)
  await worker.close()
  await outcome
})
