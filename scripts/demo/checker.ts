// The child that opens the database after a crash, as any next process would, and compares every
// file with what is stored under its name.

import { DB } from '../../ts/index.ts'
import { report, serve } from '../subprocess.ts'
import { hasChanged, keyOf, readCorpusFile } from './corpus.ts'
import type { CheckReport, CheckRequest, CheckResult } from './messages.ts'
import { describeRecovery } from './recovery-lines.ts'

const PROGRESS_EVERY_MS = 100

async function check(request: CheckRequest): Promise<void> {
  const startMs = performance.now()
  const database = await DB.open(request.path, { createIfMissing: false })
  const openMs = performance.now() - startMs
  say({ kind: 'opened', openMs, recovery: describeRecovery(database.recovery) })
  say({ kind: 'checked', ...(await compareAll(database, request)) })
  await database.close()
  process.disconnect()
}

async function compareAll(database: DB, request: CheckRequest): Promise<CheckResult> {
  const { files, root } = request
  const acknowledged = new Set(request.acknowledged)
  const missing: string[] = []
  const wrong: string[] = []
  const alsoThere: number[] = []
  let intact = 0
  let changed = 0
  let reportedMs = performance.now()

  for (const [position, file] of files.entries()) {
    const stored = await database.get(keyOf(file))
    const promised = acknowledged.has(position)
    if (stored === undefined) {
      if (promised) missing.push(file.name)
    } else if (hasChanged(root, file)) {
      changed++
    } else if (!stored.equals(readCorpusFile(root, file))) {
      wrong.push(file.name)
    } else if (promised) {
      intact++
    } else {
      alsoThere.push(position)
    }
    if (performance.now() - reportedMs >= PROGRESS_EVERY_MS) {
      reportedMs = performance.now()
      say({ kind: 'progress', checked: position + 1 })
    }
  }
  say({ kind: 'progress', checked: files.length })
  return { intact, missing, wrong, alsoThere, changed }
}

function say(message: CheckReport): void {
  report(message)
}

serve(check)
