// One row: the stores take turns in short rounds, each in its own process over its own directory.
//
// The order is turned round after every round, so that what drifts (the disk, the clock of the
// processor) does not fall on the same store each time. The first round of each store is thrown
// away: code is being compiled and files are being made.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { median } from '../figures.ts'
import { STORE_NAMES } from '../stores/store.ts'
import type { StoreName } from '../stores/store.ts'
import { Driver } from './driver.ts'
import type { BenchOptions } from './options.ts'
import type { WriteRow } from './rows.ts'

const WARM_UP_SECONDS = 0.5

export interface StoreFigures {
  /** Puts per second: the median of the rounds. */
  readonly median: number
  readonly rounds: readonly number[]
}

export type RowFigures = Readonly<Record<StoreName, StoreFigures>>

export async function measureWriteRow(
  row: WriteRow,
  options: BenchOptions,
  scratch: string,
): Promise<RowFigures> {
  const drivers = new Map<StoreName, Driver>()
  const rounds = new Map<StoreName, number[]>()
  for (const store of STORE_NAMES) {
    const path = join(scratch, `${row.name}-${store}`)
    drivers.set(store, await Driver.open(store, path, row.sync))
    rounds.set(store, [])
  }
  for (const driver of drivers.values()) await driver.round(row.writers, WARM_UP_SECONDS)
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? STORE_NAMES : STORE_NAMES.toReversed()
    for (const store of order) {
      settleDisk()
      const { puts, elapsedMs } = await drivers.get(store)!.round(row.writers, options.seconds)
      rounds.get(store)!.push((puts / elapsedMs) * 1000)
    }
  }
  for (const driver of drivers.values()) await driver.close()
  const figures = (store: StoreName): StoreFigures => ({
    median: median(rounds.get(store)!),
    rounds: rounds.get(store)!,
  })
  return {
    sluicedb: figures('sluicedb'),
    'classic-level': figures('classic-level'),
    lmdb: figures('lmdb'),
  }
}

/** Writes out what earlier rounds left in the page cache, so that nobody else's round pays for it. */
export function settleDisk(): void {
  // Ignored where it fails: there is no such program on Windows, and the rounds stay comparable.
  spawnSync('sync', { stdio: 'ignore' })
}
