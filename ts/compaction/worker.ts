// The worker thread's entry: takes jobs one at a time and answers each.
//
// It loads the same binding as the main thread, and opens every file itself.

import { getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { binding } from '../platform/load-binding.ts'
import { NodeFileSystem } from '../platform/node-file-system.ts'
import { type Job, runJob } from './job.ts'
import { type JobRequest, type JobResponse, packError, READY } from './job-protocol.ts'

// How much nicer than the event loop a job is, a merge more than a flush, for which writes wait sooner.
// Where cores are few, the main thread waits for one behind them. Loading 600,000 entries on 2 cores
// with other work, it waited for a core 57, 36 and 40 % of the time when flushes were not nice and merges
// by 5, and 38, 22 and 33 % with these; p99 of the event loop's delay was 38, 9.6 and 13 ms, and 22, 7.0
// and 14 ms (2026-11-21, three rounds in turns; /proc/self/task/TID/schedstat has the waiting, and
// `npm run bench -- --rows load` the delay). 19 for both was no better.
const NICENESS: Readonly<Record<Job['kind'], number>> = { flush: 10, compaction: 15 }
/** Nicer than this no thread can be. */
const LEAST_PRIORITY = 19

const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker thread')
const fileSystem = new NodeFileSystem(binding)

let niceness = 0

port.on('message', (request: JobRequest) => {
  const wanted = NICENESS[request.job.kind]
  if (wanted > niceness) beNicer(wanted)
  port.postMessage(answer(request))
})

port.postMessage(READY)

// On Linux a priority is a thread's; elsewhere it would be the whole process's. By so much nicer than
// the process: one that is nice itself must not get a worker with more than its own share.
function beNicer(wanted: number): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(0, Math.min(getPriority(0) + wanted - niceness, LEAST_PRIORITY))
  } catch {
    // Ignored: where it is not allowed, the job competes with the event loop.
  }
  niceness = wanted
}

function answer({ id, job }: JobRequest): JobResponse {
  try {
    return { id, result: runJob(job, fileSystem) }
  } catch (error) {
    return { id, error: packError(error) }
  }
}
