// The exclusive lock of a database directory, as both bindings take it.
//
//   1. name the directory by device and inode, so that symbolic links, relative paths and bind
//      mounts all come to the same name
//   2. hold the socket of that name: this is what keeps out a second SluiceDB of any binding, also
//      one in this process, and also when LOCK was unlinked and made anew
//   3. take LOCK itself, where the binding can: this is what keeps a LevelDB out. Where it cannot, look
//      for a holder of LOCK: a LevelDB in C++, perhaps in this very process
//
// Invariants:
//   A refusal never disturbs the holder: LOCK is not opened before 2 has passed, and 3 closes no
//   descriptor of it while a LevelDB in this process holds it.
//   Given up in reverse order, so that whoever gets the socket finds LOCK free.

import fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { SluiceError } from '../format/error.ts'
import { lockHolder } from './held-locks.ts'
import type { HolderPid } from './held-locks.ts'
import type { Lock } from './lock.ts'
import type { TakeLockFile } from './lock-file.ts'
import { holdSocket } from './lock-socket.ts'

/** Locks the directory of the LOCK file `path`. Rejects with LEVEL_LOCKED when it is held. */
export async function lockDirectory(path: string, takeLockFile: TakeLockFile): Promise<Lock> {
  const file = resolve(path)
  // In place, as below: the caller has just looked into the directory.
  const directory = fs.statSync(dirname(file), { bigint: true })
  const socket = await holdSocket(`sluicedb-lock-${directory.dev}-${directory.ino}`)
  if (socket === undefined) throw locked(path, lockHolder(file))
  try {
    const held = await takeLockFile(file)
    if (held === undefined) throw locked(path, lockHolder(file))
    return {
      release() {
        held.release()
        return socket.release()
      },
    }
  } catch (error) {
    await socket.release()
    throw error
  }
}

function locked(path: string, holder: HolderPid | undefined): SluiceError {
  const who = holder === undefined || holder === 0 ? '' : ` by process ${holder}`
  return new SluiceError('LEVEL_LOCKED', `${path} is locked${who}`, { file: path })
}
