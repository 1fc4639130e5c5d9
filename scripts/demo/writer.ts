// The child that stores files: so many writers, each of which waits for its own durable put.
//
//   for each chunk of files:   read them into memory ── start the clock ── put them all ── stop it
//
// Reading has to come first: in between, it would be most of the time that is measured.
//
// Invariant: a put is reported after its promise has resolved and not before, so the parent's list
// never runs ahead of what the store promised. Puts that settle in one burst go in one report.

import { openClassicLevel } from '../stores/classic-level-store.ts'
import { openSluiceDB } from '../stores/sluicedb-store.ts'
import type { Store } from '../stores/store.ts'
import { report, serve } from '../subprocess.ts'
import { keyOf, readCorpusFile } from './corpus.ts'
import type { CorpusFile } from './corpus.ts'
import { countGroups } from './group-counts.ts'
import type { GroupCounts, StoreReport, StoreRequest } from './messages.ts'

const CHUNK_BYTES = 256 * 1024 * 1024

interface Entry {
  readonly position: number
  readonly key: Buffer
  readonly value: Buffer
}

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

/** Collects what was acknowledged, and reports it when it is time to. */
class Reporter {
  readonly #everyMs: number
  readonly #groups: () => GroupCounts | undefined
  #puts: number[] = []
  #storedMs = 0
  #startMs = 0
  #reportedMs = 0
  #isDue = false

  constructor(everyMs: number, groups: () => GroupCounts | undefined) {
    this.#everyMs = everyMs
    this.#groups = groups
  }

  startClock(): void {
    this.#startMs = performance.now()
  }

  stopClock(): void {
    this.#storedMs += performance.now() - this.#startMs
    this.#startMs = performance.now()
    this.#report()
  }

  acknowledged(position: number): void {
    this.#puts.push(position)
    if (this.#isDue || performance.now() - this.#reportedMs < this.#everyMs) return
    this.#isDue = true
    // Behind the other writers of the same burst.
    queueMicrotask(() => this.#report())
  }

  #report(): void {
    this.#isDue = false
    if (this.#puts.length === 0) return
    this.#reportedMs = performance.now()
    const groups = this.#groups()
    say({
      kind: 'acknowledged',
      puts: this.#puts,
      elapsedMs: this.#storedMs + this.#reportedMs - this.#startMs,
      ...(groups === undefined ? {} : { groups }),
    })
    this.#puts = []
  }
}

/** Ranges of positions whose files have about CHUNK_BYTES together. */
function* chunksOf(files: readonly CorpusFile[]): Generator<readonly [start: number, end: number]> {
  let start = 0
  let bytes = 0
  for (const [position, file] of files.entries()) {
    bytes += file.sizeBytes
    if (bytes < CHUNK_BYTES) continue
    yield [start, position + 1]
    start = position + 1
    bytes = 0
  }
  if (start < files.length) yield [start, files.length]
}

function readChunk(request: StoreRequest, start: number, end: number): Entry[] {
  const { copies, files, root } = request
  const values = files.slice(start, end).map((file) => readCorpusFile(root, file))
  return Array.from({ length: copies }, (_, copy) =>
    values.map((value, index) => ({
      position: start + index + copy * files.length,
      key: keyOf(files[start + index]!, copies === 1 ? undefined : copy),
      value,
    })),
  ).flat()
}

async function putAll(
  store: Store,
  entries: readonly Entry[],
  writers: number,
  reporter: Reporter,
): Promise<void> {
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < entries.length) {
      const { position, key, value } = entries[next++]!
      await store.put(key, value)
      reporter.acknowledged(position)
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
}

async function storeFiles(request: StoreRequest): Promise<void> {
  const { store, groups } = await openStore(request)
  const reporter = new Reporter(request.reportEveryMs, groups)
  for (const [start, end] of chunksOf(request.files)) {
    const entries = readChunk(request, start, end)
    reporter.startClock()
    await putAll(store, entries, request.writers, reporter)
    reporter.stopClock()
  }
  await store.close()
  process.disconnect()
}

function say(message: StoreReport): void {
  report(message)
}

serve(storeFiles)
