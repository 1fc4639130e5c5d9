// Node's permission model and fsync: since 20.20 Node refuses fsync and fdatasync of a descriptor
// under it, whatever else is allowed, on every thread and with any binding; only the promises of a
// FileHandle still sync. Tables are written and synced by synchronous jobs, so that nothing could be
// made durable there.

import fs from 'node:fs'
import { SluiceError } from '../format/error.ts'

/** No process has as many: without the permission model the system calls it a bad descriptor. */
const NO_DESCRIPTOR = 2 ** 31 - 1

/** Throws LEVEL_NOT_SUPPORTED where this process may not sync files. `path`: the file at hand. */
export function requireSync(path: string): void {
  if ((process as { permission?: object }).permission === undefined) return
  try {
    fs.fsyncSync(NO_DESCRIPTOR)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') return
    const what = 'under the permission model this Node forbids fsync, and nothing would be durable'
    const place = { file: path, cause: error }
    throw new SluiceError(
      'LEVEL_NOT_SUPPORTED',
      `${what}; a database can be opened with readOnly`,
      place,
    )
  }
}
