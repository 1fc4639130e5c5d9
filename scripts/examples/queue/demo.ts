// The job queue, with its worker process killed in the middle of the work.
//
// Run it:  npm run example -- queue
//          npm run example -- queue --jobs 5000 --workers 64

import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { count } from '../../figures.ts'
import { Subprocess } from '../../subprocess.ts'
import { JobQueue } from './job-queue.ts'
import { workUntilNothingIsDue } from './work.ts'
import type { WorkerOrder, WorkerReport } from './worker.ts'

const VISIBILITY_MS = 500

export interface Outcome {
  readonly jobs: number
  readonly doneBeforeKill: number
  readonly doneAfterwards: number
  /** Done in both processes: the kill came between the work and its ack. */
  readonly doneTwice: number
  readonly neverDone: number
}

/** Runs the demonstration under `directory`; `say` prints a line of it. */
export async function demonstrate(
  directory: string,
  args: readonly string[],
  say: (line: string) => void = console.log,
): Promise<Outcome> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      jobs: { type: 'string', default: '5000' },
      workers: { type: 'string', default: '64' },
    },
  })
  const jobs = Number(values.jobs)
  const workers = Number(values.workers)
  const path = join(directory, 'jobs')
  const before = await workAndDie({ path, jobs, workers, visibilityMs: VISIBILITY_MS }, say)
  const after = await workToTheEnd(path, workers)
  const both = before.filter((id) => after.includes(id))
  const outcome = {
    jobs,
    doneBeforeKill: before.length,
    doneAfterwards: after.length,
    doneTwice: both.length,
    neverDone: jobs - new Set([...before, ...after]).size,
  }
  say(
    `${count(jobs)} jobs: ${count(before.length)} done before the kill, ` +
      `${count(after.length)} after it, ${count(both.length)} of them twice, ` +
      `${count(outcome.neverDone)} never`,
  )
  return outcome
}

/** Resolves to the ids of the jobs that were done when the worker process was killed. */
async function workAndDie(order: WorkerOrder, say: (line: string) => void): Promise<string[]> {
  const done: string[] = []
  const child = new Subprocess<WorkerReport>(
    new URL('worker.js', import.meta.url),
    order,
    (report) => {
      if (report.kind === 'enqueued') {
        const rate = count((order.jobs / report.elapsedMs) * 1000)
        say(`${count(order.jobs)} jobs enqueued, each of them durably: ${rate}/s`)
        return
      }
      done.push(report.id)
      if (done.length * 2 >= order.jobs) child.kill()
    },
  )
  await child.ended
  return done
}

/** What the dead worker had claimed comes back when its claims run out. */
async function workToTheEnd(path: string, workers: number): Promise<string[]> {
  const done: string[] = []
  const queue = await JobQueue.open<number>(path, { visibilityMs: VISIBILITY_MS })
  for (;;) {
    const dueInMs = await queue.dueInMs()
    if (dueInMs === undefined) break
    await sleep(dueInMs)
    await workUntilNothingIsDue(queue, workers, async (id) => {
      done.push(id)
    })
  }
  await queue.close()
  return done
}
