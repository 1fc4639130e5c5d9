// The runner of the vectors: what it makes of right, wrong and broken implementations.

import test, { type ExecutionContext } from 'ava'
import { type ChildResult, runChild } from '../platform/child-process.ts'
import { FAST_ROOT } from '../platform/scratch-directory.ts'
import { judge } from './judge.ts'
import { type Report, runVectors } from './run-vectors.ts'
import { bytesOf, notate, type Vector, writeOut } from './vector-file.ts'

/** An implementation that answers each question with what `body` returns for it. */
function speaking(body: string): string[] {
  const program = `
    const answer = (q) => { ${body} }
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const q = JSON.parse(line)
      const reply = q.do === 'hello' ? { id: q.id, result: { name: 'a test' } } : answer(q)
      if (reply !== undefined) console.log(typeof reply === 'string' ? reply : JSON.stringify(reply))
    })`
  return ['-e', program]
}

function run(body: string, vectors: readonly Vector[], timeoutMs = 10_000): Promise<Report> {
  const command = { program: process.execPath, args: speaking(body) }
  return runVectors(command, vectors, { timeoutMs, root: FAST_ROOT })
}

const ONE: Vector = { name: 'one', ask: { do: 'add', a: 1 }, expect: { sum: 2 } }
const TWO: Vector = { name: 'two', ask: { do: 'add', a: 2 }, expect: { sum: 3 } }
const BAD: Vector = { name: 'bad', ask: { do: 'add', a: -1 }, error: 'corruption' }

/** Answers ONE and TWO rightly, behind what a test puts before it. */
const RIGHT = 'return { id: q.id, result: { sum: q.a + 1 } }'

function outcomes(
  t: ExecutionContext,
  report: Report,
  expected: Readonly<Record<string, string>>,
): void {
  const found = report.outcomes.map(({ name, outcome }) => [name, outcome])
  t.deepEqual(Object.fromEntries(found), expected)
}

test('an answer passes when it is the one that is expected, whatever the order of its fields', async (t) => {
  const vector: Vector = { name: 'fields', ask: { do: 'x' }, expect: { a: 1, b: [{ c: '00' }] } }
  const body = "return { result: { b: [{ c: '00' }], a: 1 }, id: q.id }"
  outcomes(t, await run(body, [vector]), { fields: 'pass' })
})

test('a wrong result, a missing error and an error of another class fail', async (t) => {
  const report = await run(
    "return q.a === 2 ? { id: q.id, error: 'io' } : { id: q.id, result: { sum: 0 } }",
    [ONE, TWO, BAD],
  )
  outcomes(t, report, { one: 'fail', two: 'fail', bad: 'fail' })
  t.deepEqual(judge(report, {}).counts, { pass: 0, other: 0, fail: 3, unsupported: 0 })
  t.is(judge(report, {}).failures[0], 'one: {"sum":0} instead of {"sum":2}')
})

test('an error of the class that is expected passes', async (t) => {
  outcomes(t, await run("return { id: q.id, error: 'corruption' }", [BAD]), { bad: 'pass' })
})

test('another answer that the vector allows is told apart', async (t) => {
  const vector: Vector = { ...BAD, or: [{ expect: { sum: 0 }, why: 'it may' }] }
  const report = await run(RIGHT, [vector])
  t.deepEqual(report.outcomes, [{ name: 'bad', outcome: 'other', detail: 'it may' }])
  t.deepEqual(judge(report, {}).failures, [])
})

test('what is unsupported is counted, and fails nothing', async (t) => {
  const report = await run("return { id: q.id, unsupported: 'not yet' }", [ONE, BAD])
  outcomes(t, report, { one: 'unsupported', bad: 'unsupported' })
  t.deepEqual(judge(report, {}).failures, [])
})

test('a known failure may fail, and may not pass', async (t) => {
  const report = await run(RIGHT, [ONE, BAD])
  t.deepEqual(judge(report, { bad: 'reason' }).failures, [])
  t.deepEqual(judge(report, { bad: 'reason', one: 'reason' }).failures, [
    'one: known to fail, and pass',
  ])
})

for (const [title, body, detail, timeoutMs] of [
  ['dies', 'if (q.a === 1) process.exit(3)', /it ended with code 3/],
  ['never answers', 'if (q.a === 1) return undefined', /no answer in 300 ms/, 300],
  ['answers with words', "if (q.a === 1) return 'sorry'", /not JSON: sorry/],
  ['answers another question', 'if (q.a === 1) return { id: 77, result: 1 }', /not an answer to/],
  ['answers with nothing', 'if (q.a === 1) return { id: q.id }', /neither result nor error/],
] as const) {
  test(`an implementation that ${title} fails that vector, and a new one gets the next`, async (t) => {
    const report = await run(`${body}; ${RIGHT}`, [ONE, TWO], timeoutMs)
    outcomes(t, report, { one: 'fail', two: 'pass' })
    t.regex(report.outcomes[0]!.detail!, detail)
  })
}

test('an implementation that goes on behind its input is told', async (t) => {
  const report = await run(`setInterval(() => undefined, 1000); ${RIGHT}`, [ONE], 300)
  t.deepEqual(judge(report, {}).failures, ['it went on after the end of its input'])
})

test('files come as a directory, which is gone afterwards', async (t) => {
  const vector: Vector = {
    name: 'files',
    ask: { do: 'x', files: { a: '6162', 'b/c': { repeat: '7a', times: 3 } } },
    expect: { a: 'ab', c: 'zzz' },
  }
  const body = `
    const fs = require('node:fs')
    const read = (name) => fs.readFileSync(q.path + '/' + name, 'latin1')
    if (q.files !== undefined) throw new Error('only the path')
    return { id: q.id, result: { a: read('a'), c: read('b/c') } }`
  outcomes(t, await run(body, [vector]), { files: 'pass' })
})

test('compressed bytes pass when they expand to what was asked', async (t) => {
  const vector: Vector = { name: 's', ask: { do: 'x' }, expect: { expandsTo: '6162' } }
  for (const [bytes, outcome] of [
    ['02046162', 'pass'],
    ['02046163', 'fail'],
    ['0204', 'fail'],
  ] as const) {
    const body = `return { id: q.id, result: { bytes: '${bytes}' } }`
    outcomes(t, await run(body, [vector]), { s: outcome })
  }
})

test('the notation of bytes stands for the bytes', (t) => {
  t.is(bytesOf('00ff').toString('hex'), '00ff')
  t.is(bytesOf({ repeat: '0102', times: 3 }).toString('hex'), '010201020102')
  t.is(bytesOf({ join: ['01', { repeat: '00', times: 2 }] }).toString('hex'), '010000')
  t.is(bytesOf({ of: '00010203', from: 1, to: 3 }).toString('hex'), '0102')
  t.is(bytesOf({ of: '00010203', at: 1, put: 'ffff' }).toString('hex'), '00ffff03')
  t.deepEqual(writeOut({ a: [{ repeat: 'aa', times: 2 }], b: { c: 1 } }), {
    a: ['aaaa'],
    b: { c: 1 },
  })
  for (const wrong of ['0', 'xy', 1, null, [], {}, { at: 1 }]) {
    t.throws(() => bytesOf(wrong as never))
  }
})

test('bytes are noted so that the notation stands for them', (t) => {
  for (const text of [
    '',
    'a',
    'ab'.repeat(40),
    `x${'y'.repeat(100)}z`,
    'abc'.repeat(5),
    `${'ab'.repeat(30)}a`,
  ]) {
    const bytes = Buffer.from(text)
    t.deepEqual(bytesOf(notate(bytes)), bytes)
  }
  t.deepEqual(notate(Buffer.from('-'.repeat(30))), { repeat: '2d', times: 30 })
})

function command(...args: readonly string[]): Promise<ChildResult> {
  return runChild('vectors/run.js', args)
}

test('the command ends with 0 where all passes, 1 where something fails, 2 where it cannot run', async (t) => {
  const good = speaking("return { id: q.id, unsupported: 'yes' }")
  const whole = await command('--only', 'file-name/', '--quiet', '--', process.execPath, ...good)
  t.is(whole.code, 0, whole.output)
  t.regex(whole.output, /^a test: 0 passed, 0 passed otherwise, 0 failed, \d+ unsupported\n$/)
  const bad = speaking('return { id: q.id, result: 1 }')
  const failing = await command('--only', 'file-name/', '--', process.execPath, ...bad)
  t.is(failing.code, 1, failing.output)
  for (const args of [
    [],
    ['--only', 'no such vector', '--', process.execPath, ...good],
    ['--timeout', 'soon', '--', process.execPath, ...good],
    ['--', 'no-such-program-of-anybody'],
    ['--', process.execPath, '-e', '0'],
  ]) {
    const { code, output } = await command(...args)
    t.is(code, 2, output)
    t.is(output.trim().split('\n').length, 1, output)
  }
})
