// Runs the tests and closes with the line `N passed, N failed`, nothing after it.
//
// Two runs of ava over dist/test: all files with the binding that loads here; then, when that is
// the native one, the engine's own files once more with the TypeScript twin. Extra arguments go to
// ava, with test/x.test.ts turned into the file that is compiled from it; then there is one run,
// and SLUICEDB_BINDING chooses its binding.
//
// ava reports in TAP, one process per test file. What counts as failed:
//   not ok      a test, a hook, an uncaught error, a file that crashed or holds no test
//   no plan     ava itself died before the line `1..N`
//   exit code   not 0 although nothing above was seen
//   no test     not one passed
// Printed: each failure with its detail, what tests say through t.log (counts and seeds), totals.
//
// Rejected: ava's own summary. It has no such closing line, and counts a crashed file as a test.

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const AVA = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.mjs', import.meta.url))
const ENGINE_TESTS = [
  'dist/test/db/**/*.test.js',
  'dist/test/interop/**/*.test.js',
  'dist/test/level/**/*.test.js',
]

const totals = { passed: 0, failed: 0, skipped: 0 }

/** ok | not ok, the number, the title, and a directive that skips it. */
const RESULT = /^(not )?ok \d+(?: - (.*?))?(?: # (SKIP|TODO)\b.*)?$/i
const PLAN = /^1\.\.(\d+)$/
const PROGRESS = process.stdout.isTTY ? '\r\u001b[K' : ''

function say(line) {
  process.stdout.write(`${PROGRESS}${line}\n`)
}

function showProgress() {
  if (PROGRESS !== '') process.stdout.write(`${PROGRESS}${totals.passed} passed`)
}

/** Reads one run's TAP, prints what a person wants of it and counts the rest. */
class TapReader {
  /** What ava's closing line `1..N` gives, which is less than the lines before when files crash. */
  planned
  failures = 0
  #title = ''
  #titleIsShown = false

  line(text) {
    const result = RESULT.exec(text)
    const plan = PLAN.exec(text)
    if (result !== null) this.#result(result)
    else if (plan !== null) this.planned = Number(plan[1])
    else if (/^ {2}/.test(text)) this.#detail(text)
    // `#   text` is what a test or a hook logged. ava's own counts, after the plan, are not ours.
    else if (/^# {3}/.test(text) && this.planned === undefined) this.#detail(`   ${text.slice(1)}`)
    else if (/^# \S/.test(text) && this.planned === undefined) this.#begin(text.slice(2))
  }

  #begin(title) {
    this.#title = title
    this.#titleIsShown = false
  }

  #result([, not, title = 'without a title', directive]) {
    this.#begin(title)
    if (directive !== undefined) totals.skipped++
    else if (not === undefined) totals.passed++
    else {
      totals.failed++
      this.failures++
      say(`not ok - ${title}`)
      this.#titleIsShown = true
    }
    showProgress()
  }

  #detail(text) {
    if (!this.#titleIsShown) say(this.#title)
    this.#titleIsShown = true
    say(text)
  }
}

async function runAva(args, env) {
  const ava = spawn(process.execPath, [AVA, '--tap', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve, reject) => {
    ava.on('error', reject)
    ava.on('close', (code, signal) => resolve(signal ?? code))
  })
  const reader = new TapReader()
  for await (const line of createInterface({ input: ava.stdout })) reader.line(line)
  const code = await ended
  if (reader.planned !== undefined && (code === 0 || reader.failures > 0)) return
  totals.failed++
  say(`not ok - ava ended with ${code}`)
  if (reader.planned === 0) say('  it found no test')
  // ava 7's TAP reporter throws instead of reporting a test that timed out.
  if (reader.planned === undefined) {
    say('  it died on the way, perhaps of a test that timed out; without --tap it says which')
  }
}

/** The kind of binding that loads here: it decides whether the second run tells anything new. */
async function defaultBinding() {
  const { binding } = await import(new URL('../dist/ts/index.js', import.meta.url).href)
  return binding.kind
}

function compiledPath(argument) {
  const source = /^(?:\.\/)?(test\/.*)\.ts$/.exec(argument)
  return source === null ? argument : `dist/${source[1]}.js`
}

async function runAll() {
  const kind = await defaultBinding()
  say(`Testing with the ${kind} binding`)
  // Chosen, the twin is silent: a process that fell back to it by itself warns on standard error.
  await runAva([], kind === 'native' ? {} : { SLUICEDB_BINDING: kind })
  if (kind !== 'native') return
  say('Testing the engine once more with the js binding')
  await runAva(ENGINE_TESTS, { SLUICEDB_BINDING: 'js' })
}

const args = process.argv.slice(2).map(compiledPath)
try {
  await (args.length > 0 ? runAva(args) : runAll())
} catch (error) {
  totals.failed++
  say(`not ok - ${error instanceof Error ? error.stack : String(error)}`)
}
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''
say(`${totals.passed} passed, ${totals.failed} failed${skipped}`)
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0
