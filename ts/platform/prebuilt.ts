// Which of the shipped modules is for this system: prebuilds/<platform>-<processor>, and on Linux
// with the C library musl instead of glibc prebuilds/linux-<processor>-musl.
//
// The library is known by the loader that the running program names in its header (ELF, PT_INTERP):
// /lib/ld-musl-x86_64.so.1 with musl, wherever that leads. Rejected: process.report, which takes
// 14 ms (2026-11-21, one call); /etc/alpine-release, since others have musl too; loading one after
// the other, since musl loads a module for glibc and misses what it lacks only when it is called.
//
//   ELF header        magic and class (0..5), position of the program headers (32), their size (54)
//                     and their number (56)
//   program header    type (0), position in the file (8), size there (32)

import fs from 'node:fs'

/** Behind the header of every ELF file that a system runs are its program headers, and its loader. */
const HEAD_SIZE = 4096
const ELF_64_LITTLE = '7f454c460201'
const TYPE_INTERPRETER = 3

/** `program`: the file that runs; Node's own by default. */
export function prebuiltFolder(
  platform: string = process.platform,
  processor: string = process.arch,
  program: string = process.execPath,
): string {
  const isMusl = platform === 'linux' && /\bld-musl-/.test(interpreterOf(program) ?? '')
  return `prebuilds/${platform}-${processor}${isMusl ? '-musl' : ''}`
}

/** Undefined where the program has none, or cannot be read. */
function interpreterOf(program: string): string | undefined {
  const head = readHead(program)
  if (head === undefined || head.toString('hex', 0, 6) !== ELF_64_LITTLE) return undefined
  const table = Number(head.readBigUInt64LE(32))
  const entrySize = head.readUInt16LE(54)
  const end = table + entrySize * head.readUInt16LE(56)
  for (let at = table; at < end && at + 40 <= head.length; at += entrySize) {
    if (head.readUInt32LE(at) !== TYPE_INTERPRETER) continue
    const position = Number(head.readBigUInt64LE(at + 8))
    return head.toString('latin1', position, position + Number(head.readBigUInt64LE(at + 32)))
  }
  return undefined
}

function readHead(program: string): Buffer | undefined {
  let descriptor: number | undefined
  try {
    descriptor = fs.openSync(program, 'r')
    const head = Buffer.alloc(HEAD_SIZE)
    return head.subarray(0, fs.readSync(descriptor, head, 0, HEAD_SIZE, 0))
  } catch {
    // Without the right to read it, as under Node's permission model, where no addon loads either.
    return undefined
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor)
  }
}
