// One life of the model: a database, the map it has to equal, and what is open on it.
//
//   call ── applied to the map ── handed to the database ── acknowledged, in the order of the calls
//
// Invariants:
//   Whatever the database rejects is a violation, except where an operation expects the refusal.
//   A read that begins now sees a version from `#acknowledged` to the last one called, and none
//   older than what an earlier read has seen.

import fs from 'node:fs'
import { InlineRunner } from '../../ts/compaction/job-runner.ts'
import { DB } from '../../ts/db/database.ts'
import type { Environment } from '../../ts/db/environment.ts'
import { openEngine } from '../../ts/db/open.ts'
import { realEnvironment } from '../../ts/db/real-environment.ts'
import { type DatabaseEvent, type DBOptions, SluiceError } from '../../ts/index.ts'
import { NodeFileSystem } from '../../ts/platform/node-file-system.ts'
import type { Random } from '../crash/random.ts'
import { jsBinding } from '../platform/both-bindings.ts'
import { KEY_PROFILES, KeySpace, makeValue } from './key-space.ts'
import type { OptionSet } from './option-sets.ts'
import type { OpenReader } from './reader-operations.ts'
import type { OpenIterator, OpenSnapshot } from './scan-operations.ts'
import { type Change, VersionedMap } from './versioned-map.ts'
import { View, Violation } from './view.ts'

export class World {
  readonly set: OptionSet
  readonly keys: KeySpace
  readonly map: VersionedMap
  readonly directory: string
  db!: DB
  /** What the last operation did, for the message of a failure. */
  note = ''
  #acknowledged = 0
  #oldestSeen = 0
  #nextWrite = 1
  readonly snapshots: OpenSnapshot[] = []
  readonly iterators: OpenIterator[] = []
  /** Read-only openings: they outlive those of the writer. */
  readonly readers: OpenReader[] = []
  #pending: Promise<void>[] = []
  /** What goes on beside the operations. */
  #beside: Promise<void>[] = []
  #failure: unknown

  /** `directory` need not exist. */
  constructor(set: OptionSet, directory: string, random: Random) {
    this.set = set
    this.directory = directory
    this.keys = new KeySpace(set.profile ?? random.pick(KEY_PROFILES), set.keyCount, random)
    this.map = new VersionedMap(this.keys.size)
  }

  // ---- The database ----

  async open(options: DBOptions = this.set.options): Promise<void> {
    const environment = environmentOf(this.set)
    const all = { createIfMissing: true, ...options, onEvent: this.#onEvent }
    const isNew = this.map.last === 0
    this.db = new DB(this.directory, await openEngine(this.directory, all, environment))
    const { dropped, lostSequences, movedToLost, created } = this.db.recovery
    if (dropped.length > 0 || lostSequences > 0 || movedToLost.length > 0) {
      throw new Violation(`recovery dropped something: ${JSON.stringify(this.db.recovery)}`)
    }
    if (created && !isNew) throw new Violation('the database was created once more')
  }

  /** Closes with whatever is under way, which has to be acknowledged by then. */
  async close(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    await this.closeReaders()
    await this.db.close()
    await Promise.all([...pending, ...this.#beside.splice(0)])
    this.check()
    this.#acknowledged = this.map.last
  }

  async closeReaders(): Promise<void> {
    for (const { snapshot } of this.snapshots.splice(0)) snapshot.close()
    await Promise.all(this.iterators.splice(0).map(({ iterator }) => iterator.close()))
  }

  /** Lets `work` go on beside the operations that follow. Closing may cut it short. */
  beside(work: Promise<void>): void {
    const ended = work.catch((error: unknown) => {
      const code = error instanceof SluiceError ? error.code : ''
      if (code !== 'LEVEL_ABORTED' && code !== 'LEVEL_DATABASE_NOT_OPEN') this.#failure ??= error
    })
    this.#beside.push(ended)
  }

  /** The end of a life, whatever its outcome: nothing is left open, nor on the disk. */
  async destroy(): Promise<void> {
    await Promise.allSettled([this.db?.close(), ...this.readers.map(({ db }) => db.close())])
    fs.rmSync(this.directory, { recursive: true, force: true })
  }

  readonly #onEvent = (event: DatabaseEvent): void => {
    if (event.type === 'failure') this.#failure ??= event.error
  }

  // ---- Writes ----

  /** A value that no other write has. */
  value(random: Random, sizeBytes?: number): Buffer {
    const usual = this.set.valueSizeBytes
    return makeValue(this.#nextWrite++, sizeBytes ?? random.below(2 * usual + 1), random)
  }

  /** Applies `changes` to the map and calls `call`, which writes the same. Does not wait. */
  write(changes: readonly Change[], call: () => Promise<void>): void {
    const version = this.map.apply(changes)
    const settled = call().then(
      () => {
        this.#acknowledged = Math.max(this.#acknowledged, version)
      },
      (error: unknown) => {
        this.#failure ??= error
      },
    )
    this.#pending.push(settled)
  }

  /** Waits for every write so far. */
  async settle(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    await Promise.all(pending)
    this.check()
  }

  get pendingCount(): number {
    return this.#pending.length
  }

  // ---- Reads ----

  /** What a read that begins now may see. Requires: the read is called before anything is awaited. */
  view(): View {
    const oldest = Math.max(this.#acknowledged, this.#oldestSeen)
    return new View(this.map, this.keys, oldest, this.map.last)
  }

  /** Time does not go back: a later read sees what this one saw, or newer. */
  saw(view: View): void {
    this.#oldestSeen = Math.max(this.#oldestSeen, view.oldest)
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  fileNames(): string[] {
    return fs.readdirSync(this.directory).toSorted()
  }
}

function environmentOf(set: OptionSet): Environment {
  const { hasWorker, binding, levelLimits, manifestLimits } = set
  const usual = {
    ...realEnvironment(),
    ...(levelLimits === undefined ? {} : { levelLimits }),
    ...(manifestLimits === undefined ? {} : { manifestLimits }),
  }
  if (hasWorker && binding === 'default') return usual
  const fileSystem = binding === 'js' ? new NodeFileSystem(jsBinding) : usual.fileSystem
  const inlineJobs = new InlineRunner(fileSystem)
  return { ...usual, fileSystem, inlineJobs, jobs: inlineJobs, compactionJobs: inlineJobs }
}
