// A log on a simulated disk, and what everybody knows of it: the records and what they must survive.

import { type Log, openLogIn } from '../../ts/journal/log.ts'
import type { LogOptions } from '../../ts/journal/options.ts'
import type { LogWorld } from '../../ts/journal/world.ts'
import type { Random } from '../crash/random.ts'
import type { SimulatedDisk } from '../crash/simulated-disk.ts'

export const DIRECTORY = '/data/wal'

export function simulatedWorld(disk: SimulatedDisk): LogWorld {
  return {
    fileSystem: disk,
    now: () => disk.elapsedMs,
    delay: (_durationMs, signal) => {
      signal?.throwIfAborted()
      return disk.linger()
    },
  }
}

export function openSimulated(disk: SimulatedDisk, options: LogOptions = {}): Promise<Log> {
  return openLogIn(simulatedWorld(disk), DIRECTORY, { createIfMissing: true, ...options })
}

/** The bytes of the call `id`: of its own length, and no two alike. */
export function recordOf(id: number, random: Random): Buffer {
  const sizeBytes = random.percent(80) ? random.below(60) : random.below(3000)
  const text = `#${id} `
  return Buffer.concat([Buffer.from(text), random.bytes(sizeBytes)])
}

/** Positions and records of the whole log, oldest first. */
export async function contentsOf(log: Log): Promise<Map<number, Buffer>> {
  const found = new Map<number, Buffer>()
  for await (const { position, record } of log.read()) found.set(position, record)
  return found
}
