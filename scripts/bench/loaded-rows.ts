// The rows of a loaded database: the load itself, what it leaves, and reading it.
//
//   load      several times, each into a new directory; then both openings, and the size
//   8 MiB     point reads and scans of the last load, with caches of that size
//   cached    point reads with caches that hold all of it, after every entry was read once
//   compact   compactRange, and a scan
//
// Every store has its own process in each step, and they take turns. What a store still does in the
// background is waited for before the next one's turn: it would be taken from that one's.
// Everything that is read is checked.

import { lstatSync, readdirSync, rmSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { count, duration } from '../figures.ts'
import { STORE_NAMES } from '../stores/store.ts'
import type { StoreName } from '../stores/store.ts'
import { Driver } from './driver.ts'
import type { Load, ReadOrder, ScanOrder } from './messages.ts'
import type { BenchOptions } from './options.ts'
import { DATA_ROWS, type Row } from './rows.ts'
import type { MeasuredRow } from './summary.ts'
import { FigureTable, takeTurns } from './turns.ts'

const SMALL_CACHE_BYTES = 8 * 2 ** 20
const LARGE_CACHE_BYTES = 256 * 2 ** 20
/** An entry in its block, uncompressed, with room to spare. */
const CACHED_ENTRY_BYTES = 256
/** The processes of all stores hold everything at once. */
const CACHE_MEMORY_SHARE = 1 / 8
const READERS = 64
const HOT_ENTRIES = 1000
const WARM_UP_SECONDS = 0.5
const BLOCK_BYTES = 512

type ReadPlan = Pick<ReadOrder, 'how' | 'readers' | 'among'>

export class LoadedRows {
  readonly #entries: number
  readonly #options: BenchOptions
  readonly #scratch: string
  readonly #tell: (line: string) => void
  readonly #tables = new Map<Row, FigureTable>()

  constructor(
    entries: number,
    options: BenchOptions,
    scratch: string,
    tell: (line: string) => void,
  ) {
    this.#entries = entries
    this.#options = options
    this.#scratch = scratch
    this.#tell = (line) => tell(`${count(entries)} entries: ${line}`)
  }

  async measure(): Promise<MeasuredRow[]> {
    await this.#load()
    await this.#readWithSmallCache()
    if (this.#wants(DATA_ROWS.getSyncCached)) await this.#readWithLargeCache()
    if (this.#wants(DATA_ROWS.scanCompacted)) await this.#scanCompacted()
    for (const store of STORE_NAMES) rmSync(this.#pathOf(store), { recursive: true })
    return [...this.#tables].map(([row, table]) => ({ row, figures: table.figures }))
  }

  async #load(): Promise<void> {
    await takeTurns(this.#options.loads, async (store) => {
      const path = this.#pathOf(store)
      rmSync(path, { recursive: true, force: true })
      const driver = await this.#open(store, SMALL_CACHE_BYTES)
      const load = await driver.load(this.#entries)
      const { elapsedMs: settlingMs } = await driver.work({ kind: 'settle' })
      this.#addLoad(store, load, settlingMs)
      if (this.#wants(DATA_ROWS.open)) {
        // The first one replays what the load left in the log, the second one finds it empty.
        for (const row of [DATA_ROWS.openLoaded, DATA_ROWS.open]) {
          this.#add(row, store, (await driver.work({ kind: 'reopen' })).elapsedMs)
          await driver.work({ kind: 'settle' })
        }
      }
      await driver.close()
      this.#add(DATA_ROWS.size, store, bytesUnder(path) / 1e6)
    })
  }

  #addLoad(store: StoreName, load: Load, settlingMs: number): void {
    const perSecond = (load.count / load.elapsedMs) * 1000
    this.#add(DATA_ROWS.load, store, perSecond)
    this.#add(DATA_ROWS.loadDelay, store, load.observed.p99Ms)
    this.#add(DATA_ROWS.loadDelayMost, store, load.observed.maxMs)
    this.#add(DATA_ROWS.idleDelay, store, load.observed.idleP99Ms)
    this.#add(DATA_ROWS.longestBatch, store, load.longestBatchMs)
    this.#add(DATA_ROWS.settled, store, load.elapsedMs + settlingMs)
    const stalls =
      load.stalls && `, ${load.stalls.count} stalls of ${duration(load.stalls.durationMs)} in all`
    this.#tell(`${store} loads ${count(perSecond)}/s${stalls ?? ''}`)
  }

  async #readWithSmallCache(): Promise<void> {
    const all = this.#entries
    const hot = Math.min(HOT_ENTRIES, all)
    const plans: readonly (readonly [Row, ReadPlan])[] = [
      [DATA_ROWS.getSync, { how: 'getSync', readers: 1, among: all }],
      [DATA_ROWS.get64, { how: 'get', readers: READERS, among: all }],
      [DATA_ROWS.getHot, { how: 'getSync', readers: 1, among: hot }],
    ]
    const drivers = await this.#openAll(SMALL_CACHE_BYTES)
    for (const [row, plan] of plans) if (this.#wants(row)) await this.#read(row, plan, drivers)
    for (const row of [DATA_ROWS.scan, DATA_ROWS.scanReverse]) {
      if (this.#wants(row)) await this.#scan(row, row === DATA_ROWS.scanReverse, drivers)
    }
    await closeAll(drivers)
  }

  async #readWithLargeCache(): Promise<void> {
    const cacheSize = Math.max(LARGE_CACHE_BYTES, this.#entries * CACHED_ENTRY_BYTES)
    if (cacheSize > totalmem() * CACHE_MEMORY_SHARE) {
      return this.#tell('too many for caches that hold all of them')
    }
    const drivers = await this.#openAll(cacheSize)
    for (const driver of drivers.values()) {
      await driver.work({ kind: 'read-all', how: 'getSync', entries: this.#entries })
    }
    const plan: ReadPlan = { how: 'getSync', readers: 1, among: this.#entries }
    await this.#read(DATA_ROWS.getSyncCached, plan, drivers)
    await closeAll(drivers)
  }

  async #scanCompacted(): Promise<void> {
    const drivers = await this.#openAll(SMALL_CACHE_BYTES)
    for (const driver of drivers.values()) {
      await driver.work({ kind: 'compact' })
      await driver.work({ kind: 'settle' })
    }
    await this.#scan(DATA_ROWS.scanCompacted, false, drivers)
    await closeAll(drivers)
  }

  async #read(row: Row, plan: ReadPlan, drivers: Drivers): Promise<void> {
    const order = { kind: 'read', entries: this.#entries, ...plan } as const
    for (const driver of drivers.values()) {
      await driver.work({ ...order, seconds: WARM_UP_SECONDS, seed: 0 })
    }
    const { rounds, seconds } = this.#options
    await takeTurns(rounds, async (store, round) => {
      const work = await drivers.get(store)!.work({ ...order, seconds, seed: round + 1 })
      this.#add(row, store, (work.count / work.elapsedMs) * 1000)
    })
    this.#tellRow(row)
  }

  async #scan(row: Row, reverse: boolean, drivers: Drivers): Promise<void> {
    const order: ScanOrder = { kind: 'scan', entries: this.#entries, reverse }
    for (const driver of drivers.values()) await driver.work(order)
    await takeTurns(this.#options.rounds, async (store) => {
      const work = await drivers.get(store)!.work(order)
      this.#add(row, store, (work.count / work.elapsedMs) * 1000)
    })
    this.#tellRow(row)
  }

  async #openAll(cacheSize: number): Promise<Drivers> {
    const drivers = new Map<StoreName, Driver>()
    for (const store of STORE_NAMES) {
      const driver = await this.#open(store, cacheSize)
      // The first opening after the load may have something to compact.
      await driver.work({ kind: 'settle' })
      drivers.set(store, driver)
    }
    return drivers
  }

  #open(store: StoreName, cacheSize: number): Promise<Driver> {
    return Driver.open({ store, path: this.#pathOf(store), sync: false, cacheSize })
  }

  #pathOf(store: StoreName): string {
    return join(this.#scratch, `loaded-${store}`)
  }

  #wants(row: Row): boolean {
    return this.#options.rows.has(row.name)
  }

  #add(row: Row, store: StoreName, figure: number): void {
    let table = this.#tables.get(row)
    if (table === undefined) this.#tables.set(row, (table = new FigureTable()))
    table.add(store, figure)
  }

  #tellRow(row: Row): void {
    const { figures } = this.#tables.get(row)!
    this.#tell(`${row.title}: ${count(figures.sluicedb!.median)}/s`)
  }
}

type Drivers = ReadonlyMap<StoreName, Driver>

async function closeAll(drivers: Drivers): Promise<void> {
  for (const driver of drivers.values()) await driver.close()
}

/** What the files take on the disk: lmdb's are longer than that. */
function bytesUnder(path: string): number {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => lstatSync(join(entry.parentPath, entry.name)))
    .reduce((sum, { blocks, size }) => sum + (blocks === 0 ? size : blocks * BLOCK_BYTES), 0)
}
