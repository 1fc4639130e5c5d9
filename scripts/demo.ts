// `npm start`: what durable means, shown on real files.
//
//   1. A child process stores every file of this project, node_modules included, with 256 writers
//      that each wait for their own synced put; in the middle it is killed with SIGKILL.
//   2. Another process opens the database, which recovers it, and compares every acknowledged file
//      with the one on the disk, byte for byte.
//   3. A third one stores the rest, and the whole is compared again.
//   4. classic-level does the same work, uninterrupted.
//   5. Both store the small files alone. All of them together are mostly bytes, and there the disk
//      sets the pace; with small ones it is the number of syncs. Then the figures, side by side.
//
// The exit code is 0 only when no acknowledged byte is missing or wrong. Nothing is left behind.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { binding } from '../ts/platform/load-binding.ts'
import { listCorpus, totalBytes } from './demo/corpus.ts'
import type { CorpusFile } from './demo/corpus.ts'
import { runChecker } from './demo/check-run.ts'
import type { CheckResult, StoreRequest } from './demo/messages.ts'
import { showProgress } from './demo/progress.ts'
import type { Progress } from './demo/progress.ts'
import { comparisonTable, groupHistogram, together, verdict } from './demo/summary.ts'
import { runWriter } from './demo/store-run.ts'
import type { StoreRun } from './demo/store-run.ts'
import { count, duration, megabytes, quantity } from './figures.ts'
import { makeScratchDirectory } from './scratch.ts'
import { endAllSubprocesses } from './subprocess.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const WRITERS = 256
/** Between two reports of a writer that is not going to be killed. */
const REPORT_EVERY_MS = 20
const SMALL_FILE_BYTES = 4096
const SMALL_COPIES = 10

function say(line = ''): void {
  console.log(line)
}

function describeBinding(): string {
  const { kind, implementation, reason } = binding
  return kind === 'native'
    ? `native binding, checksums by ${implementation}`
    : // What follows the colon is a list of the places where it was looked for.
      `TypeScript binding: ${reason?.split(':', 1)[0] ?? 'no reason given'}`
}

/** The files whose positions are not among `positions`. */
function others(files: readonly CorpusFile[], positions: readonly number[]): CorpusFile[] {
  const taken = new Set(positions)
  return files.filter((_, position) => !taken.has(position))
}

async function check(
  path: string,
  files: readonly CorpusFile[],
  acknowledged: readonly number[],
): Promise<CheckResult> {
  // The bar begins after the lines about the recovery, so that it does not cut through them.
  let progress: Progress | undefined
  const result = await runChecker(
    { path, root: ROOT, files, acknowledged },
    { update: (done) => progress?.update(done), stop: () => progress?.stop() },
    (openMs, recovery) => {
      say(`   Opened in ${duration(openMs)}.`)
      for (const line of recovery) say(`   ${line}`)
      progress = showProgress(files.length, 'files')
    },
  )
  for (const line of verdict(result, acknowledged.length)) say(`   ${line}`)
  return result
}

function isSound(result: CheckResult): boolean {
  return result.missing.length === 0 && result.wrong.length === 0
}

/** Stores the files, uninterrupted, in a database of its own. */
function storeThrough(
  store: StoreRequest['store'],
  path: string,
  files: readonly CorpusFile[],
  copies: number,
): Promise<StoreRun> {
  return runWriter(
    { store, path, root: ROOT, files, writers: WRITERS, copies, reportEveryMs: REPORT_EVERY_MS },
    showProgress(files.length * copies, copies === 1 ? 'files' : 'puts'),
  )
}

async function demonstrate(scratch: string): Promise<boolean> {
  const files = listCorpus(ROOT)
  const path = join(scratch, 'sluicedb')
  say(`SluiceDB, ${describeBinding()}. Node ${process.versions.node}.`)
  say()

  say(`1. ${WRITERS} durable writers in a child process store this project and its node_modules:`)
  say(`   ${quantity(files.length, 'file')}, ${megabytes(totalBytes(files))}, path as key.`)
  const first = await runWriter(
    {
      store: 'sluicedb',
      path,
      root: ROOT,
      files,
      writers: WRITERS,
      copies: 1,
      reportEveryMs: 0,
    },
    showProgress(files.length, 'files'),
    Math.ceil(files.length / 2),
  )
  say(`   Killed with SIGKILL after ${count(first.acknowledged.length)} acknowledged files.`)
  say()

  say('2. Another process opens the database and compares every acknowledged file.')
  const afterCrash = await check(path, files, first.acknowledged)
  if (!isSound(afterCrash)) return false
  say()

  say('3. A third process stores the rest; then all of it is compared.')
  const found = [...first.acknowledged, ...afterCrash.alsoThere]
  const second = await storeThrough('sluicedb', path, others(files, found), 1)
  const whole = await check(path, files, [...files.keys()])
  if (!isSound(whole)) return false
  say()

  say(`4. The same files through classic-level: ${WRITERS} writers, sync: true.`)
  const peers = await storeThrough('classic-level', join(scratch, 'classic-level'), files, 1)
  say()

  const small = files.filter((file) => file.sizeBytes <= SMALL_FILE_BYTES)
  say(
    `5. Where bytes weigh less: the ${count(small.length)} files of up to ${SMALL_FILE_BYTES} bytes,`,
  )
  say(`   ${SMALL_COPIES} times over, through SluiceDB, then through classic-level.`)
  const smallPath = join(scratch, 'small')
  const smallOurs = await storeThrough('sluicedb', `${smallPath}-1`, small, SMALL_COPIES)
  const smallPeers = await storeThrough('classic-level', `${smallPath}-2`, small, SMALL_COPIES)
  say()

  const comparisons = [
    { title: 'All files', ours: together(first, second), peers },
    { title: 'Small files', ours: smallOurs, peers: smallPeers },
  ]
  say(comparisonTable(comparisons))
  say()
  say(groupHistogram(comparisons))
  say()
  return true
}

// `npm start | head`: nobody is left to tell anything.
process.stdout.once('error', () => process.exit(1))

let sound = false
try {
  sound = await demonstrate(makeScratchDirectory())
  say(
    sound
      ? 'Every acknowledged write was found again. Nothing is left behind.'
      : 'ACKNOWLEDGED WRITES WERE LOST.',
  )
} finally {
  await endAllSubprocesses()
}
process.exitCode = sound ? 0 : 1
