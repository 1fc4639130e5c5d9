// A directory for one test, gone after it.

import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

/** `root`: where to make it; /dev/shm spares the disk where syncing is not the point. */
export function scratchDirectory(t: ExecutionContext, root: string = tmpdir()): string {
  const directory = fs.mkdtempSync(join(root, 'sluicedb-test-'))
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Memory where there is some, else the usual place. */
export const FAST_ROOT: string = fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
