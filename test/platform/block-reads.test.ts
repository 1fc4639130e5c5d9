// The queue of block reads: one job for a turn, two jobs at most.

import test from 'ava'
import { BlockReadQueue, type BlockReads } from '../../ts/platform/block-reads.ts'

interface Job {
  readonly requests: number[][]
  end(): void
  fail(): void
}

/** Jobs that end when they are told to. A block's contents are its descriptor; 9 is refused. */
class ScriptedReads implements BlockReads {
  readonly jobs: Job[] = []

  readBlockSync(): number {
    throw new Error('nobody reads in place here')
  }

  readBlocks(requests: Float64Array, count: number): Promise<readonly (Buffer | undefined)[]> {
    const own = Array.from({ length: count }, (_, i) =>
      Array.from(requests.subarray(4 * i, 4 * i + 4)),
    )
    return new Promise((resolve, reject) => {
      this.jobs.push({
        requests: own,
        end: () => resolve(own.map(([fd]) => (fd === 9 ? undefined : Buffer.of(fd!)))),
        fail: () => reject(new Error('no job')),
      })
    })
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('the reads of a turn are one job, in order', async (t) => {
  const reads = new ScriptedReads()
  const queue = new BlockReadQueue(reads)
  const answers = Promise.all([queue.read(3, 10, 20, 1), queue.read(9, 11, 21, 0)])
  await turn()
  t.deepEqual(
    reads.jobs.map(({ requests }) => requests),
    [
      [
        [3, 10, 20, 1],
        [9, 11, 21, 0],
      ],
    ],
  )
  reads.jobs[0]!.end()
  t.deepEqual(await answers, [Buffer.of(3), undefined])
})

test('two jobs run at most, and what comes meanwhile is the next one', async (t) => {
  const reads = new ScriptedReads()
  const queue = new BlockReadQueue(reads)
  const answers: Promise<Buffer | undefined>[] = []
  for (let i = 0; i < 5; i++) {
    answers.push(queue.read(i, 0, 20, 0))
    await turn()
  }
  t.is(reads.jobs.length, 2)
  reads.jobs[1]!.end()
  t.deepEqual(await answers[1], Buffer.of(1))
  await turn()
  t.is(reads.jobs.length, 3)
  t.deepEqual(
    reads.jobs[2]!.requests.map(([fd]) => fd),
    [2, 3, 4],
  )
  reads.jobs[0]!.end()
  reads.jobs[2]!.end()
  t.deepEqual(
    (await Promise.all(answers)).map((contents) => contents![0]),
    [0, 1, 2, 3, 4],
  )
})

test('a crowd of reads is shared by jobs of some hundred each, in order', async (t) => {
  const reads = new ScriptedReads()
  const queue = new BlockReadQueue(reads)
  const count = 700
  const answers = Array.from({ length: count }, (_, i) => queue.read(20 + (i % 100), i, 2 * i, 1))
  await turn()
  t.deepEqual(
    reads.jobs.map(({ requests }) => requests.length),
    [256, 256],
  )
  reads.jobs[1]!.end()
  await turn()
  // Behind those that wait already.
  const late = queue.read(7, 5, 6, 0)
  reads.jobs[0]!.end()
  reads.jobs[2]!.end()
  await turn()
  reads.jobs[3]!.end()
  t.deepEqual(
    reads.jobs.flatMap(({ requests }) => requests),
    [...Array.from({ length: count }, (_, i) => [20 + (i % 100), i, 2 * i, 1]), [7, 5, 6, 0]],
  )
  const contents = await Promise.all(answers)
  t.deepEqual(
    contents.map((bytes) => bytes![0]),
    Array.from({ length: count }, (_, i) => 20 + (i % 100)),
  )
  t.deepEqual(await late, Buffer.of(7))
})

test('where no job can be made every read is refused, and the queue goes on', async (t) => {
  const reads = new ScriptedReads()
  const queue = new BlockReadQueue(reads)
  const first = queue.read(3, 0, 20, 0)
  await turn()
  reads.jobs[0]!.fail()
  t.is(await first, undefined)
  const second = queue.read(3, 0, 20, 0)
  await turn()
  reads.jobs[1]!.end()
  t.deepEqual(await second, Buffer.of(3))
})
