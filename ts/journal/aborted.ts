// The error of a reading that was aborted.

import { SluiceError } from '../format/error.ts'

export function abortedError(signal: AbortSignal): SluiceError {
  return new SluiceError('LEVEL_ABORTED', 'The reading was aborted', { cause: signal.reason })
}
