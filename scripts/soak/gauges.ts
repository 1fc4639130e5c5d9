// What a process and a directory take.

import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Open descriptors of this process; NaN where the system does not list them. */
export function descriptorCount(): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return Number.NaN
  }
}

export interface DiskUse {
  /** Files of the database itself. */
  readonly bytes: number
  readonly files: number
  /** What recoveries set aside. */
  readonly lostBytes: number
}

export function diskUse(directory: string): DiskUse {
  let [bytes, files, lostBytes] = [0, 0, 0]
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const sizeBytes = sizeOf(join(entry.parentPath, entry.name))
    if (entry.parentPath === directory) {
      bytes += sizeBytes
      files++
    } else {
      lostBytes += sizeBytes
    }
  }
  return { bytes, files, lostBytes }
}

// A file may be unlinked between the listing and now.
function sizeOf(path: string): number {
  return lstatSync(path, { throwIfNoEntry: false })?.size ?? 0
}
