// The vectors, asked of every implementation there is here; and what they say, checked against others:
// the files that C++ LevelDB wrote, crc-32, snappyjs.

import { readFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import packageCrc32c from 'crc-32/crc32c.js'
import { uncompress } from 'snappyjs'
import { scenarios } from '../golden/scenarios.ts'
import { importsOf, sourceFiles } from '../house/source-tree.ts'
import { nativeBinding } from '../platform/both-bindings.ts'
import { FAST_ROOT } from '../platform/scratch-directory.ts'
import type { Command } from './implementation.ts'
import { judge } from './judge.ts'
import { allFiles, dataPaths } from './make/all-vectors.ts'
import { entriesOf, golden, recordsOf } from './make/leveldb-vectors.ts'
import { logOf, tableOf } from './make/reference.ts'
import { type Report, runVectors } from './run-vectors.ts'
import { bytesOf, DATA, type Json, readVectors, type Vector } from './vector-file.ts'

const TIMEOUT_MS = 30_000
const DRIVERS = fileURLToPath(new URL('drivers/', import.meta.url))
const SOURCES = fileURLToPath(new URL('../../../test/vectors/', import.meta.url))
const vectors = readVectors()

function driver(name: string, environment: Readonly<Record<string, string>> = {}): Command {
  return {
    program: process.execPath,
    args: [join(DRIVERS, name)],
    environment: { TMPDIR: FAST_ROOT, ...environment },
  }
}

async function run(t: ExecutionContext, command: Command): Promise<Report> {
  const report = await runVectors(command, vectors, { timeoutMs: TIMEOUT_MS, root: FAST_ROOT })
  const { counts } = judge(report, {})
  t.log(`${report.implementation}: ${JSON.stringify(counts)}`)
  return report
}

function namesWith(report: Report, outcome: string): string[] {
  return report.outcomes.filter((found) => found.outcome === outcome).map(({ name }) => name)
}

for (const kind of ['native', 'js']) {
  const isThere = kind === 'js' || nativeBinding !== undefined
  // Without a compiler there is no native module.
  const testHere = isThere ? test : test.skip
  testHere(`every vector passes with the ${kind} binding, and none is left out`, async (t) => {
    const report = await run(t, driver('sluicedb.js', { SLUICEDB_BINDING: kind }))
    t.is(report.implementation, `sluicedb, ${kind} binding`)
    t.deepEqual(judge(report, {}).failures, [])
    t.deepEqual(namesWith(report, 'unsupported'), [])
    // Numbers from 2^53 on may be refused. Nothing else may be answered otherwise.
    const others = report.outcomes.filter(({ outcome }) => outcome === 'other')
    t.true(others.every(({ detail }) => detail?.startsWith('above what this') === true))
  })
}

test('C++ LevelDB answers as the vectors say, but for what it is known to do', async (t) => {
  const report = await run(t, driver('classic-level.js'))
  const text = readFileSync(join(SOURCES, 'known', 'classic-level.json'), 'utf8')
  const known = JSON.parse(text) as Record<string, string>
  t.deepEqual(judge(report, known).failures, [])
  const asked = vectors.filter(({ ask }) => ask.do.startsWith('directory.'))
  t.is(namesWith(report, 'unsupported').length, vectors.length - asked.length)
  t.deepEqual(
    Object.keys(known).filter((name) => !asked.some((vector) => vector.name === name)),
    [],
  )
})

const hasPython = spawnSync('python3', ['--version']).status === 0

// The example is there for others to read; where there is no Python, nothing of ours is untested.
const testWithPython = hasPython ? test : test.skip
testWithPython('the example in another language passes what it can be asked', async (t) => {
  const program = join(SOURCES, 'drivers', 'example.py')
  const report = await run(t, { program: 'python3', args: [program] })
  t.deepEqual(judge(report, {}).failures, [])
  t.deepEqual(namesWith(report, 'other'), [])
  t.true(namesWith(report, 'pass').length > 250)
  t.true(readFileSync(program, 'utf8').split('\n').length <= 150)
})

test('the vectors are what their makers make', (t) => {
  const files = allFiles()
  for (const [path, bytes] of files) {
    t.true(readFileSync(join(DATA, path)).equals(bytes), `${path}: run make-vectors.js`)
  }
  t.deepEqual(
    dataPaths().filter((path) => !files.has(path)),
    [],
  )
})

test('the makers of the vectors share nothing with the engine', (t) => {
  const makers = sourceFiles().filter(({ path }) => path.startsWith('test/vectors/make/'))
  t.true(makers.length > 10)
  for (const maker of makers) {
    t.deepEqual(
      importsOf(maker).filter((imported) => imported.startsWith('ts/')),
      [],
      maker.path,
    )
  }
})

test('the makers write what C++ LevelDB wrote', (t) => {
  let compared = 0
  for (const { name, options = {}, sessions, golden: places } of scenarios) {
    for (const place of places) {
      const [session = '', file = ''] = place.split(':')
      const bytes = bytesOf(golden(name, Number(session), file))
      const before = sessions.slice(0, Number(session) - 1)
      const sequence = before.flat(2).length + 1
      if (file.endsWith('.log')) {
        t.true(logOf(recordsOf(sessions[Number(session) - 1]!, sequence)).equals(bytes), place)
      } else if (file.endsWith('.ldb')) {
        const { blockSize = 4096, blockRestartInterval: restartInterval = 16 } = options
        const shape = { blockSize, restartInterval, bitsPerKey: 10 }
        t.true(tableOf(entriesOf(before[0]!), shape).bytes.equals(bytes), place)
      } else continue
      compared++
    }
  }
  t.is(compared, 18)
})

function asked(question: string): Vector[] {
  return vectors.filter(({ ask }) => ask.do === question)
}

function field(value: Json | undefined, name: string): Json {
  return (value as { [name: string]: Json })[name]!
}

test('crc-32 computes the checksums of the vectors', (t) => {
  t.true(asked('crc32c').length > 20)
  for (const { name, ask, expect } of asked('crc32c')) {
    t.is(packageCrc32c.buf(bytesOf(ask['bytes']!)) >>> 0, field(expect, 'crc') as number, name)
  }
})

test('snappyjs expands the Snappy data of the vectors to the same bytes', (t) => {
  const whole = asked('snappy.expand').filter(({ expect }) => expect !== undefined)
  t.true(whole.length > 15)
  for (const { name, ask, expect } of whole) {
    t.deepEqual(uncompress(bytesOf(ask['bytes']!)), bytesOf(field(expect, 'bytes')), name)
  }
})

test('docs/conformance.md has every question, and every class of error', (t) => {
  const page = readFileSync(join(SOURCES, '../../docs/conformance.md'), 'utf8')
  const told = [...page.matchAll(/^\| (`.*?) \|/gm)]
    .flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)])
    .map(([, name]) => name!)
  const questions = vectors.map(({ ask }) => ask.do)
  const errors = vectors.flatMap(({ error, or = [] }) => [
    error,
    ...or.map((answer) => ('error' in answer ? answer.error : undefined)),
  ])
  const names = [...questions, ...errors.filter((name) => name !== undefined)]
  t.deepEqual(
    [...new Set(names)].filter((name) => !told.includes(name)),
    [],
  )
})

test('no two vectors have the same name, and each has an answer', (t) => {
  t.is(new Set(vectors.map(({ name }) => name)).size, vectors.length)
  for (const { name, expect, error } of vectors) {
    t.true((expect === undefined) !== (error === undefined), name)
  }
})
