// A load of random keys, and every key read: while compaction goes on, after compactRange, and
// after it was opened again; by getSync, by get, and by scans in both directions.

import { mixSeed, Random } from '../../test/crash/random.ts'
import { Driver } from '../bench/driver.ts'

/** Small enough that most reads go to the disk, and as large as all of it. */
const CACHE_SIZES = [0, 8 * 2 ** 20, 256 * 2 ** 20]
/** Many small tables and compactions, and as many as by default. */
const WRITE_BUFFER_SIZES = [256 * 1024, 4 * 2 ** 20]

/** Rejects with what is wrong; the words of the client are on standard error. Removes nothing. */
export async function runLoadRound(path: string, entries: number, seed: number): Promise<void> {
  const random = new Random(mixSeed(seed, 4))
  const writeBufferSize = random.pick(WRITE_BUFFER_SIZES)
  const store = { store: 'sluicedb', path, sync: false, writeBufferSize } as const
  const driver = await Driver.open({ ...store, cacheSize: random.pick(CACHE_SIZES) })
  await driver.load(entries)
  if (random.percent(50)) await driver.work({ kind: 'read-all', how: 'getSync', entries })
  await driver.work({ kind: 'compact' })
  await readWhole(driver, entries)
  await driver.close()
  const again = await Driver.open({ ...store, cacheSize: random.pick(CACHE_SIZES) })
  await readWhole(again, entries)
  await again.close()
}

async function readWhole(driver: Driver, entries: number): Promise<void> {
  await driver.work({ kind: 'read-all', how: 'getSync', entries })
  await driver.work({ kind: 'read-all', how: 'get', entries })
  for (const reverse of [false, true]) await driver.work({ kind: 'scan', entries, reverse })
}
