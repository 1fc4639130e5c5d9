// A process that appends is killed with SIGKILL in the middle, again and again; another one follows.

import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'ava'
import { Log } from '../../ts/journal/index.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'
import { DoomedChild } from '../kill/doomed-child.ts'
import { bothBindings } from '../platform/both-bindings.ts'
import { scratchDirectory } from '../platform/scratch-directory.ts'
import { recordAt } from './positioned-record.ts'

const CHILD = new URL('appending-child.js', import.meta.url)
const KILLS = Number(process.env['SLUICE_LOG_KILLS'] ?? 6)
const HUNG_MS = 60_000

for (const { kind } of bothBindings) {
  test(`a kill loses nothing that was acknowledged, and a follower sees every record (${kind})`, async (t) => {
    const path = join(scratchDirectory(t), 'wal')
    const random = new Random(SEED)
    await (await Log.open(path, { createIfMissing: true })).close()
    const stop = new AbortController()
    let followed = 0
    const follow = async (): Promise<void> => {
      const options = { follow: true, signal: stop.signal, pollIntervalMs: 2 }
      for await (const { position, record } of Log.read(path, options)) {
        if (position !== followed + 1 || !record.equals(recordAt(position))) {
          throw new Error(seeded(`followed ${position} after ${followed}`))
        }
        followed = position
      }
    }
    const following = follow().then(
      () => 'over',
      (error: Error & { code?: string }) =>
        error.code?.replace('_IO_', error.message) ?? error.message,
    )
    let last = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const child = new DoomedChild(CHILD, [path], kind)
      const acknowledged = await child.live(HUNG_MS, async (reports) => {
        let most = 0
        for await (const line of createInterface({ input: reports })) {
          // The first report: it has opened.
          if (most === 0) child.killLater(random.between(5, 150))
          most = Math.max(most, Number(line))
        }
        return most
      })
      const log = await Log.open(path)
      const at = seeded(`kill ${kill}`)
      t.true(log.lastPosition >= Math.max(acknowledged, last), at)
      last = log.lastPosition
      let expected = log.firstPosition
      for await (const { position, record } of log.read()) {
        t.true(position === expected++ && record.equals(recordAt(position)), at)
      }
      t.is(expected, last + 1, at)
      await log.close()
    }
    t.true(last > 0)
    t.log(`${last} records, ${followed} followed, SLUICE_SEED=${SEED}`)
    // Removals may overtake a follower on a machine that is busy; it is told so then, and never wrong.
    const ended = await Promise.race([
      following,
      caughtUp(() => followed === last || stop.signal.aborted),
    ])
    stop.abort()
    t.true(['caught up', 'LEVEL_POSITION_MISSING'].includes(ended), ended)
    await following
  })
}

/** Looks whenever the event loop comes round. */
async function caughtUp(isSo: () => boolean): Promise<string> {
  while (!isSo()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 1)
    })
  }
  return 'caught up'
}
