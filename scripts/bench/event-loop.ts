// What durable writes at C=256 do to the rest of the process: event loop delay and memory.

import { join } from 'node:path'
import { STORE_NAMES } from '../stores/store.ts'
import type { StoreName } from '../stores/store.ts'
import { Driver } from './driver.ts'
import type { Round } from './messages.ts'
import type { BenchOptions } from './options.ts'
import { settleDisk } from './write-row.ts'

const WRITERS = 256

export async function measureEventLoop(
  options: BenchOptions,
  scratch: string,
): Promise<Map<StoreName, Round>> {
  const rounds = new Map<StoreName, Round>()
  for (const store of STORE_NAMES) {
    settleDisk()
    const driver = await Driver.open(store, join(scratch, `event-loop-${store}`), true)
    rounds.set(store, await driver.round(WRITERS, options.loopSeconds, true))
    await driver.close()
  }
  return rounds
}
