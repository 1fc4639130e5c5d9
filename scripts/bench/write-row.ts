// One write row: each store in its own process over its own directory, in turns.
//
// The first round of each store is thrown away: code is being compiled and files are being made.

import { join } from 'node:path'
import { STORE_NAMES } from '../stores/store.ts'
import type { StoreName } from '../stores/store.ts'
import { Driver } from './driver.ts'
import type { BenchOptions } from './options.ts'
import type { WriteRow } from './rows.ts'
import { FigureTable, type RowFigures, takeTurns } from './turns.ts'

const WARM_UP_SECONDS = 0.5

export async function measureWriteRow(
  row: WriteRow,
  options: BenchOptions,
  scratch: string,
): Promise<RowFigures> {
  const { writers, sync } = row
  const drivers = new Map<StoreName, Driver>()
  for (const store of STORE_NAMES) {
    const path = join(scratch, `${row.name}-${store}`)
    drivers.set(store, await Driver.open({ store, path, sync }))
  }
  const write = (store: StoreName, seconds: number): ReturnType<Driver['work']> =>
    drivers.get(store)!.work({ kind: 'write', writers, seconds, observe: false })
  for (const store of STORE_NAMES) await write(store, WARM_UP_SECONDS)
  const table = new FigureTable()
  await takeTurns(options.rounds, async (store) => {
    const { count, elapsedMs } = await write(store, options.seconds)
    table.add(store, (count / elapsedMs) * 1000)
  })
  for (const driver of drivers.values()) await driver.close()
  return table.figures
}
