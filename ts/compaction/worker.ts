// The worker thread's entry: takes jobs one at a time and answers each.
//
// It loads the same binding as the main thread, and opens every file itself.

import { parentPort } from 'node:worker_threads'
import { binding } from '../platform/load-binding.ts'
import { NodeFileSystem } from '../platform/node-file-system.ts'
import { runJob } from './job.ts'
import { type JobRequest, type JobResponse, packError, READY } from './job-protocol.ts'

const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker thread')
const fileSystem = new NodeFileSystem(binding)

port.on('message', (request: JobRequest) => {
  port.postMessage(answer(request))
})

port.postMessage(READY)

function answer({ id, job }: JobRequest): JobResponse {
  try {
    return { id, result: runJob(job, fileSystem) }
  } catch (error) {
    return { id, error: packError(error) }
  }
}
