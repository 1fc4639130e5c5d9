// PE32+: the format of 64-bit Windows.
//
//   at 60     where the header is: 'PE\0\0', machine (4), number of sections (6), size of the
//             optional header (20), flags (22)
//   optional header   at 24: magic; from its byte 112 on the directories, 8 bytes each
//   section   40 bytes: name, size in memory (8), address (12), size in the file, position (20)
//
// Addresses in it are those of memory, relative to where the library is loaded.

import { type Import, type SharedLibrary, textAt } from './shared-library.ts'

const FLAG_LIBRARY = 0x2000
const MAGIC_64 = 0x20b
const DIRECTORY_EXPORTS = 0
const DIRECTORY_IMPORTS = 1
const DIRECTORY_DELAYED = 13
/** The top bit of an entry: wanted by number, not by name. */
const BY_NUMBER = 1n << 63n

export function readPe(bytes: Buffer): SharedLibrary {
  const header = bytes.readUInt32LE(60)
  if (textAt(bytes, header) !== 'PE') throw new Error('no PE file')
  if ((bytes.readUInt16LE(header + 22) & FLAG_LIBRARY) === 0) throw new Error('no shared library')
  const reader = new PeReader(bytes, header)
  const tables = reader.imports()
  return {
    machine: bytes.readUInt16LE(header + 4),
    libraries: tables.map(({ library }) => library),
    imports: tables.flatMap(({ symbols }) => symbols),
    exports: reader.exports(),
  }
}

class PeReader {
  readonly #bytes: Buffer
  readonly #optionalHeader: number
  readonly #sections: number
  readonly #sectionCount: number

  constructor(bytes: Buffer, header: number) {
    this.#bytes = bytes
    this.#optionalHeader = header + 24
    if (bytes.readUInt16LE(this.#optionalHeader) !== MAGIC_64) throw new Error('no 64-bit PE file')
    this.#sections = this.#optionalHeader + bytes.readUInt16LE(header + 20)
    this.#sectionCount = bytes.readUInt16LE(header + 6)
  }

  /** By library, those that are looked up only when they are called included. */
  imports(): { library: string; symbols: Import[] }[] {
    return [
      ...this.#importsOf(DIRECTORY_IMPORTS, { entrySize: 20, name: 12, table: 0 }),
      ...this.#importsOf(DIRECTORY_DELAYED, { entrySize: 32, name: 4, table: 16 }),
    ]
  }

  exports(): string[] {
    const directory = this.#directory(DIRECTORY_EXPORTS)
    if (directory === undefined) return []
    const count = this.#bytes.readUInt32LE(directory + 24)
    const names = this.#positionOf(this.#bytes.readUInt32LE(directory + 32))
    return Array.from({ length: count }, (_, index) =>
      textAt(this.#bytes, this.#positionOf(this.#bytes.readUInt32LE(names + index * 4))),
    )
  }

  #importsOf(
    directory: number,
    layout: { entrySize: number; name: number; table: number },
  ): { library: string; symbols: Import[] }[] {
    const found: { library: string; symbols: Import[] }[] = []
    let entry = this.#directory(directory)
    for (; entry !== undefined; entry += layout.entrySize) {
      const name = this.#bytes.readUInt32LE(entry + layout.name)
      if (name === 0) break
      const library = textAt(this.#bytes, this.#positionOf(name))
      found.push({
        library,
        symbols: this.#symbols(this.#bytes.readUInt32LE(entry + layout.table)),
      })
    }
    return found
  }

  #symbols(table: number): Import[] {
    const symbols: Import[] = []
    for (let at = this.#positionOf(table); ; at += 8) {
      const entry = this.#bytes.readBigUInt64LE(at)
      if (entry === 0n) return symbols
      if ((entry & BY_NUMBER) !== 0n) symbols.push({ name: `#${entry & 0xffffn}` })
      // Two bytes of a hint stand before the name.
      else symbols.push({ name: textAt(this.#bytes, this.#positionOf(Number(entry)) + 2) })
    }
  }

  #directory(index: number): number | undefined {
    const address = this.#bytes.readUInt32LE(this.#optionalHeader + 112 + index * 8)
    return address === 0 ? undefined : this.#positionOf(address)
  }

  #positionOf(address: number): number {
    for (let index = 0; index < this.#sectionCount; index++) {
      const section = this.#sections + index * 40
      const from = this.#bytes.readUInt32LE(section + 12)
      if (address < from || address >= from + this.#bytes.readUInt32LE(section + 8)) continue
      return address - from + this.#bytes.readUInt32LE(section + 20)
    }
    throw new Error(`no section holds the address ${address}`)
  }
}
