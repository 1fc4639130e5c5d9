// What lies in the directory of an open database: what its version and its logs need, and nothing
// else but lost/.

import { verifyDatabase } from '../../ts/db/tools/verify.ts'
import { parseFileName, tableFileName } from '../../ts/format/file-name.ts'
import { compareBytes, TAG_SIZE } from '../../ts/format/internal-key.ts'
import type { FileMetadata } from '../../ts/version/file-metadata.ts'
import type { VersionSet } from '../../ts/version/version-set.ts'
import { type Database, DIRECTORY, engineOf } from './engine.ts'
import type { SimulatedDisk } from './simulated-disk.ts'
import { Violation } from './violation.ts'

/**
 * Throws a Violation where a file is missing, left over, or of another size, or where a level is out
 * of order. Requires: no background work has begun to write, and no removal has failed.
 */
export function checkDirectory(disk: SimulatedDisk, db: Database): void {
  const { versions } = engineOf(db)
  const sizes = sizesIn(disk)
  for (const { number, sizeBytes } of versions.current.levels.flat()) {
    const size = sizes.get(tableFileName(number))
    if (size !== sizeBytes) {
      throw new Violation(`table ${number} has ${size} bytes, and ${sizeBytes} in the version`)
    }
  }
  for (const name of sizes.keys()) {
    if (!isNeeded(name, versions)) throw new Violation(`nothing needs ${name}`)
  }
  versions.current.levels.slice(1).forEach((files, i) => {
    checkOrder(files, i + 1)
  })
}

/**
 * Throws a Violation where DB.verify finds anything; with `isFaulty`, where it finds more than a crash
 * leaves. Requires: the database is closed.
 */
export async function checkVerified(disk: SimulatedDisk, isFaulty = false): Promise<void> {
  const { problems, counts } = await verifyDatabase(DIRECTORY, {}, disk)
  const problem = problems.find(({ severity }) => !isFaulty || severity === 'error')
  if (problem === undefined && counts.files > 0) return
  throw new Violation(`verify finds ${problem?.message ?? 'no files'}: ${problem?.file}`)
}

/** Manifests that were begun: one or two for each opening, and those that replaced a grown one. */
export function manifestsMade(disk: SimulatedDisk): number {
  return disk.trace.filter(({ kind, path }) => kind === 'create' && /MANIFEST/.test(path)).length
}

function sizesIn(disk: SimulatedDisk): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const [path, bytes] of disk.contents(DIRECTORY)) {
    const name = path.slice(DIRECTORY.length + 1)
    if (!name.includes('/')) sizes.set(name, bytes.length)
  }
  return sizes
}

function isNeeded(name: string, versions: VersionSet): boolean {
  const file = parseFileName(name)
  switch (file?.kind) {
    case undefined:
      return true
    case 'table':
      return versions.liveFileNumbers().has(file.number)
    case 'manifest':
      return file.number === versions.manifestNumber
    case 'log':
      return file.number >= versions.logNumber
    case 'temporary':
      return false
  }
}

// By user key: no compaction of ours ends a file inside of one.
function checkOrder(files: readonly FileMetadata[], level: number): void {
  for (let i = 1; i < files.length; i++) {
    const { largest, number } = files[i - 1]!
    const { smallest } = files[i]!
    const order = compareBytes(
      largest,
      0,
      largest.length - TAG_SIZE,
      smallest,
      0,
      smallest.length - TAG_SIZE,
    )
    if (order >= 0) {
      throw new Violation(`files ${number} and ${files[i]!.number} of level ${level} share a key`)
    }
  }
}
