// The example job queue: order, claims that hold and run out, and no job lost.

import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { demonstrate } from '../../scripts/examples/queue/demo.ts'
import { ClaimLostError, JobQueue } from '../../scripts/examples/queue/job-queue.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const VISIBILITY_MS = 1000

class Clock {
  timeMs = 1_700_000_000_000
  readonly now = (): number => this.timeMs
}

interface Opened {
  readonly directory: string
  readonly clock: Clock
  readonly queue: JobQueue<string>
}

async function open(
  t: ExecutionContext,
  directory: string = join(scratchDirectory(t, FAST_ROOT), 'jobs'),
): Promise<Opened> {
  const clock = new Clock()
  const queue = await JobQueue.open<string>(directory, {
    visibilityMs: VISIBILITY_MS,
    now: clock.now,
  })
  t.teardown(() => queue.close())
  return { directory, clock, queue }
}

test('jobs are claimed in the order in which they came, and ack ends them', async (t) => {
  const { queue } = await open(t)
  for (const payload of ['a', 'b', 'c']) await queue.enqueue(payload)
  for (const payload of ['a', 'b', 'c']) {
    const job = (await queue.claim())!
    t.deepEqual([job.payload, job.attempts], [payload, 1])
    await queue.ack(job)
  }
  t.is(await queue.claim(), undefined)
  t.is(await queue.dueInMs(), undefined)
})

test('a claimed job is hidden until its claim runs out, also over a restart', async (t) => {
  const { directory, queue, clock } = await open(t)
  await queue.enqueue('a')
  t.is(await queue.dueInMs(), 0)
  await queue.claim()
  await queue.close()
  const again = await open(t, directory)
  t.is(await again.queue.claim(), undefined)
  t.is(await again.queue.dueInMs(), VISIBILITY_MS)
  again.clock.timeMs = clock.timeMs + VISIBILITY_MS - 1
  t.is(await again.queue.claim(), undefined)
  again.clock.timeMs++
  t.like(await again.queue.claim(), { payload: 'a', attempts: 2 })
})

test('whoever lost a claim can neither end the job nor give it back', async (t) => {
  const { queue, clock } = await open(t)
  await queue.enqueue('a')
  const first = (await queue.claim())!
  clock.timeMs += VISIBILITY_MS
  const second = (await queue.claim())!
  t.is(second.id, first.id)
  await t.throwsAsync(queue.ack(first), { instanceOf: ClaimLostError })
  await t.throwsAsync(queue.retry(first), { instanceOf: ClaimLostError })
  await queue.ack(second)
  await t.throwsAsync(queue.ack(second), { instanceOf: ClaimLostError })
  t.is(await queue.dueInMs(), undefined)
})

test('a claim that ran out but was not taken over still counts', async (t) => {
  const { queue, clock } = await open(t)
  await queue.enqueue('a')
  const job = (await queue.claim())!
  clock.timeMs += 2 * VISIBILITY_MS
  await queue.ack(job)
  t.is(await queue.claim(), undefined)
})

test('a delay puts a job behind those that are due before it', async (t) => {
  const { queue, clock } = await open(t)
  await queue.enqueue('late', 50)
  await queue.enqueue('soon')
  const soon = (await queue.claim())!
  t.is(soon.payload, 'soon')
  t.is(await queue.claim(), undefined)
  await queue.retry(soon, 20)
  t.is(await queue.dueInMs(), 20)
  clock.timeMs += 50
  t.like(await queue.claim(), { payload: 'soon', attempts: 2 })
  t.like(await queue.claim(), { payload: 'late', attempts: 1 })
})

test('a job that is due earlier than everything seen so far is found', async (t) => {
  const { queue, clock } = await open(t)
  await queue.enqueue('a')
  await queue.ack((await queue.claim())!)
  await queue.enqueue('b')
  const job = (await queue.claim())!
  clock.timeMs -= 10_000
  await queue.enqueue('c')
  t.like(await queue.claim(), { payload: 'c' })
  await queue.ack(job)
})

test('many workers at once do every job once', async (t) => {
  const { queue } = await open(t)
  const payloads = Array.from({ length: 200 }, (_, index) => `job ${index}`)
  await Promise.all(payloads.map((payload) => queue.enqueue(payload)))
  const done: string[] = []
  const worker = async (): Promise<void> => {
    for (let job = await queue.claim(); job !== undefined; job = await queue.claim()) {
      done.push(job.payload)
      await queue.ack(job)
    }
  }
  await Promise.all(Array.from({ length: 32 }, worker))
  t.is(done.length, payloads.length)
  t.deepEqual(new Set(done), new Set(payloads))
})

test('after its worker process was killed every job is done in the end', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const outcome = await demonstrate(directory, ['--jobs', '60', '--workers', '8'], () => undefined)
  t.true(outcome.doneBeforeKill >= 30)
  t.is(outcome.neverDone, 0)
})
