// AbortSignals on calls that take long.

import { SluiceError } from '../format/error.ts'

/** A call that can be given up. What it has begun may go on. */
export interface SignalOptions {
  /** Rejects with LEVEL_ABORTED when it is aborted. */
  readonly signal?: AbortSignal | undefined
}

/** Throws LEVEL_ABORTED, or TypeError for what is no signal. */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  if (signal === undefined || signal === null) return
  if (!(signal instanceof AbortSignal)) throw new TypeError('signal must be an AbortSignal')
  if (signal.aborted) throw abortedError(signal)
}

/** Settles as `work` does, or rejects with LEVEL_ABORTED before; the work itself goes on. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(abortedError(signal))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort)
    })
  })
}

function abortedError(signal: AbortSignal): SluiceError {
  return new SluiceError('LEVEL_ABORTED', 'The operation was aborted', { cause: signal.reason })
}
