// The messages between the main thread and the worker, and how an error crosses between them.
//
// A structured clone of an Error keeps its message and drops code, file and offset, which the
// contract needs whole; so errors are sent as plain data and made again on the other side.

import { type ErrorCode, SluiceError } from '../format/error.ts'
import type { FileMetadata } from '../version/file-metadata.ts'
import type { Job, JobResult } from './job.ts'

export interface JobRequest {
  readonly id: number
  readonly job: Job
}

export type JobResponse =
  | { readonly id: number; readonly result: JobResult<Job> }
  | { readonly id: number; readonly error: SentError }

/** The worker's first message: its module loaded, and it takes jobs. */
export const READY = 'ready'

/** An error as plain data, with its chain of causes. */
export interface SentError {
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | undefined
  readonly file: string | undefined
  readonly offset: number | undefined
  readonly isSluiceError: boolean
  readonly cause: SentError | undefined
}

export function packError(error: unknown): SentError {
  const { code, file, offset, cause } = Object(error) as Record<string, unknown>
  return {
    message: error instanceof Error ? error.message : String(error),
    stack: error instanceof Error ? error.stack : undefined,
    code: typeof code === 'string' ? code : undefined,
    file: typeof file === 'string' ? file : undefined,
    offset: typeof offset === 'number' ? offset : undefined,
    isSluiceError: error instanceof SluiceError,
    cause: cause === undefined ? undefined : packError(cause),
  }
}

export function unpackError(sent: SentError): Error {
  const cause = sent.cause === undefined ? undefined : unpackError(sent.cause)
  const error = sent.isSluiceError
    ? new SluiceError(sent.code as ErrorCode, sent.message, {
        ...(sent.file === undefined ? {} : { file: sent.file }),
        ...(sent.offset === undefined ? {} : { offset: sent.offset }),
        ...(cause === undefined ? {} : { cause }),
      })
    : Object.assign(
        new Error(sent.message, cause === undefined ? undefined : { cause }),
        sent.code === undefined ? {} : { code: sent.code },
      )
  if (sent.stack !== undefined) error.stack = sent.stack
  return error
}

/** The result as structured cloning leaves it: Buffers arrive as plain Uint8Arrays. */
export function reviveResult(result: JobResult<Job>): JobResult<Job> {
  if (result === undefined) return undefined
  return 'files' in result ? { ...result, files: result.files.map(reviveFile) } : reviveFile(result)
}

function reviveFile(file: FileMetadata): FileMetadata {
  return { ...file, smallest: copyOf(file.smallest), largest: copyOf(file.largest) }
}

// A view is sent with all the memory behind it, of which a key would keep 8 KiB for as long as its file
// lives.
function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}
