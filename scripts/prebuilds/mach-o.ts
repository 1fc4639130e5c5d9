// Mach-O, 64 bits, little-endian: the format of macOS.
//
//   header    magic, processor (4), sub-type, file type (12), number of commands (16), 32 bytes
//   command   type, size, and then what its type says; one after the other behind the header

import { type SharedLibrary, textAt } from './shared-library.ts'

const MAGIC = 0xfeed_facf
const TYPE_LIBRARY = 6
const TYPE_BUNDLE = 8
const HEADER_SIZE = 32

const COMMAND_SYMBOLS = 0x2
const COMMAND_LOAD_LIBRARY = 0xc
const COMMAND_SIGNATURE = 0x1d
const COMMAND_BUILD_VERSION = 0x32

/** A symbol's type: seen from outside, and where it is defined. */
const SYMBOL_EXTERNAL = 1
const SYMBOL_PLACE = 0x0e

interface Command {
  readonly type: number
  readonly position: number
}

export function readMachO(bytes: Buffer): SharedLibrary {
  if (bytes.readUInt32LE(0) !== MAGIC) throw new Error('no 64-bit Mach-O file')
  if (![TYPE_LIBRARY, TYPE_BUNDLE].includes(bytes.readUInt32LE(12))) {
    throw new Error('no shared library')
  }
  const commands = readCommands(bytes)
  const find = (type: number): Command | undefined =>
    commands.find((command) => command.type === type)
  const version = find(COMMAND_BUILD_VERSION)
  return {
    machine: bytes.readUInt32LE(4),
    libraries: commands
      .filter(({ type }) => type === COMMAND_LOAD_LIBRARY)
      .map(({ position }) => textAt(bytes, position + bytes.readUInt32LE(position + 8))),
    ...readSymbols(bytes, find(COMMAND_SYMBOLS)),
    ...(version === undefined
      ? {}
      : { oldestSystem: versionText(bytes.readUInt32LE(version.position + 12)) }),
    isSigned: find(COMMAND_SIGNATURE) !== undefined,
  }
}

function readCommands(bytes: Buffer): Command[] {
  const commands: Command[] = []
  let position = HEADER_SIZE
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    commands.push({ type: bytes.readUInt32LE(position), position })
    position += bytes.readUInt32LE(position + 4)
  }
  return commands
}

function readSymbols(
  bytes: Buffer,
  command: Command | undefined,
): Pick<SharedLibrary, 'imports' | 'exports'> {
  if (command === undefined) throw new Error('no symbols')
  const [table, count, names] = [8, 12, 16].map((at) => bytes.readUInt32LE(command.position + at))
  const imports: { name: string }[] = []
  const exports: string[] = []
  for (let at = table!; at < table! + count! * 16; at += 16) {
    const type = bytes[at + 4]!
    if ((type & SYMBOL_EXTERNAL) === 0) continue
    // Names have an underscore in front, as in C on this system.
    const name = textAt(bytes, names! + bytes.readUInt32LE(at)).replace(/^_/, '')
    if ((type & SYMBOL_PLACE) === 0) imports.push({ name })
    else exports.push(name)
  }
  return { imports, exports }
}

function versionText(version: number): string {
  return `${version >>> 16}.${(version >>> 8) & 0xff}`
}
