// What runs in a Node of another system: arguments are the database to read, the one to write, and
// the file for the report, because wine gives Node no console that it can write to.

import fs from 'node:fs'
import { compressSnappy, snappyBound } from '../../ts/format/snappy-encoder.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import { binding } from '../../ts/platform/load-binding.ts'
import { checkDatabase, writeDatabase } from './emulated-database.ts'

const SIZE = 100_000
const CRC_STEP = 997

/** The module beside the twin: checksums of many lengths, and Snappy both ways. */
function checkModule(): void {
  const bytes = Buffer.allocUnsafeSlow(SIZE)
  for (let at = 0; at < SIZE; at++) bytes[at] = (at * at) >>> (at % 7)
  for (let end = 0; end < SIZE; end += CRC_STEP) {
    if (binding.crc32c(bytes, 3, end + 3) !== crc32c(bytes, 3, end + 3)) {
      throw new Error(`the checksum of ${end} bytes is wrong`)
    }
  }
  const [one, other] = [0, 1].map(() => Buffer.alloc(snappyBound(SIZE)))
  const end = binding.compressSnappy(bytes, 0, SIZE, one!, 0)
  if (compressSnappy(bytes, 0, SIZE, other!, 0) !== end || !one!.equals(other!)) {
    throw new Error('Snappy gives other bytes')
  }
  const expanded = Buffer.alloc(SIZE)
  const elementsAt = 3 // behind the length, 100000 as a varint
  if (!binding.expandSnappy(one!, elementsAt, end, expanded, 0, SIZE) || !expanded.equals(bytes)) {
    throw new Error('Snappy does not expand what it compressed')
  }
}

const [ours, theirs, report] = process.argv.slice(2) as [string, string, string]
let said: string
try {
  checkModule()
  await checkDatabase(ours)
  await writeDatabase(theirs)
  const { kind, implementation } = binding
  said = `ok: ${process.platform} ${process.arch}, Node ${process.versions.node}, ${kind} ${implementation}`
} catch (error) {
  said = error instanceof Error ? String(error.stack) : String(error)
}
fs.writeFileSync(report, said)
