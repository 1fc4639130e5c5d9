// The command line: what it says on its two streams, and its exit code. In this process, since starting
// one takes longer than a command; one test runs it as users do.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { runProgram } from '../../ts/cli/program.ts'
import { DB } from '../../ts/index.ts'
import { logOf } from '../log/log-file-bytes.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const MAIN = fileURLToPath(new URL('../../ts/cli/main.js', import.meta.url))

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

/** Nobody interrupts. */
function never(): AbortSignal {
  return new AbortController().signal
}

async function sluicedb(
  args: readonly string[],
  input: string | Readable = '',
  interruption: () => AbortSignal = never,
): Promise<Outcome> {
  const out = new PassThrough()
  const error = new PassThrough()
  const texts = Promise.all([text(out), text(error)])
  const readable = typeof input === 'string' ? Readable.from([Buffer.from(input)]) : input
  const code = await runProgram(args, { input: readable, out, error, interruption })
  out.end()
  error.end()
  const [outText, errorText] = await texts
  return { code, out: outText, error: errorText }
}

function sluicedbProcess(args: readonly string[], input = ''): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args])
    const texts = { out: '', error: '' }
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (texts.out += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (texts.error += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, ...texts })
    })
    child.stdin.end(input)
  })
}

/** A closed database with `count` entries, key-000 = value 0 and so on, half of them in a table. */
async function makeDatabase(t: ExecutionContext, count = 10): Promise<string> {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'db')
  const db = await DB.open(directory, { createIfMissing: true, compression: 'none' })
  for (let i = 0; i < count; i++) {
    if (i === count >> 1) await db.flushMemtable()
    await db.put(Buffer.from(`key-${String(i).padStart(3, '0')}`), Buffer.from(`value ${i}`))
  }
  await db.close()
  return directory
}

function jsonLines(lines: string): unknown[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

test('put, get and del, with an exit code that says whether the key is there', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'db')
  t.is((await sluicedb(['put', directory, 'a', '1'])).code, 3, 'there is no database')
  t.deepEqual(await sluicedb(['put', directory, 'a', '1', '--create']), {
    code: 0,
    out: '',
    error: '',
  })
  t.deepEqual(await sluicedb(['get', directory, 'a']), { code: 0, out: '1\n', error: '' })
  t.is(
    (await sluicedb(['get', directory, '61', '--key-encoding', 'hex', '--json'])).out,
    '{"key":"61","value":"1"}\n',
  )
  t.is((await sluicedb(['del', directory, 'a', 'b', '--json'])).out, '{"deleted":2}\n')
  t.deepEqual(await sluicedb(['get', directory, 'a']), { code: 1, out: '', error: '' })
})

test('a reading command changes no byte of the directory', async (t) => {
  const directory = await makeDatabase(t)
  const contents = (): [string, string][] =>
    fs
      .readdirSync(directory)
      .toSorted()
      .map((name) => [name, fs.readFileSync(join(directory, name), 'latin1')])
  const before = contents()
  const log = before.map(([name]) => name).find((name) => name.endsWith('.log'))!
  for (const args of [
    ['get', directory, 'key-001'],
    ['scan', directory],
    ['stats', directory],
    ['export', directory],
    ['dump', join(directory, log)],
  ]) {
    t.is((await sluicedb(args)).code, 0, args.join(' '))
  }
  t.deepEqual(contents(), before)
})

test('scan prints a range in either direction, as text or as JSON lines', async (t) => {
  const directory = await makeDatabase(t)
  const range = ['--gte', 'key-002', '--lt', 'key-005']
  t.is(
    (await sluicedb(['scan', directory, ...range])).out,
    'key-002\tvalue 2\nkey-003\tvalue 3\nkey-004\tvalue 4\n',
  )
  t.is(
    (await sluicedb(['scan', directory, ...range, '--reverse', '--limit', '2', '--no-values'])).out,
    'key-004\nkey-003\n',
  )
  t.deepEqual(jsonLines((await sluicedb(['scan', directory, '--limit', '1', '--json'])).out), [
    { key: 'key-000', value: 'value 0' },
  ])
})

test('what export writes, import reads', async (t) => {
  const directory = await makeDatabase(t, 2000)
  const exported = await sluicedb(['export', directory, '--value-encoding', 'base64'])
  t.is(exported.code, 0)
  t.is(jsonLines(exported.out).length, 2000)
  const copy = join(scratchDirectory(t, FAST_ROOT), 'copy')
  const imported = await sluicedb(
    ['import', copy, '--create', '--value-encoding', 'base64'],
    exported.out,
  )
  t.deepEqual([imported.code, imported.out], [0, '2,000 lines read\n'])
  t.is((await sluicedb(['scan', copy])).out, (await sluicedb(['scan', directory])).out)
})

test('a line that cannot be imported is named, and is a mistake of the user', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'db')
  const outcome = await sluicedb(
    ['import', directory, '--create'],
    '{"key":"a","value":"1"}\n{"key":1}\n',
  )
  t.deepEqual(outcome, {
    code: 2,
    out: '',
    error:
      'line 2: no key and value that are strings, or {"base64": string}; the lines before it are stored\n',
  })
  t.is((await sluicedb(['get', directory, 'a'])).out, '1\n')
})

test('a line that is no UTF-8 is refused and not changed, and a byte order mark is none of it', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'db')
  const [, ...lines] = ['a', 'b', 'c'].flatMap((key) => [
    Buffer.from(`\n{"key":"${key}","value":"`),
    key === 'b' ? Buffer.of(0xff) : Buffer.from(key),
    Buffer.from('"}'),
  ])
  // In chunks that end inside lines and characters.
  const bytes = Buffer.concat([Buffer.from('\ufeff{"key":"a","value":"'), ...lines])
  const chunks = Array.from(bytes, (_byte, i) => bytes.subarray(i, i + 1))
  const { code, error } = await sluicedb(['import', directory, '--create'], Readable.from(chunks))
  t.is(code, 2)
  t.is(error, 'line 2: no UTF-8; the lines before it are stored\n')
  t.is((await sluicedb(['scan', directory])).out, 'a\ta\n')
})

test('dump shows a log, a manifest and a table', async (t) => {
  const directory = await makeDatabase(t, 4)
  const names = fs.readdirSync(directory)
  const dumpOf = async (pattern: RegExp): Promise<string> => {
    const { code, out } = await sluicedb([
      'dump',
      join(
        directory,
        names.find((name) => pattern.test(name))!,
      ),
    ])
    t.is(code, 0)
    return out
  }
  t.is(
    await dumpOf(/\.log$/),
    'at 0: batch of 1 from sequence 3\n  3\tput\tkey-002\tvalue 2\nat 36: batch of 1 from sequence 4\n  4\tput\tkey-003\tvalue 3\n',
  )
  t.is(
    await dumpOf(/\.ldb$/),
    'at 0: block of 57 bytes\n  1\tput\tkey-000\tvalue 0\n  2\tput\tkey-001\tvalue 1\n',
  )
  t.regex(
    await dumpOf(/^MANIFEST-/),
    /comparator: leveldb\.BytewiseComparator[^]*new: level 0, file \d+, \d+ bytes, 'key-000' @ 1 \.\. 'key-001' @ 2/,
  )
  t.is((await sluicedb(['dump', join(directory, 'LOG')])).code, 2)
})

test('dump says where a record is malformed, and shows what comes behind it', async (t) => {
  const file = join(scratchDirectory(t, FAST_ROOT), '000007.log')
  const deletion = Buffer.from('090000000000000001000000000161', 'hex')
  fs.writeFileSync(file, logOf([Buffer.from('no batch'), deletion]))
  const { code, out, error } = await sluicedb(['dump', file])
  t.is(code, 1)
  t.regex(out, /^at 0: Corruption: [^]*\nat 15: batch of 1 from sequence 9\n {2}9\tdelete\ta\n$/)
  t.is(error, '')
})

test('an error that nobody expected is no answer: exit code 3, with its stack', async (t) => {
  const directory = await makeDatabase(t)
  const out = new PassThrough()
  out.write = () => {
    throw new TypeError('broken')
  }
  const error = new PassThrough()
  const input = Readable.from([])
  const code = await runProgram(['stats', directory], { input, out, error, interruption: never })
  error.end()
  t.is(code, 3)
  t.regex(await text(error), /^TypeError: broken\n\s+at /)
})

test('verify tells a whole database from a damaged one, and repair ends the damage', async (t) => {
  const directory = await makeDatabase(t)
  const whole = await sluicedb(['verify', directory])
  t.is(whole.code, 0)
  t.regex(whole.out, /no error\n$/)
  const table = fs.readdirSync(directory).find((name) => name.endsWith('.ldb'))!
  const bytes = fs.readFileSync(join(directory, table))
  bytes[10]! ^= 1
  fs.writeFileSync(join(directory, table), bytes)
  const damaged = await sluicedb(['verify', directory, '--json'])
  t.is(damaged.code, 1)
  t.false((JSON.parse(damaged.out) as { ok: boolean }).ok)
  const refused = await sluicedb(['repair', directory])
  t.deepEqual([refused.code, refused.out], [2, ''], 'nobody can be asked')
  t.is((await sluicedb(['repair', directory, '--dry-run'])).code, 0)
  t.is((await sluicedb(['verify', directory])).code, 1, 'a dry run changes nothing')
  t.is((await sluicedb(['repair', directory, '--yes'])).code, 0)
  t.is((await sluicedb(['verify', directory])).code, 0)
})

test('compact and stats say what is in the levels', async (t) => {
  const directory = await makeDatabase(t)
  t.is((await sluicedb(['compact', directory])).code, 0)
  const { levels } = JSON.parse((await sluicedb(['stats', directory, '--json'])).out) as {
    levels: { files: number }[]
  }
  t.is(levels[0]!.files, 0)
  t.is(
    levels.reduce((sum, { files }) => sum + files, 0),
    1,
  )
})

test('destroy asks first, and without anybody to ask it refuses', async (t) => {
  const directory = await makeDatabase(t)
  const refused = await sluicedb(['destroy', directory])
  t.is(refused.code, 2)
  t.regex(refused.error, /Say --yes/)
  t.true(fs.existsSync(join(directory, 'CURRENT')))
  const destroyed = await sluicedb(['destroy', directory, '--yes', '--json'])
  t.deepEqual(destroyed, { code: 0, out: `{"destroyed":"${directory}"}\n`, error: '' })
  t.false(fs.existsSync(directory))
  const again = await sluicedb(['destroy', directory, '--yes'])
  t.is(again.code, 3)
  t.regex(again.error, /^LEVEL_DATABASE_MISSING: /, 'a misspelt path must not look like success')
})

test('a mistake gets a line and no stack, and --help and --version are no mistakes', async (t) => {
  const directory = await makeDatabase(t)
  const mistakes: [readonly string[], number][] = [
    [['nonsense'], 2],
    [['get', directory], 2],
    [['get', '', 'a'], 2],
    [['get', directory, ''], 1],
    [['scan', directory, '--limit', 'x'], 2],
    [['get', directory, 'xyz', '--key-encoding', 'hex'], 2],
    [['get', join(directory, 'missing'), 'a'], 3],
    [['verify', join(directory, 'missing')], 3],
    [['dump', join(directory, '000099.log')], 3],
  ]
  for (const [args, code] of mistakes) {
    const outcome = await sluicedb(args)
    t.is(outcome.code, code, `${args.join(' ')}: ${outcome.error}`)
    t.notRegex(outcome.error, /\n\s+at /, args.join(' '))
  }
  t.is((await sluicedb(['--help'])).code, 0)
  t.regex((await sluicedb(['--version'])).out, /^\d+\.\d+\.\d+\n$/)
})

test('bench measures in a database of its own and removes it', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'bench')
  const { code, out } = await sluicedb([
    'bench',
    directory,
    '--entries',
    '2000',
    '--writers',
    '8',
    '--json',
  ])
  t.is(code, 0)
  const rates = JSON.parse(out) as Record<string, number>
  t.deepEqual(Object.keys(rates), [
    'durablePutsPerSecond',
    'loadedPerSecond',
    'getsPerSecond',
    'scannedPerSecond',
  ])
  t.true(Object.values(rates).every((rate) => rate > 0))
  t.false(fs.existsSync(directory))
})

test('as a process it has the same streams and exit codes', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'db')
  const imported = await sluicedbProcess(
    ['import', directory, '--create'],
    '{"key":"a","value":"1"}\n',
  )
  t.deepEqual(imported, { code: 0, out: '1 line read\n', error: '' })
  t.deepEqual(await sluicedbProcess(['get', directory, 'a']), { code: 0, out: '1\n', error: '' })
  t.is((await sluicedbProcess(['get', directory, 'b'])).code, 1)
  t.is((await sluicedbProcess(['destroy', directory])).code, 2)
})
