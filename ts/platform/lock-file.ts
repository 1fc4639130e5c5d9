// The LOCK file of the TypeScript binding: it is there, and nothing more.
//
// node:fs has no lock call, so /proc/locks has to say whether a LevelDB holds it. The file is created so that the directory looks as LevelDB leaves it,
// and never opened when it exists: closing it again would drop a POSIX lock of this process.

import fs from 'node:fs'
import { errnoOf } from '../format/error.ts'
import { lockHolder } from './held-locks.ts'

/**
 * What a binding adds to the socket: a hold on the LOCK file, or undefined when a LevelDB has it, whose
 * hold stays as it is.
 */
export type TakeLockFile = (path: string) => Promise<{ release(): void } | undefined>

export const createLockFile: TakeLockFile = async (path) => {
  if (lockHolder(path) !== undefined) return undefined
  try {
    // In place: a worker that is terminated during fs.promises.open can abort the process (Node 20.20).
    fs.closeSync(fs.openSync(path, 'ax', 0o644))
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error
  }
  return { release() {} }
}
