// docs/formats.md shows the bytes that are written: each of them is compared.
//
// A fence `hex <name>` holds lines of bytes with words behind them; fences of the same name are parts
// of one file, in order.

import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { putFixed32, putVarint } from '../../ts/format/coding.ts'
import { fragmentRecord } from '../../ts/format/log-block.ts'
import { makeInternalKey, TYPE_VALUE } from '../../ts/format/internal-key.ts'
import { compressSnappy, snappyBound } from '../../ts/format/snappy-encoder.ts'
import { extendCrc32c } from '../../ts/platform/js-crc32c.ts'
import { ROOT } from '../house/source-tree.ts'

const FENCE = /^```(\w+) ([^\n]+)\n([^]*?)^```$/gm
const BYTES = /^((?:[0-9a-f]{2} +)*[0-9a-f]{2})(?: {2,}.*)?$/

const page = fs.readFileSync(join(ROOT, 'docs', 'formats.md'), 'utf8')
const fences = [...page.matchAll(FENCE)].map(([, kind, name, body]) => ({
  kind: kind!,
  name: name!,
  body: body!,
}))

/** The bytes of one line: pairs of digits up to the first word. */
function bytesOfLine(line: string): Buffer {
  const match = BYTES.exec(line)
  if (match === null) throw new Error(`'${line}' has no bytes in front`)
  return Buffer.from(match[1]!.replaceAll(' ', ''), 'hex')
}

/** What the page shows, by name. */
function shownBytes(): Map<string, Buffer> {
  const shown = new Map<string, Buffer>()
  for (const { kind, name, body } of fences) {
    if (kind !== 'hex') continue
    const lines = body.trimEnd().split('\n').map(bytesOfLine)
    shown.set(name, Buffer.concat([shown.get(name) ?? Buffer.alloc(0), ...lines]))
  }
  return shown
}

function fenceOf(kind: string, name: string): string {
  return fences.find((fence) => fence.kind === kind && fence.name === name)!.body
}

/** Runs the page's program and returns what it leaves, by name. */
async function runProgram(): Promise<Map<string, Buffer>> {
  const directory = fs.mkdtempSync(join(tmpdir(), 'sluicedb-formats-'))
  try {
    const path = join(directory, 'fruit')
    const code = fenceOf('js', 'fruit').replace("'./fruit'", JSON.stringify(path))
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: ROOT,
    })
    const names = fs.readdirSync(path).toSorted()
    return new Map(names.map((name) => [name, fs.readFileSync(join(path, name))]))
  } finally {
    fs.rmSync(directory, { recursive: true })
  }
}

/** The examples that are no file. */
function piecesByCode(): [name: string, bytes: Buffer][] {
  const integers = Buffer.alloc(6)
  putFixed32(integers, 0, 258)
  putVarint(integers, 4, 300)
  const text = Buffer.from('a sluice, a sluice, a sluice!')
  const compressed = Buffer.alloc(snappyBound(text.length))
  const compressedEnd = compressSnappy(text, 0, text.length, compressed, 0)
  const pieces: Buffer[] = []
  fragmentRecord(Buffer.alloc(40_000, 'a'), 0, 40_000, 0, extendCrc32c, pieces)
  const log = Buffer.concat(pieces)
  return [
    ['integers', integers],
    ['internal key', makeInternalKey(Buffer.from('apple'), 1, TYPE_VALUE)],
    ['fragment headers', Buffer.concat([log.subarray(0, 7), log.subarray(32_768, 32_775)])],
    ['snappy', compressed.subarray(0, compressedEnd)],
  ]
}

test('every byte in docs/formats.md is the one that is written', async (t) => {
  const files = await runProgram()
  t.deepEqual([...files.keys()], fenceOf('text', 'fruit/').trimEnd().split('\n'))
  t.is(files.get('LOCK')!.length, 0)
  const actual = new Map(
    ['CURRENT', 'MANIFEST-000002', '000004.log', '000005.ldb'].map((name) => [
      name,
      files.get(name)!,
    ]),
  )
  actual.set('batch', files.get('000004.log')!.subarray(7))
  for (const [name, bytes] of piecesByCode()) actual.set(name, bytes)
  const shown = shownBytes()
  t.deepEqual([...shown.keys()].toSorted(), [...actual.keys()].toSorted())
  for (const [name, bytes] of actual)
    t.is(shown.get(name)!.toString('hex'), bytes.toString('hex'), name)
})
