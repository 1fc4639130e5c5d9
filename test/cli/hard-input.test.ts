// The command line where it gets hard: bytes that are no text, answers to questions, readers and users
// that stop in the middle, damage, and a database that is in use.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { runProgram } from '../../ts/cli/program.ts'
import { DB } from '../../ts/index.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const MAIN = fileURLToPath(new URL('../../ts/cli/main.js', import.meta.url))

interface Outcome {
  readonly code: number
  readonly out: string
  readonly error: string
}

interface Surroundings {
  readonly input?: Readable
  readonly isTerminal?: boolean
  readonly signal?: AbortSignal
}

/** Nobody interrupts. */
function never(): AbortSignal {
  return new AbortController().signal
}

async function sluicedb(
  args: readonly string[],
  { input = Readable.from([]), isTerminal = false, signal }: Surroundings = {},
): Promise<Outcome> {
  const out = new PassThrough()
  const error = new PassThrough()
  const texts = Promise.all([text(out), text(error)])
  const code = await runProgram(args, {
    input: Object.assign(input, { isTTY: isTerminal }),
    out,
    error: Object.assign(error, { isTTY: isTerminal }),
    interruption: () => signal ?? never(),
  })
  out.end()
  error.end()
  const [outText, errorText] = await texts
  return { code, out: outText, error: errorText }
}

function inputOf(content: string): Readable {
  return Readable.from([Buffer.from(content)])
}

async function makeDatabase(
  t: ExecutionContext,
  entries: readonly (readonly [key: Buffer | string, value: Buffer | string])[],
): Promise<string> {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'db')
  const db = await DB.open(directory, { createIfMissing: true, compression: 'none' })
  for (const [key, value] of entries) await db.put(Buffer.from(key), Buffer.from(value))
  await db.flushMemtable()
  await db.close()
  return directory
}

function manyEntries(count: number): [string, string][] {
  return Array.from({ length: count }, (_, i) => [String(i).padStart(6, '0'), `value ${i}`])
}

const AWKWARD: readonly (readonly [Buffer, Buffer])[] = [
  [Buffer.from(''), Buffer.from('')],
  [Buffer.from('a\tb\n'), Buffer.from('back\\slash')],
  [Buffer.from('line\u2028separator'), Buffer.from('\u0085 \u001b[31m')],
  [Buffer.from('\u00e9\u{1f30a}'), Buffer.from([0xc3])],
  [Buffer.from([0xff, 0x61, 0xe2, 0x82]), Buffer.from([0x00, 0xfe])],
]

test('what export writes import reads, whatever the bytes', async (t) => {
  const directory = await makeDatabase(t, AWKWARD)
  const hex = ['--key-encoding', 'hex', '--value-encoding', 'hex']
  const expected = await sluicedb(['scan', directory, ...hex])
  for (const encoding of [[], hex, ['--key-encoding', 'base64']]) {
    const exported = await sluicedb(['export', directory, ...encoding])
    const copy = join(scratchDirectory(t, FAST_ROOT), 'copy')
    const imported = await sluicedb(['import', copy, '--create', ...encoding], {
      input: inputOf(exported.out),
    })
    t.deepEqual(imported, { code: 0, out: '5 lines read\n', error: '' })
    t.deepEqual(await sluicedb(['scan', copy, ...hex]), expected)
  }
})

test('import takes lines that are cut anywhere into chunks, and a last one without an end', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'db')
  const bytes = Buffer.from('{"key":"\u00e9","value":"1"}\r\n\n{"key":"b","value":"\u{1f30a}"}')
  const input = Readable.from([...bytes].map((byte) => Buffer.of(byte)))
  t.is((await sluicedb(['import', directory, '--create'], { input })).out, '3 lines read\n')
  t.is((await sluicedb(['scan', directory])).out, 'b\t\u{1f30a}\n\u00e9\t1\n')
})

test('a line of scan is one line, and no byte of it is hidden', async (t) => {
  const directory = await makeDatabase(t, AWKWARD)
  t.is(
    (await sluicedb(['scan', directory])).out,
    [
      '\t',
      'a\\tb\\n\tback\\\\slash',
      'line\u2028separator\t\\xc2\\x85 \\x1b[31m',
      '\u00e9\u{1f30a}\t\\xc3',
      '\\xffa\\xe2\\x82\t\\x00\\xfe',
      '',
    ].join('\n'),
  )
  const last = (await sluicedb(['scan', directory, '--json', '--reverse', '--limit', '1'])).out
  t.is(last, '{"key":{"base64":"/2Higg=="},"value":{"base64":"AP4="}}\n')
})

test('get prints a value as it is stored', async (t) => {
  const directory = await makeDatabase(t, [['a', Buffer.from([0xff, 0x0a])]])
  const out = new PassThrough()
  const error = new PassThrough()
  const input = Readable.from([])
  t.is(await runProgram(['get', directory, 'a'], { input, out, error, interruption: never }), 0)
  t.is((out.read() as Buffer).toString('hex'), 'ff0a0a')
})

test('text that is no UTF-8 would be another key, and is refused', async (t) => {
  const directory = await makeDatabase(t, [])
  const input = inputOf('{"key":"\\ud800","value":"1"}\n')
  const { code, error } = await sluicedb(['import', directory], { input })
  t.is(code, 2)
  t.regex(error, /^line 1: .* is not utf8\n$/)
  t.is((await sluicedb(['scan', directory])).out, '')
})

test('a key that begins with a dash comes behind two of them, or as a bound', async (t) => {
  const directory = await makeDatabase(t, [
    ['--json', '1'],
    ['-x', '2'],
  ])
  t.is((await sluicedb(['get', directory, '--', '-x'])).out, '2\n')
  t.is((await sluicedb(['get', directory, '--', '--json'])).out, '1\n')
  t.is((await sluicedb(['scan', directory, '--gte', '-x'])).out, '-x\t2\n')
})

test('an error is JSON where JSON is asked for', async (t) => {
  const missing = join(scratchDirectory(t, FAST_ROOT), 'missing')
  const { code, out, error } = await sluicedb(['get', missing, 'a', '--json'])
  t.deepEqual([code, out], [3, ''])
  const told = JSON.parse(error) as { error: { code: string; message: string } }
  t.is(told.error.code, 'LEVEL_DATABASE_MISSING')
  t.true(told.error.message.includes(missing))
  const mistake = await sluicedb(['get', missing, 'x', '--key-encoding', 'hex', '--json'])
  t.deepEqual(mistake, { code: 2, out: '', error: '{"error":{"message":"\'x\' is not hex"}}\n' })
})

test('a mistake in the command line itself is JSON too where JSON is asked for', async (t) => {
  for (const [args, message] of [
    [['nonsense', '--json'], "unknown command 'nonsense'"],
    [['get', '--json'], "missing required argument 'dir'"],
    [['scan', 'x', '--json', '--nope'], "unknown option '--nope'"],
  ] as const) {
    t.deepEqual(await sluicedb(args), {
      code: 2,
      out: '',
      error: `${JSON.stringify({ error: { message } })}\n`,
    })
  }
  t.is((await sluicedb(['nonsense'])).error, "error: unknown command 'nonsense'\n")
})

test('destroy says what it would remove, and does it after a yes alone', async (t) => {
  const directory = await makeDatabase(t, [['a', '1']])
  for (const answer of ['n\n', '\n', 'yesterday\n', '']) {
    const surroundings = { input: inputOf(answer), isTerminal: true }
    const { code, error } = await sluicedb(['destroy', directory], surroundings)
    t.is(code, 2, answer)
    t.true(error.includes(`Remove the database in ${directory}, `))
    t.regex(error, /\d+ files, [\d.]+ (?:B|KiB)\? \[y\/N\]/)
    t.true(error.endsWith('Nothing was done.\n'))
    t.true(fs.existsSync(join(directory, 'CURRENT')))
  }
  const surroundings = { input: inputOf('y\n'), isTerminal: true }
  t.is((await sluicedb(['destroy', directory], surroundings)).code, 0)
  t.false(fs.existsSync(directory))
})

test('repair asks behind what it would do, and does not ask where nothing is wrong', async (t) => {
  const directory = await makeDatabase(t, manyEntries(10))
  const whole = await sluicedb(['repair', directory], { isTerminal: true })
  t.deepEqual([whole.code, whole.out], [0, 'nothing is wrong\n'])
  t.true(whole.error.includes('100 %'), 'a bar')
  t.false(whole.error.includes('[y/N]'))
  flipByte(tableOf(directory), 10)
  const refused = await sluicedb(['repair', directory], { input: inputOf('n\n'), isTerminal: true })
  t.is(refused.code, 2)
  t.regex(refused.error, /lost: .*\.ldb at 0[^]*\n0 entries would be kept[^]*\[y\/N\]/)
  t.is((await sluicedb(['verify', directory])).code, 1)
  const done = await sluicedb(['repair', directory], { input: inputOf('yes\n'), isTerminal: true })
  t.is(done.code, 0)
  t.is((await sluicedb(['verify', directory])).code, 0)
})

test('a damaged block is told, and what is behind it is printed all the same', async (t) => {
  const directory = await makeDatabase(t, manyEntries(1000))
  flipByte(tableOf(directory), 10)
  for (const command of ['scan', 'export']) {
    const { code, out, error } = await sluicedb([command, directory])
    t.is(code, 3)
    t.regex(error, /^LEVEL_CORRUPTION: [^\n]*\.ldb at 0\n$/)
    const lines = out.trimEnd().split('\n')
    t.true(lines.length > 500)
    t.true(lines.length < 1000)
    t.true(lines.at(-1)!.includes('000999'))
  }
})

test('reading goes on beside a database that is in use, and writing is refused', async (t) => {
  const directory = await makeDatabase(t, [['a', '1']])
  const db = await DB.open(directory)
  t.teardown(() => db.close())
  await db.put(Buffer.from('b'), Buffer.from('2'))
  t.is((await sluicedb(['scan', directory])).out, 'a\t1\nb\t2\n')
  t.is((await sluicedb(['stats', directory])).code, 0)
  for (const args of [
    ['put', directory, 'c', '3'],
    ['verify', directory],
    ['compact', directory],
    ['repair', directory, '--dry-run'],
    ['destroy', directory, '--yes'],
  ]) {
    const { code, error } = await sluicedb(args)
    t.is(code, 3, args[0])
    t.regex(error, /^LEVEL_LOCKED: [^\n]*\n$/, args[0])
  }
})

test('who is interrupted says so, with the exit code of a shell', async (t) => {
  const directory = await makeDatabase(t, manyEntries(10))
  const signal = AbortSignal.abort()
  for (const command of ['scan', 'export', 'verify', 'compact']) {
    const outcome = await sluicedb([command, directory], { signal })
    t.deepEqual(outcome, { code: 130, out: '', error: 'LEVEL_ABORTED: interrupted\n' }, command)
  }
  const bench = join(scratchDirectory(t, FAST_ROOT), 'bench')
  t.is((await sluicedb(['bench', bench], { signal })).code, 130)
  t.false(fs.existsSync(bench))
})

test('bench leaves a database that is there alone', async (t) => {
  const directory = await makeDatabase(t, [['a', '1']])
  const { code, error } = await sluicedb(['bench', directory])
  t.is(code, 3)
  t.regex(error, /^LEVEL_DATABASE_EXISTS: /)
  t.is((await sluicedb(['get', directory, 'a'])).out, '1\n')
})

test('every command shows its use', async (t) => {
  const { out } = await sluicedb(['--help'])
  const commands = [...out.matchAll(/^ {2}(\w+) (?:\[options\] )?[<[]/gm)].map(([, name]) => name!)
  t.true(commands.length >= 13)
  for (const command of commands.filter((name) => name !== 'help')) {
    const help = await sluicedb(['help', command])
    t.is(help.code, 0)
    t.regex(help.out, /^\nExamples:\n(?: {2}.*sluicedb .*\n)+/m, command)
    t.true(help.out.includes('--json'), command)
  }
})

test('a reader that has seen enough ends the command quietly', async (t) => {
  const directory = await makeDatabase(t, manyEntries(50_000))
  const child = spawn(process.execPath, [MAIN, 'scan', directory])
  const error = text(child.stderr)
  await once(child.stdout, 'data')
  child.stdout.destroy()
  t.deepEqual(await once(child, 'close'), [0, null])
  t.is(await error, '')
})

test('output that the disk has no room for is told in a line, and ends with 3', async (t) => {
  if (!fs.existsSync('/dev/full')) {
    t.pass('there is no such device here')
    return
  }
  const directory = await makeDatabase(t, manyEntries(10))
  const full = fs.openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [MAIN, 'export', directory], {
    stdio: ['ignore', full, 'pipe'],
  })
  fs.closeSync(full)
  const error = text(child.stderr!)
  t.deepEqual(await once(child, 'close'), [3, null])
  t.regex(await error, /^cannot write the output: ENOSPC.*\n$/)
})

test('an import that is interrupted keeps what it has read, and ends by the signal', async (t) => {
  if (process.platform === 'win32') {
    t.pass('no signal of a process can be caught there')
    return
  }
  const directory = join(scratchDirectory(t, FAST_ROOT), 'db')
  const child = spawn(process.execPath, [MAIN, 'import', directory, '--create'])
  const error = text(child.stderr)
  // More than a batch, so that the log tells when it has been read; then it waits for the rest.
  const value = 'x'.repeat(400_000)
  child.stdin.write(`{"key":"a","value":"${value}"}\n{"key":"b","value":"2"}\n`)
  const hasLog = (): boolean =>
    fs.existsSync(directory) &&
    fs
      .readdirSync(directory)
      .some((name) => name.endsWith('.log') && fs.statSync(join(directory, name)).size > 400_000)
  while (!hasLog()) await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGINT')
  t.deepEqual(await once(child, 'close'), [null, 'SIGINT'])
  t.is(await error, 'LEVEL_ABORTED: interrupted\n')
  t.is((await sluicedb(['scan', directory, '--no-values'])).out, 'a\nb\n')
})

function tableOf(directory: string): string {
  return join(
    directory,
    fs.readdirSync(directory).find((name) => name.endsWith('.ldb'))!,
  )
}

function flipByte(file: string, at: number): void {
  const bytes = fs.readFileSync(file)
  bytes[at]! ^= 1
  fs.writeFileSync(file, bytes)
}
