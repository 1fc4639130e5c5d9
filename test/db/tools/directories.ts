// Whole database directories as maps from name to bytes: made for real, changed, put on a disk.

import fs from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { DB, type DBOptions } from '../../../ts/index.ts'
import { putFixed32 } from '../../../ts/format/coding.ts'
import { maskCrc } from '../../../ts/format/crc-mask.ts'
import { crc32c } from '../../../ts/platform/js-crc32c.ts'
import { DIRECTORY } from '../../crash/engine.ts'
import { SimulatedDisk } from '../../crash/simulated-disk.ts'
import { SEED } from '../../format/seed.ts'
import { FAST_ROOT, scratchDirectory } from '../../platform/scratch-directory.ts'

/** By name in the directory, LOG and LOCK left out. */
export type Files = Map<string, Buffer>

export const b = (text: string): Buffer => Buffer.from(text)

/** What a database leaves that did `steps` and was closed. */
export async function closedDatabase(
  t: ExecutionContext,
  options: DBOptions,
  steps: (db: DB) => Promise<unknown>,
): Promise<Files> {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  const db = await DB.open(path, { createIfMissing: true, ...options })
  await steps(db)
  await db.close()
  return filesIn(path)
}

export function filesIn(path: string): Files {
  const names = fs.readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile())
  const wanted = names.map(({ name }) => name).filter((name) => !/^LO(?:CK|G)/.test(name))
  return new Map(wanted.map((name) => [name, fs.readFileSync(join(path, name))]))
}

/** A simulated disk with these files in the one database directory. */
export function diskOf(files: Files): SimulatedDisk {
  const disk = new SimulatedDisk(SEED, { latency: 0 })
  for (const [name, bytes] of files) disk.plant(`${DIRECTORY}/${name}`, bytes)
  return disk
}

/** A real directory with these files. */
export function directoryOf(t: ExecutionContext, files: Files): string {
  const path = join(scratchDirectory(t, FAST_ROOT), 'db')
  fs.mkdirSync(path)
  for (const [name, bytes] of files) fs.writeFileSync(join(path, name), bytes)
  return path
}

/** The only name that matches. */
export function nameOf(files: Files, pattern: RegExp): string {
  const names = [...files.keys()].filter((name) => pattern.test(name))
  if (names.length !== 1) throw new Error(`${names.join()} for ${String(pattern)}`)
  return names[0]!
}

/** A copy in which the file that matches is what `edit` gives; without it when that is undefined. */
export function changed(
  files: Files,
  pattern: RegExp,
  edit: (bytes: Buffer) => Buffer | undefined,
): Files {
  const name = nameOf(files, pattern)
  const copy = new Map(files)
  const bytes = edit(Buffer.from(files.get(name)!))
  if (bytes === undefined) copy.delete(name)
  else copy.set(name, bytes)
  return copy
}

/** Changes one bit. */
export function flipped(bytes: Buffer, at: number, bit = 0): Buffer {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 1 << bit
  return copy
}

/** Gives the block bytes[offset, offset + size) a checksum that is right, after it was changed. */
export function resealBlock(bytes: Buffer, offset: number, size: number): Buffer {
  const end = offset + size + 1
  putFixed32(bytes, end, maskCrc(crc32c(bytes, offset, end)))
  return bytes
}
