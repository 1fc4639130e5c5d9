// ELF, 64 bits, little-endian: the format of Linux.
//
//   header    magic, class, byte order, ... type at 16, machine at 18, section table at 40, its
//             entry count at 60
//   section   64 bytes: name, type (4), ..., position (24), size (32), link to another section (40)
//   .dynsym   24 bytes a symbol: name, info (4), section or 0 where it is wanted (6), value, size
//   .gnu.version     2 bytes a symbol: the index of its version
//   .gnu.version_r   the versions wanted of each library, as two linked lists

import { type Import, type SharedLibrary, textAt } from './shared-library.ts'

const TYPE_SHARED = 3
const SECTION_DYNAMIC = 6
const SECTION_SYMBOLS = 11
const SECTION_VERSIONS_NEEDED = 0x6fff_fffe
const SECTION_VERSIONS = 0x6fff_ffff
const TAG_NEEDED = 1
const BIND_WEAK = 2
/** The top bit of a version's index says that the symbol is hidden. */
const VERSION_MASK = 0x7fff

interface Section {
  readonly type: number
  readonly position: number
  readonly size: number
  readonly link: number
}

export function readElf(bytes: Buffer): SharedLibrary {
  if (bytes.toString('hex', 0, 6) !== '7f454c460201') throw new Error('no 64-bit ELF file')
  if (bytes.readUInt16LE(16) !== TYPE_SHARED) throw new Error('no shared library')
  const sections = readSections(bytes)
  const symbols = readSymbols(bytes, sections)
  return {
    machine: bytes.readUInt16LE(18),
    libraries: readLibraries(bytes, sections),
    imports: symbols.filter(({ isDefined }) => !isDefined).map(({ symbol }) => symbol),
    exports: symbols.filter(({ isDefined }) => isDefined).map(({ symbol }) => symbol.name),
  }
}

function readSections(bytes: Buffer): Section[] {
  const table = Number(bytes.readBigUInt64LE(40))
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, index) => {
    const at = table + index * 64
    return {
      type: bytes.readUInt32LE(at + 4),
      position: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
    }
  })
}

function find(sections: readonly Section[], type: number): Section | undefined {
  return sections.find((section) => section.type === type)
}

function readLibraries(bytes: Buffer, sections: readonly Section[]): string[] {
  const dynamic = find(sections, SECTION_DYNAMIC)
  if (dynamic === undefined) throw new Error('no dynamic section')
  const names = sections[dynamic.link]!.position
  const libraries: string[] = []
  for (let at = dynamic.position; at < dynamic.position + dynamic.size; at += 16) {
    if (Number(bytes.readBigUInt64LE(at)) !== TAG_NEEDED) continue
    libraries.push(textAt(bytes, names + Number(bytes.readBigUInt64LE(at + 8))))
  }
  return libraries
}

function readSymbols(
  bytes: Buffer,
  sections: readonly Section[],
): { symbol: Import; isDefined: boolean }[] {
  const table = find(sections, SECTION_SYMBOLS)
  if (table === undefined) throw new Error('no symbols')
  const names = sections[table.link]!.position
  const versionOf = readVersions(bytes, sections)
  // The first symbol is none.
  return Array.from({ length: table.size / 24 - 1 }, (_, index) => {
    const at = table.position + (index + 1) * 24
    const version = versionOf(index + 1)
    const symbol = {
      name: textAt(bytes, names + bytes.readUInt32LE(at)),
      isWeak: bytes[at + 4]! >> 4 === BIND_WEAK,
      ...(version === undefined ? {} : { version }),
    }
    return { symbol, isDefined: bytes.readUInt16LE(at + 6) !== 0 }
  })
}

/** By the number of a symbol. */
function readVersions(
  bytes: Buffer,
  sections: readonly Section[],
): (symbol: number) => string | undefined {
  const versions = find(sections, SECTION_VERSIONS)
  const needed = find(sections, SECTION_VERSIONS_NEEDED)
  if (versions === undefined || needed === undefined) return () => undefined
  const names = sections[needed.link]!.position
  const byIndex = new Map<number, string>()
  for (let library = needed.position, next = 1; next !== 0; library += next) {
    let entry = library + bytes.readUInt32LE(library + 8)
    for (let left = bytes.readUInt16LE(library + 2); left > 0; left--) {
      byIndex.set(
        bytes.readUInt16LE(entry + 6),
        textAt(bytes, names + bytes.readUInt32LE(entry + 8)),
      )
      entry += bytes.readUInt32LE(entry + 12)
    }
    next = bytes.readUInt32LE(library + 12)
  }
  return (symbol) => byIndex.get(bytes.readUInt16LE(versions.position + symbol * 2) & VERSION_MASK)
}
