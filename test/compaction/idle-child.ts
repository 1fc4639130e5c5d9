// A process that flushes a memtable in a worker and closes nothing. It has to end by itself.

import { InlineRunner } from '../../ts/compaction/job-runner.ts'
import { WorkerRunner } from '../../ts/compaction/worker-runner.ts'
import { BatchBuffer } from '../../ts/format/batch.ts'
import { Memtable } from '../../ts/memtable/memtable.ts'
import { binding } from '../../ts/platform/load-binding.ts'
import { NodeFileSystem } from '../../ts/platform/node-file-system.ts'

const memtable = Memtable.create(new SharedArrayBuffer(4096))
const batch = new BatchBuffer()
batch.put(Buffer.from('key'), Buffer.from('value'))
memtable.insertBatch(batch.bytes, 0, batch.end, 1, 1)

const runner = new WorkerRunner(new InlineRunner(new NodeFileSystem(binding)))
const table = await runner.run({
  kind: 'flush',
  directory: process.argv[2]!,
  fileNumber: 5,
  memory: memtable.memory,
  lastSequence: 1,
  syncsDirectory: true,
  table: { blockSize: 4096, blockRestartInterval: 16, filterBitsPerKey: 10, compression: 'none' },
})
console.log(`table ${table?.number} of ${table?.smallest.toString('hex')}`)
