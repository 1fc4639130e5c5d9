// A directory for one run of a script, on the disk behind os.tmpdir(), gone when the process is.
//
// Invariant: whatever ends the process, short of SIGKILL, the directory is removed: a normal end,
// a failure, process.exit(), Ctrl-C, a closed terminal.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endAllSubprocesses, killAllSubprocesses } from './subprocess.ts'

const SIGNAL_EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** Creates the directory and returns its path. */
export function makeScratchDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluicedb-'))
  process.once('exit', () => {
    // After an uncaught error children may still be writing there.
    killAllSubprocesses()
    // Retries: a child may make one more file before it is gone, and on Windows its files stay open
    // for a moment.
    rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  })
  for (const [signal, code] of Object.entries(SIGNAL_EXIT_CODES)) {
    process.once(signal, () => {
      // The children go first, so that none writes into the directory while it is being removed.
      void endAllSubprocesses().then(() => process.exit(code))
    })
  }
  return path
}
