// The worker runner: every job is answered once, whatever becomes of the worker.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { FlushJob } from '../../ts/compaction/flush-job.ts'
import type { Job, JobResult } from '../../ts/compaction/job.ts'
import { packError, unpackError } from '../../ts/compaction/job-protocol.ts'
import type { JobRunner } from '../../ts/compaction/job-runner.ts'
import { WorkerRunner } from '../../ts/compaction/worker-runner.ts'
import { SluiceError } from '../../ts/format/error.ts'
import { runChild } from '../platform/child-process.ts'
import { scratchDirectory } from '../platform/scratch-directory.ts'

const FAILING = new URL('failing-worker.js', import.meta.url)

/** Counts the jobs that ran on the calling thread. */
class InlineCounter implements JobRunner {
  count = 0
  async run<J extends Job>(job: J): Promise<JobResult<J>> {
    this.count++
    const number = job.kind === 'flush' ? job.fileNumber : 0
    const table = { number, sizeBytes: 2, smallest: Buffer.of(1), largest: Buffer.of(2) }
    return table as unknown as JobResult<J>
  }
  close(): Promise<void> {
    return Promise.resolve()
  }
}

function job(directory: string, fileNumber = 5): FlushJob {
  return {
    kind: 'flush',
    directory,
    fileNumber,
    memory: new SharedArrayBuffer(64),
    lastSequence: 1,
    syncsDirectory: true,
    table: { blockSize: 4096, blockRestartInterval: 16, filterBitsPerKey: 10, compression: 'none' },
  }
}

test('jobs are answered by their worker, with Buffers for keys', async (t) => {
  const inline = new InlineCounter()
  const runner = new WorkerRunner(inline, FAILING)
  const results = await Promise.all([5, 6, 7].map((number) => runner.run(job('answer', number))))
  t.deepEqual(
    results.map((result) => result?.number),
    [5, 6, 7],
  )
  t.true(Buffer.isBuffer(results[0]!.smallest))
  t.is(results[0]!.smallest.toString(), 'a')
  t.is(inline.count, 0)
  await runner.close()
})

test('an error crosses whole: code, file, offset, and its cause with its own code', async (t) => {
  const runner = new WorkerRunner(new InlineCounter(), FAILING)
  const error = await t.throwsAsync(runner.run(job('refuse')), { instanceOf: SluiceError })
  t.like(error, { code: 'LEVEL_IO_ERROR', message: 'write x', file: 'x', offset: 5 })
  t.like(error.cause, { code: 'ENOSPC', message: 'no space' })
  t.is((await runner.run(job('answer')))?.number, 5)
  await runner.close()
})

for (const death of ['exit', 'throw']) {
  test(`a worker that dies by '${death}' fails its jobs, and the next job has another worker`, async (t) => {
    const inline = new InlineCounter()
    const runner = new WorkerRunner(inline, FAILING)
    await runner.run(job('answer'))
    const outcomes = await Promise.allSettled([
      runner.run(job('answer', 6)),
      runner.run(job(death)),
      runner.run(job('answer', 7)),
    ])
    t.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    )
    for (const outcome of outcomes.slice(1)) {
      const { reason } = outcome as PromiseRejectedResult
      t.like(reason, { code: 'LEVEL_IO_ERROR' })
      if (death === 'throw') t.regex(String((reason as Error).cause), /thrown in the worker/)
    }
    t.is((await runner.run(job('answer', 8)))?.number, 8)
    t.is(inline.count, 0)
    await runner.close()
  })
}

test('a job whose worker dies is run again in another one', async (t) => {
  const inline = new InlineCounter()
  const runner = new WorkerRunner(inline, FAILING)
  t.is((await runner.run(job('once')))?.number, 5)
  t.is(inline.count, 0)
  await runner.close()
})

test("a second answer to a job is nobody's", async (t) => {
  const runner = new WorkerRunner(new InlineCounter(), FAILING)
  t.is((await runner.run(job('twice', 5)))?.number, 5)
  t.is((await runner.run(job('answer', 6)))?.number, 6)
  await runner.close()
})

test('a worker whose file is missing is given up, and jobs run on the calling thread', async (t) => {
  const inline = new InlineCounter()
  const runner = new WorkerRunner(inline, new URL('no-such-worker.js', import.meta.url))
  const results = await Promise.all([5, 6].map((number) => runner.run(job('answer', number))))
  t.deepEqual(
    results.map((result) => result?.number),
    [5, 6],
  )
  t.is((await runner.run(job('answer', 7)))?.number, 7)
  t.is(inline.count, 3)
  await runner.close()
})

test('an entry that no worker can load is given up as well', async (t) => {
  const inline = new InlineCounter()
  const runner = new WorkerRunner(inline, new URL('https://example.org/worker.js'))
  t.is((await runner.run(job('anywhere')))?.number, 5)
  t.is((await runner.run(job('anywhere', 6)))?.number, 6)
  t.is(inline.count, 2)
  await runner.close()
})

test('a worker that dies before it is ready is given up too', async (t) => {
  const inline = new InlineCounter()
  const runner = new WorkerRunner(inline, new URL('stillborn-worker.js', import.meta.url))
  t.is((await runner.run(job('answer', 5)))?.number, 5)
  t.is(inline.count, 1)
  await runner.close()
})

test('closing ends the worker: jobs under way reject, later ones are refused, and it can be called again', async (t) => {
  const runner = new WorkerRunner(new InlineCounter(), FAILING)
  await runner.run(job('answer'))
  const hanging = runner.run(job('hang'))
  const outcome = t.throwsAsync(hanging, { code: 'LEVEL_IO_ERROR' })
  await runner.close()
  await outcome
  await t.throwsAsync(runner.run(job('answer')))
  await runner.close()
  await new WorkerRunner(new InlineCounter(), FAILING).close()
})

test('an idle worker does not keep the process alive', async (t) => {
  const directory = scratchDirectory(t)
  const { code, output } = await runChild('compaction/idle-child.js', [directory])
  t.is(output, `table 5 of ${Buffer.from('key').toString('hex')}0101000000000000\n`)
  t.is(code, 0)
  t.true(fs.statSync(join(directory, '000005.ldb')).size > 100)
})

test('any thrown value survives the way as plain data', (t) => {
  const plain = unpackError(structuredClone(packError('just a string')))
  t.is(plain.message, 'just a string')
  for (const value of [undefined, null, 5, {}])
    t.true(unpackError(packError(value)) instanceof Error)
  const system = Object.assign(new Error('EIO: read'), { code: 'EIO' })
  const twice = new SluiceError('LEVEL_CORRUPTION', 'outer', {
    file: 'f',
    cause: new Error('middle', { cause: system }),
  })
  const back = unpackError(structuredClone(packError(twice))) as SluiceError
  t.like(back, { code: 'LEVEL_CORRUPTION', message: 'outer', file: 'f', offset: undefined })
  t.true(back instanceof SluiceError)
  const middle = back.cause as Error
  t.is(middle.message, 'middle')
  t.like(middle.cause, { code: 'EIO', message: 'EIO: read' })
  t.is(back.stack, twice.stack)
})
