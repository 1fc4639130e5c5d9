// Reads what a shared library says of itself, by its format.

import { readElf } from './elf.ts'
import { readMachO } from './mach-o.ts'
import { readPe } from './pe.ts'
import type { SharedLibrary } from './shared-library.ts'
import type { Format, Target } from './targets.ts'

const READERS: Readonly<Record<Format, (bytes: Buffer) => SharedLibrary>> = {
  elf: readElf,
  'mach-o': readMachO,
  pe: readPe,
}

/** Throws when the bytes are not a shared library of the target's format. */
export function readSharedLibrary(bytes: Buffer, target: Target): SharedLibrary {
  return READERS[target.format](bytes)
}
