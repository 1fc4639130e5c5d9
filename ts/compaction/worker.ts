// The worker thread's entry: takes jobs one at a time and answers each.
//
// It loads the same binding as the main thread, and opens every file itself.

import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { binding } from '../platform/load-binding.ts'
import { NodeFileSystem } from '../platform/node-file-system.ts'
import { runJob } from './job.ts'
import { type JobRequest, type JobResponse, packError, READY } from './job-protocol.ts'

// How much nicer than the event loop a merge is. Where cores are few, the main thread waits for one
// behind it: with 2 cores, loading 1 M entries, the longest delay of the event loop was 21 and 27 ms,
// and 13 and 14 with this (2026-11-21, `npm run bench -- --rows load --loads 1`, twice each in turn).
const NICE = 5

const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker thread')
const fileSystem = new NodeFileSystem(binding)

let isNice = false

port.on('message', (request: JobRequest) => {
  if (!isNice && request.job.kind === 'compaction') isNice = beNice()
  port.postMessage(answer(request))
})

port.postMessage(READY)

// On Linux a priority is a thread's; elsewhere it would be the whole process's. True when tried.
function beNice(): true {
  if (process.platform === 'linux') {
    try {
      setPriority(0, NICE)
    } catch {
      // Ignored: where it is not allowed, the merge competes with the event loop as before.
    }
  }
  return true
}

function answer({ id, job }: JobRequest): JobResponse {
  try {
    return { id, result: runJob(job, fileSystem) }
  } catch (error) {
    return { id, error: packError(error) }
  }
}
