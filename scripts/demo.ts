// `npm start`: what durable means, shown on real files.
//
//   1. A child process stores every file of this project, node_modules included, with 256 writers
//      that each wait for their own synced put; in the middle it is killed with SIGKILL.
//   2. Another process opens the database, which recovers it, and compares every acknowledged file
//      with the one on the disk, byte for byte.
//   3. A third one stores the rest, and the whole is compared again.
//   4. classic-level does the same work, uninterrupted, and the figures stand side by side.
//
// The exit code is 0 only when no acknowledged byte is missing or wrong. Nothing is left behind.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { binding } from '../ts/platform/load-binding.ts'
import { listCorpus, totalBytes } from './demo/corpus.ts'
import type { CorpusFile } from './demo/corpus.ts'
import { runChecker } from './demo/check-run.ts'
import { addGroupCounts } from './demo/group-counts.ts'
import type { CheckResult } from './demo/messages.ts'
import { showProgress } from './demo/progress.ts'
import type { Progress } from './demo/progress.ts'
import { comparison, groupHistogram, verdict } from './demo/summary.ts'
import { runWriter } from './demo/store-run.ts'
import type { StoreRun } from './demo/store-run.ts'
import { count, duration, megabytes, quantity } from './figures.ts'
import { makeScratchDirectory } from './scratch.ts'
import { endAllSubprocesses } from './subprocess.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const WRITERS = 256

function say(line = ''): void {
  console.log(line)
}

function describeBinding(): string {
  const { kind, implementation, reason } = binding
  return kind === 'native'
    ? `native binding, checksums by ${implementation}`
    : `TypeScript binding: ${reason ?? 'no reason given'}`
}

/** Every position of the list that is not among `positions`. */
function others(files: readonly CorpusFile[], positions: readonly number[]): number[] {
  const taken = new Set(positions)
  return [...files.keys()].filter((position) => !taken.has(position))
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

async function demonstrate(scratch: string): Promise<boolean> {
  const files = listCorpus(ROOT)
  const path = join(scratch, 'sluicedb')
  say(`SluiceDB, ${describeBinding()}. Node ${process.versions.node}.`)
  say()

  say(`1. ${WRITERS} durable writers in a child process store this project and its node_modules:`)
  say(`   ${quantity(files.length, 'file')}, ${megabytes(totalBytes(files))}, path as key.`)
  const request = { store: 'sluicedb', path, root: ROOT, files, writers: WRITERS } as const
  const first = await runWriter(
    request,
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
  const rest = others(files, [...first.acknowledged, ...afterCrash.alsoThere])
  const second = await runWriter(
    { ...request, files: rest.map((position) => files[position]!) },
    showProgress(rest.length, 'files'),
  )
  const whole = await check(path, files, [...files.keys()])
  if (!isSound(whole)) return false
  say()

  say(`4. classic-level does the same work: the same files, ${WRITERS} writers, sync: true.`)
  const peer = await runWriter(
    { ...request, store: 'classic-level', path: join(scratch, 'classic-level') },
    showProgress(files.length, 'files'),
  )
  say()
  printFigures(first, second, peer)
  return true
}

function printFigures(first: StoreRun, second: StoreRun, peer: StoreRun): void {
  const groups = addGroupCounts(first.groups, second.groups)
  const ours = {
    puts: first.acknowledged.length + second.acknowledged.length,
    bytes: first.acknowledgedBytes + second.acknowledgedBytes,
    elapsedMs: first.elapsedMs + second.elapsedMs,
    syncs: groups?.syncs,
  }
  const peers = {
    puts: peer.acknowledged.length,
    bytes: peer.acknowledgedBytes,
    elapsedMs: peer.elapsedMs,
    syncs: undefined,
  }
  say(comparison(ours, peers))
  say()
  if (groups === undefined) return
  say(groupHistogram(groups))
  say()
}

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
