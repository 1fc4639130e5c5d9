// Kills writers with SIGKILL for as long as one asks, and checks what each of them left.
//
//   node dist/scripts/kill.js --kills 1000 --seed 7
//       --binding js        the writers' binding; by default that of this process
//       --root /dev/shm     where the database is made; by default the directory for temporary files
//
// The seed chooses what is written and when a writer is killed, but not how far it has come by then:
// a failure may need some runs to come back. What the writer left is kept, and its path printed.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type KillCounts, noCounts, runKills } from '../test/kill/kill-loop.ts'

const REPORT_EVERY_MS = 10_000

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    binding: { type: 'string' },
    root: { type: 'string', default: tmpdir() },
  },
})

let counts = noCounts()
let lastReportMs = Date.now()

function onKill(now: KillCounts): void {
  counts = now
  if (Date.now() - lastReportMs < REPORT_EVERY_MS) return
  lastReportMs = Date.now()
  console.log(`${now.kills} kills, ${now.acknowledged} acknowledged writes`)
}

function bindingOf(name: string | undefined): { binding?: 'native' | 'js' } {
  if (name === undefined) return {}
  if (name !== 'native' && name !== 'js') throw new Error(`no such binding: ${name}`)
  return { binding: name }
}

const scratch = mkdtempSync(join(values.root, 'sluicedb-kill-'))
try {
  await runKills({
    ...bindingOf(values.binding),
    directory: join(scratch, 'db'),
    kills: Number(values.kills),
    seed: Number(values.seed),
    onKill,
  })
  rmSync(scratch, { recursive: true, force: true })
} catch (error) {
  console.log(`FAILED ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
console.log(
  `${counts.kills} kills (${counts.early} before a first acknowledgement), ` +
    `${counts.acknowledged} calls acknowledged, ${counts.unheard} found that were not heard of, ` +
    `${counts.tornEnds} torn ends, ${counts.strays} unfinished files, ` +
    `${counts.midway} left tables that nothing names, ${counts.leveled} openings found several levels, ` +
    `${counts.recoveredByClassic} recovered by LevelDB; seed ${values.seed}`,
)
