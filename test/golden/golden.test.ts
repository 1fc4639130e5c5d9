// The same calls leave the same files as C++ LevelDB, byte for byte: its own run beside ours, and
// what it wrote when the golden files were made.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { mixSeed, Random } from '../crash/random.ts'
import type { Call } from '../interop/contents.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { DATA, goldenEntriesOf, readGolden, readIndex } from './golden-data.ts'
import { byteDifference, type Files, runScenario } from './runs.ts'
import { type Scenario, scenarios } from './scenarios.ts'

const SEED = Number(process.env['SLUICE_SEED'] ?? 1)
const RANDOM_SCENARIOS = 10

for (const scenario of scenarios) {
  test(`${scenario.name}: the files are LevelDB's, now and when the golden ones were made`, async (t) => {
    const [ours, theirs] = await runBoth(t, scenario)
    compareRuns(t, ours, theirs)
    const { files } = readIndex()
    for (const [name, entry] of goldenEntriesOf(scenario)) {
      const golden = readGolden(name)
      t.truthy(golden, `${name}: make it with the command in index.json`)
      t.deepEqual(files[name], { ...entry, sizeBytes: golden!.length }, name)
      for (const run of [ours, theirs]) {
        const found = run[entry.session - 1]!.get(entry.file)
        t.truthy(found, entry.file)
        t.is(byteDifference(found!, golden!), undefined, name)
      }
    }
  })
}

for (let i = 0; i < RANDOM_SCENARIOS; i++) {
  const seed = mixSeed(SEED, i)
  test(`random calls leave the files that LevelDB leaves, ${i}`, async (t) => {
    t.log(`SLUICE_SEED=${SEED}`)
    const [ours, theirs] = await runBoth(t, randomScenario(new Random(seed)))
    compareRuns(t, ours, theirs)
  })
}

test('the index and the golden files belong together', (t) => {
  const packed = readdirSync(DATA).filter((name) => name !== 'index.json')
  const { files } = readIndex()
  t.deepEqual(packed.toSorted(), Object.keys(files).toSorted())
  const wanted = scenarios.flatMap((scenario) => goldenEntriesOf(scenario).map(([name]) => name))
  t.deepEqual(packed.toSorted(), wanted.toSorted())
})

async function runBoth(t: ExecutionContext, scenario: Scenario): Promise<[Files[], Files[]]> {
  const directory = scratchDirectory(t, FAST_ROOT)
  return [
    await runScenario(scenario, 'ours', join(directory, 'ours')),
    await runScenario(scenario, 'classic', join(directory, 'theirs')),
  ]
}

function compareRuns(t: ExecutionContext, ours: readonly Files[], theirs: readonly Files[]): void {
  for (const [index, expected] of theirs.entries()) {
    const session = `session ${index + 1}`
    const found = ours[index]!
    t.deepEqual([...found.keys()], [...expected.keys()], session)
    for (const [name, bytes] of expected) {
      t.is(byteDifference(found.get(name)!, bytes), undefined, `${session}, ${name}`)
    }
  }
}

/** Up to three tables, of some hundred calls each. */
function randomScenario(random: Random): Scenario {
  const keys = Array.from({ length: 60 }, () => random.bytes(random.below(20)))
  const sessions = Array.from({ length: random.between(2, 4) }, () =>
    Array.from({ length: random.between(1, 100) }, () => randomCall(keys, random)),
  )
  return {
    name: 'random',
    options: {
      blockSize: random.pick([1024, 4096, 2 ** 16]),
      blockRestartInterval: random.pick([1, 2, 16, 1000]),
    },
    sessions,
    golden: [],
  }
}

function randomCall(keys: readonly Buffer[], random: Random): Call {
  const length = random.percent(70) ? 1 : random.between(1, 30)
  return Array.from({ length }, () => {
    const key = random.pick(keys)
    const sizeBytes = random.percent(95) ? random.below(500) : random.below(40_000)
    return random.percent(25) ? { key } : { key, value: random.bytes(sizeBytes) }
  })
}
