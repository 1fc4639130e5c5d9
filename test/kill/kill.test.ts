// Real processes, really killed, on the real disk; scripts/kill.ts kills as many as one asks for.

import { join } from 'node:path'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import test from 'ava'
import { mixSeed } from '../crash/random.ts'
import { type KillOptions, runKills } from './kill-loop.ts'

const SEED = Number(process.env['SLUICE_SEED'] ?? 1)

interface Loop extends Pick<KillOptions, 'kills' | 'binding'> {
  readonly title: string
}

const loops: readonly Loop[] = [
  { title: '40 writers killed one after the other', kills: 40 },
  {
    title: '20 writers with the TypeScript binding killed one after the other',
    kills: 20,
    binding: 'js',
  },
]

for (const [index, { title, ...loop }] of loops.entries()) {
  test(`${title} lose nothing that was acknowledged`, async (t) => {
    t.timeout(180_000)
    const scratch = mkdtempSync(join(tmpdir(), 'sluicedb-kill-'))
    const counts = await runKills({
      ...loop,
      directory: join(scratch, 'db'),
      seed: mixSeed(SEED, index),
    })
    t.log(JSON.stringify(counts))
    t.is(counts.kills, loop.kills)
    t.true(counts.acknowledged > loop.kills)
    t.true(counts.leveled > 0)
    // Only now: after a failure the directory is what there is to look at.
    rmSync(scratch, { recursive: true, force: true })
  })
}
