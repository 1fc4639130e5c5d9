// Recovery: how fast a log becomes a database again.
//
// One process writes a log of the wanted size into a memtable that can hold it all, and dies
// without closing. Other processes then open copies of that directory with default options, so
// recovery makes tables of 4 MiB as it goes, as LevelDB does. What is timed is the open.

import { cpSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { median } from '../figures.ts'
import { Subprocess } from '../subprocess.ts'
import type { BenchOptions } from './options.ts'
import type { RecoveryOrder, RecoveryReport } from './recovery-client.ts'
import type { Peer } from './rows.ts'
import { settleDisk } from './turns.ts'

export type RecoveringStore = 'sluicedb' | Extract<Peer, 'classic-level'>
export const RECOVERING_STORES: readonly RecoveringStore[] = ['sluicedb', 'classic-level']

export interface RecoveryFigures {
  readonly logBytes: number
  /** Bytes of log per second, in MB. */
  readonly median: number
  readonly rounds: readonly number[]
}

async function runClient(order: RecoveryOrder): Promise<number> {
  let elapsedMs = NaN
  const child = new Subprocess<RecoveryReport>(
    new URL('recovery-client.js', import.meta.url),
    order,
    (report) => {
      elapsedMs = report.elapsedMs
    },
  )
  const { code, signal } = await child.ended
  const expected = order.kind === 'fill' ? signal === 'SIGKILL' : code === 0
  if (!expected) throw new Error(`the client ended with ${signal ?? code}`)
  return elapsedMs
}

function bytesOfLogs(path: string): number {
  return readdirSync(path)
    .filter((name) => name.endsWith('.log'))
    .reduce((sum, name) => sum + statSync(join(path, name)).size, 0)
}

export async function measureRecovery(
  options: BenchOptions,
  scratch: string,
): Promise<Map<RecoveringStore, RecoveryFigures>> {
  const rounds = new Map<RecoveringStore, number[]>()
  const paths = new Map<RecoveringStore, string>()
  for (const store of RECOVERING_STORES) {
    const path = join(scratch, `recovery-${store}`)
    await runClient({ kind: 'fill', store, path, logBytes: options.logBytes })
    paths.set(store, path)
    rounds.set(store, [])
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const store of RECOVERING_STORES) {
      const source = paths.get(store)!
      const path = `${source}-copy`
      cpSync(source, path, { recursive: true })
      settleDisk()
      const elapsedMs = await runClient({ kind: 'open', store, path })
      rounds.get(store)!.push(bytesOfLogs(source) / 1000 / elapsedMs)
      rmSync(path, { recursive: true })
    }
  }
  return new Map(
    RECOVERING_STORES.map((store) => [
      store,
      {
        logBytes: bytesOfLogs(paths.get(store)!),
        median: median(rounds.get(store)!),
        rounds: rounds.get(store)!,
      },
    ]),
  )
}
