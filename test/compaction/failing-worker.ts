// A worker that answers some jobs and dies of others, by the name of the job's directory:
//   answer   a table of the job's number     exit     process.exit in the middle
//   refuse   an error                        throw    an exception that nobody catches
//   twice    answers twice                   hang     never answers
//   once     exits the first time that this memory is seen, answers the second time

import { parentPort } from 'node:worker_threads'
import {
  type JobRequest,
  type JobResponse,
  packError,
  READY,
} from '../../ts/compaction/job-protocol.ts'
import { SluiceError } from '../../ts/format/error.ts'

const port = parentPort!

port.on('message', ({ id, job }: JobRequest) => {
  if (job.kind !== 'flush') throw new Error('only flushes are expected')
  const table = {
    number: job.fileNumber,
    sizeBytes: 1,
    smallest: Buffer.from('a'),
    largest: Buffer.from('b'),
  }
  const response: JobResponse = { id, result: table }
  switch (job.directory) {
    case 'exit':
      process.exit(7)
      break
    case 'throw':
      throw new Error('thrown in the worker')
    case 'refuse': {
      const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' })
      const error = new SluiceError('LEVEL_IO_ERROR', 'write x', { file: 'x', offset: 5, cause })
      port.postMessage({ id, error: packError(error) } satisfies JobResponse)
      break
    }
    case 'once':
      if (Atomics.exchange(new Int32Array(job.memory), 0, 1) === 0) process.exit(7)
      port.postMessage(response)
      break
    case 'twice':
      port.postMessage(response)
      port.postMessage(response)
      break
    case 'hang':
      break
    default:
      port.postMessage(response)
  }
})

port.postMessage(READY)
