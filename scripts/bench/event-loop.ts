// What durable writes at C=256 do to the rest of the process: event loop delay and memory.

import { join } from 'node:path'
import { STORE_NAMES } from '../stores/store.ts'
import type { StoreName } from '../stores/store.ts'
import { Driver } from './driver.ts'
import type { Work } from './messages.ts'
import type { BenchOptions } from './options.ts'
import { settleDisk } from './turns.ts'

const WRITERS = 256

export async function measureEventLoop(
  options: BenchOptions,
  scratch: string,
): Promise<Map<StoreName, Work>> {
  const rounds = new Map<StoreName, Work>()
  for (const store of STORE_NAMES) {
    settleDisk()
    const path = join(scratch, `event-loop-${store}`)
    const driver = await Driver.open({ store, path, sync: true })
    const seconds = options.loopSeconds
    const work = await driver.work({ kind: 'write', writers: WRITERS, seconds, observe: true })
    rounds.set(store, work)
    await driver.close()
  }
  return rounds
}
