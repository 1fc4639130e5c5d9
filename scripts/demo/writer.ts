// The child that stores files: so many writers, each of which waits for its own durable put.
//
// A file is reported when its put has resolved and not before, so the parent's list of acknowledged
// files never runs ahead of what the store promised. Files that settle in one burst go in one report.

import { report, serve } from '../subprocess.ts'
import { openClassicLevel } from '../stores/classic-level-store.ts'
import { openSluiceDB } from '../stores/sluicedb-store.ts'
import type { Store } from '../stores/store.ts'
import { keyOf, readCorpusFile } from './corpus.ts'
import { countGroups } from './group-counts.ts'
import type { GroupCounts, StoreReport, StoreRequest } from './messages.ts'

interface OpenedStore {
  readonly store: Store
  readonly groups: () => GroupCounts | undefined
}

async function openStore(request: StoreRequest): Promise<OpenedStore> {
  if (request.store === 'classic-level') {
    const store = await openClassicLevel(request.path, { sync: true })
    return { store, groups: () => undefined }
  }
  const store = await openSluiceDB(request.path, { sync: true })
  return { store, groups: () => countGroups(store.database) }
}

async function storeFiles(request: StoreRequest): Promise<void> {
  const { store, groups } = await openStore(request)
  say({ kind: 'opened' })
  const startMs = performance.now()
  let next = 0
  let settled: number[] = []

  const reportSettled = (): void => {
    const counts = groups()
    const elapsedMs = performance.now() - startMs
    say({ kind: 'acknowledged', files: settled, elapsedMs, ...(counts ? { groups: counts } : {}) })
    settled = []
  }
  const writer = async (): Promise<void> => {
    while (next < request.files.length) {
      const position = next++
      const file = request.files[position]!
      await store.put(keyOf(file), readCorpusFile(request.root, file))
      if (settled.length === 0) queueMicrotask(reportSettled)
      settled.push(position)
    }
  }
  await Promise.all(Array.from({ length: request.writers }, writer))
  await store.close()
  process.disconnect()
}

function say(message: StoreReport): void {
  report(message)
}

serve(storeFiles)
